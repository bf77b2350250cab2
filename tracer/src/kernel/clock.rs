//! Gives a client of the lab a timestamp clock of its own: loads and attaches the tc programs of the object `lab`.

use std::io;

use aya::{
    Ebpf, EbpfLoader,
    programs::{SchedClassifier, TcAttachType, tc},
};

#[cfg(not(no_ebpf))]
static OBJECT: &[u8] = aya::include_bytes_aligned!(concat!(env!("OUT_DIR"), "/lab"));
#[cfg(no_ebpf)]
static OBJECT: &[u8] = &[];

/// Which clock the clients of a link have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// One clock, this many ticks ahead of the machine's own.
    Ahead(u32),
    /// A clock for every connection.
    PerConnection,
}

/// The programs in place; they go when this does.
pub struct Clocked(#[expect(dead_code, reason = "holds the programs and their links")] Ebpf);

/// Shifts the timestamps on an interface of the calling thread's namespace.
///
/// # Errors
/// In words, when the kernel refuses a program.
pub fn shift(interface: &str, clock: Clock) -> io::Result<Clocked> {
    let (ahead, per_connection) = match clock {
        Clock::Ahead(ticks) => (ticks, 0_u32),
        Clock::PerConnection => (0, 1),
    };
    if OBJECT.is_empty() {
        return Err(io::Error::other("this program was built without its eBPF part"));
    }
    let mut ebpf = EbpfLoader::new()
        .override_global("SHIFT", &ahead, true)
        .override_global("PER_CONNECTION", &per_connection, true)
        .load(OBJECT)
        .map_err(io::Error::other)?;
    tc::qdisc_add_clsact(interface).map_err(io::Error::other)?;
    for (name, direction) in [("clock_out", TcAttachType::Egress), ("clock_in", TcAttachType::Ingress)] {
        let program = ebpf.program_mut(name).ok_or_else(|| io::Error::other("the object lacks a program"))?;
        let program: &mut SchedClassifier = program.try_into().map_err(io::Error::other)?;
        program.load().and_then(|()| program.attach(interface, direction)).map_err(io::Error::other)?;
    }
    Ok(Clocked(ebpf))
}
