//! A word that user space tells a program before it loads it. Kernels before 5.2 have no read-only globals: here every word is
//! a constant of an instruction, which user space writes ([`tracer_common::legacy`]).

/// The word of this number.
#[inline(always)]
pub fn word<const NUMBER: usize>() -> u32 {
    #[cfg(target_arch = "bpf")]
    {
        let value: u64;
        // SAFETY: a constant; user space writes no more than 32 bits.
        #[expect(unsafe_code, reason = "a constant that user space can find")]
        unsafe {
            core::arch::asm!(
                "{value} = {constant} ll",
                value = out(reg) value,
                constant = const (tracer_common::legacy::MARK as u64) << 32 | NUMBER as u64,
                options(pure, nomem, nostack, preserves_flags)
            );
            core::hint::assert_unchecked(value <= u32::MAX as u64);
        }
        value as u32
    }
    #[cfg(not(target_arch = "bpf"))]
    {
        NUMBER as u32 // only for clippy on the host
    }
}
