//! Network namespaces: entering one, making one, naming one.
//!
//! A namespace that is made here has no name and no mount: it lives as long as a descriptor, a socket or a
//! process in it, so that nothing is left behind however the program ends.

use std::{
    fs::File,
    io,
    os::fd::{AsRawFd as _, OwnedFd},
    path::{Path, PathBuf},
    thread,
};

use nix::{
    sched::{CloneFlags, setns, unshare},
    sys::stat::fstat,
};

/// A handle on a network namespace.
#[derive(Debug)]
pub struct Netns {
    fd: OwnedFd,
    inode: u32,
}

impl Netns {
    /// Makes a new, empty namespace (its loopback is down).
    ///
    /// # Errors
    /// Without `CAP_SYS_ADMIN`, or where the kernel has no network namespaces.
    pub fn create() -> io::Result<Self> {
        // `unshare` changes the calling thread alone; a thread of its own keeps the caller where it is.
        in_thread(|| {
            unshare(CloneFlags::CLONE_NEWNET)?;
            Self::open(Path::new("/proc/thread-self/ns/net"))
        })
    }

    /// Opens a namespace by path (`/run/netns/NAME`, `/proc/PID/ns/net`).
    ///
    /// # Errors
    /// When the path cannot be opened.
    pub fn open(path: &Path) -> io::Result<Self> {
        let fd = OwnedFd::from(File::open(path)?);
        let inode = u32::try_from(fstat(&fd)?.st_ino).map_err(io::Error::other)?;
        Ok(Self { fd, inode })
    }

    /// The namespace of the calling thread.
    ///
    /// # Errors
    /// When `/proc` is not there.
    pub fn current() -> io::Result<Self> {
        Self::open(Path::new("/proc/thread-self/ns/net"))
    }

    /// Its inode, the number that `lsns -t net` shows.
    pub fn inode(&self) -> u32 {
        self.inode
    }

    /// A path that other processes can open while this handle lives (for `ip link ... netns PATH`).
    pub fn path(&self) -> PathBuf {
        PathBuf::from(format!("/proc/{}/fd/{}", std::process::id(), self.fd.as_raw_fd()))
    }

    /// Runs `work` inside the namespace, in a thread of its own. Sockets made there, and processes started
    /// there, stay in the namespace. `/proc/sys/net` and `/proc/thread-self/net` are this namespace's.
    ///
    /// # Errors
    /// When the namespace cannot be entered (`CAP_SYS_ADMIN`); what `work` returns otherwise.
    pub fn run<T: Send>(&self, work: impl FnOnce() -> io::Result<T> + Send) -> io::Result<T> {
        in_thread(|| {
            setns(&self.fd, CloneFlags::CLONE_NEWNET)?;
            work()
        })
    }
}

fn in_thread<T: Send>(work: impl FnOnce() -> io::Result<T> + Send) -> io::Result<T> {
    thread::scope(|scope| {
        scope
            .spawn(work)
            .join()
            .unwrap_or_else(|_| Err(io::Error::other("a thread inside a namespace panicked")))
    })
}
