//! The kernel's helpers, as they are called before 5.8.

use aya_ebpf::helpers::generated::bpf_probe_read;

use crate::time::now;

/// What is at an address of the kernel; `None` when it cannot be read. Every `T` used is plain bytes.
#[inline(always)]
pub fn read<T: Copy>(address: u64) -> Option<T> {
    // Before 4.8 helpers get no memory that was not written before.
    let mut value = core::mem::MaybeUninit::<T>::zeroed();
    // SAFETY: the helper checks the address, and there is room for so many bytes.
    #[expect(unsafe_code, reason = "a BPF helper")]
    unsafe {
        let failed = bpf_probe_read(value.as_mut_ptr().cast(), size_of::<T>() as u32, address as *const _);
        (failed == 0).then(|| value.assume_init())
    }
}

/// The kernel's clock of ticks, which cannot be asked before 5.5.
#[inline(always)]
pub fn jiffies() -> Option<u64> {
    None
}

/// The running second, as far as it matters: 2^30 ns.
#[inline(always)]
pub fn second() -> u32 {
    (now() >> 30) as u32
}
