//! Findings of small incidents; how often they are right is measured by the evaluation (`cargo xtask eval`).
#![expect(clippy::cast_sign_loss, reason = "small numbers")]

use proptest::prelude::*;

use crate::{
    analysis::clock::{Clocks, Remembered, Sample},
    model::{
        Nanos, OptionKinds,
        nat::{Nat, NatVerdict},
        reading::Stack,
    },
};

fn stack(options: &[u8]) -> Stack {
    let mut kinds = OptionKinds::default();
    for kind in options {
        kinds.push(*kind);
    }
    Stack { ttl: Some(57), options: Some(kinds), ..Stack::default() }
}

const LINUX: [u8; 5] = [2, 4, 8, 1, 3];
const APPLE: [u8; 8] = [2, 1, 3, 1, 1, 8, 4, 0];

fn sample(ms: i64, tsval: Option<u32>, sport: u16) -> Sample {
    let seq = Some((ms as u32).wrapping_mul(2_654_435_761) ^ u32::from(sport));
    Sample {
        time: Nanos(ms * 1_000_000),
        sport,
        dport: 443,
        seq,
        tsval,
        stack: stack(&LINUX),
        remembered: None,
    }
}

/// Clocks at 1 kHz with these offsets take turns, one SYN every `every` milliseconds.
fn in_turn(offsets: &[u32], every: i64, count: i64) -> Vec<Sample> {
    (0..count)
        .map(|n| {
            let ms = n * every;
            let offset = offsets[n as usize % offsets.len()];
            sample(ms, Some(offset.wrapping_add(ms as u32)), 1024 + (n * 7 % 60_000) as u16)
        })
        .collect()
}

