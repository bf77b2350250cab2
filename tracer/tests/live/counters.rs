//! The kernel's own counters of a namespace, named as nstat names them: `TcpExtListenDrops`.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, Read as _, Seek as _},
};

use anyhow::{Result, ensure};
use tracer::analysis::snmp;

/// The files, opened once inside the namespace: what is read later is that namespace's, whoever reads.
#[derive(Debug)]
pub(crate) struct Counters([File; 2]);

/// Values at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reading(BTreeMap<String, u64>);

impl Counters {
    /// Opens those of the calling thread's namespace.
    pub(crate) fn open() -> io::Result<Self> {
        Ok(Self([File::open("/proc/thread-self/net/netstat")?, File::open("/proc/thread-self/net/snmp")?]))
    }

    /// Reads them.
    pub(crate) fn read(&mut self) -> io::Result<Reading> {
        let mut reading = Reading::default();
        for text in self.texts()? {
            reading.add(&text);
        }
        Ok(reading)
    }

    fn texts(&mut self) -> io::Result<[String; 2]> {
        let mut texts = [String::new(), String::new()];
        for (file, text) in self.0.iter_mut().zip(&mut texts) {
            file.rewind()?;
            file.read_to_string(text)?;
        }
        Ok(texts)
    }
}

/// This kernel counts what drops are checked against, and the library reads the same names as we do.
pub(crate) fn all_there() -> Result<()> {
    let (mut ours, mut theirs) = (Reading::default(), snmp::Counters::new());
    for text in Counters::open()?.texts()? {
        ours.add(&text);
        snmp::parse(&text, &mut theirs);
    }
    ensure!(ours.0 == theirs, "{ours:?} and {theirs:?}");
    // PAWSPassive went in 4.12, PAWSTimewait came in 6.16; the others are everywhere.
    let not_everywhere = ["TcpExtPAWSPassive", "TcpExtPAWSTimewait"];
    for name in snmp::CHECKED.iter().filter(|name| !not_everywhere.contains(name)) {
        ensure!(theirs.contains_key(*name), "{name} is not there");
    }
    ensure!(theirs.contains_key("TcpOutRsts") && theirs.contains_key("TcpInCsumErrors"), "{theirs:?}");
    Ok(())
}

impl Reading {
    /// Pairs of lines: names, then values, both after the same prefix.
    fn add(&mut self, text: &str) {
        let mut lines = text.lines();
        while let (Some(names), Some(values)) = (lines.next(), lines.next()) {
            let prefix = names.split(':').next().unwrap_or_default();
            for (name, value) in names.split_whitespace().zip(values.split_whitespace()).skip(1) {
                if let Ok(value) = value.parse() {
                    self.0.insert(format!("{prefix}{name}"), value);
                }
            }
        }
    }

    /// By how much a counter moved since an earlier reading; `None`: this kernel has no such counter.
    pub(crate) fn since(&self, earlier: &Self, name: &str) -> Option<u64> {
        Some(self.0.get(name)?.wrapping_sub(*earlier.0.get(name)?))
    }
}
