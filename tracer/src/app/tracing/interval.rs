//! `--interval`: says which sources changed. Not recorded: whoever replays a recording can ask again.

use nix::time::ClockId;

use super::{Format, Tracing, clock};
use crate::{
    app::{live::End, sink::Written},
    error::Failure,
    model::{Cause, Nanos},
    render::json,
};

/// Sources that are named each time; the others are a number.
const TOP: usize = 20;

impl Tracing {
    /// Says what changed since the last call; nothing, if nothing did.
    pub(in crate::app) fn interval(&mut self) -> Result<Option<End>, Failure> {
        let mut changes = self.engine.changes(TOP);
        if changes.total == 0 {
            return Ok(None);
        }
        if self.start.blind.contains(&Cause::AcceptQueueFull) {
            // As in the summary: what is seen of the others are handshakes that ended, not SYNs.
            changes.sources.iter_mut().for_each(|change| change.source.syns = None);
        }
        let now = Nanos(clock(ClockId::CLOCK_REALTIME)?);
        match &self.format {
            Format::Json => {
                for change in &changes.sources {
                    self.sink.line(&json::source(now, change, changes.left_out()))?;
                }
            }
            Format::Text(style) => {
                self.sink.line(&style.interval(now, &changes))?;
            }
        }
        Ok((self.sink.flush()? == Written::ReaderGone).then_some(End::ReaderGone))
    }
}
