//! Real sockets: a server that answers and closes first, clients that connect again and again.

use std::{
    io::{self, Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    os::fd::AsFd as _,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use nix::{
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::socket::{Backlog, listen},
};

use super::{PORT, SERVER};
use crate::netns::Netns;

/// When a client gives a connection up.
const PATIENCE: Duration = Duration::from_secs(5);
/// Between two connections of a worker.
const PAUSE: Duration = Duration::from_millis(400);
/// How often the server looks whether it is over.
const LOOK: u16 = 100;
/// Connect times that are kept; further ones are only counted.
const KEPT: usize = 10_000;

/// How busy the laboratory is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    pub(super) workers: usize,
    pub(super) accept_every: Duration,
    pub(super) backlog: i32,
}

/// What the clients have seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Heard {
    /// Connections that came about.
    pub connected: u64,
    /// Connections that were given up after five seconds.
    pub gave_up: u64,
    /// Median and longest time that `connect` took.
    pub median: Duration,
    /// The longest.
    pub longest: Duration,
}

#[derive(Default)]
struct Shared {
    stop: AtomicBool,
    gave_up: AtomicU64,
    connected: AtomicU64,
    times: Mutex<Vec<Duration>>,
}

/// Server and clients at work; dropping it ends them within seconds.
pub(super) struct Traffic(Arc<Shared>);

impl Drop for Traffic {
    fn drop(&mut self) {
        self.0.stop.store(true, Ordering::Relaxed);
    }
}

impl Traffic {
    /// Starts everything.
    ///
    /// # Errors
    /// When the server cannot listen.
    pub(super) fn start(server: &Netns, clients: &[Arc<Netns>], pace: Pace) -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let traffic = Self(Arc::clone(&shared));
        let listener = server.run(move || {
            let listener = TcpListener::bind((SERVER, PORT))?;
            listener.set_nonblocking(true)?;
            // Again, with the length that the scenario wants.
            listen(&listener, Backlog::new(pace.backlog)?)?;
            Ok(listener)
        })?;
        let state = Arc::clone(&shared);
        named("server", move || serve(&listener, &state, pace.accept_every))?;
        for (n, client) in clients.iter().enumerate() {
            for worker in 0..pace.workers {
                let (client, state) = (Arc::clone(client), Arc::clone(&shared));
                // Spread over the pause, so that the clients take turns.
                let first = PAUSE * u32::try_from(worker * clients.len() + n).unwrap_or(0)
                    / u32::try_from(pace.workers * clients.len()).unwrap_or(1);
                named("client", move || {
                    let _ = client.run(|| {
                        ask(&state, first);
                        Ok(())
                    });
                })?;
            }
        }
        Ok(traffic)
    }

    pub(super) fn heard(&self) -> Heard {
        let mut times = self.0.times.lock().map(|times| times.clone()).unwrap_or_default();
        times.sort_unstable();
        Heard {
            connected: self.0.connected.load(Ordering::Relaxed),
            gave_up: self.0.gave_up.load(Ordering::Relaxed),
            median: times.get(times.len() / 2).copied().unwrap_or_default(),
            longest: times.last().copied().unwrap_or_default(),
        }
    }
}

fn named(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    thread::Builder::new().name(name.into()).spawn(work).map(drop)
}

fn serve(listener: &TcpListener, shared: &Shared, pause: Duration) {
    while !shared.stop.load(Ordering::Relaxed) {
        let mut ready = [PollFd::new(listener.as_fd(), PollFlags::POLLIN)];
        if !poll(&mut ready, PollTimeout::from(LOOK)).is_ok_and(|n| n > 0) {
            continue;
        }
        if let Ok((mut stream, _)) = listener.accept() {
            // The client sends nothing, so closing ends with FIN: the server closes first and keeps TIME_WAIT.
            let _ = stream.write_all(b"ok\n");
        }
        thread::sleep(pause);
    }
}

fn ask(shared: &Shared, first: Duration) {
    let Ok(address) = SERVER.parse().map(|ip| SocketAddr::new(ip, PORT)) else { return };
    thread::sleep(first);
    while !shared.stop.load(Ordering::Relaxed) {
        let begun = Instant::now();
        match TcpStream::connect_timeout(&address, PATIENCE) {
            Ok(mut stream) => {
                shared.connected.fetch_add(1, Ordering::Relaxed);
                if let Ok(mut times) = shared.times.lock()
                    && times.len() < KEPT
                {
                    times.push(begun.elapsed());
                }
                let _ = stream.set_read_timeout(Some(PATIENCE));
                let _ = stream.read_to_end(&mut Vec::new());
            }
            Err(_) => {
                shared.gave_up.fetch_add(1, Ordering::Relaxed);
            }
        }
        thread::sleep(PAUSE);
    }
}
