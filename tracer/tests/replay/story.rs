//! The incident: two clients behind one address, one server, and what must be said of it.

use etherparse::{PacketBuilder, TcpOptionElement};
use serde_json::Value;

/// When it begins, nanoseconds since the epoch.
pub(crate) const BEGIN: u64 = 1_700_000_000_000_000_000;

const SYN: u8 = 2;
const ACK: u8 = 16;
const FIN: u8 = 1;
const RST: u8 = 4;

/// A packet without a link layer, and when it was captured.
#[derive(Clone, Debug)]
pub(crate) struct Packet {
    pub(crate) at: u64,
    pub(crate) six: bool,
    pub(crate) bytes: Vec<u8>,
}

/// What is seen between a client's port and port 443 of the server.
struct Scene {
    six: bool,
    packets: Vec<Packet>,
}

/// Flags, sequence and acknowledgement numbers, TSval and TSecr.
type Says = (u8, u32, u32, u32, u32);

impl Scene {
    fn say(&mut self, at_ms: u64, from_client: bool, port: u16, (flags, seq, ack, tsval, echo): Says) {
        let (source, destination) = if from_client { (port, 443) } else { (443, port) };
        let mut options = vec![TcpOptionElement::Timestamp(tsval, echo)];
        if flags & SYN != 0 {
            options.insert(0, TcpOptionElement::MaximumSegmentSize(1460));
        }
        let mut bytes = Vec::new();
        macro_rules! write {
            ($ip:expr) => {{
                let mut tcp = $ip.tcp(source, destination, seq, 64_240);
                tcp = if flags & SYN != 0 { tcp.syn() } else { tcp };
                tcp = if flags & FIN != 0 { tcp.fin() } else { tcp };
                tcp = if flags & RST != 0 { tcp.rst() } else { tcp };
                tcp = if flags & ACK != 0 { tcp.ack(ack) } else { tcp };
                tcp.options(&options).expect("few").write(&mut bytes, &[]).expect("to memory")
            }};
        }
        let client4 = ([192, 0, 2, 1], [198, 51, 100, 7]);
        let client6 = ([0x20; 16], [0xfd; 16]);
        match (self.six, from_client) {
            (false, true) => write!(PacketBuilder::ipv4(client4.0, client4.1, 63)),
            (false, false) => write!(PacketBuilder::ipv4(client4.1, client4.0, 64)),
            (true, true) => write!(PacketBuilder::ipv6(client6.0, client6.1, 63)),
            (true, false) => write!(PacketBuilder::ipv6(client6.1, client6.0, 64)),
        }
        self.packets.push(Packet { at: BEGIN + at_ms * 1_000_000, six: self.six, bytes });
    }

    /// A handshake, and the end from the server's side.
    fn connection(&mut self, at: u64, port: u16, seq: u32, tsval: u32) {
        self.say(at, true, port, (SYN, seq, 0, tsval, 0));
        self.say(at + 1, false, port, (SYN | ACK, 5000, seq + 1, 7000, tsval));
        self.say(at + 2, true, port, (ACK, seq + 1, 5001, tsval + 2, 7000));
        self.say(at + 10, false, port, (FIN | ACK, 5001, seq + 1, 7010, tsval + 2));
        self.say(at + 11, true, port, (FIN | ACK, seq + 1, 5002, tsval + 11, 7010));
        self.say(at + 12, false, port, (ACK, 5002, seq + 2, 7012, tsval + 11));
    }
}

/// Ten connections; the second host gets the port of one of them, is refused by PAWS and gets in; a SYN to which nothing
/// comes; one to a port where nobody listens; one too near the end.
pub(crate) fn story(six: bool) -> Vec<Packet> {
    let mut scene = Scene { six, packets: Vec::new() };
    for n in 0..10 {
        scene.connection(u64::from(n) * 100, 40_000 + n, 1000, 500_000 + u32::from(n) * 100);
    }
    let port = 40_003;
    scene.say(3000, true, port, (SYN, 9000, 0, 20_000, 0));
    scene.say(3001, false, port, (ACK, 5002, 1002, 9712, 500_311));
    scene.say(3002, true, port, (RST, 1002, 0, 0, 0));
    scene.say(3012, true, port, (SYN, 9000, 0, 20_012, 0));
    scene.say(3013, false, port, (SYN | ACK, 6000, 9001, 9724, 20_012));
    scene.say(4000, true, 50_000, (SYN, 1, 0, 504_000, 0));
    scene.say(5000, true, 50_001, (SYN, 1, 0, 505_000, 0));
    scene.say(5000, false, 50_001, (RST | ACK, 0, 2, 0, 0));
    scene.say(8000, true, 50_002, (SYN, 1, 0, 508_000, 0));
    scene.packets
}

/// Whether a summary says all that.
pub(crate) fn assert_told(lines: &[Value], what: &str) {
    let drops: Vec<_> = lines.iter().filter(|line| line["type"] == "drop").collect();
    assert_eq!(drops.len(), 2, "{what}: {drops:?}");
    let [paws, silent] = [drops[0], drops[1]];
    assert_eq!(
        [&paws["cause"], &paws["stage"], &paws["answer"], &paws["evidence"]],
        ["paws-time-wait", "time-wait", "ack", "wire"],
        "{what}"
    );
    let numbers =
        [&paws["sport"], &paws["tsval"], &paws["ts_recent"], &paws["regression"], &paws["ts_age_ms"]];
    assert_eq!(numbers.map(Value::as_u64), [40_003, 20_000, 500_311, 480_311, 2689].map(Some), "{what}");
    assert_eq!(paws["time"], "2023-11-14T22:13:23.000000000Z", "{what}");
    assert_eq!([&silent["cause"], &silent["answer"]], ["other", "none"], "{what}");
    let summary = lines.last().expect("a summary");
    assert_eq!(summary["type"], "summary", "{what}");
    let syns = &summary["capture"]["syns"];
    let counts = [&syns["seen"], &syns["answered"], &syns["near_end"], &syns["one_way"], &summary["drops"]];
    assert_eq!(counts.map(Value::as_u64), [15, 11, 1, 0, 2].map(Some), "{what}: {syns}");
    let retries = &summary["retries"];
    assert_eq!([&retries["refused"], &retries["got_in"]].map(Value::as_u64), [Some(2), Some(1)], "{what}");
    let text = summary["verdict"]["text"].as_str().unwrap_or_default();
    assert!(!text.contains("refused"), "{what}: {text}");
}
