//! The start line: what is known of a run when everything that can be attached is attached.

use std::borrow::Cow;

use super::Capture;
use crate::model::{Cause, Nanos};

/// A hook that is not attached, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// Kernel function or tracepoint.
    pub hook: String,
    /// One sentence, with the system's own words where it said any.
    pub why: String,
}

/// Where the programs know from where the kernel has its fields.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Types {
    /// `kernel`, `file` or `calibration`.
    pub from: Cow<'static, str>,
    /// The file.
    pub path: Option<String>,
    /// Fields that are known.
    pub fields: u64,
    /// Fields that there are.
    pub of: u64,
    /// Of those that calibration did not find, the ones that something depends on.
    pub without: Vec<Without>,
}

/// A field that is not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Without {
    /// Structure and member.
    pub field: String,
    /// What is therefore unknown.
    pub unknown: String,
}

/// The filter in force, as it was asked for. Empty and `None` mean "any".
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FilterWords {
    /// Server ports as inclusive ranges, sorted.
    pub ports: Vec<(u16, u16)>,
    /// 4 or 6.
    pub family: Option<u8>,
    /// Client prefixes.
    pub from: Vec<String>,
    /// Interface name.
    pub interface: Option<String>,
    /// Namespace as given on the command line.
    pub netns: Option<String>,
    /// Causes shown; empty: the default selection.
    pub causes: Vec<Cause>,
}

impl FilterWords {
    /// Whether something else than the namespace is filtered: the kernel's counters then count SYNs that we do not see.
    pub fn is_narrow(&self) -> bool {
        !self.ports.is_empty() || self.family.is_some() || !self.from.is_empty() || self.interface.is_some()
    }
}

/// What is known when everything that can be attached is attached.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Start {
    /// When.
    pub time: Nanos,
    /// Version of this program.
    pub version: Cow<'static, str>,
    /// `uname -r`; `None`: not known.
    pub kernel: Option<String>,
    /// Name of the hook set; `capture` where there is none.
    pub set: Cow<'static, str>,
    /// Hooks in place, by kernel function or tracepoint.
    pub attached: Vec<String>,
    /// Hooks not in place.
    pub missing: Vec<Missing>,
    /// Where its fields are known from; `None`: there are none, or that is not known.
    pub types: Option<Types>,
    /// Causes that cannot be seen or told apart here.
    pub blind: Vec<Cause>,
    /// The filter.
    pub filter: FilterWords,
    /// What the analysis may keep: with other bounds the same SYNs may give another summary. `None`: not known.
    pub limits: Option<Limits>,
    /// The capture that is read instead of a kernel's records, as far as it is known.
    pub capture: Option<Capture>,
}

/// What the analysis may keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Sources that are told apart.
    pub sources: usize,
    /// Memory of all clocks together, bytes.
    pub clock_bytes: usize,
}

impl Limits {
    /// What may be asked for.
    pub const MOST: Self = Self { sources: 1 << 24, clock_bytes: 65_535 << 20 };

    /// Of these and those of a recording: with its own the same lines give the same summary, but who asks for others gets
    /// them.
    #[must_use]
    pub fn or_recorded(self, recorded: Option<Self>) -> Self {
        if self == Self::default() { recorded.unwrap_or(self) } else { self }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self { sources: 65_536, clock_bytes: 12 << 20 }
    }
}
