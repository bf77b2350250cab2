//! Structures whose type the verifier knows, because a trampoline or a typed tracepoint (`tp_btf`, 5.5) handed them over: their
//! fields are loaded by plain instructions, at a fraction of what a helper's call costs. A pointer that leads nowhere reads as 0
//! (`PROBE_MEM`, Linux arch/x86/net/bpf_jit_comp.c).
//!
//! The verifier holds every load against the kernel's own types: a field of another structure, as of `tcp_sock` behind a
//! `sock`, is refused when the program is loaded.

use aya_ebpf::helpers::generated::bpf_skc_to_tcp_sock;
use tracer_common::offsets::ABSENT;

use crate::{
    copies::Room,
    read::{Fields, Structure},
};

/// A pointer that the verifier knows the type of.
#[derive(Clone, Copy)]
pub struct Typed(pub u64);

/// Loads so many bytes. In assembly, because the compiler makes one load at an offset that it works out of two in the arms of
/// a branch, which the verifier refuses.
macro_rules! load {
    ($width:literal, $address:expr) => {{
        let value: u64;
        #[cfg(target_arch = "bpf")]
        // SAFETY: the verifier checks the address, its type and the width.
        #[expect(unsafe_code, reason = "a load at an address that is the verifier's business")]
        unsafe {
            core::arch::asm!(
                concat!("{value} = *(", $width, " *)({address} + 0)"),
                value = out(reg) value, address = in(reg) $address,
                options(nostack, pure, readonly)
            );
        }
        #[cfg(not(target_arch = "bpf"))]
        {
            value = $address; // only for clippy on the host
        }
        value
    }};
}

/// Nothing is copied.
impl Structure for Typed {
    type Whole<'a> = Self;

    #[inline(always)]
    fn whole(self, _room: &mut Room) -> Option<Self> {
        Some(self)
    }

    #[inline(always)]
    fn tcp(self) -> Option<Self> {
        // SAFETY: the verifier checks that it is a socket.
        #[expect(unsafe_code, reason = "a BPF helper")]
        let tcp = unsafe { bpf_skc_to_tcp_sock(self.0 as *mut _) };
        (!tcp.is_null()).then_some(Self(tcp as u64))
    }
}

impl Fields for Typed {
    type Pointed = Self;

    #[inline(always)]
    fn field<T: Copy>(self, offset: u32) -> Option<T> {
        if offset == ABSENT {
            return None;
        }
        let from = self.0 + u64::from(offset);
        let words = match size_of::<T>() {
            1 => [load!("u8", from), 0],
            2 => [load!("u16", from), 0],
            4 => [load!("u32", from), 0],
            8 => [load!("u64", from), 0],
            16 => [load!("u64", from), load!("u64", from + 8)],
            _ => return None,
        };
        // SAFETY: plain bytes, no more than were loaded; the lower ones are first on the machines we build for.
        #[expect(unsafe_code, reason = "a value from words")]
        Some(unsafe { core::mem::transmute_copy(&words) })
    }

    #[inline(always)]
    fn pointed(self, offset: u32) -> Option<Self> {
        self.field(offset).map(Self)
    }

    #[inline(always)]
    fn address(self) -> u64 {
        self.0
    }
}
