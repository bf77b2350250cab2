//! What an exit trampoline's function returned.

/// What a function with `$args` arguments returned, in its exit trampoline: the word behind the arguments.
///
/// `bpf_get_func_ret` came with 5.17. The load is written in assembly because the compiler merges two plain loads
/// behind a branch into one at a variable offset, which the verifier refuses ("dereference of modified ctx ptr").
macro_rules! returned {
    ($ctx:expr, $args:literal) => {{
        let value: u64;
        let ctx = aya_ebpf::EbpfContext::as_ptr(&$ctx);
        // SAFETY: reads one word of the context; the verifier checks the offset against the prototype.
        #[cfg(target_arch = "bpf")]
        #[expect(unsafe_code, reason = "a load of the context at a fixed offset")]
        unsafe {
            core::arch::asm!(
                "{value} = *(u64 *)({ctx} + {offset})",
                value = out(reg) value, ctx = in(reg) ctx, offset = const $args * 8,
                options(nostack)
            );
        }
        #[cfg(not(target_arch = "bpf"))]
        {
            let _ = ctx;
            value = $args; // only for clippy on the host
        }
        value
    }};
}
pub(crate) use returned;