fn random(n: u32) -> u32 {
    let x = (u64::from(n) + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    ((x ^ x >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 32) as u32
}

fn finding(samples: &[Sample]) -> Nat {
    let mut clocks = Clocks::default();
    for sample in samples {
        clocks.observe(sample);
    }
    clocks.assess()
}

#[test]
fn hosts_that_take_turns() {
    for hosts in [2, 3, 10, 100] {
        let offsets: Vec<u32> = (0..hosts).map(|n| random(n as u32)).collect();
        let nat = finding(&in_turn(&offsets, 100, hosts * 5));
        assert_eq!((nat.verdict, nat.hosts), (NatVerdict::Nat, Some(hosts as u32)), "{nat:?}");
        assert!(nat.confidence >= 0.99 && nat.evidence[0].contains(&format!("{hosts} clocks")), "{nat:?}");
        assert_eq!(nat.clocks.len(), (hosts as usize).min(32));
    }
}

#[test]
fn one_host() {
    let nat = finding(&in_turn(&[u32::MAX - 1000], 1000, 30));
    assert_eq!((nat.verdict, nat.hosts, nat.port_jumps), (NatVerdict::SingleHost, Some(1), 0), "{nat:?}");
}

#[test]
fn a_clock_for_every_connection() {
    let samples: Vec<Sample> =
        (0..40).map(|n| sample(i64::from(n) * 500, Some(random(n)), 40_000 + n as u16)).collect();
    let nat = finding(&samples);
    assert_eq!((nat.verdict, nat.hosts), (NatVerdict::PerConnection, None), "{nat:?}");
    assert!(nat.evidence[0].contains("more than 266"), "{nat:?}");
}

#[test]
fn no_timestamps() {
    let samples: Vec<Sample> = (0..6_u16).map(|n| sample(i64::from(n) * 500, None, 40_000 + n)).collect();
    assert_eq!(finding(&samples).verdict, NatVerdict::NoTimestamps);
    assert_eq!(finding(&samples[..3]).verdict, NatVerdict::Undecidable);
}

#[test]
fn what_begins_anew_is_no_second_host() {
    let mut samples = in_turn(&[900_000_000], 1000, 20);
    let again = |offset: u32| {
        let mut later = in_turn(&[offset], 1000, 20);
        for sample in &mut later {
            sample.time.0 += 60_000 * 1_000_000;
            sample.sport += 500;
            sample.seq = sample.seq.map(|seq| !seq);
        }
        later
    };
    let uptime = [samples.clone(), again(20_000)].concat();
    assert_eq!(finding(&uptime).verdict, NatVerdict::Reboot, "{:?}", finding(&uptime));
    // Of what was before, one SYN is enough, for few clocks show that they have just begun.
    let lately = &uptime[uptime.len() / 2 - 1..];
    assert_eq!(finding(lately).verdict, NatVerdict::Reboot, "{:?}", finding(lately));
    assert_eq!(finding(&lately[1..]).verdict, NatVerdict::SingleHost);
    samples.extend(again(3_000_000_000));
    assert_eq!(finding(&samples).verdict, NatVerdict::ClockChange, "{:?}", finding(&samples));
}

/// Refused SYNs tell which clock the kernel remembered.
#[test]
fn drops_between_two_known_clocks() {
    let offsets = [1_000_000_000, 1_777_600_000];
    let mut samples = in_turn(&offsets, 300, 40);
    for n in [20, 26, 32] {
        let ms = n * 300;
        let left = Nanos((ms - 1000) * 1_000_000);
        samples[n as usize].remembered = Some(Remembered {
            tsval: offsets[1].wrapping_add(ms as u32 - 1000),
            time: Some(left),
            same_ports: true,
        });
    }
    let nat = finding(&samples);
    assert_eq!(nat.verdict, NatVerdict::Nat);
    assert!(nat.evidence.iter().any(|words| words.starts_with("3 of 3 refused SYNs")), "{nat:?}");
    assert_eq!(nat.port_jumps, 3);
}

/// One client behind a NAT that gives its ports to ever new connections: translation for certain, and no second host.
#[test]
fn one_client_of_2026_behind_a_nat() {
    let mut samples = Vec::new();
    for n in 0..60_u32 {
        let ms = i64::from(n) * 400;
        let mut syn = sample(ms, Some(random(n)), 40_000 + (n % 24) as u16);
        if n >= 24 && random(n) < random(n - 24) {
            let left = Nanos((ms - 9_000) * 1_000_000);
            syn.remembered = Some(Remembered { tsval: random(n - 24), time: Some(left), same_ports: true });
        }
        samples.push(syn);
    }
    let nat = finding(&samples);
    assert_eq!(nat.verdict, NatVerdict::PerConnection, "{nat:?}");
    assert!(nat.port_jumps > 5, "{nat:?}");
    // Apple's stack does that without a NAT.
    for sample in &mut samples {
        sample.stack = stack(&APPLE);
    }
    let apple = finding(&samples);
    assert_eq!((apple.verdict, apple.port_jumps), (NatVerdict::PerConnection, 0), "{apple:?}");
}

/// Its own ports come again sooner than chance would have it: the same clocks from other outside ports, and sequence numbers
/// that say whose they are.
#[test]
fn one_client_of_2026_that_takes_its_ports_again() {
    let samples: Vec<Sample> = (0..72_u32)
        .map(|n| {
            let (own, ms) = (if n < 40 { n } else { n - 20 }, n * 80);
            let mut syn =
                sample(i64::from(ms), Some(random(own).wrapping_add(ms)), 40_000 + (n * 7 % 24) as u16);
            syn.seq = Some(random(own + 1000).wrapping_add(ms * 15_625 + n % 3 * 9_000));
            syn
        })
        .collect();
    let nat = finding(&samples);
    assert_eq!(nat.verdict, NatVerdict::PerConnection, "{nat:?}");
    // Of another sequence each of those pairs is a clock that two ports share.
    let mut others = samples;
    others.iter_mut().enumerate().for_each(|(n, syn)| syn.seq = Some(random(5000 + n as u32)));
    let nat = finding(&others);
    assert_eq!(nat.verdict, NatVerdict::Undecidable, "{nat:?}");
}

#[test]
fn two_stacks_that_take_turns() {
    let mut samples: Vec<Sample> =
        (0..20_u16).map(|n| sample(i64::from(n) * 700, None, 40_000 + n)).collect();
    for sample in samples.iter_mut().step_by(2) {
        sample.stack = stack(&[2, 1, 3, 1, 1, 4]);
        sample.stack.ttl = Some(120);
    }
    let nat = finding(&samples);
    assert_eq!((nat.verdict, nat.hosts_at_least), (NatVerdict::Nat, 2), "{nat:?}");
}

/// SYNs from these ports in turn, each of the clock of the same place.
fn on_ports(ports: &[u16], offsets: &[u32], every: i64, count: usize) -> Vec<Sample> {
    (0..count)
        .zip(0_i64..)
        .map(|(n, time)| {
            let ms = time * every;
            sample(ms, Some(offsets[n % offsets.len()].wrapping_add(ms as u32)), ports[n % ports.len()])
        })
        .collect()
}

#[test]
fn one_port_or_two_with_one_clock_say_little() {
    for ports in [&[50_000][..], &[50_000, 50_002]] {
        let nat = finding(&on_ports(ports, &[900_000_000], 20_000, 40));
        assert_eq!((nat.verdict, nat.hosts), (NatVerdict::SingleHost, Some(1)), "{nat:?}");
        assert!(
            nat.confidence <= 0.8 && nat.evidence[0].contains("nothing is known of any other"),
            "{nat:?}"
        );
    }
}

#[test]
fn one_reading_beside_others_without_is_no_clock() {
    let mut samples: Vec<Sample> = (0..6_u16).map(|n| sample(i64::from(n) * 500, None, 40_000 + n)).collect();
    samples[2].tsval = Some(5);
    assert_eq!(finding(&samples).verdict, NatVerdict::Undecidable);
}

#[test]
fn ports_that_each_have_a_clock() {
    let clocks: Vec<u32> = (0..6).map(random).collect();
    let ports = [40_000, 40_002, 40_004, 40_006, 40_008, 40_010];
    let six = finding(&on_ports(&ports, &clocks, 3_000, 60));
    assert_eq!(six.verdict, NatVerdict::PerConnection, "{six:?}");
    assert!(six.evidence[0].contains("6 unrelated timestamps") && six.confidence < 0.5, "{six:?}");
    let two = finding(&on_ports(&ports[..2], &clocks[..2], 3_000, 60));
    assert_eq!(two.verdict, NatVerdict::Undecidable, "{two:?}");
    assert!(two.evidence[0].contains("too few ports"), "{two:?}");
}

#[test]
fn one_port_that_two_clocks_take_turns_on() {
    let clocks = [1_000_000_000, 1_000_060_000];
    let nat = finding(&on_ports(&[40_000], &clocks, 6_000, 20));
    assert_eq!((nat.verdict, nat.hosts_at_least), (NatVerdict::Nat, 2), "{nat:?}");
    // A client's own port has a clock for each port of the server's.
    let mut samples = on_ports(&[40_000], &clocks, 6_000, 20);
    samples.iter_mut().skip(1).step_by(2).for_each(|sample| sample.dport = 8443);
    assert_ne!(finding(&samples).verdict, NatVerdict::Nat, "{:?}", finding(&samples));
    // Once there and back is what a late packet does, and a clock that stands still does not come back.
    let mut late = on_ports(&[40_000], &clocks[..1], 6_000, 20);
    late[7].tsval = late[7].tsval.map(|tsval| tsval - 2_500);
    assert_eq!(finding(&late).verdict, NatVerdict::SingleHost, "{:?}", finding(&late));
    let mut asleep = on_ports(&[40_000], &clocks[..1], 20_000, 20);
    asleep[10..].iter_mut().for_each(|sample| sample.tsval = sample.tsval.map(|tsval| tsval - 15_000));
    assert_ne!(finding(&asleep).verdict, NatVerdict::Nat, "{:?}", finding(&asleep));
}

#[test]
fn what_stands_still_is_no_clock() {
    let frozen: Vec<Sample> =
        (0..40_u16).map(|n| sample(i64::from(n) * 700, Some(u32::MAX), 40_000 + n)).collect();
    let nat = finding(&frozen);
    assert_eq!((nat.verdict, nat.clocks.len()), (NatVerdict::Undecidable, 0), "{nat:?}");
    assert!(nat.evidence[0].contains("stands still"), "{nat:?}");
    // Beside a clock that runs it is no second host.
    let mut both = [frozen, in_turn(&[900_000_000], 500, 60)].concat();
    both.sort_by_key(|sample| sample.time.0);
    let nat = finding(&both);
    assert_eq!((nat.verdict, nat.hosts), (NatVerdict::SingleHost, Some(1)), "{nat:?}");
}

/// One host is seen, each SYN of its refused for what the server remembers of a clock `behind` which it is.
fn remembering(behind: impl Fn(i64) -> Option<(i64, u32)>) -> Nat {
    let mut samples = in_turn(&[1_000_000_000], 5_000, 12);
    for (n, sample) in (0..).zip(&mut samples) {
        let ms = n * 5_000;
        sample.remembered = behind(ms).map(|(age, ahead)| Remembered {
            tsval: 1_000_000_000_u32.wrapping_add((ms - age) as u32).wrapping_add(ahead),
            // The kernel keeps whole seconds.
            time: Some(Nanos((ms - age).div_euclid(1_000) * 1_000_000_000)),
            same_ports: true,
        });
    }
    finding(&samples)
}

#[test]
fn a_second_clock_that_only_the_server_remembers() {
    let nat = remembering(|ms| Some((7_300 + ms % 700, 500_000_000)));
    assert_eq!((nat.verdict, nat.hosts, nat.hosts_at_least), (NatVerdict::Nat, None, 2), "{nat:?}");
    assert!(nat.evidence.iter().any(|words| words.contains("second clock")), "{nat:?}");
    // What is all older than the clock seen was left by a host that was started anew.
    let before = remembering(|ms| Some((ms + 1 + ms / 10, 500_000_000)));
    assert_ne!(before.verdict, NatVerdict::Nat, "{before:?}");
    // A bucket that refuses again and again is one reading; readings without a pattern are no clock.
    let bucket = remembering(|ms| (ms >= 20_000).then(|| (ms - 15_000, 500_000_000)));
    assert_ne!(bucket.verdict, NatVerdict::Nat, "{bucket:?}");
    let scattered = remembering(|ms| Some((7_300, random(ms as u32))));
    assert_ne!(scattered.verdict, NatVerdict::Nat, "{scattered:?}");
    // Its own clock is no second one.
    assert_eq!(remembering(|_| Some((7_300, 0))).verdict, NatVerdict::SingleHost);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// One host of a known rate is never several, however late its packets are within 200 ms.
    #[test]
    fn one_host_is_one_host(
        offset in any::<u32>(),
        rate in proptest::sample::select(&[1000_u32, 250, 300, 100, 10, 1_000_000][..]),
        gaps in proptest::collection::vec((1..5_000_i64, 0..200_i64), 4..200),
    ) {
        let mut at = 0;
        let mut samples = Vec::new();
        for (n, (gap, late)) in (0_u16..).zip(&gaps) {
            at += gap;
            let tsval = offset.wrapping_add((at * i64::from(rate) / 1000) as u32);
            samples.push(sample(at + late, Some(tsval), 1024 + n));
        }
        samples.sort_by_key(|sample| sample.time.0);
        let nat = finding(&samples);
        prop_assert!(nat.verdict != NatVerdict::Nat, "{nat:?}");
        prop_assert_eq!(nat.hosts_at_least, 1);
    }

    /// Which host is which does not matter, nor does a SYN that comes again.
    #[test]
    fn permuted_and_repeated(mut offsets in proptest::collection::vec(any::<u32>(), 2..6), again in 1..20_usize) {
        let before = finding(&in_turn(&offsets, 250, 60));
        offsets.reverse();
        let samples = in_turn(&offsets, 250, 60);
        let mut repeated = samples.clone();
        for index in (0..samples.len()).step_by(again).rev() {
            let mut copy = samples[index];
            copy.time.0 += 10_000_000;
            copy.tsval = copy.tsval.map(|tsval| tsval.wrapping_add(10));
            repeated.insert(index + 1, copy);
        }
        let (after, repeated) = (finding(&samples), finding(&repeated));
        prop_assert_eq!((before.verdict, before.hosts), (after.verdict, after.hosts));
        prop_assert_eq!((repeated.verdict, repeated.hosts), (after.verdict, after.hosts));
    }
}
