//! Addresses with so few ports that nothing counts as a clock: a port may have a clock of its own, so that what comes from
//! one or two of them tells nothing of the others.
//!
//! Two things can be said all the same. Readings that are all on one line are of one clock. And a port that goes back to a
//! clock which it had left has two of them behind it: no stack does that by itself, whether it has one clock, one for each
//! port, or draws one for every connection.

use crate::analysis::clock::{
    Counts,
    line::Line,
    lines::Lines,
    rate::{RATES, USEC},
};

/// The share of all readings that must be on the line of a single host.
const NEARLY_ALL: (u32, u32) = (7, 8);
/// A line must be come back to so often, or it is chance.
const TURNS: u8 = 2;
/// Behind a NAT with few ports a host's own ports come again now and then, as in [`super::ports_again`], and with them their
/// clocks: of hosts with one clock each every other connection goes back, of those less than a tenth.
const OFTEN: u32 = 4;

/// The one line that nearly all readings are on, and TSval never fell.
pub(super) fn only_line<'a>(lines: &'a Lines, counts: &Counts) -> Option<&'a Line> {
    let (_, line) = lines.all().max_by_key(|(_, line)| line.readings())?;
    let (part, whole) = NEARLY_ALL;
    let all = line.readings().saturating_mul(whole) >= counts.stamped.saturating_mul(part);
    let enough = line.readings() >= super::LEAST;
    (all && enough && lines.given_up == 0 && counts.jumps[rate(line)] == 0).then_some(line)
}

/// The likeliest rate of a guess, those of its readings included that do not support it.
pub(super) fn rate(line: &Line) -> usize {
    (0..RATES.len()).find(|rate| line.agrees_with(*rate)).unwrap_or(USEC)
}

/// Hosts that take turns on one port, at least, and how often it went from one to another.
pub(super) fn in_turn(lines: &Lines, counts: &Counts) -> Option<(u32, u32)> {
    let turning: Vec<&Line> = lines.all().map(|(_, line)| line).filter(|line| line.turns >= TURNS).collect();
    let on_one_port =
        |one: &&Line| turning.iter().filter(|line| line.first_port() == one.first_port()).count() as u32;
    let hosts = turning.iter().map(on_one_port).max().unwrap_or(0);
    (hosts >= 2 && lines.turns.saturating_mul(OFTEN) >= counts.stamped).then_some((hosts, lines.turns))
}

/// Every guess is of one port, and the ports came back to theirs.
pub(super) fn one_each(lines: &Lines) -> bool {
    let mut came_back = 0_u32;
    let mut all = 0_u32;
    let alone = lines.all().all(|(_, line)| {
        all += 1;
        came_back += u32::from(line.again > 0);
        line.is_of_one_port() && line.turns == 0
    });
    alone && came_back * 2 > all
}
