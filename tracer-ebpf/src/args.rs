//! Makes the arguments of trampolines, probes and raw tracepoints look alike: plain 64-bit words.

use aya_ebpf::programs::{
    BtfTracePointContext, FEntryContext, FExitContext, ProbeContext, RawTracePointContext,
};

/// The words a hook was called with.
pub trait Args {
    /// Word `n`, counted from 0; 0 where the probe cannot reach it.
    fn nth(&self, n: usize) -> u64;
}

impl Args for FEntryContext {
    #[inline(always)]
    fn nth(&self, n: usize) -> u64 {
        self.arg(n)
    }
}

impl Args for FExitContext {
    #[inline(always)]
    fn nth(&self, n: usize) -> u64 {
        self.arg(n)
    }
}

impl Args for ProbeContext {
    #[inline(always)]
    fn nth(&self, n: usize) -> u64 {
        self.arg(n).unwrap_or(0)
    }
}

impl Args for BtfTracePointContext {
    #[inline(always)]
    fn nth(&self, n: usize) -> u64 {
        self.arg(n)
    }
}

impl Args for RawTracePointContext {
    #[inline(always)]
    fn nth(&self, n: usize) -> u64 {
        self.arg(n)
    }
}
