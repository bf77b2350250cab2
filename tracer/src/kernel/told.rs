//! What the programs are told before they load, as plain words: the filter, the reasons, the kernel's shape.

use aya::{
    Ebpf,
    maps::{
        MapData, MapError,
        lpm_trie::{Key, LpmTrie},
    },
};
use tracer_common::config::{Filter, REASON_WORDS, Sampling, Shape};

use super::{
    load::{KernelFilter, Settings},
    types::Types,
};

/// Fills the table of client prefixes.
pub(super) fn set_prefixes(ebpf: &mut Ebpf, filter: &KernelFilter) -> Result<(), MapError> {
    if filter.prefixes.is_empty() {
        return Ok(());
    }
    let map = ebpf.map_mut("PREFIXES").ok_or(MapError::ElementNotFound)?;
    let mut trie: LpmTrie<&mut MapData, [u8; 16], u8> = LpmTrie::try_from(map)?;
    // IPv4 lives inside of the 128-bit form; a wide IPv6 prefix does not mean it.
    let mapped = std::net::Ipv4Addr::UNSPECIFIED.to_ipv6_mapped().octets();
    trie.insert(&Key::new(96, mapped), 0, 0)?;
    filter.prefixes.iter().try_for_each(|(len, address)| trie.insert(&Key::new(*len, *address), 1, 0))
}

/// Reasons at which `skb:kfree_skb` looks: all but those of packets that were not dropped on their way in.
pub(super) fn reason_bitmap(types: &Types, no_listener: bool) -> [u64; REASON_WORDS] {
    let mut bitmap = [u64::MAX; REASON_WORDS];
    for (name, number) in &types.reasons {
        let aside = matches!(
            name.as_str(),
            "NOT_DROPPED_YET"
                | "CONSUMED"
                // Copies in the hands of packet taps and raw sockets.
                | "PACKET_SOCK_ERROR"
                | "QUEUE_PURGE"
                | "SOCKET_RCVBUFF"
                // For another machine: a promiscuous interface.
                | "OTHERHOST"
        ) || name == "NO_SOCKET" && !no_listener;
        if aside && let Some(word) = bitmap.get_mut((number >> 6) as usize) {
            *word &= !(1 << (number & 63));
        }
    }
    bitmap
}

/// In the order of the structure, which is made of such words alone.
pub(super) fn shape_words(shape: Shape) -> [u32; 10] {
    let Shape {
        kfree_reason,
        kfree_rx_sk,
        timewait_args,
        make_synack_args,
        hash_add_args,
        reason_not_specified,
        resets_seen,
        function_hooks,
        kfree_args,
        proven_args,
    } = shape;
    [
        kfree_reason,
        kfree_rx_sk,
        timewait_args,
        make_synack_args,
        hash_add_args,
        reason_not_specified,
        resets_seen,
        function_hooks,
        kfree_args,
        proven_args,
    ]
}

/// Records of accepted SYNs for one source in a second: as many as tell clocks apart, and more than a client alone sends.
const PER_SOURCE: u32 = 64;
/// ... of one CPU in a second: what user space takes without being noticed beside a flood.
const PER_CPU: u32 = 8_192;

/// In the order of the structure, which is made of such words alone.
pub(super) fn sampling_words(settings: Settings, key: u32) -> [u32; 5] {
    let Settings { ring_bytes, drops_per_cpu, .. } = settings;
    let sampling =
        Sampling { per_source: PER_SOURCE, per_cpu: PER_CPU, drops_per_cpu, ring_share: ring_bytes / 2, key };
    let Sampling { per_source, per_cpu, drops_per_cpu, ring_share, key } = sampling;
    [per_source, per_cpu, drops_per_cpu, ring_share, key]
}

/// In the order of the structure, too.
pub(super) fn filter_words(filter: Filter) -> [u32; 6] {
    let Filter { ports, family, prefixes, netns, ifindex, no_listener } = filter;
    [ports, family, prefixes, netns, ifindex, no_listener]
}

const _: () =
    assert!(size_of::<Shape>() == 4 * 10 && size_of::<Filter>() == 4 * 6 && size_of::<Sampling>() == 4 * 5);
