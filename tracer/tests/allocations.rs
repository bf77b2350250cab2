//! What comes through the ring must not cost memory by the event: allocations between the ring and the aggregate, of a live
//! run without programs, are counted.
//!
//! Each case is a process of its own, whose standard output is nobody's.

#[path = "../benches/shared"]
mod shared {
    pub(crate) mod records;
}

use std::{
    env,
    error::Error,
    net::{IpAddr, Ipv4Addr, TcpListener},
    process::{Command, Stdio},
    time::Duration,
};

use libtest_mimic::{Arguments, Failed, Trial};
use shared::records::{Server, answered, dropped, kernel, write};
use tracer::{
    app::{namespaces::monotonic, tracing::fed::Fed},
    cli::parse,
    model::report::Start,
    netns::Netns,
};
use tracer_common::event::SynRecord;

/// A record by its number, time, source and listener.
type Make = fn(u32, u64, IpAddr, Server) -> SynRecord;

/// The name of a case, the records, and the options of the run.
const CASES: [(&str, Make, &[&str]); 6] = [
    ("drops", dropped, &["--rate-limit", "1"]),
    ("answered SYNs", answered, &["--rate-limit", "1"]),
    ("drops as text", dropped, &["--color", "always"]),
    ("drops as JSON", dropped, &["-o", "json"]),
    ("drops, recorded", dropped, &["--rate-limit", "1", "-w", "/dev/null"]),
    ("answered SYNs, recorded", answered, &["-w", "/dev/null"]),
];
const CASE: &str = "TRACER_ALLOCATIONS_CASE";

/// Known sources; each sent enough to be known as far as it ever is.
const SOURCES: u32 = 16;
const WARM: u32 = SOURCES * 1200;
const EVENTS: u32 = 5_000;
/// A listener that is known is looked at again once a second, by its link in `/proc`: two, however many events there are.
const AT_MOST: u64 = 2;

fn main() {
    if let Some(case) = env::var(CASE).ok().and_then(|case| case.parse::<usize>().ok()) {
        let (_, make, options) = CASES[case];
        return match count(make, options) {
            Ok(n) => eprintln!("{n}"),
            Err(error) => eprintln!("{error}"),
        };
    }
    let trials = CASES.iter().enumerate().map(|(case, (name, ..))| Trial::test(*name, move || check(case)));
    libtest_mimic::run(&Arguments::from_args(), trials.collect()).exit();
}

fn check(case: usize) -> Result<(), Failed> {
    let mut again = Command::new(env::current_exe()?);
    let output = again.env(CASE, case.to_string()).stdout(Stdio::null()).output()?;
    let said = String::from_utf8(output.stderr)?;
    match said.trim().parse() {
        Ok(0..=AT_MOST) => Ok(()),
        Ok(n) => Err(format!("{n} allocations for {EVENTS} events").into()),
        Err(_) => Err(said.into()),
    }
}

/// Allocations of this thread while the events are taken.
fn count(make: Make, options: &[&str]) -> Result<u64, Box<dyn Error>> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let to = Server { netns: Netns::current()?.inode(), port: listener.local_addr()?.port() };
    let words = std::iter::once("tracer").chain(options.iter().copied()).map(Into::into);
    let args = parse(words)?.live;
    let mut run = Fed::start(&args, kernel(), Start::default())?;
    let begun = monotonic()?;
    let records = |from: u32, until: u32| {
        let mut bytes = Vec::new();
        for n in from..until {
            let src = Ipv4Addr::from(0xc000_0200 + n % SOURCES);
            write(&make(n, begun + u64::from(n) * 1_000_000, src.into(), to), &mut bytes);
        }
        bytes
    };
    run.take(&records(0, WARM))?;
    // Their listener is found by then.
    while run.waits()? {
        std::thread::sleep(Duration::from_millis(1));
    }
    let events = records(WARM, WARM + EVENTS);
    let mut taken = Ok(());
    let counted = allocation_counter::measure(|| taken = run.take(&events));
    taken?;
    let summary = run.summary()?;
    assert_eq!(summary.drops + summary.accepted, u64::from(WARM + EVENTS));
    Ok(counted.count_total)
}
