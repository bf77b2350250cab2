//! Memory of the kernel, as the programs of the object `calibration` copy it: that of sockets, connections and devices of ours.

use std::{
    io,
    mem::offset_of,
    os::fd::{AsFd, AsRawFd as _, OwnedFd},
};

use aya::{
    Ebpf, EbpfLoader,
    maps::{Array, MapData, MapError},
    programs::{KProbe, ProgramError},
};
use nix::{
    libc,
    sys::socket::{AddressFamily, SockFlag, SockType, socket},
};
use tracer_common::calibration::{ARGS, Answer, CHUNK, CHUNKS, Call, Question};

use crate::kernel::load::{in_words, load_failure};

#[cfg(not(no_ebpf))]
static OBJECT: &[u8] = aya::include_bytes_aligned!(concat!(env!("OUT_DIR"), "/calibration"));
#[cfg(no_ebpf)]
static OBJECT: &[u8] = &[];

/// The functions at which each program looks. Few: each costs milliseconds.
const HOOKS: [(&str, &[&str]); 4] = [
    // Whatever socket is asked for an option of IP, of either family.
    ("asked", &["ip_getsockopt"]),
    ("packet", &["ip_rcv", "arp_rcv"]),
    ("synack", &["tcp_make_synack"]),
    ("bucket", &["tcp_timewait_state_process"]),
];

/// What the maps hold, in words.
type Words<const N: usize> = Array<MapData, [u64; N]>;
const QUESTION: usize = size_of::<Question>() / 8;
const ANSWER: usize = size_of::<Answer>() / 8;
const CALL: usize = size_of::<Call>() / 8;

/// What a function was called with.
pub(super) struct Called {
    /// Its first arguments.
    pub(super) args: [u64; ARGS],
    /// What is at one of them; empty where that could not be read.
    pub(super) memory: Vec<u8>,
}

/// Asks, always from the thread that made it.
pub(super) struct Reader {
    question: Words<QUESTION>,
    answer: Words<ANSWER>,
    calls: Words<CALL>,
    option: i32,
    /// Through this one memory is read.
    own: OwnedFd,
    /// The programs come off their hooks with it.
    ebpf: Ebpf,
}

impl Reader {
    /// Loads the programs and puts them on their hooks. `option`: a number that no option of a socket has.
    pub(super) fn attach(option: i32) -> Result<Self, String> {
        crate::kernel::capability::raise_memlock();
        let mut ebpf = EbpfLoader::new().load(OBJECT).map_err(|error| load_failure(&error).why)?;
        for (program, functions) in HOOKS {
            attach_all(&mut ebpf, program, functions)?;
        }
        let mut map = |name: &str| ebpf.take_map(name).ok_or(MapError::ElementNotFound);
        let words = |error: MapError| load_failure(&error).why;
        let mut reader = Self {
            question: map("QUESTION").and_then(Array::try_from).map_err(words)?,
            answer: map("ANSWER").and_then(Array::try_from).map_err(words)?,
            calls: map("CALLS").and_then(Array::try_from).map_err(words)?,
            option,
            own: socket(AddressFamily::Inet, SockType::Stream, SockFlag::SOCK_CLOEXEC, None)
                .map_err(|error| crate::error::words(&error.into()))?,
            ebpf,
        };
        // From now on the programs know whose packets they may look at.
        reader.read_all(&[]).map_err(|error| crate::error::words(&error))?;
        Ok(reader)
    }

    /// Takes off the programs that note calls: from now on memory is read, and no packet is looked at.
    pub(super) fn note_no_more(&mut self) {
        for (program, _) in &HOOKS[1..] {
            let _ = probe(&mut self.ebpf, program).map(KProbe::unload);
        }
    }

    /// Where the kernel has a socket of ours.
    pub(super) fn socket(&mut self, socket: &impl AsFd) -> io::Result<u64> {
        self.ask(socket, &[]).map(|answer| answer[offset_of!(Answer, sock) / 8])
    }

    /// What is at an address, as far as it can be read.
    pub(super) fn read(&mut self, address: u64, len: usize) -> io::Result<Vec<u8>> {
        let mut memory = Vec::with_capacity(len);
        let mut from = address;
        while memory.len() < len {
            let pieces = self.read_pieces(from, len - memory.len())?;
            let whole = pieces.len() == CHUNKS * CHUNK;
            memory.extend(pieces);
            if !whole {
                break;
            }
            from = from.wrapping_add((CHUNKS * CHUNK) as u64);
        }
        memory.truncate(len);
        Ok(memory)
    }

