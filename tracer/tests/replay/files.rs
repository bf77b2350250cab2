//! Captures as files: what stands before and around a packet in each format.

use std::{fs, io::Write as _, path::PathBuf};

use super::story::Packet;

/// Link layers by their numbers.
pub(crate) const LINKS: [u16; 9] = [0, 1, 12, 101, 108, 113, 228, 229, 276];

/// The frame of a packet; with VLAN tags where the link layer has them and `tags` says so.
pub(crate) fn frame(link: u16, packet: &Packet, tags: bool) -> Vec<u8> {
    let kind: [u8; 2] = if packet.six { [0x86, 0xdd] } else { [8, 0] };
    let before: Vec<u8> = match (link, tags) {
        (0, _) => u32::to_ne_bytes(if packet.six { 30 } else { 2 }).into(),
        (108, _) => u32::to_be_bytes(if packet.six { 24 } else { 2 }).into(),
        (1, false) => [&[2; 12][..], &kind].concat(),
        (1, true) => [&[2; 12][..], &[0x88, 0xa8, 0, 7, 0x81, 0, 0, 8], &kind].concat(),
        (113, _) => [&[0, 0, 0, 1, 0, 6, 2, 2, 2, 2, 2, 2, 0, 0][..], &kind].concat(),
        (276, _) => [&kind[..], &[0, 0, 0, 0, 0, 2, 0, 1, 0, 6, 2, 2, 2, 2, 2, 2, 0, 0]].concat(),
        _ => Vec::new(),
    };
    [before, packet.bytes.clone()].concat()
}

/// Byte order and resolution of a pcap file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Form {
    pub(crate) big: bool,
    pub(crate) nanos: bool,
}

/// What every other program writes.
pub(crate) const USUAL: Form = Form { big: false, nanos: false };

impl Form {
    fn u32(self, value: u32) -> [u8; 4] {
        if self.big { value.to_be_bytes() } else { value.to_le_bytes() }
    }

    fn u16(self, value: u16) -> [u8; 2] {
        if self.big { value.to_be_bytes() } else { value.to_le_bytes() }
    }

    /// The header of a pcap file.
    pub(crate) fn header(self, link: u16) -> Vec<u8> {
        let magic = if self.nanos { 0xa1b2_3c4d } else { 0xa1b2_c3d4 };
        let mut bytes = self.u32(magic).to_vec();
        bytes.extend([self.u16(2), self.u16(4)].concat());
        bytes.extend([0, 0, 262_144, u32::from(link)].map(|value| self.u32(value)).concat());
        bytes
    }

    /// A packet of it, of which `snaplen` bytes were captured.
    pub(crate) fn packet(self, at: u64, frame: &[u8], snaplen: usize) -> Vec<u8> {
        let fraction = at % 1_000_000_000 / if self.nanos { 1 } else { 1000 };
        let captured = &frame[..frame.len().min(snaplen)];
        let head = [at / 1_000_000_000, fraction, captured.len() as u64, frame.len() as u64];
        let head = head.map(|value| self.u32(u32::try_from(value).expect("32 bits")));
        [head.concat(), captured.to_vec()].concat()
    }

    pub(crate) fn pcap(self, link: u16, packets: &[Packet], tags: bool, snaplen: usize) -> Vec<u8> {
        let all = packets.iter().map(|p| self.packet(p.at, &frame(link, p, tags), snaplen));
        [self.header(link)].into_iter().chain(all).collect::<Vec<_>>().concat()
    }

    fn block(self, kind: u32, body: &[u8]) -> Vec<u8> {
        let padding = vec![0; body.len().next_multiple_of(4) - body.len()];
        let length = self.u32(u32::try_from(12 + body.len() + padding.len()).expect("short"));
        [&self.u32(kind)[..], &length, body, &padding, &length].concat()
    }

    fn option(self, number: u16, value: &[u8]) -> Vec<u8> {
        let padding = vec![0; value.len().next_multiple_of(4) - value.len()];
        let length = self.u16(u16::try_from(value.len()).expect("short"));
        [&self.u16(number)[..], &length, value, &padding].concat()
    }

    /// Two sections, each with two interfaces: one in nanoseconds, one in 2^-20 seconds that begins a day late.
    pub(crate) fn pcapng(self, link: u16, packets: &[Packet]) -> Vec<u8> {
        let day = 86_400_u64;
        let offset = if self.big { day.to_be_bytes() } else { day.to_le_bytes() };
        let interface = |options: Vec<u8>| {
            self.block(1, &[&self.u16(link)[..], &[0, 0], &self.u32(0), &options].concat())
        };
        let section = || {
            let body = [&self.u32(0x1a2b_3c4d)[..], &self.u16(1), &self.u16(0), &[0xff; 8]].concat();
            let nanos = interface(self.option(9, &[9]));
            let odd = interface([self.option(9, &[0x94]), self.option(14, &offset)].concat());
            [self.block(0x0a0d_0d0a, &body), nanos, self.block(4, b"\0\0\0\0"), odd].concat()
        };
        let mut file = Vec::new();
        for (n, packet) in packets.iter().enumerate() {
            if n == 0 || n == packets.len() / 2 {
                file.extend(section());
            }
            // The odd clock has no whole milliseconds.
            let whole = packet.at.is_multiple_of(1_000_000_000);
            let (interface, ticks) =
                if whole { (1, (packet.at / 1_000_000_000 - day) << 20) } else { (0, packet.at) };
            let frame = frame(link, packet, false);
            let length = u32::try_from(frame.len()).expect("short");
            let (high, low) = ((ticks >> 32) as u32, (ticks & 0xffff_ffff) as u32);
            let head = [interface, high, low, length, length].map(|value| self.u32(value)).concat();
            file.extend(self.block(6, &[head, frame].concat()));
        }
        file
    }
}

/// Packed by gzip.
pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(bytes).expect("to memory");
    packer.finish().expect("to memory")
}

/// A file that goes away with the test.
pub(crate) struct File(pub(crate) PathBuf);

impl File {
    pub(crate) fn new(name: &str, bytes: &[u8]) -> Self {
        let path = std::env::temp_dir().join(format!("tracer-replay-{}-{name}", std::process::id()));
        fs::write(&path, bytes).expect("a file below the temporary folder");
        Self(path)
    }

    pub(crate) fn name(&self) -> &str {
        self.0.to_str().expect("it was text")
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}
