//! What the kernel side counts itself, so that a lost record never hides a total.

/// Index into the per-CPU counter array `COUNTERS`.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counter {
    /// SYNs that passed the filters and reached a listening socket.
    Listened,
    /// ... and were answered with a SYN/ACK.
    Answered,
    /// ... of those, with a SYN cookie.
    Cookies,
    /// SYN/ACKs sent again because the same SYN came again.
    SynAckAgain,
    /// Dropped SYNs, each counted once whether or not its record got through.
    Drops,
    /// Dropped SYNs without a record: the ring was full, or so full that not all of a source went into it. `UNSENT` counts what
    /// they were.
    LostRing,
    /// ... of those, the ones for which it had no room.
    Uncounted,
    /// SYNs whose observation was begun and never ended (a hook was missed), and packets dropped while an interrupted hook
    /// of this CPU looked at another.
    LostSlot,
    /// Handshakes that ended with an open socket, where no function is hooked.
    Opened,
    /// Accepted SYNs (or handshakes) without a record of their own: one of the same source in the same second spoke for
    /// them, or there was no room.
    Unreported,
    /// Kernel memory that could not be read, so that a SYN went by unseen.
    ReadFailed,
}

/// Number of counters.
pub const COUNTERS: u32 = Counter::ReadFailed as u32 + 1;