    /// As much of it as one question gives.
    fn read_pieces(&mut self, address: u64, len: usize) -> io::Result<Vec<u8>> {
        let count = len.div_ceil(CHUNK).min(CHUNKS);
        let addresses: Vec<u64> = (0..count).map(|n| address.wrapping_add((n * CHUNK) as u64)).collect();
        Ok(self.read_all(&addresses)?.into_iter().map_while(|chunk| chunk).flatten().collect())
    }

    /// A chunk at each of these addresses, [`CHUNKS`] at most; `None` where it cannot be read.
    pub(super) fn read_all(&mut self, addresses: &[u64]) -> io::Result<Vec<Option<Vec<u8>>>> {
        let own = self.own.try_clone()?;
        let answer = self.ask(&own, addresses)?;
        let failed = offset_of!(Answer, failed) / 8;
        let memory = offset_of!(Answer, memory) / 8;
        let chunk = |n: usize| {
            let words = &answer[memory + n * CHUNK / 8..][..CHUNK / 8];
            (answer[failed + n] == 0).then(|| bytes(words))
        };
        Ok((0..addresses.len().min(CHUNKS)).map(chunk).collect())
    }

    fn ask(&mut self, socket: &impl AsFd, addresses: &[u64]) -> io::Result<[u64; ANSWER]> {
        let mut question = [0; QUESTION];
        question[offset_of!(Question, option) / 8] = u64::from(self.option.cast_unsigned());
        let places = &mut question[offset_of!(Question, addresses) / 8..];
        for (place, address) in places.iter_mut().zip(addresses) {
            *place = *address;
        }
        self.question.set(0, question, 0).map_err(io::Error::other)?;
        self.answer.set(0, [0; ANSWER], 0).map_err(io::Error::other)?;
        ask_for_option(socket, self.option);
        let answer = self.answer.get(&0, 0).map_err(io::Error::other)?;
        if answer[offset_of!(Answer, sock) / 8] == 0 {
            return Err(io::Error::other("the kernel probe on getsockopt was not reached"));
        }
        Ok(answer)
    }

    /// The next call of a function is to be noted, if it is of this: see [`tracer_common::calibration::call`].
    pub(super) fn await_call(&mut self, call: u32, of: u64) -> io::Result<()> {
        let mut words = [0; CALL];
        words[offset_of!(Call, wanted) / 8] = 1;
        words[offset_of!(Call, of) / 8] = of;
        self.calls.set(call, words, 0).map_err(io::Error::other)
    }

    /// The call that was awaited; `None`: there was none.
    pub(super) fn called(&mut self, call: u32) -> io::Result<Option<Called>> {
        let words = self.calls.get(&call, 0).map_err(io::Error::other)?;
        let at = |offset: usize| words[offset / 8];
        if at(offset_of!(Call, wanted)) != 0 {
            return Ok(None);
        }
        let args = offset_of!(Call, args) / 8;
        let memory = &words[offset_of!(Call, memory) / 8..];
        let readable = at(offset_of!(Call, failed)) == 0;
        Ok(Some(Called {
            args: std::array::from_fn(|n| words[args + n]),
            memory: if readable { bytes(memory) } else { Vec::new() },
        }))
    }
}

fn attach_all(ebpf: &mut Ebpf, name: &str, functions: &[&str]) -> Result<(), String> {
    let program = probe(ebpf, name)?;
    program.load().map_err(|error| format!("{name}: {}", in_words(&error)))?;
    for function in functions {
        program.attach(function, 0).map_err(|error| format!("{function}: {}", in_words(&error)))?;
    }
    Ok(())
}

fn probe<'a>(ebpf: &'a mut Ebpf, name: &str) -> Result<&'a mut KProbe, String> {
    let program = ebpf.program_mut(name).ok_or_else(|| format!("the object lacks the program {name}"))?;
    program.try_into().map_err(|error: ProgramError| format!("{name}: {}", in_words(&error)))
}

fn bytes(words: &[u64]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_ne_bytes()).collect()
}

/// What the kernel answers does not matter: no socket has such an option.
fn ask_for_option(socket: &impl AsFd, option: i32) {
    let mut value = 0_i32;
    let mut length: libc::socklen_t = 4;
    #[expect(unsafe_code, reason = "the kernel writes four bytes at most, for which there is room")]
    unsafe {
        libc::getsockopt(
            socket.as_fd().as_raw_fd(),
            libc::SOL_IP,
            option,
            (&raw mut value).cast(),
            &raw mut length,
        );
    }
}
