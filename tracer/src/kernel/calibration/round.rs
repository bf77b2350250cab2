//! A round: connections in every state, and what the kernel's memory of them must hold.

use std::{
    io,
    net::{IpAddr, TcpListener, TcpStream},
    os::linux::net::TcpStreamExt as _,
    thread,
    time::{Duration, Instant},
};

use nix::sys::socket::{Backlog, listen};
use tracer_common::calibration::{CHUNK, CHUNKS, call};

use super::{
    evidence::{Queued, Round, field},
    known::{Wants, addresses, full, in_bucket, open, own, packet, requested, state},
    moment::{BEHIND_MS, Moment},
    reader::{Called, Reader},
    scene::{Client, Scene},
    search::{Pointing, Want},
    segment::{Segment, flag},
};

/// Bytes of a full socket that are looked at, and of smaller structures.
pub(super) const SOCKET: usize = CHUNK * CHUNKS;
pub(super) const SMALL: usize = 2 * CHUNK;
/// Of a socket, what has the address of its namespace in it; and how far from there its inode may stand.
const COMMON: usize = 256;
const TARGET: usize = 1024;
/// Connections of each kind that leave buckets behind.
const BUCKETS: usize = 3;
/// After this another second is noted, and no number fits both that does not change.
const NEXT_SECOND: Duration = Duration::from_millis(1000 + BEHIND_MS);
/// How long the kernel may wait before it sends a SYN/ACK again.
const AGAIN: Duration = Duration::from_millis(2500);

/// A round under way.
pub(super) struct Stage<'a> {
    pub(super) reader: &'a mut Reader,
    pub(super) scene: Scene,
    pub(super) round: Round,
    /// Packets with data.
    sent: usize,
}

/// A client that does not end its handshake, and where the kernel has its request.
pub(super) type HalfOpen = (Client, u64);

/// The same of a connection that is over.
pub(super) type Bucket = (Client, u64);

/// What stays open until a second has passed.
pub(super) struct Kept {
    listener: TcpListener,
    backlog: u32,
    half_open: Vec<HalfOpen>,
    established: (Client, TcpStream),
    bucket: Bucket,
    /// When segments were refused.
    ticks: Option<Want>,
    /// When seconds were noted of the one that is established.
    since: Instant,
    _rest: Vec<TcpStream>,
}

impl<'a> Stage<'a> {
    /// Nothing has been done yet.
    pub(super) fn new(reader: &'a mut Reader, scene: Scene, round: Round) -> Self {
        Self { reader, scene, round, sent: 0 }
    }

    /// All of it for one of our addresses.
    pub(super) fn family(&mut self, server: IpAddr, half_open: usize) -> io::Result<Kept> {
        let listener = TcpListener::bind((server, self.scene.random.port()))?;
        listener.set_nonblocking(true)?;
        let to = listener.local_addr()?;
        // Below the least that `net.core.somaxconn` was anywhere.
        let backlogs = [self.scene.random.within(20, 60), self.scene.random.within(70, 120)];
        for backlog in backlogs {
            listen(&listener, Backlog::new(i32::try_from(backlog).unwrap_or(20))?)?;
            self.listening(&listener, backlog, 0, 0)?;
        }
        let [_, backlog] = backlogs;
        let half_open = self.half_open(&listener, half_open)?;
        let qlen = half_open.len();
        self.listening(&listener, backlog, qlen, 0)?;
        let mut clients = Vec::new();
        for accept in 1..=2 + 2 * BUCKETS {
            clients.push(self.scene.connect(to)?);
            self.listening(&listener, backlog, qlen, accept)?;
        }
        let mut streams = Vec::new();
        for _ in &clients {
            streams.push(listener.accept()?.0);
        }
        self.listening(&listener, backlog, qlen, 0)?;
        let mut connections = clients.into_iter().zip(streams);
        let mut next = || connections.next().ok_or_else(|| io::Error::other("a connection is lacking"));
        let (mut established, mut left) = (next()?, next()?);
        self.established(&mut established)?;
        let since = Instant::now();
        self.established(&mut left)?;
        self.close_wait(&mut left)?;
        self.fin_wait2(next()?)?;
        let bucket = self.time_wait(next()?)?;
        // In turns: behind one bucket in memory is another, which is of the other kind or an old one.
        for _ in 1..BUCKETS {
            self.fin_wait2(next()?)?;
            self.time_wait(next()?)?;
        }
        let ticks = self.refused(&half_open[0], &established, &bucket)?;
        Ok(Kept { listener, backlog, half_open, established, bucket, ticks, since, _rest: vec![left.1] })
    }

