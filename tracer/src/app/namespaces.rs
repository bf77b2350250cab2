//! Which network namespaces there are, what interfaces are called in them, where their counters stand.
//!
//! Paths are kept, no descriptors: a descriptor would keep a namespace alive that its container has left.

use std::{
    collections::{HashMap, HashSet},
    fs, io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use nix::{
    net::if_::{if_indextoname, if_nametoindex},
    time::{ClockId, clock_gettime},
};

use crate::{
    analysis::snmp::{Counters, parse},
    error::{Exit, Failure, words},
    keyed::Keyed,
    netns::Netns,
};

/// Counters, and when they were read.
#[derive(Debug)]
pub struct Reading {
    /// `CLOCK_MONOTONIC` before the reading, nanoseconds.
    pub from: u64,
    /// ... and after it.
    pub to: u64,
    /// What was read.
    pub counters: Counters,
}

/// By numbers that the kernel gives, and asked with every record.
pub type Table<K, V> = HashMap<K, V, Keyed>;

/// More namespaces than this are not looked up.
const MAX: usize = 4096;

/// Where namespaces have names: those of `ip netns` and of Kubernetes' network plugins, those of Docker.
const NAMED: [&str; 4] = ["/run/netns", "/var/run/netns", "/run/docker/netns", "/var/run/docker/netns"];

/// The namespaces of this machine, by inode.
#[derive(Debug, Default)]
pub struct Namespaces {
    own: u32,
    places: Table<u32, Place>,
    /// Namespaces without a process or a name, which only this process holds.
    held: HashMap<u32, Arc<Netns>>,
    names: Table<(u32, u32), Option<Arc<str>>>,
    unknown: HashSet<u32>,
}

/// Where a namespace was found.
#[derive(Debug)]
struct Place {
    path: PathBuf,
    /// Where it has one.
    name: Option<Arc<str>>,
}

impl Place {
    fn new(path: PathBuf) -> Self {
        let is_named = path.parent().and_then(Path::to_str).is_some_and(|folder| NAMED.contains(&folder));
        let name = path.file_name().filter(|_| is_named).and_then(|name| name.to_str()).map(Arc::from);
        Self { path, name }
    }
}

impl Namespaces {
    /// Looks around.
    pub fn find(held: Option<Arc<Netns>>) -> Self {
        let own = Netns::current().map_or(0, |own| own.inode());
        let mut all = Self { own, ..Self::default() };
        all.held.extend(held.map(|netns| (netns.inode(), netns)));
        all.refresh();
        all
    }

    /// Looks around again.
    pub fn refresh(&mut self) {
        self.places.clear();
        self.unknown.clear();
        let named = NAMED.into_iter().flat_map(entries);
        let of_processes = entries("/proc")
            .filter(|path| path.file_name().is_some_and(|name| name.as_encoded_bytes()[0].is_ascii_digit()))
            .map(|path| path.join("ns/net"));
        for path in named.chain(of_processes) {
            if self.places.len() >= MAX {
                break;
            }
            // Metadata of the link's target: the namespace itself.
            if let Ok(meta) = fs::metadata(&path)
                && let Ok(inode) = u32::try_from(meta.ino())
            {
                self.places.entry(inode).or_insert_with(|| Place::new(path));
            }
        }
    }

    /// Name of an interface; `None` where the namespace or the interface is gone.
    pub fn ifname(&mut self, netns: u32, index: u32) -> Option<Arc<str>> {
        if let Some(name) = self.names.get(&(netns, index)) {
            return name.clone();
        }
        let name = self.inside(netns, move || Ok(if_indextoname(index)?)).ok();
        let name = name.and_then(|name| name.into_string().ok()).map(Arc::from);
        if self.names.len() >= MAX {
            self.names.clear();
        }
        self.names.insert((netns, index), name.clone());
        name
    }

    /// Name of a namespace, where it has one.
    pub fn name(&self, netns: u32) -> Option<Arc<str>> {
        self.places.get(&netns)?.name.clone()
    }

    /// Every namespace that is known.
    pub fn inodes(&self) -> impl Iterator<Item = u32> {
        self.places.keys().chain(self.held.keys()).copied()
    }

    /// Counters of every namespace that can be entered, or of one.
    pub fn counters(&mut self, only: Option<u32>) -> Table<u32, Reading> {
        let inodes: Vec<u32> = match only {
            Some(inode) => vec![inode],
            None => self.inodes().collect(),
        };
        inodes
            .into_iter()
            .filter_map(|inode| Some((inode, self.inside(inode, read_counters).ok()?)))
            .collect()
    }

    /// The namespace of this process.
    pub fn own(&self) -> u32 {
        self.own
    }

    /// That of process 1, which is the machine's first unless this is a container; `None` where it may not be asked.
    pub fn first() -> Option<u32> {
        fs::metadata("/proc/1/ns/net").ok()?.ino().try_into().ok()
    }

    /// Runs `work` inside a namespace, in a thread of its own unless it is ours.
    ///
    /// # Errors
    /// When the namespace is gone or cannot be entered; what `work` returns otherwise.
    pub fn inside<T: Send>(
        &mut self,
        inode: u32,
        work: impl FnOnce() -> io::Result<T> + Send,
    ) -> io::Result<T> {
        if inode == self.own {
            return work();
        }
        if let Some(netns) = self.held.get(&inode) {
            return netns.run(work);
        }
        if !self.places.contains_key(&inode) && self.unknown.len() < MAX && self.unknown.insert(inode) {
            let known = std::mem::take(&mut self.unknown);
            self.refresh();
            self.unknown = known;
        }
        let place = self.places.get(&inode).ok_or(io::ErrorKind::NotFound)?;
        let netns = Netns::open(&place.path)?;
        // The process may have ended and its number may be another's by now.
        if netns.inode() != inode {
            return Err(io::ErrorKind::NotFound.into());
        }
        netns.run(work)
    }
}

fn entries(folder: &str) -> impl Iterator<Item = PathBuf> {
    fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path())
}

