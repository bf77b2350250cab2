//! The kernel's own counters of a namespace, named as nstat names them: `TcpExtListenDrops`.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, Read as _, Seek as _},
};

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
        for file in &mut self.0 {
            let mut text = String::new();
            file.rewind()?;
            file.read_to_string(&mut text)?;
            reading.add(&text);
        }
        Ok(reading)
    }
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
