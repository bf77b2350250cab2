//! Finds the process behind a listening socket: the sockets of the namespace, then the descriptors of all processes.
//!
//! From `/proc` and not by `sock_diag`, whose first question would load a kernel module: looking must not change the
//! machine. What cannot be read is unknown. Bounded in descriptors and in time.

use std::{
    collections::HashMap,
    fs,
    io::{self, BufRead as _, BufReader},
    net::{IpAddr, UdpSocket},
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use nix::fcntl::readlinkat;

use crate::{
    analysis::listening::{Choice, Holder, choose, server},
    app::namespaces::Namespaces,
    decode::{
        cgroup,
        sockets::{Line, Socket, line},
    },
    model::listener::Listener,
    netns::Netns,
};

/// Where somebody listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::app) struct Key {
    /// Namespace, by inode.
    pub(in crate::app) netns: u32,
    /// Server address.
    pub(in crate::app) dst: IpAddr,
    /// Server port.
    pub(in crate::app) dport: u16,
}

/// A listener, and how to see whether it is still there.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) listener: Arc<Listener>,
    /// A descriptor of the process, and what it points at.
    descriptor: PathBuf,
    socket: PathBuf,
}

impl Found {
    /// Whether the process is there and holds the socket. A number that was given to another process does not deceive: that
    /// one would have to hold the same socket under the same number.
    pub(super) fn still_holds(&self) -> bool {
        fs::read_link(&self.descriptor).is_ok_and(|points| points == self.socket)
    }
}

/// Listening sockets that are read of a namespace.
const SOCKETS: usize = 65_536;
/// Descriptors that are looked at for one answer.
const DESCRIPTORS: usize = 1 << 20;
/// ... and for how long.
const PATIENCE: Duration = Duration::from_secs(5);
/// Between two looks for namespaces.
const PAUSE: Duration = Duration::from_secs(1);

/// What is known of the machine.
pub(super) struct Finder {
    namespaces: Namespaces,
    refreshed: Instant,
}

impl Finder {
    pub(super) fn new(held: Option<Arc<Netns>>) -> Self {
        Self { namespaces: Namespaces::find(held), refreshed: Instant::now() }
    }

    /// Who listens at each of these.
    pub(super) fn find(&mut self, keys: &[Key]) -> Vec<Option<Found>> {
        let mut of_netns: HashMap<u32, Vec<Key>> = HashMap::new();
        for key in keys {
            of_netns.entry(key.netns).or_default().push(*key);
        }
        let mut found = HashMap::new();
        for (netns, keys) in of_netns {
            let choices = self.choices(netns, &keys);
            let mut wanted: Vec<u64> = choices.iter().map(|(_, choice)| choice.inode).collect();
            wanted.sort_unstable();
            wanted.dedup();
            let owners = owners(netns, &wanted);
            for (key, choice) in choices {
                let owner = owners.get(&choice.inode).and_then(|owner| owner.found(choice));
                found.insert(key, owner);
            }
        }
        keys.iter().map(|key| found.remove(key).flatten()).collect()
    }

    /// The socket for each of these.
    fn choices(&mut self, netns: u32, keys: &[Key]) -> Vec<(Key, Choice)> {
        let work = || {
            let sockets = sockets();
            let choice = |key: &Key| {
                let choice = choose(&sockets, key.dst, key.dport)?;
                (choice.exact || is_here(key.dst)).then_some((*key, choice))
            };
            Ok(keys.iter().filter_map(choice).collect())
        };
        let first = self.namespaces.inside(netns, work);
        let read = first.or_else(|error| {
            // The process by which we knew the namespace may be gone, and others in it may not.
            if self.refreshed.elapsed() < PAUSE {
                return Err(error);
            }
            self.namespaces.refresh();
            self.refreshed = Instant::now();
            self.namespaces.inside(netns, work)
        });
        read.unwrap_or_default()
    }
}

/// The listening sockets of the calling thread's namespace.
fn sockets() -> Vec<Socket> {
    let mut sockets = Vec::new();
    for file in ["tcp", "tcp6"] {
        // A kernel without IPv6 has one file only.
        let _ = listening(&Path::new("/proc/thread-self/net").join(file), &mut sockets);
    }
    // The list is read in pieces, and one that comes meanwhile moves those behind it, so that they are read twice.
    sockets.sort_unstable_by_key(|socket| socket.inode);
    sockets.dedup_by_key(|socket| socket.inode);
    sockets
}

/// Those of one file. Listeners come first, and there may be very many others.
fn listening(path: &Path, sockets: &mut Vec<Socket>) -> io::Result<()> {
    for text in BufReader::with_capacity(64 * 1024, fs::File::open(path)?).lines() {
        match line(&text?) {
            Line::Listening(socket) if sockets.len() < SOCKETS => sockets.push(socket),
            Line::Title => {}
            _ => break,
        }
    }
    Ok(())
}

