//! Makes the capture: clients behind a few hundred addresses, whose connections overlap, most of them answered at once.

use std::{
    fs::{self, File},
    io::{BufWriter, Write},
    path::Path,
};

use anyhow::{Context as _, Result};

/// What was made.
pub(super) struct Made {
    pub(super) packets: u64,
    pub(super) bytes: u64,
    pub(super) connections: u64,
    pub(super) refused: u64,
}

/// Connections that are open at once.
const OPEN: usize = 2000;
/// Packets of a connection: handshake, data, end.
const LENGTH: u8 = 14;
/// Packets a second of capture time.
const PER_SECOND: u64 = 100_000;
/// One connection in so many is refused at first.
const REFUSED: u64 = 50;

const FIN: u8 = 1;
const SYN: u8 = 2;
const PSH: u8 = 8;
const ACK: u8 = 16;

struct Connection {
    number: u64,
    /// Packets sent.
    step: u8,
    /// Next sequence numbers of the client and of the server.
    next: [u32; 2],
    /// TSval of the client's last packet.
    clock: u32,
    refused: bool,
    /// Nothing is sent before this packet of the capture.
    rests_until: u64,
}

impl Connection {
    fn new(number: u64, random: u64) -> Self {
        let half = |bits: u64| u32::try_from(bits & 0xffff_ffff).unwrap_or_default();
        let next = [half(random), half(random >> 32)];
        Self { number, step: 0, next, clock: 0, refused: number.is_multiple_of(REFUSED), rests_until: 0 }
    }

    /// The next packet: from the client, its flags, its bytes of data.
    fn step(&mut self) -> (bool, u8, u16) {
        if std::mem::take(&mut self.refused) {
            return (true, SYN, 0);
        }
        self.step += 1;
        match self.step {
            1 => (true, SYN, 0),
            2 => (false, SYN | ACK, 0),
            3 => (true, ACK, 0),
            step if step <= LENGTH - 3 => {
                (step % 2 == 0, PSH | ACK, if step % 4 == 0 { 0 } else { 60 + u16::from(step) * 12 })
            }
            12 => (false, FIN | ACK, 0),
            13 => (true, FIN | ACK, 0),
            _ => (false, ACK, 0),
        }
    }
}

/// Writes it, unless it is there.
pub(super) fn write(path: &Path, packets: u64) -> Result<Made> {
    let folder = path.parent().context("a folder")?;
    fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    let mut file =
        BufWriter::with_capacity(1 << 20, File::create(path).with_context(|| path.display().to_string())?);
    // Little-endian, microseconds, version 2.4, Ethernet.
    file.write_all(&[0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 1, 0, 0, 0])?;
    // xorshift: the same capture every time.
    let mut random = 0x2545_f491_4f6c_dd1d_u64;
    let mut draw = move || {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random
    };
    let mut made = Made { packets, bytes: 24, connections: 0, refused: 0 };
    let mut open: Vec<Connection> = Vec::new();
    for n in 0..packets {
        if open.len() < OPEN {
            open.push(Connection::new(made.connections, draw()));
            made.refused += u64::from(made.connections.is_multiple_of(REFUSED));
            made.connections += 1;
        }
        let awake = |at: &usize| open[*at].rests_until <= n;
        let at = std::iter::repeat_with(|| usize::try_from(draw() >> 33).unwrap_or(0) % open.len())
            .find(awake)
            .unwrap_or(0);
        let connection = &mut open[at];
        if connection.refused {
            // The client asks again after a second.
            connection.rests_until = n + PER_SECOND;
        }
        let (from_client, flags, data) = connection.step();
        let frame = frame(connection, from_client, flags, data, n);
        // Ten microseconds between packets: 100,000 a second, 20 s in all.
        let (seconds, micros) =
            (1_700_000_000 + u32::try_from(n / 100_000)?, u32::try_from(n % 100_000)? * 10);
        let length = u32::try_from(frame.len())?;
        file.write_all(&[seconds, micros, length, length].map(u32::to_le_bytes).concat())?;
        file.write_all(&frame)?;
        made.bytes += 16 + u64::from(length);
        if connection.step >= LENGTH {
            open.swap_remove(at);
        }
    }
    file.flush()?;
    Ok(made)
}

fn frame(connection: &mut Connection, from_client: bool, flags: u8, data: u16, n: u64) -> Vec<u8> {
    let [.., high, low] = (connection.number % 50_000 + 10_000).to_be_bytes();
    let [.., network, host] = (connection.number / 50_000 * 300 + connection.number % 300).to_be_bytes();
    let (client, server) = ([198, 51, network, host], [10, 0, 0, 1]);
    let (client_port, server_port) = ([high, low], [1, 187]);
    let (src, dst, ports) = if from_client {
        (client, server, [client_port, server_port])
    } else {
        (server, client, [server_port, client_port])
    };
    let (me, peer) = (usize::from(!from_client), usize::from(from_client));
    let clock = u32::try_from((n / 100) & 0xffff_ffff).unwrap_or_default();
    let tsval = if from_client { clock } else { clock ^ 0x5555_0000 };
    let mut options = Vec::new();
    if flags & SYN != 0 {
        options.extend([2, 4, 5, 180, 4, 2, 8, 10]);
    } else {
        options.extend([1, 1, 8, 10]);
    }
    options.extend(tsval.to_be_bytes());
    options.extend(if flags == SYN { 0 } else { connection.clock }.to_be_bytes());
    if from_client {
        connection.clock = clock;
    }
    if flags & SYN != 0 {
        options.extend([1, 3, 3, 7]);
    }
    let header = 20 + u16::try_from(options.len()).unwrap_or_default();
    let mut frame = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0, 0x45, 0];
    frame.extend((20 + header + data).to_be_bytes());
    frame.extend([0, 0, 0x40, 0, 63, 6, 0, 0]);
    frame.extend(src);
    frame.extend(dst);
    frame.extend(ports.concat());
    frame.extend(connection.next[me].to_be_bytes());
    frame.extend(if flags == SYN { 0 } else { connection.next[peer] }.to_be_bytes());
    frame.extend([u8::try_from(header / 4).unwrap_or_default() << 4, flags, 0xfa, 0xf0, 0, 0, 0, 0]);
    frame.extend(options);
    frame.resize(frame.len() + usize::from(data), 0x20);
    // A SYN that is refused is sent again with the same number.
    if flags != SYN || connection.step > 0 {
        let moved = u32::from(data) + u32::from(flags & (SYN | FIN) != 0);
        connection.next[me] = connection.next[me].wrapping_add(moved);
    }
    frame
}
