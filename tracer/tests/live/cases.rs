//! The cases: each makes its SYNs in a laboratory of its own, and the hook set under test is judged by them.

mod buckets;
mod connections;
mod hostile;
mod listeners;
mod refused;
mod requests;

use std::fmt;

use anyhow::Result;

use super::{family::Family, lab::Lab};

const V4: &[Family] = &[Family::V4];
const BOTH: &[Family] = &[Family::V4, Family::V6];

/// A case.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) families: &'static [Family],
    pub(crate) run: fn(&mut Lab) -> Result<()>,
}

/// Something that this kernel does not have: the case is ignored, and it is said why.
#[derive(Debug)]
pub(crate) struct Lacking(pub(crate) &'static str);

impl fmt::Display for Lacking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for Lacking {}

/// All of them.
pub(crate) fn all() -> impl Iterator<Item = &'static Case> {
    [buckets::CASES, requests::CASES, connections::CASES, listeners::CASES, refused::CASES, hostile::CASES]
        .into_iter()
        .flatten()
}