    /// Waits until the kernel sends SYN/ACKs again: what counts requests, and what counts those that were not asked twice, differ
    /// from then on. A second has passed, too.
    pub(super) fn wait_for_synacks(&mut self, kept: &[Kept]) -> io::Result<()> {
        let clients = kept.iter().flat_map(|kept| &kept.half_open).map(|(client, _)| client);
        self.scene.wait_for_synacks(clients.collect(), AGAIN)?;
        let next = kept.iter().map(|kept| kept.since).max();
        thread::sleep(next.map_or(Duration::ZERO, |since| NEXT_SECOND.saturating_sub(since.elapsed())));
        Ok(())
    }

    /// What is different after that.
    pub(super) fn late(&mut self, mut kept: Kept) -> io::Result<()> {
        self.listening(&kept.listener, kept.backlog, kept.half_open.len(), 0)?;
        let (client, stream) = &mut kept.established;
        let moment = Moment::now()?;
        self.data(client)?;
        let memory = self.socket(stream)?;
        let mut wants = full(client, state::ESTABLISHED, &moment)?;
        // Nothing was refused since.
        wants.extend(kept.ticks.map(|ticks| (field!(tp_last_oow), ticks)));
        self.round.add(memory, wants);
        let (client, bucket) = &mut kept.bucket;
        let moment = Moment::now()?;
        let ack = client.later(flag::ACK);
        self.scene.send(&ack)?;
        let memory = self.reader.read(*bucket, SMALL)?;
        self.round.add(memory, in_bucket(client, state::TIME_WAIT, &moment)?);
        Ok(())
    }

    fn socket(&mut self, socket: &impl std::os::fd::AsFd) -> io::Result<Vec<u8>> {
        let address = self.reader.socket(socket)?;
        self.reader.read(address, SOCKET)
    }

    /// A listener with so many requests and connections.
    fn listening(&mut self, socket: &TcpListener, backlog: u32, syn: usize, accept: usize) -> io::Result<()> {
        let memory = self.socket(socket)?;
        if self.round.sockets.is_empty() {
            let common = memory.get(..COMMON).unwrap_or_default().to_vec();
            let pointing = self.pointing(common, |_| true)?;
            self.round.sockets.push(pointing);
        }
        let address = socket.local_addr()?;
        let mut wants = vec![
            (field!(sk_state), Want::number(1, state::LISTEN)),
            (field!(sk_type), Want::number(2, 1)),
            (field!(sk_ack_backlog), Want::number(4, accept as u64)),
            (field!(sk_max_ack_backlog), Want::number(4, backlog.into())),
            (field!(icsk_qlen), Want::number(4, syn as u64)),
        ];
        wants.extend(own(address));
        self.round.add(memory, wants);
        Ok(())
    }

    /// A structure with the memory to which it points; it must lead to our namespace.
    pub(super) fn pointing(&mut self, memory: Vec<u8>, wanted: impl Fn(u64) -> bool) -> io::Result<Pointing> {
        let mut targets = Vec::new();
        for (at, address) in addresses(&memory).filter(|(_, address)| wanted(*address)) {
            targets.push((at, self.reader.read(address, TARGET)?));
        }
        let want = Want::Rare(self.scene.inode.to_ne_bytes().to_vec());
        Ok(Pointing { memory, targets, want })
    }

