//! The built program's command line: exit statuses, and what errors say. Works with and without
//! privileges, with and without the eBPF part: every call fails, or ends by itself, before or soon after it attaches.

mod cli {
    mod errors;
    mod kernel;
    mod printing;
    mod privileges;
    mod usage;
}

use std::{
    fs,
    os::unix::{fs::PermissionsExt as _, process::CommandExt as _},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

/// Exit statuses of the contract.
const DONE: i32 = 0;
const FAILURE: i32 = 1;
const USAGE: i32 = 2;
const UNABLE: i32 = 4;

fn program() -> Command {
    prepared(Path::new(env!("CARGO_BIN_EXE_tracer")))
}

fn prepared(path: &Path) -> Command {
    let mut command = Command::new(path);
    command.env("COLUMNS", "80").env_remove("NO_COLOR").stdin(Stdio::null());
    command
}

struct Said {
    exit: i32,
    out: String,
    err: String,
}

fn said(output: &Output) -> Said {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let said = Said {
        // A signal (an abort, too) is no exit status of ours.
        exit: output.status.code().unwrap_or(-1),
        out: text(&output.stdout),
        err: text(&output.stderr),
    };
    assert!(!said.err.contains("panicked"), "{}", said.err);
    said
}

fn run(args: &[&str]) -> Said {
    said(&program().args(args).output().expect("the program starts"))
}

/// Options of the live stream; a check that lets them pass ends after a moment.
fn live(args: &[&str]) -> Said {
    run(&[args, &["--duration", "100ms"]].concat())
}

fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}

/// A folder of its own that goes away with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("tracer-cli-{}-{name}", std::process::id()));
        fs::create_dir(&path).expect("a folder below the temporary one");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("its owner may");
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// What failed and why in one sentence, then what to type: nothing of it is empty.
fn assert_advice(said: &Said, exit: i32) {
    assert_eq!((said.exit, said.out.as_str()), (exit, ""), "{}", said.err);
    let (what, hint) = said.err.split_once("\n  ").unwrap_or_else(|| panic!("no advice: {}", said.err));
    assert!(what.starts_with("tracer: ") && what.len() > 20, "{}", said.err);
    assert!(!what.trim_end().ends_with(':'), "no reason: {}", said.err);
    let typed: Vec<_> = hint.split('`').skip(1).step_by(2).collect();
    assert!(typed.iter().any(|words| words.len() > 3), "nothing to type: {}", said.err);
    assert_eq!(hint.matches('`').count(), 2 * typed.len(), "{}", said.err);
    assert!(!said.err.contains("os error"), "{}", said.err);
}

/// The program where everyone may start it: a build folder may be root's own.
fn readable_copy(folder: &Folder) -> PathBuf {
    let path = folder.0.join("tracer");
    // By another process: a file that this one writes may be held open by a child of a test beside us for a moment,
    // and a file that is open for writing does not start.
    let copied = Command::new("cp").arg(env!("CARGO_BIN_EXE_tracer")).arg(&path).status().expect("cp starts");
    assert!(copied.success());
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("its owner may");
    path
}

/// `nobody`, without capabilities; whoever runs the tests without being root is left who they are.
fn unprivileged(command: &mut Command) {
    if is_root() {
        command.uid(65_534).gid(65_534);
    }
}
