//! What prints and ends, into a pipe that nobody reads and onto a full disk.

use std::{fs::File, io};

use crate::{DONE, FAILURE, USAGE, assert_advice, program, said};

/// What prints without touching the kernel.
const PRINTING: [&[&str]; 9] = [
    &["--help"],
    &["--version"],
    &["man"],
    &["man", "top"],
    &["completions", "zsh"],
    &["help"],
    &["help", "demo"],
    &["help", "causes"],
    &["help", "paws-time-wait"],
];

#[test]
fn a_reader_that_went_away_is_no_error() {
    for args in PRINTING {
        let (reader, writer) = io::pipe().expect("a pipe");
        drop(reader);
        let output = program().args(args).stdout(writer).output().expect("the program starts");
        let gone = said(&output);
        assert_eq!((gone.exit, gone.err.as_str()), (DONE, ""), "{args:?}");
    }
}

#[test]
fn a_usage_error_that_nobody_reads_is_still_one() {
    let (reader, writer) = io::pipe().expect("a pipe");
    drop(reader);
    let output = program().arg("--prot").stderr(writer).output().expect("the program starts");
    assert_eq!(said(&output).exit, USAGE);
}

#[test]
fn a_full_disk_is_a_failure() {
    for args in [&["man"][..], &["completions", "bash"], &["help"], &["help", "causes"]] {
        let full = File::options().write(true).open("/dev/full").expect("Linux has it");
        let output = program().args(args).stdout(full).output().expect("the program starts");
        let failed = said(&output);
        assert_advice(&failed, FAILURE);
        assert!(failed.err.contains("No space left on device"), "{}", failed.err);
    }
}
