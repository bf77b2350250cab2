//! Output of another program, bounded in time and in size.

use std::{
    io::{self, Read as _},
    os::fd::AsFd as _,
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

/// Rules of a large machine; what is longer is not read.
const MAX_BYTES: usize = 8 << 20;
/// How long a program that was killed may take to be gone. One that hangs in the kernel is left behind.
const MERCY: Duration = Duration::from_millis(200);
/// Between two looks whether a program has ended: nothing tells of it.
const NAP: Duration = Duration::from_millis(2);
/// Where system programs are, whatever the caller's own path says.
const PATH: &str = "/usr/sbin:/usr/bin:/sbin:/bin:/run/current-system/sw/bin";

/// What a program prints on standard output, run in the namespaces of the calling thread. It has until `deadline` to print
/// and to end, and is ended then.
///
/// # Errors
/// When there is no such program, it fails, takes too long or prints too much.
pub(super) fn output(program: &str, args: &[&str], deadline: Instant) -> io::Result<String> {
    let mut child = Command::new(program)
        .args(args)
        .env("PATH", PATH)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let ended = read(&mut child, deadline).and_then(|text| Ok((text, wait(&mut child, deadline)?)));
    if ended.is_err() {
        let _ = child.kill();
        let _ = wait(&mut child, Instant::now() + MERCY);
    }
    let (text, status) = ended?;
    if !status.success() {
        return Err(io::Error::other(format!("{program}: {status}")));
    }
    String::from_utf8(text).map_err(io::Error::other)
}

/// Waits for the end of a program, which may come long after the end of its output.
fn wait(child: &mut Child, deadline: Instant) -> io::Result<ExitStatus> {
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        thread::sleep(NAP.min(left));
    }
}

fn read(child: &mut Child, deadline: Instant) -> io::Result<Vec<u8>> {
    let mut out = child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
    let mut text = Vec::new();
    let mut part = [0; 16 * 1024];
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let wait = PollTimeout::try_from(left).map_err(io::Error::other)?;
        let ready = poll(&mut [PollFd::new(out.as_fd(), PollFlags::POLLIN)], wait);
        match ready {
            Err(nix::errno::Errno::EINTR) if !left.is_zero() => continue,
            Err(error) => return Err(error.into()),
            Ok(0) => return Err(io::ErrorKind::TimedOut.into()),
            Ok(_) => {}
        }
        match out.read(&mut part)? {
            0 => return Ok(text),
            n => text.extend(part.iter().take(n)),
        }
        if text.len() > MAX_BYTES {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(2)
    }

    /// Whether it ends at all, in a time that no busy machine needs.
    fn ends(program: &'static str, args: &'static [&'static str]) -> io::Result<String> {
        let (done, whole) = channel();
        thread::spawn(move || done.send(output(program, args, soon())));
        whole.recv_timeout(Duration::from_mins(1)).expect("it is ended")
    }

    #[test]
    fn what_a_program_prints() {
        assert_eq!(ends("echo", &["two", "words"]).unwrap(), "two words\n");
        assert_eq!(ends("no-such-program", &[]).unwrap_err().kind(), io::ErrorKind::NotFound);
        assert!(ends("false", &[]).is_err());
        assert!(ends("printf", &["\\377"]).is_err());
    }

    #[test]
    fn a_program_that_never_ends_is_ended() {
        // It prints nothing, or without end, or closes its output and stays.
        for (program, args) in [
            ("sleep", &["600"][..]),
            ("yes", &[]),
            ("sh", &["-c", "exec >&-; exec sleep 600"]),
            ("sh", &["-c", "trap '' TERM; echo words; exec >&-; exec sleep 600"]),
        ] {
            assert!(ends(program, args).is_err(), "{program} {args:?}");
        }
    }

    #[test]
    fn patience_that_is_over() {
        let mut child = Command::new("sleep").arg("600").stdout(Stdio::piped()).spawn().unwrap();
        let past = Instant::now();
        assert_eq!(read(&mut child, past).unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert_eq!(wait(&mut child, past).unwrap_err().kind(), io::ErrorKind::TimedOut);
        child.kill().unwrap();
        assert!(!wait(&mut child, soon()).unwrap().success());
    }
}
