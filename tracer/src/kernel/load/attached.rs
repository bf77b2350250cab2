//! Programs in place: what they hand over, what they cost, and how they are taken off again.

use std::collections::BTreeMap;

use aya::{
    Ebpf,
    maps::{Array, MapData, MapError, PerCpuArray, PerfEventArray, RingBuf},
    programs::ProgramInfo,
};
use tracer_common::counters::COUNTERS;

use super::{
    Counts,
    counts::skipped,
    legacy::{cpus, sizes},
    load_failure, unload,
};
use crate::{
    error::Failure,
    kernel::{hooks::Set, plan::Plan, ring::Source},
};

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
    /// Size after the kernel's rewriting, bytes; before it where the kernel does not say (before 4.13).
    pub xlated: u32,
    /// Size of the machine code, bytes; 0 where the kernel does not say.
    pub jited: u32,
}

impl Attached {
    /// Where the records come from; once. `bytes` is the room for them, where it was not made before.
    ///
    /// # Errors
    /// When it cannot be mapped.
    pub fn ring(&mut self, bytes: u32) -> Result<Source, Failure> {
        let map = self.ebpf.take_map("EVENTS").ok_or_else(|| load_failure(&MapError::ElementNotFound))?;
        if self.plan.set != Set::Legacy {
            return RingBuf::try_from(map).map(Source::Ring).map_err(|error| load_failure(&error));
        }
        let array = PerfEventArray::try_from(map).map_err(|error| load_failure(&error))?;
        Source::of_every_cpu(array, bytes).map_err(|error| load_failure(&error))
    }

    /// Messages of the eBPF programs, into the `log` crate's logger; `None` where the object has none.
    pub fn logger(&mut self) -> Option<aya_log::EbpfLogger<&'static dyn log::Log>> {
        aya_log::EbpfLogger::init(&mut self.ebpf).ok()
    }

    /// The kernel side's own counts, summed over all CPUs; what was skipped only while the programs are in place.
    ///
    /// # Errors
    /// When the map cannot be read.
    pub fn counts(&self) -> Result<Counts, Failure> {
        let map = self.ebpf.map("COUNTERS").ok_or_else(|| load_failure(&MapError::ElementNotFound))?;
        let mut sums = [0_u64; COUNTERS as usize];
        let summed = if self.plan.set == Set::Legacy {
            let cpus = cpus()?;
            Array::try_from(map).and_then(|array| sum_places(&array, cpus, &mut sums))
        } else {
            PerCpuArray::try_from(map).and_then(|array| sum_cpus(&array, &mut sums))
        };
        summed.map_err(|error| load_failure(&error))?;
        let names = self.plan.hooks.iter().flat_map(|hook| hook.names(self.plan.set));
        let skipped = names.filter_map(|name| self.ebpf.program(name)).map(skipped).sum();
        Ok(Counts { sums, skipped })
    }

    /// The programs in place.
    pub fn programs(&self) -> Vec<ProgramFacts> {
        let hooks = self.plan.hooks.iter();
        let names = hooks.flat_map(|hook| hook.names(self.plan.set).map(|name| (name, hook.name)));
        let loaded = if self.plan.set == Set::Legacy { sizes() } else { BTreeMap::new() };
        names
            .filter_map(|(program, hook)| {
                let program_here = self.ebpf.program(program)?;
                // Of twins one is in place.
                program_here.fd().ok()?;
                let info = program_here.info().ok();
                let verified = info.as_ref().and_then(ProgramInfo::verified_instruction_count);
                let xlated = info.as_ref().and_then(ProgramInfo::size_translated);
                Some(ProgramFacts {
                    program: program.to_owned(),
                    hook,
                    verified: verified.unwrap_or(0),
                    xlated: xlated.or_else(|| loaded.get(program).copied())?,
                    jited: info.map_or(0, |info| info.size_jitted()),
                })
            })
            .collect()
    }

    /// Takes every program off its hook, in the reverse order. The maps stay: what is in the ring can still be read.
    pub fn detach(&mut self) {
        for hook in self.plan.hooks.iter().rev() {
            for name in hook.names(self.plan.set).rev() {
                if let Some(program) = self.ebpf.program_mut(name) {
                    unload(program);
                }
            }
        }
    }
}

fn sum_cpus(array: &PerCpuArray<&MapData, u64>, sums: &mut [u64]) -> Result<(), MapError> {
    for (index, sum) in (0_u32..).zip(sums) {
        *sum = array.get(&index, 0)?.iter().sum();
    }
    Ok(())
}

/// The values of all CPUs stand one behind the other.
fn sum_places(array: &Array<&MapData, u64>, cpus: u32, sums: &mut [u64]) -> Result<(), MapError> {
    for (index, sum) in (0_u32..).zip(sums) {
        for cpu in 0..cpus {
            *sum += array.get(&(index * cpus + cpu), 0)?;
        }
    }
    Ok(())
}
