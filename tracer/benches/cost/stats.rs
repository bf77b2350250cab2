//! The kernel's statistics of BPF programs: runs and nanoseconds of each (`bpf_prog_info`, since Linux 5.1). The time holds
//! what reading the clock twice costs; programs that do nothing show how much that is.

use std::{collections::BTreeMap, os::fd::OwnedFd};

use anyhow::{Context as _, Result, ensure};
use aya::{
    programs::{ProgramInfo, loaded_programs},
    sys::{Stats, enable_stats},
};

/// The statistics are kept as long as this lives.
pub(crate) struct Statistics(#[expect(dead_code, reason = "it is held, not used")] OwnedFd);

/// Runs and time of one program, by the id of it.
pub(crate) type Programs = BTreeMap<u32, Program>;

/// One program.
#[derive(Clone, Debug, Default)]
pub(crate) struct Program {
    pub(crate) name: String,
    pub(crate) runs: u64,
    pub(crate) nanos: u64,
}

/// What programs did during one piece of traffic, by name.
pub(crate) type Figures = BTreeMap<String, (u64, u64)>;

fn program(info: &ProgramInfo) -> Program {
    Program {
        name: info.name_as_str().unwrap_or("?").to_owned(),
        runs: info.run_count(),
        nanos: u64::try_from(info.run_time().as_nanos()).unwrap_or(u64::MAX),
    }
}

impl Statistics {
    pub(crate) fn on() -> Result<Self> {
        let on = enable_stats(Stats::RunTime)
            .context("switch the statistics of BPF programs on (needs root, Linux 5.8)")?;
        Ok(Self(on))
    }

    /// Every program that is loaded.
    #[expect(clippy::unused_self, reason = "there are no figures without the statistics")]
    pub(crate) fn read(&self) -> Programs {
        // A program may go while the list is read.
        loaded_programs().flatten().map(|info| (info.id(), program(&info))).collect()
    }

    /// Those that came since.
    pub(crate) fn since(&self, before: &Programs) -> Programs {
        let mut now = self.read();
        now.retain(|id, _| !before.contains_key(id));
        now
    }

    /// What these did since.
    pub(crate) fn of(&self, before: &Programs) -> Result<Figures> {
        let now = self.read();
        let mut figures = Figures::new();
        for (id, before) in before {
            // bpftrace loads some only to see whether they load; those that watch stay as long as it does.
            let Some(now) = now.get(id) else { continue };
            let entry = figures.entry(now.name.clone()).or_default();
            entry.0 += now.runs - before.runs;
            entry.1 += now.nanos - before.nanos;
        }
        ensure!(!figures.is_empty(), "no program is there that could have watched");
        Ok(figures)
    }
}