/// How many sockets listen in the calling thread's namespace.
pub(in crate::app) fn count() -> u64 {
    sockets().len() as u64
}

/// Whether an address belongs to the calling thread's namespace. A packet that is only forwarded may be dropped here, too,
/// and a socket that listens on all addresses does not listen on that one.
fn is_here(address: IpAddr) -> bool {
    match UdpSocket::bind((address, 0)) {
        Ok(_) => true,
        Err(error) => error.kind() != io::ErrorKind::AddrNotAvailable,
    }
}

/// Those who hold a socket, and where.
struct Owners {
    holders: Vec<Holder>,
    descriptors: HashMap<u32, PathBuf>,
    socket: PathBuf,
}

impl Owners {
    fn found(&self, choice: Choice) -> Option<Found> {
        let server = server(&self.holders)?;
        let groups = fs::read_to_string(format!("/proc/{}/cgroup", server.pid)).ok();
        let listener = Listener {
            pid: server.pid,
            comm: server.comm.clone(),
            cgroup: groups.as_deref().and_then(cgroup::path).map(str::to_owned),
            processes: u32::try_from(self.holders.len()).ok(),
            sockets: Some(choice.sockets),
        };
        Some(Found {
            listener: Arc::new(listener),
            descriptor: self.descriptors.get(&server.pid)?.clone(),
            socket: self.socket.clone(),
        })
    }
}

/// Who holds these sockets. First those who live in the same namespace are asked, and all others where nobody did: a socket
/// may be handed to another namespace, but hardly ever is.
fn owners(netns: u32, wanted: &[u64]) -> HashMap<u64, Owners> {
    let mut owners = HashMap::new();
    if wanted.is_empty() {
        return owners;
    }
    let lives_there = |process: &PathBuf| {
        fs::metadata(process.join("ns/net")).is_ok_and(|meta| meta.ino() == u64::from(netns))
    };
    let (there, elsewhere): (Vec<_>, Vec<_>) = processes().partition(lives_there);
    let (mut left, until) = (DESCRIPTORS, Instant::now() + PATIENCE);
    for processes in [there, elsewhere] {
        let missing: HashMap<PathBuf, u64> = wanted
            .iter()
            .filter(|inode| !owners.contains_key(*inode))
            .map(|inode| (PathBuf::from(format!("socket:[{inode}]")), *inode))
            .collect();
        for process in processes {
            if missing.is_empty() || left == 0 || Instant::now() > until {
                break;
            }
            for (socket, descriptor) in held(&process, &missing, &mut left) {
                let Some(holder) = holder(&process) else { break };
                let owners = owners.entry(missing[&socket]).or_insert_with(|| Owners {
                    holders: Vec::new(),
                    descriptors: HashMap::new(),
                    socket,
                });
                owners.descriptors.insert(holder.pid, descriptor);
                owners.holders.push(holder);
            }
        }
    }
    owners
}

fn processes() -> impl Iterator<Item = PathBuf> {
    let is_process =
        |path: &PathBuf| path.file_name().is_some_and(|name| name.as_encoded_bytes()[0].is_ascii_digit());
    fs::read_dir("/proc").into_iter().flatten().flatten().map(|entry| entry.path()).filter(is_process)
}

/// Which of these sockets a process holds, and under which descriptor.
fn held(process: &Path, wanted: &HashMap<PathBuf, u64>, left: &mut usize) -> HashMap<PathBuf, PathBuf> {
    let mut found = HashMap::new();
    let folder = process.join("fd");
    // Read from here on: half of the time goes into finding the way from the root again and again.
    let Ok(open) = fs::File::open(&folder) else { return found };
    for descriptor in fs::read_dir(&folder).into_iter().flatten().flatten() {
        if found.len() == wanted.len() || *left == 0 {
            break;
        }
        *left -= 1;
        let name = descriptor.file_name();
        if let Ok(points) = readlinkat(&open, name.as_os_str())
            && wanted.contains_key(Path::new(&points))
        {
            found.entry(points.into()).or_insert_with(|| folder.join(name));
        }
    }
    found
}

/// From `/proc/PID/stat`, where the name stands in parentheses and may hold anything.
fn holder(process: &Path) -> Option<Holder> {
    let stat = fs::read_to_string(process.join("stat")).ok()?;
    let (before, after) = stat.rsplit_once(')')?;
    let (pid, comm) = before.split_once(" (")?;
    let mut words = after.split_ascii_whitespace();
    Some(Holder {
        pid: pid.parse().ok()?,
        comm: comm.to_owned(),
        parent: words.nth(1)?.parse().ok()?,
        // Field 22, `starttime`.
        begun: words.nth(17)?.parse().ok()?,
    })
}

#[cfg(test)]
mod tests;