    /// SYNs that nobody answers.
    fn half_open(&mut self, listener: &TcpListener, count: usize) -> io::Result<Vec<HalfOpen>> {
        let to = listener.local_addr()?;
        let sock = self.reader.socket(listener)?;
        let mut clients = Vec::new();
        for _ in 0..count {
            let mut client = self.scene.client(to);
            self.reader.await_call(call::ANSWER, sock)?;
            self.scene.open(&mut client)?;
            let called = self.called(call::ANSWER)?;
            let [_, _, request, _] = called.args;
            let memory = self.reader.read(request, SMALL)?;
            let mut wants = requested(&client);
            wants.push((field!(treq_last_oow), Want::number(4, 0)));
            self.round.add(memory, wants);
            clients.push((client, request));
        }
        Ok(clients)
    }

    pub(super) fn called(&mut self, which: u32) -> io::Result<Called> {
        let lacking = || io::Error::other("a kernel function was not called");
        self.reader.called(which)?.ok_or_else(lacking)
    }

    /// A connection that has data to be read.
    fn established(&mut self, (client, stream): &mut (Client, TcpStream)) -> io::Result<()> {
        // The acknowledgement waits, so that what was received and what was acknowledged differ.
        stream.set_quickack(false)?;
        let sock = self.reader.socket(stream)?;
        let moment = Moment::now()?;
        self.reader.await_call(call::PACKET, self.round.device)?;
        let segment = self.data(client)?;
        if client.to.is_ipv4() {
            let Called { args: [buffer, ..], memory } = self.called(call::PACKET)?;
            let packet = packet(self.scene.device.index);
            let mut wants = packet.clone();
            wants.push((field!(skb_dev), Want::Rare(self.round.device.to_ne_bytes().to_vec())));
            self.round.add(memory, wants);
            self.queued(buffer, sock, &segment, packet)?;
        }
        let memory = self.reader.read(sock, SOCKET)?;
        let mut wants = full(client, state::ESTABLISHED, &moment)?;
        wants.push((field!(tp_last_oow), Want::number(4, 0)));
        self.round.add(memory, wants);
        Ok(())
    }

    /// Data of some length, in a packet with some options.
    fn data(&mut self, client: &mut Client) -> io::Result<Segment> {
        let mut segment = client.later(flag::ACK);
        // Never the same twice.
        self.sent += 1;
        segment.payload = vec![0x5a; 40 * self.sent + self.scene.random.within(1, 19) as usize];
        segment.padding = if client.to.is_ipv4() { 1 + u8::try_from(self.sent % 6).unwrap_or(0) } else { 0 };
        client.next = client.next.wrapping_add(u32::try_from(segment.payload.len()).unwrap_or(0));
        self.scene.send(&segment)?;
        Ok(segment)
    }

    /// The packet's buffer, as it waits in the socket.
    fn queued(&mut self, buffer: u64, sock: u64, segment: &Segment, mut wants: Wants) -> io::Result<()> {
        let memory = self.reader.read(buffer, CHUNK)?;
        let mut targets = Vec::new();
        for (at, address) in addresses(&memory) {
            targets.push((at, self.reader.read(address, SMALL)?));
        }
        let (packet, header) = segment.packet();
        let buffer =
            Pointing { memory: memory.clone(), targets, want: Want::Rare(packet[..header].to_vec()) };
        let length = |len: usize| u32::try_from(len).unwrap_or(0);
        self.round.queued.push(Queued { buffer, header: length(header), total: length(packet.len()) });
        wants.push((field!(skb_sk), Want::Rare(sock.to_ne_bytes().to_vec())));
        self.round.add(memory, wants);
        Ok(())
    }

    /// A connection that its client closed.
    fn close_wait(&mut self, (client, stream): &mut (Client, TcpStream)) -> io::Result<()> {
        let fin = client.later(flag::FIN | flag::ACK);
        client.next = client.next.wrapping_add(1);
        self.scene.send(&fin)?;
        let memory = self.socket(stream)?;
        // Its timestamp counts where what came before was acknowledged by then, and only there.
        self.round.add(memory, open(client, state::CLOSE_WAIT));
        Ok(())
    }
}
