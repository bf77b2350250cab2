use super::*;

const HEAD: u64 = 0xffff_8880_0000_1000;
const NET: u64 = 0xffff_8880_0000_2000;

/// Memory with numbers of so many bytes at offsets.
fn memory(len: usize, all: &[(usize, usize, u64)]) -> Vec<u8> {
    let mut memory = vec![0; len];
    for (at, bytes, value) in all {
        memory[*at..at + bytes].copy_from_slice(&value.to_ne_bytes()[..*bytes]);
    }
    memory
}

fn rare(word: u32) -> Want {
    Want::Rare(word.to_ne_bytes().to_vec())
}

/// A packet whose IP header, of such a length, stands so far behind the start of the buffer.
fn queued(start: u8, header: u32, total: u32) -> Queued {
    let ip = vec![0x45; header as usize];
    let mut target = vec![0; 256];
    target[usize::from(start)..][..ip.len()].copy_from_slice(&ip);
    let start = u64::from(start);
    let memory = memory(
        64,
        &[
            (8, 4, start + u64::from(total)),
            (16, 8, HEAD),
            (40, 2, start + u64::from(header)),
            (42, 2, start),
            // Where the Ethernet header is.
            (44, 2, start - 14),
        ],
    );
    Queued { buffer: Pointing { memory, targets: vec![(16, target)], want: Want::Rare(ip) }, header, total }
}

/// A structure that leads to a namespace at this offset, in which the inode is at 24.
fn leading(at: usize, inode: u32) -> Pointing {
    let target = memory(64, &[(24, 4, inode.into())]);
    let at_word = u32::try_from(at).unwrap();
    Pointing { memory: memory(64, &[(at, 8, NET)]), targets: vec![(at_word, target)], want: rare(inode) }
}

fn round(inode: u32, extra: u8) -> Round {
    let mut round = Round {
        queued: vec![queued(64 + extra, 20, 90), queued(78, 28, 120)],
        sockets: vec![leading(48, inode)],
        devices: vec![leading(8, inode)],
        arrived: vec![leading(32, inode)],
        ..Round::default()
    };
    round.add(memory(16, &[(4, 4, inode.into())]), vec![(field!(dst_dev), rare(inode))]);
    round.add(memory(16, &[(3, 1, 10)]), vec![(field!(sk_state), Want::number(1, 10))]);
    round.add(memory(16, &[(3, 1, 1)]), vec![(field!(sk_state), Want::number(1, 1))]);
    round
}

#[test]
fn what_both_rounds_show() {
    let found = offsets(&round(4_026_531_999, 0), &round(4_026_532_111, 2));
    let at = |field: usize| found[field];
    assert_eq!(at(field!(sk_state)), 3);
    assert_eq!([at(field!(skb_head)), at(field!(skb_network_header))], [16, 42]);
    assert_eq!([at(field!(skb_tail)), at(field!(skb_transport_header))], [8, 40]);
    assert_eq!([at(field!(sk_net)), at(field!(net_inum)), at(field!(dev_net))], [48, 24, 8]);
    // Nothing was said of the rest.
    assert_eq!(found.iter().filter(|offset| **offset != ABSENT).count(), 9);
}

#[test]
fn what_the_second_round_does_not_confirm_is_absent() {
    let first = round(4_026_531_999, 0);
    let mut second = round(4_026_532_111, 2);
    second.queued.iter_mut().for_each(|queued| queued.buffer.targets.clear());
    second.sockets = vec![leading(40, 4_026_532_111)];
    second.samples.clear();
    let found = offsets(&first, &second);
    assert!(found.iter().all(|offset| *offset == ABSENT), "{found:?}");
    assert!(offsets(&Round::default(), &Round::default()).iter().all(|offset| *offset == ABSENT));
}

#[test]
fn a_device_whose_namespace_is_another_kind_of_thing_has_none() {
    let with = |devices: fn(u32) -> Pointing| {
        let round = |inode| Round { devices: vec![devices(inode)], ..round(inode, 0) };
        offsets(&round(4_026_531_999), &round(4_026_532_111))[field!(dev_net)]
    };
    assert_eq!(with(|inode| leading(8, inode)), 8);
    let elsewhere = |inode: u32| {
        let target = memory(64, &[(28, 4, inode.into())]);
        Pointing { targets: vec![(8, target)], ..leading(8, inode) }
    };
    assert_eq!(with(elsewhere), ABSENT);
}

#[test]
fn a_route_is_one_that_leads_to_its_device() {
    let found = |device: usize| {
        let round = |inode: u32| {
            let mut round = round(inode, 0);
            round.samples[0] = Sample {
                memory: memory(64, &[(device, 4, inode.into())]),
                wants: vec![(field!(dst_dev), rare(inode))],
            };
            round
        };
        let found = offsets(&round(4_026_531_999), &round(4_026_532_111));
        [found[field!(dst_dev)], found[field!(skb_refdst)]]
    };
    assert_eq!(found(24), [24, 32]);
    assert_eq!(found(28), [28, ABSENT]);
}
