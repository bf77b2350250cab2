//! Programs in place: what they hand over, what they cost, and how they are taken off again.

use aya::{
    Ebpf,
    maps::{MapData, PerCpuArray, RingBuf},
};
use tracer_common::counters::COUNTERS;

use super::{Counts, load_failure, unload};
use crate::{error::Failure, kernel::plan::Plan};

/// Programs in place.
pub struct Attached {
    pub(super) ebpf: Ebpf,
    /// What is attached, what is not, what that means.
    pub plan: Plan,
}

/// One program as the kernel holds it.
#[derive(Clone, Debug)]
pub struct ProgramFacts {
    /// Name in the object.
    pub program: String,
    /// Function or tracepoint.
    pub hook: &'static str,
    /// Instructions that the verifier walked; 0 where the kernel does not say (before 5.16).
    pub verified: u32,
    /// Size after the kernel's rewriting, bytes.
    pub xlated: u32,
    /// Size of the machine code, bytes.
    pub jited: u32,
}

impl Attached {
    /// The ring; once.
    ///
    /// # Errors
    /// When it cannot be mapped.
    pub fn ring(&mut self) -> Result<RingBuf<MapData>, Failure> {
        let map = self
            .ebpf
            .take_map("EVENTS")
            .ok_or_else(|| load_failure(&aya::maps::MapError::ElementNotFound))?;
        RingBuf::try_from(map).map_err(|error| load_failure(&error))
    }

    /// Messages of the eBPF programs, into the `log` crate's logger; `None` where the object has none.
    pub fn logger(&mut self) -> Option<aya_log::EbpfLogger<&'static dyn log::Log>> {
        aya_log::EbpfLogger::init(&mut self.ebpf).ok()
    }

    /// The kernel side's own counts, summed over all CPUs.
    ///
    /// # Errors
    /// When the map cannot be read.
    pub fn counts(&self) -> Result<Counts, Failure> {
        let map =
            self.ebpf.map("COUNTERS").ok_or_else(|| load_failure(&aya::maps::MapError::ElementNotFound))?;
        let array: PerCpuArray<&MapData, u64> =
            PerCpuArray::try_from(map).map_err(|error| load_failure(&error))?;
        let mut sums = [0_u64; COUNTERS as usize];
        for (index, sum) in (0_u32..).zip(&mut sums) {
            let values = array.get(&index, 0).map_err(|error| load_failure(&error))?;
            *sum = values.iter().sum();
        }
        Ok(Counts(sums))
    }

    /// The programs in place.
    pub fn programs(&self) -> Vec<ProgramFacts> {
        let hooks = self.plan.hooks.iter();
        let names = hooks.flat_map(|hook| {
            hook.programs
                .iter()
                .filter(|(set, ..)| *set == self.plan.set)
                .map(|(_, _, name)| (*name, hook.name))
        });
        names
            .filter_map(|(program, hook)| {
                let info = self.ebpf.program(program)?.info().ok()?;
                Some(ProgramFacts {
                    program: program.to_owned(),
                    hook,
                    verified: info.verified_instruction_count().unwrap_or(0),
                    xlated: info.size_translated().unwrap_or(0),
                    jited: info.size_jitted(),
                })
            })
            .collect()
    }

    /// Takes every program off its hook, in the reverse order. The maps stay: what is in the ring can still be read.
    pub fn detach(&mut self) {
        for hook in self.plan.hooks.iter().rev() {
            let programs = hook.programs.iter().rev().filter(|(set, ..)| *set == self.plan.set);
            for (_, _, name) in programs {
                if let Some(program) = self.ebpf.program_mut(name) {
                    unload(program);
                }
            }
        }
    }
}
