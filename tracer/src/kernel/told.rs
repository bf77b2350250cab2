//! What the programs are told before they load, as plain words: the filter, the reasons, the kernel's shape.

use std::time::Duration;

use aya::{
    Ebpf,
    maps::{
        MapData, MapError,
        lpm_trie::{Key, LpmTrie},
    },
};
use nix::time::{ClockId, clock_getres};
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
pub(super) fn sampling_words(settings: Settings, key: u32, second: Second) -> [u32; 6] {
    let Settings { ring_bytes, drops_per_cpu, .. } = settings;
    let sampling = Sampling {
        per_source: second.so_many(PER_SOURCE),
        per_cpu: second.so_many(PER_CPU),
        drops_per_cpu: second.so_many(drops_per_cpu),
        ring_share: ring_bytes / 2,
        second_shift: second.shift,
        key,
    };
    let Sampling { per_source, per_cpu, drops_per_cpu, ring_share, second_shift, key } = sampling;
    [per_source, per_cpu, drops_per_cpu, ring_share, second_shift, key]
}

/// What the programs take for a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Second {
    /// Binary logarithm of its ticks.
    shift: u32,
    /// How long it is, nanoseconds.
    ns: u64,
}

impl Second {
    /// Of programs that know no ticks and shift the clock itself by 30 bits.
    pub(super) const OF_THE_CLOCK: Self = Self { shift: 0, ns: 1 << 30 };

    /// The power of two of this kernel's ticks (`CONFIG_HZ`) that is nearest to a second. The coarse clock goes by them
    /// (`posix_get_coarse_res`, kernel/time/posix-timers.c).
    pub(super) fn of_ticks() -> Self {
        let tick = clock_getres(ClockId::CLOCK_MONOTONIC_COARSE).map_or(Duration::ZERO, Duration::from);
        Self::of(tick)
    }

    /// What cannot be, as a tick of 0, is taken for 250 Hz.
    fn of(tick: Duration) -> Self {
        let tick_ns = u64::try_from(tick.as_nanos()).ok().filter(|ns| (100_000..=100_000_000).contains(ns));
        let tick_ns = tick_ns.unwrap_or(4_000_000);
        // Halfway on a logarithmic scale.
        let shift = (SECOND_NS * 1414 / 1000 / tick_ns).ilog2();
        Self { shift, ns: tick_ns << shift }
    }

    /// How many come in it at so many a second.
    fn so_many(self, a_second: u32) -> u32 {
        u32::try_from((u64::from(a_second) * self.ns).div_ceil(SECOND_NS)).unwrap_or(u32::MAX)
    }
}

const SECOND_NS: u64 = 1_000_000_000;

/// In the order of the structure, too.
pub(super) fn filter_words(filter: Filter) -> [u32; 6] {
    let Filter { ports, family, prefixes, netns, ifindex, no_listener } = filter;
    [ports, family, prefixes, netns, ifindex, no_listener]
}

const _: () =
    assert!(size_of::<Shape>() == 4 * 10 && size_of::<Filter>() == 4 * 6 && size_of::<Sampling>() == 4 * 6);

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Second;

    #[test]
    fn a_second_is_the_nearest_power_of_two_of_ticks() {
        for (hz, shift) in [(100, 7), (250, 8), (300, 8), (1000, 10)] {
            let second = Second::of(Duration::from_secs(1) / hz);
            assert_eq!(second.shift, shift, "{hz} Hz");
            let most = second.so_many(10_000);
            let a_second = f64::from(most) * f64::from(hz) / f64::from(1 << shift);
            assert!((9_999.0..10_002.0).contains(&a_second), "{most} in a second of {hz} Hz");
        }
        // No resolution, or one that no kernel has.
        for tick in [Duration::ZERO, Duration::from_nanos(1), Duration::MAX] {
            assert_eq!(Second::of(tick), Second { shift: 8, ns: 1_024_000_000 });
        }
        assert_eq!(Second::OF_THE_CLOCK.so_many(u32::MAX), u32::MAX);
    }
}
