//! The eBPF programs that a tracer holds, and whether the kernel has let go of them after its end.

use std::{
    fs, thread,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};

use super::watcher::{PATIENCE, Watcher};

/// Programs by number.
pub(crate) struct Programs(Vec<u32>);

impl Programs {
    /// Those that a running tracer holds.
    pub(crate) fn of(watcher: &Watcher) -> Result<Self> {
        let mut held = Vec::new();
        for entry in fs::read_dir(format!("/proc/{}/fdinfo", watcher.pid()))? {
            let text = fs::read_to_string(entry?.path()).unwrap_or_default();
            let id = |line: &str| line.strip_prefix("prog_id:")?.trim().parse::<u32>().ok();
            held.extend(text.lines().filter_map(id));
        }
        let there = loaded();
        ensure!(!held.is_empty(), "the tracer holds no programs");
        ensure!(held.iter().all(|id| there.contains(id)), "{held:?} are not among the kernel's, {there:?}");
        Ok(Self(held))
    }

    /// Waits until none of them is loaded: the kernel frees them when nobody can be running them any more.
    pub(crate) fn are_gone(&self) -> Result<()> {
        let begun = Instant::now();
        loop {
            let there = loaded();
            let left: Vec<_> = self.0.iter().filter(|id| there.contains(id)).collect();
            if left.is_empty() {
                return Ok(());
            }
            ensure!(begun.elapsed() < PATIENCE, "the programs {left:?} are still there");
            thread::sleep(Duration::from_millis(20));
        }
    }
}

/// Every program in the kernel.
fn loaded() -> Vec<u32> {
    aya::programs::loaded_programs().filter_map(|program| Some(program.ok()?.id())).collect()
}
