//! Finds out where the kernel's fields are, where nobody says it: connections of our own, with known ports, addresses, sequence
//! numbers and timestamps, in a namespace of our own, and a look at where those values stand in memory. Found is what a second
//! round, in another namespace, confirms; everything else stays unknown.
//!
//! Nobody else's packets and sockets are looked at: the programs take note of the devices, listeners and connections that they are
//! told of, which are ours.

mod absent;
mod closed;
mod device;
mod evidence;
mod ground;
mod known;
mod moment;
mod reader;
mod round;
mod route;
mod scene;
pub mod search;
mod segment;
pub mod symbols;

use std::{
    io, thread,
    time::{Duration, Instant},
};

pub(super) use absent::without;
use evidence::Round;
use nix::{
    sched::{CpuSet, sched_getcpu, sched_setaffinity},
    unistd::Pid,
};
use reader::Reader;
use round::Stage;
use scene::{Random, Scene};
use tracer_common::offsets::{ABSENT, FIELDS};

/// SYNs that nobody answers, in the two rounds.
const HALF_OPEN: [usize; 2] = [3, 2];
/// How often it is tried: a packet that another thread happens to handle spoils a round.
const TRIES: usize = 3;

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Calibrated {
    /// One offset for each of [`FIELDS`](tracer_common::offsets::FIELDS).
    pub offsets: Vec<u32>,
    /// How long it took.
    pub took: Duration,
}

/// Calibrates. What it makes is gone when it returns.
///
/// # Errors
/// In words, where the kernel refuses probes or a namespace, or nothing came of it.
pub fn calibrate() -> Result<Calibrated, String> {
    let begun = Instant::now();
    // The thread changes its namespace, and the programs know it by its number.
    let offsets = thread::scope(|scope| {
        let panicked = |_| Err("a thread panicked".into());
        scope.spawn(in_this_thread).join().unwrap_or_else(panicked)
    })?;
    Ok(Calibrated { offsets, took: begun.elapsed() })
}

fn in_this_thread() -> Result<Vec<u32>, String> {
    stay_here();
    let option = Random::new().within(0x1000_0000, 0x7fff_ffff);
    let mut why = String::new();
    for _ in 0..TRIES {
        let mut reader = Reader::attach(option.cast_signed())?;
        match rounds(&mut reader) {
            Ok([first, second]) => {
                let offsets = evidence::offsets(&first, &second);
                let absent = FIELDS.iter().zip(&offsets).filter(|(_, offset)| **offset == ABSENT);
                let lacking: Vec<_> =
                    absent.filter(|(field, _)| field.required).map(|(field, _)| field.to_string()).collect();
                if lacking.is_empty() {
                    return Ok(offsets);
                }
                why = format!("not found: {}", lacking.join(", "));
            }
            Err(error) => why = crate::error::words(&error),
        }
        log::debug!("calibration: {why}");
    }
    Err(why)
}

/// Keeps the thread on its processor: what packets one processor queues, it handles in their order.
fn stay_here() {
    let mut set = CpuSet::new();
    if let Ok(cpu) = sched_getcpu()
        && set.set(cpu).is_ok()
        && let Err(error) = sched_setaffinity(Pid::from_raw(0), &set)
    {
        log::debug!("calibration: {error}");
    }
}

/// Both rounds; the second one while the first has to wait.
fn rounds(reader: &mut Reader) -> io::Result<[Round; 2]> {
    let (first, kept) = round(reader, HALF_OPEN[0])?;
    let (scene, round_so_far) = first;
    let ((_, second), _) = round(reader, HALF_OPEN[1])?;
    reader.note_no_more();
    let mut stage = Stage::new(reader, scene, round_so_far);
    stage.wait_for_synacks(&kept)?;
    for kept in kept {
        stage.late(kept)?;
    }
    Ok([stage.round, second])
}

fn round(reader: &mut Reader, half_open: usize) -> io::Result<((Scene, Round), Vec<round::Kept>)> {
    let mut stage = Stage::new(reader, Scene::enter()?, Round::default());
    stage.devices()?;
    let mut kept = Vec::new();
    for server in stage.scene.servers.clone() {
        kept.push(stage.family(server, half_open)?);
    }
    stage.ground()?;
    Ok(((stage.scene, stage.round), kept))
}
