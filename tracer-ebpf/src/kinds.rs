//! The kinds of maps, as kernels since 5.8 have them.

pub use aya_ebpf::maps::{Array, LruHashMap, PerCpuArray};
use aya_ebpf::{
    macros::map,
    maps::{LpmTrie, lpm_trie::Key},
};
use tracer_common::config::MAX_PREFIXES;

/// This object is the one for kernels before 5.8.
pub const LEGACY: bool = false;

#[map]
static PREFIXES: LpmTrie<[u8; 16], u8> = LpmTrie::with_max_entries(MAX_PREFIXES, 0);

/// Whether the client is inside one of the prefixes.
#[inline(always)]
pub fn prefix_wanted(saddr: &[u8; 16]) -> bool {
    PREFIXES.get(Key::new(128, *saddr)) == Some(&1)
}
