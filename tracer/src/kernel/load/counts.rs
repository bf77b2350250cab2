//! What the kernel side counted, by itself or since an earlier reading: our programs, and the kernel of them.

use std::{fs, os::fd::AsRawFd as _};

use tracer_common::counters::{COUNTERS, Counter};

/// The kernel side's own counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub(super) sums: [u64; COUNTERS as usize],
    /// Runs of our programs that the kernel skipped, because one was interrupted by what it hooks (`recursion_misses`, 5.12).
    pub skipped: u64,
}

impl Counts {
    /// What was added since an earlier reading.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        Self {
            sums: std::array::from_fn(|n| self.sums[n].saturating_sub(earlier.sums[n])),
            skipped: self.skipped.saturating_sub(earlier.skipped),
        }
    }

    /// One of them.
    pub fn of(&self, counter: Counter) -> u64 {
        self.sums[counter as usize]
    }
}

/// Runs of a program that the kernel skipped; 0 where it does not say.
pub(super) fn skipped(program: &aya::programs::Program) -> u64 {
    let Ok(fd) = program.fd() else { return 0 };
    let file = format!("/proc/self/fdinfo/{}", std::os::fd::AsFd::as_fd(fd).as_raw_fd());
    fs::read_to_string(file).map_or(0, |text| misses(&text).unwrap_or(0))
}

/// `bpf_prog_show_fdinfo` (`kernel/bpf/syscall.c`).
fn misses(text: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix("recursion_misses:"))?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_kernel_says_of_a_program() {
        let said = "pos:\t0\nflags:\t02000002\nprog_type:\t26\nprog_jited:\t1\nrecursion_misses:\t17\nverified_insns:\t9\n";
        assert_eq!((misses(said), misses("prog_type:\t26\n"), misses("")), (Some(17), None, None));
    }
}
