//! Real captures, where a folder of them is at hand: what is said of each stream. For the eye; nothing depends on it.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    net::IpAddr,
    path::Path,
};

use etherparse::{NetSlice, SlicedPacket, TcpOptionElement, TransportSlice};
use pcap_parser::{
    Block, Linktype, PcapBlockOwned, PcapError, create_reader, traits::PcapNGPacketBlock as _,
};
use tracer::model::{OptionKinds, reading::Stack};

use crate::eval::{
    host::Sent,
    measure::{self, View},
    plan::Report,
};

/// Fewest different SYNs of a stream that is shown.
const FEWEST: usize = 4;

/// Streams by client and server.
type Streams = BTreeMap<(IpAddr, IpAddr), Vec<Sent>>;

/// Every capture of a folder.
///
/// # Errors
/// When the folder cannot be read; a file that cannot is a row that says so.
pub(crate) fn evaluate(folder: &Path, report: &mut Report) -> Result<(), String> {
    let list = fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut files: Vec<_> = list.flatten().map(|entry| entry.path()).collect();
    files.retain(|file| {
        file.extension().is_some_and(|extension| extension == "pcap" || extension == "pcapng")
    });
    files.sort();
    report.section("Real captures", "Streams (client, server) with at least four different SYNs.");
    let mut head = vec!["capture", "#stream", "#SYNs", "verdict", "#hosts", "#at least", "#confidence"];
    head.extend(measure::OTHERS);
    report.head(&head);
    for file in files {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        match read(&file) {
            Ok(streams) => {
                for (index, stream) in streams.values().enumerate() {
                    if measure::connections(stream) >= FEWEST {
                        report.row(&row(&name, index, stream));
                    }
                }
            }
            Err(error) => report.row(&[name, error]),
        }
    }
    Ok(())
}

fn row(name: &str, index: usize, stream: &[Sent]) -> Vec<String> {
    let outcome = measure::judge(stream, View::Syns);
    let mut cells = vec![
        name.to_owned(),
        index.to_string(),
        measure::connections(stream).to_string(),
        outcome.verdict.to_string(),
        outcome.hosts.to_string(),
        outcome.at_least.to_string(),
        format!("{:.3}", outcome.confidence),
    ];
    cells.extend(outcome.others.iter().map(|says| if *says { "nat" } else { "" }.to_owned()));
    cells
}

/// The SYNs of a capture.
fn read(path: &Path) -> Result<Streams, String> {
    let file = File::open(path).map_err(|error| error.to_string())?;
    let mut reader = create_reader(1 << 20, file).map_err(|error| error.to_string())?;
    let mut streams = Streams::new();
    let mut links: Vec<(Linktype, u64, u64)> = Vec::new();
    let mut fraction = 1e-6;
    loop {
        match reader.next() {
            Ok((length, block)) => {
                match block {
                    PcapBlockOwned::LegacyHeader(header) => {
                        fraction = if header.is_nanosecond_precision() { 1e-9 } else { 1e-6 };
                        links = vec![(header.network, 0, 0)];
                    }
                    PcapBlockOwned::Legacy(packet) => {
                        let at = f64::from(packet.ts_sec) + fraction * f64::from(packet.ts_usec);
                        take(&mut streams, links.first().map(|link| link.0), at, packet.data);
                    }
                    PcapBlockOwned::NG(Block::SectionHeader(_)) => links.clear(),
                    PcapBlockOwned::NG(Block::InterfaceDescription(link)) => {
                        links.push((
                            link.linktype,
                            link.ts_offset().cast_unsigned(),
                            link.ts_resolution().unwrap_or(1_000_000),
                        ));
                    }
                    PcapBlockOwned::NG(Block::EnhancedPacket(packet)) => {
                        if let Some((link, offset, resolution)) = links.get(packet.if_id as usize) {
                            let at = packet.decode_ts_f64(*offset, (*resolution).max(1));
                            take(&mut streams, Some(*link), at, packet.packet_data());
                        }
                    }
                    PcapBlockOwned::NG(_) => {}
                }
                reader.consume(length);
            }
            Err(PcapError::Eof | PcapError::UnexpectedEof) => return Ok(streams),
            Err(PcapError::Incomplete(_)) => reader.refill().map_err(|error| error.to_string())?,
            Err(error) => return Err(error.to_string()),
        }
    }
}

fn take(streams: &mut Streams, link: Option<Linktype>, at: f64, frame: &[u8]) {
    let sliced = match link {
        Some(Linktype::ETHERNET) => SlicedPacket::from_ethernet(frame),
        Some(Linktype::LINUX_SLL) => SlicedPacket::from_linux_sll(frame),
        Some(Linktype::NULL | Linktype::LOOP) => SlicedPacket::from_ip(frame.get(4..).unwrap_or_default()),
        _ => SlicedPacket::from_ip(frame),
    };
    let Ok(packet) = sliced else { return };
    let Some(TransportSlice::Tcp(tcp)) = &packet.transport else { return };
    let (from, to, ttl) = match &packet.net {
        Some(NetSlice::Ipv4(ip)) => {
            let header = ip.header();
            (header.source_addr().into(), header.destination_addr().into(), header.ttl())
        }
        Some(NetSlice::Ipv6(ip)) => {
            let header = ip.header();
            (header.source_addr().into(), header.destination_addr().into(), header.hop_limit())
        }
        _ => return,
    };
    if !tcp.syn() || tcp.ack() {
        return;
    }
    let mut stack = Stack { ttl: Some(ttl), window: Some(tcp.window_size()), ..Stack::default() };
    let mut tsval = None;
    let mut kinds = OptionKinds::default();
    for option in tcp.options_iterator().flatten() {
        kinds.push(match option {
            TcpOptionElement::Noop => 1,
            TcpOptionElement::MaximumSegmentSize(mss) => {
                stack.mss = Some(mss);
                2
            }
            TcpOptionElement::WindowScale(shift) => {
                stack.wscale = Some(shift);
                3
            }
            TcpOptionElement::SelectiveAcknowledgementPermitted => 4,
            TcpOptionElement::SelectiveAcknowledgement(..) => 5,
            TcpOptionElement::Timestamp(value, _) => {
                tsval = Some(value);
                8
            }
        });
    }
    stack.options = Some(kinds);
    let stream = streams.entry((from, to)).or_default();
    let label = match (ttl, kinds.as_slice()) {
        (65..=128, _) => "Windows",
        (_, [2, 1, 3, ..]) => "Apple",
        _ => "Linux",
    };
    // The same SYN again belongs to the same connection; a number of its own otherwise.
    let seq = tcp.sequence_number();
    let before = stream.iter().rev().take(1_000).find(|syn| syn.sport == tcp.source_port() && syn.seq == seq);
    let connection = before.map_or(stream.len() as u32, |syn| syn.connection);
    stream.push(Sent {
        at,
        tsval,
        sport: tcp.source_port(),
        seq,
        stack,
        label,
        remembered: None,
        host: 0,
        connection,
        hz: 0.0,
    });
}
