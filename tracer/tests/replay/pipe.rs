//! A live pipe: what is known is told at once, Ctrl-C ends it in order, and so does the end of the pipe.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use super::{
    files::{USUAL, frame, gzip},
    said::{lines, program},
    story::{assert_told, story},
};

struct Running {
    child: Child,
    input: Option<ChildStdin>,
    out: BufReader<ChildStdout>,
}

fn start(args: &[&str]) -> Running {
    let program = program();
    // A shell tells what it starts in the background to ignore Ctrl-C, and so would the program.
    let mut command = Command::new("env");
    command.arg("--default-signal=INT").arg(program.get_program()).args(program.get_args());
    for (name, value) in program.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command.args(args).arg("-").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
    let mut child = command.spawn().expect("the program starts");
    let (input, out) = (child.stdin.take(), child.stdout.take().expect("it was piped"));
    Running { child, input, out: BufReader::new(out) }
}

impl Running {
    fn write(&mut self, bytes: &[u8]) {
        let input = self.input.as_mut().expect("it is open");
        input.write_all(bytes).and_then(|()| input.flush()).expect("it reads");
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.out.read_line(&mut line).expect("text");
        line
    }

    /// Everything else, and the exit status.
    fn rest(mut self) -> (String, Option<i32>) {
        let mut rest = String::new();
        self.out.read_to_string(&mut rest).expect("text");
        (rest, self.child.wait().expect("it ends").code())
    }
}

#[test]
fn drops_are_told_while_packets_come() {
    let mut running = start(&["-o", "json"]);
    let packets = story(false);
    running.write(&USUAL.header(1));
    let start = running.line();
    assert!(start.contains("\"type\":\"start\""), "{start}");
    // In pieces that end anywhere.
    let bytes: Vec<u8> = packets.iter().flat_map(|p| USUAL.packet(p.at, &frame(1, p, false), 9999)).collect();
    let (first, second) = bytes.split_at(bytes.len() / 2 + 3);
    running.write(first);
    running.write(second);
    let mut told = start + &running.line();
    assert!(told.contains("paws-time-wait"), "{told}");
    let pid = Pid::from_raw(running.child.id().cast_signed());
    kill(pid, Signal::SIGINT).expect("it runs");
    let begun = Instant::now();
    let input = running.input.take();
    let (rest, exit) = running.rest();
    drop(input);
    assert!(begun.elapsed() < Duration::from_secs(5));
    told += &rest;
    assert_eq!(exit, Some(0));
    assert_told(&lines(&told), "after Ctrl-C");
}

/// A pipeline gets Ctrl-C as a whole: what tcpdump still hands over then counts.
#[test]
fn last_words_are_taken() {
    let mut running = start(&["-o", "json"]);
    let packets = story(false);
    let bytes: Vec<u8> = packets.iter().flat_map(|p| USUAL.packet(p.at, &frame(1, p, false), 9999)).collect();
    running.write(&USUAL.header(1));
    running.write(&bytes[..100]);
    let start = running.line();
    kill(Pid::from_raw(running.child.id().cast_signed()), Signal::SIGINT).expect("it runs");
    std::thread::sleep(Duration::from_millis(100));
    running.write(&bytes[100..]);
    running.input = None;
    let (rest, exit) = running.rest();
    assert_eq!(exit, Some(0));
    assert_told(&lines(&(start + &rest)), "last words");
}

#[test]
fn the_pipe_ends() {
    for bytes in [USUAL.pcap(113, &story(true), false, 9999), gzip(&USUAL.pcapng(1, &story(false)))] {
        let mut running = start(&["-o", "json"]);
        for piece in bytes.chunks(61) {
            running.write(piece);
        }
        running.input = None;
        let (told, exit) = running.rest();
        assert_eq!(exit, Some(0));
        assert_told(&lines(&told), "a pipe");
    }
}

#[test]
fn a_reader_that_went_away_is_no_error() {
    let mut running = start(&["-o", "json"]);
    running.write(&USUAL.header(1));
    running.line();
    drop(running.out);
    let begun = Instant::now();
    let exit = running.child.wait().expect("it ends").code();
    assert_eq!(exit, Some(0));
    assert!(begun.elapsed() < Duration::from_secs(5));
}
