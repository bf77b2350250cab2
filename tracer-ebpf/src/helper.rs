//! The kernel's helpers, as they are called since 5.8.

use aya_ebpf::helpers::{bpf_probe_read_kernel, generated::bpf_jiffies64};

use crate::told::told;

/// What is at an address of the kernel; `None` when it cannot be read. Every `T` used is plain bytes.
#[inline(always)]
pub fn read<T: Copy>(address: u64) -> Option<T> {
    // SAFETY: the helper checks the address.
    #[expect(unsafe_code, reason = "a BPF helper")]
    unsafe { bpf_probe_read_kernel(address as *const T) }.ok()
}

/// The kernel's clock of ticks; `None` where it cannot be asked.
#[inline(always)]
pub fn jiffies() -> Option<u64> {
    // SAFETY: takes nothing, returns a number.
    #[expect(unsafe_code, reason = "a BPF helper")]
    Some(unsafe { bpf_jiffies64() })
}

/// The running second, as far as it matters: a power of two of ticks. The clock costs a tenth of what a drop does, the ticks
/// are one load.
#[inline(always)]
pub fn second() -> u32 {
    // SAFETY: takes nothing, returns a number.
    #[expect(unsafe_code, reason = "a BPF helper")]
    let ticks = unsafe { bpf_jiffies64() };
    (ticks >> told!(SAMPLING.second_shift)) as u32
}
