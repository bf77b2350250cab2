//! Filters: each with a tracer of its own, which must report what is wanted and nothing else. The fence after every SYN
//! is wanted, too, so that an unwanted one would have been reported before it.

use std::{
    net::SocketAddr,
    process::{Child, Command, Stdio},
};

use anyhow::{Context as _, Result, ensure};

use super::{
    cases::Lacking,
    family::Family,
    fate::{Fate, judge},
    ground::{
        Ground, Place,
        Why::{AcceptQueueFull, BadChecksum, NoListener, PawsTimeWait},
    },
    lab::{Lab, WIRE},
    syn::Syn,
    watcher::{Watcher, killed},
};

/// A filter's case.
pub(crate) type Filter = (&'static str, fn(Ground) -> Result<()>);

/// All of them. A tracer takes seconds to come and go under software emulation, so that some have two filters.
pub(crate) const FILTERS: &[Filter] = &[
    ("filter/ports-and-ipv4", ports_and_ipv4),
    ("filter/ports-of-a-proxy", ports_of_a_proxy),
    ("filter/from-ipv4", |ground| from(ground, Family::V4, "10.77.8.0/24", [10, 77, 8, 200].into())),
    ("filter/from-and-ipv6", |ground| {
        from(ground, Family::V6, "fd77::8:0/112", [0xfd77, 0, 0, 0, 0, 0, 8, 200].into())
    }),
    ("filter/interface-and-netns-pid", interface),
    ("filter/netns-inode", netns_inode),
    ("filter/cause-list", cause_list),
    ("filter/cause-default-and-netns-path", cause_default),
];

const ISN: u32 = 1_000_000;
const STAMP: u32 = 1_000_000_000;

/// A process inside a laboratory, ended when let go.
pub(crate) struct Inhabitant(Child);

impl Inhabitant {
    pub(crate) fn of(lab: &Lab) -> Result<Self> {
        let start = || Command::new("sleep").arg("600").stdin(Stdio::null()).stdout(Stdio::null()).spawn();
        Ok(Self(lab.netns.run(start).context("start a process inside")?))
    }

    pub(crate) fn pid(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Inhabitant {
    fn drop(&mut self) {
        killed(&mut self.0);
    }
}

/// Starts a tracer that shows every cause under this filter.
fn watch(ground: Ground, filter: &[&str]) -> Result<Watcher> {
    Watcher::start(ground.set.name(), &[&["--cause", "all"], filter].concat())
}

/// A SYN to a closed port.
fn knock(lab: &mut Lab, from: SocketAddr, to: SocketAddr, wanted: bool) -> Result<()> {
    let fate = if wanted { Fate::dies(NoListener) } else { Fate::Unseen };
    lab.shoot(&Syn::new(from, to, ISN, Some(STAMP)), fate)?;
    Ok(())
}

fn ports_and_ipv4(ground: Ground) -> Result<()> {
    let watcher = watch(ground, &["-4", "-p", "7100,7200-7202"])?;
    let mut lab = Lab::new(Family::V4)?;
    lab.fence_port = 7201;
    for (port, wanted) in
        [(7099, false), (7100, true), (7101, false), (7199, false), (7200, true), (7202, true), (7203, false)]
    {
        // The client's port is not what is meant.
        let (from, to) = (SocketAddr::new(lab.family.host(9), 7100), lab.server_at(port));
        knock(&mut lab, from, to, wanted)?;
    }
    let six = |number, port| SocketAddr::new(Family::V6.host(number), port);
    knock(&mut lab, six(9, 1001), six(1, 7100), false)?;
    judge(&mut lab, &watcher, ground)
}

/// Listeners that are given SYNs to another port than their own: the packet's port is what counts. All of them are full.
fn ports_of_a_proxy(ground: Ground) -> Result<()> {
    if !ground.must_see(Place::Listener) {
        return Err(Lacking("listeners are not seen here").into());
    }
    let watcher = watch(ground, &["-p", "7200-7201"])?;
    let mut lab = Lab::new(Family::V4)?;
    lab.fence_port = 7201;
    let rules = "tcp dport 7200 tproxy ip to :7300 accept; tcp dport 7301 tproxy ip to :7200 accept";
    if lab.nft("type filter hook prerouting priority mangle", rules).is_err() {
        return Err(Lacking("this kernel's packet filter has no tproxy").into());
    }
    let listeners = [7300, 7200, 7400].into_iter().map(|port| lab.listen_for_others(port, 1));
    let _held = listeners.collect::<Result<Vec<_>>>()?;
    for (port, full) in [(7200, Fate::dies(AcceptQueueFull)), (7301, Fate::Unseen), (7400, Fate::Unseen)] {
        let syn = |sport| {
            Syn::new(SocketAddr::new(lab.family.host(9), sport), lab.server_at(port), ISN, Some(STAMP))
        };
        let [first, second, third] = [1001, 1002, 1003].map(syn);
        for syn in [first, second] {
            lab.connect(&syn)?;
        }
        for _ in 0..2 {
            let reply = lab.shoot(&third, full)?;
            ensure!(reply.is_none(), "port {port} is not full: {reply:?}");
        }
    }
    // What was not looked at left nothing behind.
    let last = Syn::new(SocketAddr::new(lab.family.host(9), 1004), lab.server_at(7200), ISN, Some(STAMP));
    lab.shoot(&last, Fate::dies(AcceptQueueFull))?;
    judge(&mut lab, &watcher, ground)
}

fn from(ground: Ground, family: Family, prefix: &str, inside: std::net::IpAddr) -> Result<()> {
    let mut lab = Lab::new(family)?;
    let alone = family.host(9);
    let six: &[&str] = if family == Family::V6 { &["-6"] } else { &[] };
    let watcher = watch(ground, &[six, &["--from", &alone.to_string(), "--from", prefix]].concat())?;
    lab.fence_from = alone;
    let to = lab.server_at(7100);
    let strangers = (family.host(8), family.host(10));
    for (address, wanted) in [(strangers.0, false), (alone, true), (strangers.1, false), (inside, true)] {
        knock(&mut lab, SocketAddr::new(address, 1001), to, wanted)?;
    }
    let other = |number, port| SocketAddr::new(family.other().host(number), port);
    knock(&mut lab, other(9, 1001), other(1, 7100), false)?;
    judge(&mut lab, &watcher, ground)
}

/// Two wires into one namespace.
fn interface(ground: Ground) -> Result<()> {
    let mut lab = Lab::new(Family::V4)?;
    let inhabitant = Inhabitant::of(&lab)?;
    lab.second_wire()?;
    let watcher = watch(ground, &["--netns", &inhabitant.pid().to_string(), "-i", WIRE])?;
    let (from, to) = (SocketAddr::new(lab.family.host(9), 1001), lab.server_at(7100));
    for wire in [1, 0, 1] {
        lab.sends_by = wire;
        knock(&mut lab, from, to, wire == 0)?;
    }
    judge(&mut lab, &watcher, ground)?;
    let named =
        watcher.events_until(lab.inode(), 1001)?.iter().all(|event| event.ifname.as_deref() == Some(WIRE));
    ensure!(named, "an event under -i does not name the interface");
    Ok(())
}

fn netns_inode(ground: Ground) -> Result<()> {
    let mut wanted = Lab::new(Family::V4)?;
    let mut unwanted = Lab::new(Family::V4)?;
    let _inhabitant = Inhabitant::of(&wanted)?;
    let watcher = watch(ground, &["--netns", &wanted.inode().to_string()])?;
    in_one_namespace(ground, &watcher, &mut wanted, &mut unwanted)
}

/// The same SYNs to two namespaces, of which one is watched.
fn in_one_namespace(ground: Ground, watcher: &Watcher, wanted: &mut Lab, unwanted: &mut Lab) -> Result<()> {
    let answered = wanted.syn(9, 1001, ISN, Some(STAMP));
    let mut syn = answered.clone();
    syn.sound = false;
    for _ in 0..2 {
        unwanted.shoot(&syn, Fate::Unseen)?;
        wanted.shoot(&syn, Fate::dies(BadChecksum))?;
    }
    // A RST there, of the same SYN in what is often the same buffer, is no answer here.
    for _ in 0..8 {
        unwanted.send(&answered.segment())?;
        wanted.shoot(&syn, Fate::dies(BadChecksum))?;
    }
    judge(wanted, watcher, ground)?;
    ensure!(watcher.events_of(unwanted.inode()).is_empty(), "events of another namespace");
    Ok(())
}

/// Without reasons, tracepoints do not tell a closed port from anything else.
fn tells_closed_ports(ground: Ground) -> Result<()> {
    if ground.must_see(Place::Nobody) {
        Ok(())
    } else {
        Err(Lacking("closed ports cannot be told here").into())
    }
}

/// `paws` is the whole group and nothing else; a closed port is asked for by name.
fn cause_list(ground: Ground) -> Result<()> {
    tells_closed_ports(ground)?;
    let watcher = Watcher::start(ground.set.name(), &["--cause", "paws,no-listener"])?;
    let mut lab = Lab::new(Family::V6)?;
    let mut syn = lab.syn(9, 1001, ISN, Some(STAMP));
    for sound in [false, true, false] {
        syn.sound = sound;
        lab.shoot(&syn, if sound { Fate::dies(NoListener) } else { Fate::Unseen })?;
    }
    if ground.must_see(Place::Bucket) {
        let listener = lab.listen(16)?;
        let syn = lab.syn(9, 1001, ISN, Some(STAMP));
        let kept = lab.time_wait(&listener, &syn)?.last_tsval()?;
        lab.shoot(&syn.clone().at(ISN - 1000).stamped(None), Fate::Unseen)?;
        lab.shoot(&syn.at(ISN - 1000).stamped(Some(kept - 7)), Fate::dies_by(PawsTimeWait, kept).silently())?;
    }
    judge(&mut lab, &watcher, ground)
}

/// Without the option, closed ports are not shown: the fences are not either, and a SYN of another cause takes their part.
fn cause_default(ground: Ground) -> Result<()> {
    tells_closed_ports(ground)?;
    let mut lab = Lab::new(Family::V4)?;
    let mut unwatched = Lab::new(Family::V4)?;
    let watcher = Watcher::start(ground.set.name(), &["--netns", &lab.netns.path().display().to_string()])?;
    let mut syn = lab.syn(9, 1001, ISN, Some(STAMP));
    lab.shoot(&syn, Fate::dies(NoListener))?;
    // A RST there, which nobody looks at the end of, is no answer here either, where the same SYN may come in the same buffer.
    let answered = lab.syn(9, 1003, ISN, Some(STAMP));
    let mut same = answered.clone();
    same.sound = false;
    for _ in 0..8 {
        unwatched.send(&answered.segment())?;
        lab.shoot(&same, Fate::dies(BadChecksum))?;
    }
    syn.sound = false;
    unwatched.shoot(&syn, Fate::Unseen)?;
    syn.from.set_port(1002);
    lab.shoot(&syn, Fate::dies(BadChecksum))?;
    let events = watcher.events_until(lab.inode(), 1002)?;
    ensure!(events.len() == 9, "{events:#?}");
    let ended = watcher.finish()?;
    ensure!(ended.summary.drops == 9, "{} drops of the causes selected", ended.summary.drops);
    ensure!(ended.printed.len() == 9, "{:#?}", ended.printed);
    Ok(())
}
