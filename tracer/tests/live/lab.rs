//! A namespace with one wire, a TUN device: crafted packets go in through its descriptor and the kernel's replies come
//! out of it, while the server side is real sockets. What is written is processed before the write returns.
//!
//! Every SYN is followed by a fence, a SYN to a closed port: when its reset has come back, everything that the kernel
//! answered before has, too; when its event is there, so are all events before. Nothing sleeps to prove an absence.

use std::{
    collections::HashMap,
    fs::File,
    io::{self, Read as _, Write as _},
    net::{IpAddr, SocketAddr},
    os::fd::AsFd as _,
    process::{Command, Stdio},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use nix::{
    fcntl::{FcntlArg, OFlag, fcntl},
    poll::{PollFd, PollFlags, PollTimeout, poll},
};
use tracer::netns::Netns;

use super::{
    counters::{Counters, Reading},
    family::Family,
    fate::Fate,
    ground::Answer,
    packet::{Reply, Segment, flag},
    syn::Syn,
    sys,
    watcher::{PATIENCE, ended, killed},
};

/// The name of the wire.
pub(crate) const WIRE: &str = "wire0";
/// Nothing listens there.
pub(crate) const CLOSED: u16 = 9;

/// When a request's own timer may send its SYN/ACK again: 1 s after the first, minus what clocks are worth.
const SYNACK_TIMER: Duration = Duration::from_millis(900);

/// A SYN that was sent, and what became of it.
#[derive(Debug)]
pub(crate) struct Shot {
    pub(crate) syn: Syn,
    pub(crate) fate: Fate,
    /// What came back.
    pub(crate) answer: Answer,
    /// Source port of the fence after it.
    pub(crate) fence: u16,
    /// Counters before and after.
    pub(crate) counters: [Reading; 2],
    /// How old the namespace was, at most.
    pub(crate) age: Duration,
}

/// The namespace.
pub(crate) struct Lab {
    pub(crate) netns: Arc<Netns>,
    pub(crate) family: Family,
    pub(crate) shots: Vec<Shot>,
    /// Port that fences go to.
    pub(crate) fence_port: u16,
    /// Address that fences come from.
    pub(crate) fence_from: IpAddr,
    /// Fences sent so far.
    pub(crate) fences: u16,
    /// Which wire SYNs come in by; fences always take the first.
    pub(crate) sends_by: usize,
    wires: Vec<File>,
    counters: Counters,
    begun: Instant,
    /// Replies read and not asked for yet.
    replies: Vec<Reply>,
    /// When a tuple got its first SYN/ACK.
    synacks: HashMap<(SocketAddr, SocketAddr), Instant>,
}

/// Every namespace made, also of laboratories that are gone: while it lives, no other gets the same inode.
static USED: Mutex<Vec<Arc<Netns>>> = Mutex::new(Vec::new());

fn used() -> MutexGuard<'static, Vec<Arc<Netns>>> {
    USED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Lets go of all namespaces; nobody may be looking for their events any more.
pub(crate) fn forget_used() {
    used().clear();
}

/// Makes a TUN device inside.
fn wire(netns: &Netns, name: &str) -> Result<File> {
    let wire = netns.run(|| sys::tun(name)).context("make a TUN device")?;
    fcntl(&wire, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
    Ok(File::from(wire))
}

/// First source port of fences; no case uses ports from here on.
const FENCES: u16 = 50_000;

impl Lab {
    /// Makes one.
    pub(crate) fn new(family: Family) -> Result<Self> {
        let netns = Arc::new(Netns::create().context("make a network namespace")?);
        used().push(Arc::clone(&netns));
        let begun = Instant::now();
        let wire = wire(&netns, WIRE)?;
        let counters = netns.run(Counters::open).context("open the counters")?;
        let lab = Self {
            netns,
            family,
            shots: vec![],
            fence_port: CLOSED,
            fence_from: family.host(254),
            fences: 0,
            sends_by: 0,
            wires: vec![wire],
            counters,
            begun,
            replies: vec![],
            synacks: HashMap::new(),
        };
        for (name, value) in [
            ("ipv4/conf/all/rp_filter", "0"),
            ("ipv4/conf/default/rp_filter", "0"),
            ("ipv4/conf/wire0/rp_filter", "0"),
            ("ipv6/conf/all/disable_ipv6", "0"),
            ("ipv6/conf/wire0/disable_ipv6", "0"),
            ("ipv4/tcp_timestamps", "1"),
            ("ipv4/tcp_syncookies", "1"),
            ("ipv4/tcp_max_syn_backlog", "1024"),
            ("core/somaxconn", "1024"),
            // Ten minutes: the second answer of a kind within a case never comes, however slow the machine.
            ("ipv4/tcp_invalid_ratelimit", "600000"),
        ] {
            lab.sysctl(name, value)?;
        }
        lab.ip(&format!(
            "link set lo up\nlink set {WIRE} up\naddr add 10.77.0.1/16 dev {WIRE}\naddr add fd77::1/64 dev {WIRE} nodad\n"
        ))?;
        lab.await_address()?;
        Ok(lab)
    }

    /// Makes another wire into the namespace, without addresses: what comes in by it is answered by the first.
    pub(crate) fn second_wire(&mut self) -> Result<()> {
        self.wires.push(wire(&self.netns, "wire1")?);
        self.ip("link set wire1 up\n")
    }

    /// The kernel makes the local route of an IPv6 address a little later than the address.
    fn await_address(&self) -> Result<()> {
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            let routes = self.netns.run(|| std::fs::read_to_string("/proc/thread-self/net/ipv6_route"))?;
            if routes.lines().any(|route| route.starts_with("fd770000000000000000000000000001 80 ")) {
                return Ok(());
            }
            thread::sleep(Duration::from_millis(2));
        }
        bail!("the address fd77::1 got no local route")
    }

    /// Its inode, as in events.
    pub(crate) fn inode(&self) -> u32 {
        self.netns.inode()
    }

    /// The server's address.
    pub(crate) fn server(&self) -> IpAddr {
        self.family.host(1)
    }

    /// Writes a sysctl below `/proc/sys/net`. On old kernels some belong to the whole machine, and stand there alone.
    pub(crate) fn sysctl(&self, name: &str, value: &str) -> Result<()> {
        let path = format!("/proc/sys/net/{name}");
        let written = match self.netns.run(|| std::fs::write(&path, value)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => std::fs::write(&path, value),
            written => written,
        };
        written.with_context(|| format!("write {value} to {path}"))
    }

    /// Runs lines of `ip -batch` inside.
    pub(crate) fn ip(&self, lines: &str) -> Result<()> {
        self.run("ip", &["-batch", "-"], lines)
    }

    /// Runs a program inside, with this as its input.
    pub(crate) fn run(&self, program: &str, arguments: &[&str], input: &str) -> Result<()> {
        let start = || {
            let mut child = Command::new(program)
                .args(arguments)
                .stdin(Stdio::piped())
                .stdout(Stdio::null())
                .stderr(Stdio::piped())
                .spawn()?;
            child.stdin.take().ok_or(io::ErrorKind::BrokenPipe)?.write_all(input.as_bytes())?;
            Ok(child)
        };
        let mut child = self.netns.run(start).with_context(|| format!("run {program}"))?;
        if ended(&mut child, PATIENCE)?.is_none() {
            killed(&mut child);
            bail!("{program} {arguments:?} does not end");
        }
        let out = child.wait_with_output()?;
        let words = String::from_utf8_lossy(&out.stderr);
        ensure!(out.status.success(), "{program} {arguments:?} with {input:?}: {} {words}", out.status);
        Ok(())
    }

    /// Makes a chain of the packet filter with one rule.
    pub(crate) fn nft(&self, hook: &str, rule: &str) -> Result<()> {
        self.run("nft", &["-f", "-"], &format!("table inet t {{\n chain c {{\n {hook}\n {rule}\n }}\n}}\n"))
    }

    /// Reads the kernel's counters.
    pub(crate) fn counters(&mut self) -> Result<Reading> {
        self.counters.read().context("read the counters")
    }

    /// Puts a packet on a wire.
    pub(crate) fn write(&mut self, wire: usize, packet: &[u8]) -> Result<()> {
        let written = self.wires[wire].write(packet).context("write to the wire")?;
        ensure!(written == packet.len(), "the wire took {written} of {} bytes", packet.len());
        Ok(())
    }

    /// Sends a segment that is no SYN to be judged.
    pub(crate) fn send(&mut self, segment: &Segment) -> Result<()> {
        self.write(0, &segment.bytes())
    }

    /// Forgets everything that has come out of the wire.
    #[allow(dead_code, reason = "for the benchmark of what the programs cost")]
    pub(crate) fn drain(&mut self) -> Result<()> {
        self.replies.clear();
        let mut packet = [0; 4096];
        loop {
            match self.wires[0].read(&mut packet) {
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error).context("read from the wire"),
            }
        }
    }

    /// Waits for a reply; others are kept.
    pub(crate) fn reply(&mut self, what: &str, wanted: impl Fn(&Reply) -> bool) -> Result<Reply> {
        let end = Instant::now() + PATIENCE;
        let mut packet = [0; 4096];
        loop {
            if let Some(at) = self.replies.iter().position(&wanted) {
                return Ok(self.replies.remove(at));
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                bail!("no {what} came out of the wire; {:?} did", self.replies);
            }
            let mut fds = [PollFd::new(self.wires[0].as_fd(), PollFlags::POLLIN)];
            poll(&mut fds, PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX))?;
            match self.wires[0].read(&mut packet) {
                Ok(length) => self.replies.extend(Reply::read(&packet[..length])?),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error).context("read from the wire"),
            }
        }
    }

    /// Sends a fence and waits for its reset: everything that was answered before has been read then. Returns its source
    /// port.
    pub(crate) fn fence(&mut self) -> Result<u16> {
        let port = FENCES + self.fences;
        self.fences += 1;
        let from = SocketAddr::new(self.fence_from, port);
        let fence = Syn::new(from, SocketAddr::new(self.server(), self.fence_port), 1, None);
        self.send(&fence.segment())?;
        self.reply("reset of a fence", |reply| reply.to == from && reply.has(flag::RST))?;
        Ok(port)
    }

    /// Sends a SYN, compares what comes back with its fate, and keeps it to be judged by its events. Returns the reply.
    pub(crate) fn shoot(&mut self, syn: &Syn, fate: Fate) -> Result<Option<Reply>> {
        self.shoot_packets(syn, &[syn.segment().bytes()], fate)
    }

    /// The same in packets of one's own.
    pub(crate) fn shoot_packets(
        &mut self,
        syn: &Syn,
        packets: &[Vec<u8>],
        fate: Fate,
    ) -> Result<Option<Reply>> {
        let before = self.counters()?;
        self.replies.clear();
        for packet in packets {
            self.write(self.sends_by, packet)?;
        }
        let fence = self.fence()?;
        let after = self.counters()?;
        let tuple = (syn.from, syn.to);
        let mut ours: Vec<Reply> =
            self.replies.drain(..).filter(|reply| (reply.to, reply.from) == tuple).collect();
        if fate.answer() != Some(Answer::SynAck)
            && self.synacks.get(&tuple).is_some_and(|first| first.elapsed() > SYNACK_TIMER)
        {
            // The request's own timer may have sent it again meanwhile.
            ours.retain(|reply| !reply.has(flag::SYN | flag::ACK));
        }
        let answer = answer(&ours).with_context(|| format!("replies to {syn:?}"))?;
        if answer == Answer::SynAck {
            self.synacks.entry(tuple).or_insert_with(Instant::now);
        }
        if let Some(wanted) = fate.answer() {
            ensure!(answer == wanted, "the kernel answered {answer:?}, not {wanted:?}, to {syn:?}");
        }
        let age = self.begun.elapsed();
        self.shots.push(Shot { syn: syn.clone(), fate, answer, fence, counters: [before, after], age });
        Ok(ours.pop())
    }
}

/// What these replies are to a client.
fn answer(replies: &[Reply]) -> Result<Answer> {
    Ok(match replies {
        [] => Answer::Silence,
        [reply] if reply.has(flag::SYN | flag::ACK) => Answer::SynAck,
        [reply] if reply.has(flag::RST) => Answer::Rst,
        [reply] if reply.has(flag::ACK) => Answer::Ack,
        more => bail!("cannot make out {more:?}"),
    })
}