/// The counters of the calling thread's namespace.
pub(super) fn read_counters() -> io::Result<Reading> {
    let from = monotonic()?;
    let mut counters = Counters::new();
    for file in ["netstat", "snmp"] {
        parse(&fs::read_to_string(Path::new("/proc/thread-self/net").join(file))?, &mut counters);
    }
    Ok(Reading { from, to: monotonic()?, counters })
}

/// `CLOCK_MONOTONIC`, nanoseconds: the time of the records.
///
/// # Errors
/// When the clock cannot be read.
pub fn monotonic() -> io::Result<u64> {
    let time = Duration::from(clock_gettime(ClockId::CLOCK_MONOTONIC)?);
    u64::try_from(time.as_nanos()).map_err(io::Error::other)
}

/// Resolves `--netns PATH|PID|INODE`.
///
/// # Errors
/// When there is no such namespace.
pub fn resolve(word: &str) -> Result<Netns, Failure> {
    let fail = |why: String, hint: &str| {
        Failure::new(Exit::Failure, format!("no network namespace {word}"), why, hint)
    };
    let list = "see the namespaces: `lsns -t net`, `ip netns list`";
    let Ok(number) = word.parse::<u32>() else {
        return Netns::open(Path::new(word)).map_err(|error| {
            fail(
                format!("{word}: {}", words(&error)),
                "name a path like /run/netns/NAME, a process id or an inode: `ip netns list` and `lsns -t net` show them",
            )
        });
    };
    let of_process = PathBuf::from(format!("/proc/{number}/ns/net"));
    if let Ok(netns) = Netns::open(&of_process) {
        return Ok(netns);
    }
    let all = Namespaces::find(None);
    let place = all.places.get(&number).ok_or_else(|| {
        fail(
            "there is no process with this number, and no namespace with this inode has a process or a name"
                .into(),
            list,
        )
    })?;
    Netns::open(&place.path).map_err(|error| fail(words(&error), list))
}

/// Index of an interface in a namespace.
///
/// # Errors
/// When there is no such interface.
pub fn ifindex(name: &str, netns: &Netns) -> Result<u32, Failure> {
    netns.run(|| Ok(if_nametoindex(name)?)).map_err(|error| {
        Failure::new(
            Exit::Failure,
            format!("no interface {name}"),
            format!("in network namespace {}: {}", netns.inode(), words(&error)),
            "see the interfaces: `ip -br link`; of another namespace: `tracer --netns PATH -i NAME`",
        )
    })
}
