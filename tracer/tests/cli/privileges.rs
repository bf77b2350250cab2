//! Without root: what is refused, what is looked at all the same, and what is left as it was.

use std::{fs, os::unix::fs::PermissionsExt as _};

use crate::{DONE, FAILURE, Folder, UNABLE, assert_advice, prepared, readable_copy, said, unprivileged};

#[test]
fn a_file_that_may_not_be_written() {
    let folder = Folder::new("readonly");
    let path = folder.0.join("record.ndjson");
    fs::write(&path, "kept\n").expect("its owner may");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o444)).expect("its owner may");
    let program = readable_copy(&folder);
    let mut command = prepared(&program);
    command.args(["-d", "100ms", "-w"]).arg(&path);
    unprivileged(&mut command);
    let failed = said(&command.output().expect("the program starts"));
    assert_advice(&failed, FAILURE);
    assert!(failed.err.contains("Permission denied"), "{}", failed.err);
    assert_eq!(fs::read_to_string(&path).expect("it is there"), "kept\n");
}

#[test]
fn an_old_recording_stays_when_no_new_one_begins() {
    let folder = Folder::new("recording");
    let path = folder.0.join("record.ndjson");
    fs::write(&path, "kept\n").expect("its owner may");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).expect("its owner may");
    let program = readable_copy(&folder);
    let mut command = prepared(&program);
    command.args(["-d", "100ms", "-w"]).arg(&path);
    unprivileged(&mut command);
    assert_advice(&said(&command.output().expect("the program starts")), UNABLE);
    assert_eq!(fs::read_to_string(&path).expect("it is there"), "kept\n");
}

#[test]
fn without_privileges() {
    let folder = Folder::new("unprivileged");
    let program = readable_copy(&folder);
    for args in
        [&["-d", "100ms"][..], &["-d", "100ms", "--hooks", "tracepoint"], &["-d", "100ms", "-o", "json"]]
    {
        let mut command = prepared(&program);
        command.args(args);
        unprivileged(&mut command);
        let refused = said(&command.output().expect("the program starts"));
        assert_advice(&refused, UNABLE);
        // A build without the eBPF part needs that first.
        let words: &[&str] =
            if cfg!(no_ebpf) { &["cargo xtask build"] } else { &["CAP_BPF", "CAP_PERFMON", "sudo tracer"] };
        for word in words {
            assert!(refused.err.contains(word), "{args:?} does not say {word}: {}", refused.err);
        }
    }
}

/// It says what it could not look at, shows the rest, and its status is that of a run.
#[test]
fn doctor_without_privileges() {
    let folder = Folder::new("doctor");
    let program = readable_copy(&folder);
    for args in [&["doctor"][..], &["doctor", "-v"], &["doctor", "-o", "json"]] {
        let mut command = prepared(&program);
        command.args(args);
        unprivileged(&mut command);
        let looked = said(&command.output().expect("the program starts"));
        assert_eq!((looked.exit, looked.err.as_str()), (UNABLE, ""), "{args:?}: {}", looked.out);
        let words: &[&str] =
            if cfg!(no_ebpf) { &["cargo xtask build"] } else { &["CAP_BPF", "sudo tracer doctor"] };
        for word in words.iter().chain(&["whether hooks attach", "tracepoint"]) {
            assert!(looked.out.contains(word), "{args:?} does not say {word}: {}", looked.out);
        }
        assert!(
            args.len() < 3 || looked.out.starts_with("{\"type\":\"doctor\",\"schema\":1,"),
            "{}",
            looked.out
        );
    }
}

#[test]
fn help_works_without_privileges() {
    let folder = Folder::new("help");
    let program = readable_copy(&folder);
    let mut command = prepared(&program);
    command.arg("--help");
    unprivileged(&mut command);
    assert_eq!(said(&command.output().expect("the program starts")).exit, DONE);
}
