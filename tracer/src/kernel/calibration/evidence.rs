//! What a round of connections has shown, and what follows from two of them. Pure.

use tracer_common::offsets::{ABSENT, FIELDS};

use super::search::{Pointing, Sample, Want, find, find_base_and_step, find_pointer, number};

/// Number of a field among [`FIELDS`].
macro_rules! field {
    ($name:ident) => {
        core::mem::offset_of!(tracer_common::offsets::Offsets, $name) / 4
    };
}
pub(super) use field;

/// A packet that waits in a socket: its buffer, and where in it what stands.
#[derive(Clone, Debug)]
pub(super) struct Queued {
    /// The structure, and the IP header as it was sent.
    pub(super) buffer: Pointing,
    /// Length of the IP header.
    pub(super) header: u32,
    /// Length of the packet.
    pub(super) total: u32,
}

/// What one round has shown.
#[derive(Default)]
pub(super) struct Round {
    pub(super) samples: Vec<Sample<usize>>,
    pub(super) queued: Vec<Queued>,
    /// Sockets, and the inode of their namespace.
    pub(super) sockets: Vec<Pointing>,
    /// The device, and the same.
    pub(super) devices: Vec<Pointing>,
    /// Packets on their way in to a bucket, and the loopback device, to which their routes lead.
    pub(super) arrived: Vec<Pointing>,
    /// Where the kernel has the device, and the loopback device.
    pub(super) device: u64,
    pub(super) loopback: u64,
}

impl Round {
    /// Adds a sample.
    pub(super) fn add(&mut self, memory: Vec<u8>, wants: Vec<(usize, Want)>) {
        self.samples.push(Sample { memory, wants });
    }

    /// Samples of what is known once the start of the buffer is: how far from there the packet ends, and the TCP header is.
    fn behind(&self, network_header: u32) -> Vec<Sample<usize>> {
        let sample = |queued: &Queued| {
            let memory = queued.buffer.memory.clone();
            let start = number(memory.get(network_header as usize..)?, 2)?;
            let wants = vec![
                (field!(skb_tail), Want::number(4, start + u64::from(queued.total))),
                (field!(skb_transport_header), Want::number(2, start + u64::from(queued.header))),
            ];
            Some(Sample { memory, wants })
        };
        self.queued.iter().filter_map(sample).collect()
    }
}

impl Round {
    /// Packets with the word of whatever they lead to that is the device, if it is a route. Behind it may be another route.
    fn routed(&self, device: u32) -> Vec<Pointing> {
        let word = |target: &Vec<u8>| {
            let from = usize::try_from(device).unwrap_or(usize::MAX);
            target.get(from..).map(|rest| rest[..rest.len().min(8)].to_vec())
        };
        let only = |packet: &Pointing| {
            let targets = packet.targets.iter();
            let targets = targets.filter_map(|(at, target)| Some((*at, word(target)?))).collect();
            Pointing { memory: packet.memory.clone(), targets, want: packet.want.clone() }
        };
        self.arrived.iter().map(only).collect()
    }
}

/// One offset for each of [`FIELDS`]; [`ABSENT`] where it is not certain.
pub(super) fn offsets(first: &Round, second: &Round) -> Vec<u32> {
    let plain = |field: usize| find(&first.samples, &second.samples, &field).unwrap_or(ABSENT);
    let mut offsets: Vec<u32> = (0..FIELDS.len()).map(plain).collect();
    let buffers = |round: &Round| -> Vec<Pointing> {
        round.queued.iter().map(|queued| queued.buffer.clone()).collect()
    };
    if let Some((head, start)) = find_base_and_step(&buffers(first), &buffers(second)) {
        offsets[field!(skb_head)] = head;
        offsets[field!(skb_network_header)] = start;
        let (first, second) = (first.behind(start), second.behind(start));
        for field in [field!(skb_tail), field!(skb_transport_header)] {
            offsets[field] = find(&first, &second, &field).unwrap_or(ABSENT);
        }
    }
    let device = offsets[field!(dst_dev)];
    if let Some((route, _)) = find_pointer(&first.routed(device), &second.routed(device)) {
        offsets[field!(skb_refdst)] = route;
    }
    if let Some((net, inum)) = find_pointer(&first.sockets, &second.sockets) {
        offsets[field!(sk_net)] = net;
        offsets[field!(net_inum)] = inum;
        // Whoever finds the same inode elsewhere has found something else.
        if let Some((net, same)) = find_pointer(&first.devices, &second.devices)
            && same == inum
        {
            offsets[field!(dev_net)] = net;
        }
    }
    offsets
}

#[cfg(test)]
mod tests;
