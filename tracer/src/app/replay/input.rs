//! A file or standard input as pieces of bytes, unpacked where gzip packed them; and what is said of one that cannot be
//! read.

use std::{
    fs::File,
    io::{self, BufReader, Read},
    os::unix::fs::MetadataExt as _,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use flate2::bufread::MultiGzDecoder;
use tokio::sync::mpsc::{Receiver, Sender, channel};

use crate::{
    error::{Exit, Failure, words},
    source::{Broken, ENOUGH, Kind},
};

/// Bytes read at once.
const PIECE: usize = 256 * 1024;
/// Pieces that wait to be taken.
const PIECES: usize = 4;

/// Some bytes, or why there are none.
pub(super) type Piece = io::Result<Vec<u8>>;

/// What is read.
pub(super) struct Input {
    /// What the user calls it.
    pub(super) name: String,
    /// The command that reads it, and what becomes of what was read before something is wrong.
    command: &'static str,
    told: &'static str,
    /// It may go on for ever.
    pub(super) is_pipe: bool,
    pub(super) pieces: Receiver<Piece>,
    /// gzip unpacks it.
    is_packed: Arc<AtomicBool>,
}

impl Input {
    /// Opens it and begins to read.
    pub(super) fn open(path: &Path, page: bool) -> Result<Self, Failure> {
        let (command, told) = if page {
            (
                "report",
                "what came before is on the page; copy the file anew, or capture again: `tcpdump -w FILE`",
            )
        } else {
            (
                "replay",
                "what came before is told above; copy the file anew, or capture again: `tcpdump -w FILE`",
            )
        };
        let name = path.display().to_string();
        let file: Box<dyn Read + Send> =
            if name == "-" { Box::new(io::stdin()) } else { Box::new(open(path, &name)?) };
        let is_pipe = name == "-" || !path.is_file();
        let (sender, pieces) = channel(PIECES);
        let is_packed = Arc::new(AtomicBool::new(false));
        let packed = Arc::clone(&is_packed);
        std::thread::Builder::new()
            .name("input".into())
            .spawn(move || read(file, &sender, &packed))
            .map_err(|error| super::super::live::system("cannot start", &error))?;
        Ok(Self { name, command, told, is_pipe, pieces, is_packed })
    }

    /// Whether everything was taken: what is not whole then is cut.
    pub(super) fn ended(&mut self) -> bool {
        self.pieces.is_closed() && self.pieces.is_empty()
    }

    /// An input that is none of ours.
    pub(super) fn refused(&self, kind: Kind) -> Failure {
        let Self { name, command, .. } = self;
        let usage = format!(
            "name a capture (pcap, pcapng; `tcpdump -w FILE` makes one) or a recording (`tracer -w FILE`): \
             `tracer {command} FILE`"
        );
        let (why, hint) = match kind {
            Kind::Empty => (
                "it is empty".to_owned(),
                format!("see whether whatever writes it has begun, and found room: `ls -l {name}`, `df -h`"),
            ),
            Kind::Packed(program) => (
                "it is packed in a way that only another program unpacks".into(),
                format!("unpack it on the way: `{program} {name} | tracer {command} -`"),
            ),
            _ => ("it is neither a capture (pcap, pcapng) nor a recording (NDJSON)".into(), usage),
        };
        Failure::new(Exit::Failure, format!("cannot read {name}"), why, hint)
    }

    /// One that makes no sense from some byte on.
    pub(super) fn broken(&self, broken: &Broken) -> Failure {
        let unpacked = if self.is_packed.load(Ordering::Relaxed) { " (unpacked)" } else { "" };
        Failure::new(
            Exit::Failure,
            format!("{} is broken at byte {}{unpacked}", self.name, broken.offset),
            broken.why.clone(),
            broken.hint.unwrap_or(self.told),
        )
    }

    /// One that the system, or gzip, does not hand over after so many bytes.
    pub(super) fn unreadable(&self, error: &io::Error, taken: u64) -> Failure {
        let unpacked = if self.is_packed.load(Ordering::Relaxed) { " (unpacked)" } else { "" };
        let why = match error.kind() {
            io::ErrorKind::UnexpectedEof => "it ends in the middle of what gzip packed".into(),
            io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => "gzip cannot unpack it".into(),
            _ => words(error),
        };
        Failure::new(
            Exit::Failure,
            format!("cannot read {} after byte {taken}{unpacked}", self.name),
            why,
            self.told,
        )
    }
}

/// Whether both are one regular file.
pub(in crate::app) fn is_same(one: &Path, other: &Path) -> bool {
    let meta = |path: &Path| std::fs::metadata(path).ok().filter(std::fs::Metadata::is_file);
    meta(one)
        .zip(meta(other))
        .is_some_and(|(one, other)| (one.dev(), one.ino()) == (other.dev(), other.ino()))
}

fn open(path: &Path, name: &str) -> Result<File, Failure> {
    let failed = |error: &io::Error| {
        let hint =
            "name a capture (`tcpdump -w FILE`), a recording (`tracer -w FILE`), or `-` for standard input";
        Failure::new(Exit::Failure, format!("cannot read {name}"), words(error), hint)
    };
    let file = File::open(path).map_err(|error| failed(&error))?;
    let meta = file.metadata().map_err(|error| failed(&error))?;
    if meta.is_dir() {
        return Err(failed(&io::Error::from(io::ErrorKind::IsADirectory)));
    }
    Ok(file)
}

/// Reads to the end, or until nobody takes it any more.
fn read(mut file: Box<dyn Read + Send>, pieces: &Sender<Piece>, is_packed: &AtomicBool) {
    let mut first = Vec::new();
    let begun = (&mut file).take(ENOUGH as u64).read_to_end(&mut first);
    let result = match begun {
        Err(error) => Err(error),
        Ok(_) if Kind::of(&first) == Kind::Gzip => {
            is_packed.store(true, Ordering::Relaxed);
            let packed = BufReader::with_capacity(PIECE, io::Cursor::new(first).chain(file));
            hand_over(&mut MultiGzDecoder::new(packed), pieces)
        }
        Ok(_) => match pieces.blocking_send(Ok(first)) {
            Ok(()) => hand_over(&mut file, pieces),
            Err(_) => return,
        },
    };
    if let Err(error) = result {
        let _ = pieces.blocking_send(Err(error));
    }
}

fn hand_over(from: &mut dyn Read, pieces: &Sender<Piece>) -> io::Result<()> {
    loop {
        let mut piece = vec![0; PIECE];
        match from.read(&mut piece) {
            Ok(0) => return Ok(()),
            Ok(n) => piece.truncate(n),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        }
        if pieces.blocking_send(Ok(piece)).is_err() {
            return Ok(());
        }
    }
}
