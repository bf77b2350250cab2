//! Gives a client of the lab a timestamp clock of its own: loads and attaches the tc programs of the object `lab`.

mod classifier;

use std::{io, os::fd::AsFd as _};

use aya::{
    Ebpf,
    programs::{SchedClassifier, TcAttachType, tc},
};
use tracer_common::legacy::lab::{PER_CONNECTION, SHIFT};

use self::classifier::Interface;
use super::load::tell;

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
    let mut words = [0; 2];
    (words[SHIFT], words[PER_CONNECTION]) = (ahead, per_connection);
    let mut object = OBJECT.to_vec();
    tell(&mut object, &words);
    let mut ebpf = Ebpf::load(&object).map_err(io::Error::other)?;
    let mut old = match tc::qdisc_add_clsact(interface) {
        Ok(()) => None,
        // Where it is refused for another reason, this is refused for the same.
        Err(_) => Some(Interface::prepare(interface)?),
    };
    for (name, direction, old_direction) in [
        ("clock_out", TcAttachType::Egress, classifier::EGRESS),
        ("clock_in", TcAttachType::Ingress, classifier::INGRESS),
    ] {
        let program = ebpf.program_mut(name).ok_or_else(|| io::Error::other("the object lacks a program"))?;
        let program: &mut SchedClassifier = program.try_into().map_err(io::Error::other)?;
        program.load().map_err(io::Error::other)?;
        match &mut old {
            None => program.attach(interface, direction).map(drop).map_err(io::Error::other)?,
            Some(old) => {
                let loaded = program.fd().map_err(io::Error::other)?;
                old.attach(old_direction, loaded.as_fd(), name)?;
            }
        }
    }
    Ok(Clocked(ebpf))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_object_is_told_its_clock() {
        let mut object = OBJECT.to_vec();
        assert_eq!(tell(&mut object, &[0; 2]) > 0, !OBJECT.is_empty());
    }
}
