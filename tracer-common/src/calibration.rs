//! What the programs that calibrate and user space hand to each other. The programs copy memory; what it means is decided in
//! user space.

/// Bytes that are copied from one address.
pub const CHUNK: usize = 256;
/// Addresses that one question may name.
pub const CHUNKS: usize = 12;
/// Arguments of a function that are noted.
pub const ARGS: usize = 4;

/// What user space wants to know.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Question {
    /// Which `getsockopt` asks: the name of an option that no socket has. 0: none does.
    pub option: u64,
    /// The addresses; 0: none.
    pub addresses: [u64; CHUNKS],
}

/// What the kernel's memory said.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The thread that asked (`bpf_get_current_pid_tgid`).
    pub thread: u64,
    /// The socket that it asked.
    pub sock: u64,
    /// For each address what the helper returned: 0 where it could be read.
    pub failed: [u64; CHUNKS],
    /// For each address what is there.
    pub memory: [[u64; CHUNK / 8]; CHUNKS],
}

/// One call of a function.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call {
    /// Not 0: the next call is wanted; it makes a 0 of it.
    pub wanted: u64,
    /// Of which thing of ours: see [`call`].
    pub of: u64,
    /// What the function was called with.
    pub args: [u64; ARGS],
    /// What the helper returned for the memory below.
    pub failed: u64,
    /// What is at one of the arguments.
    pub memory: [u64; CHUNK / 8],
}

/// Functions whose calls are noted: numbers of [`Call`]s.
pub mod call {
    /// `ip_rcv`, `arp_rcv`: the memory is the packet's; of a device, or, if that is 0, on the thread that asked.
    pub const PACKET: u32 = 0;
    /// `tcp_make_synack`: the memory is the route's; of a listener.
    pub const ANSWER: u32 = 1;
    /// `tcp_timewait_state_process`: the memory is the packet's; of two ports, as they stand in the packet.
    pub const BUCKET: u32 = 2;
    /// How many there are.
    pub const CALLS: u32 = 3;
}
