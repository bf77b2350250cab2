//! At what pace a recording is played: up to which of its moments it has got by now. Knows nothing of what is in it.

use std::time::Instant;

use crate::model::Nanos;

/// Speeds that the keys lead to; 0 is as fast as it goes, and the fastest.
const SPEEDS: [u32; 8] = [1, 2, 5, 10, 30, 100, 1000, 0];

/// How fast it goes, and since when.
pub(super) struct Pace {
    speed: u32,
    /// The moment of the recording at a moment of ours; `None`: it does not go on.
    anchor: Option<(Nanos, Instant)>,
}

impl Pace {
    /// It has not begun.
    pub(super) fn new(speed: u32) -> Self {
        Self { speed, anchor: None }
    }

    /// So many times as fast as it happened; 0: as fast as it can be read.
    pub(super) fn speed(&self) -> u32 {
        self.speed
    }

    /// A pause is no time.
    pub(super) fn stop(&mut self) {
        self.anchor = None;
    }

    /// It goes on from there.
    pub(super) fn resume(&mut self, moment: Nanos, now: Instant) {
        self.anchor = Some((moment, now));
    }

    /// Up to which moment it has got; `here`: where it goes on, if it stood still.
    pub(super) fn due(&mut self, here: Nanos, now: Instant) -> Nanos {
        let (from, since) = *self.anchor.get_or_insert((here, now));
        let elapsed = i64::try_from(now.duration_since(since).as_nanos()).unwrap_or(i64::MAX);
        match self.speed {
            0 => Nanos(i64::MAX),
            speed => Nanos(from.0.saturating_add(elapsed.saturating_mul(speed.into()))),
        }
    }

    /// The next speed, in words.
    pub(super) fn shift(&mut self, by: isize) -> String {
        let at = SPEEDS.iter().position(|speed| *speed == self.speed);
        // One that was given on the command line lies between two of them.
        let near = SPEEDS.iter().position(|speed| *speed == 0 || *speed >= self.speed).unwrap_or(0);
        let at = at.unwrap_or(near).saturating_add_signed(by).min(SPEEDS.len() - 1);
        self.speed = SPEEDS[at];
        self.stop();
        match self.speed {
            0 => "As fast as it can be read.".into(),
            1 => "As fast as it happened.".into(),
            speed => format!("{speed} times as fast as it happened."),
        }
    }
}
