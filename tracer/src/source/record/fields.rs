//! The fields of a JSON object by name and type, with words for what is wrong with them.
//!
//! Knows nothing of recordings. `null` and a field that is not there are the same: not known. Whatever nobody asked for is
//! counted.

use std::str::FromStr;

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::model::Nanos;

/// What is wrong with a field, a sentence without its full stop.
pub(super) type Wrong = String;

/// An object of which fields are taken.
#[derive(Debug)]
pub(super) struct Fields {
    map: Map<String, Value>,
    /// Where it stands in its line: empty, or a name and a full stop.
    path: String,
    /// Fields of objects in it that nobody asked for.
    unknown: u64,
}

impl Fields {
    pub(super) fn new(map: Map<String, Value>) -> Self {
        Self { map, path: String::new(), unknown: 0 }
    }

    /// What is there, whatever it is.
    pub(super) fn take(&mut self, name: &str) -> Option<Value> {
        self.map.remove(name).filter(|value| !value.is_null())
    }

    fn wrong(&self, name: &str, value: &Value) -> Wrong {
        format!("`{}{name}` cannot be {}", self.path, shown(value))
    }

    /// What `read` makes of a value; it must make something of it.
    fn read<T>(&mut self, name: &str, read: impl FnOnce(&Value) -> Option<T>) -> Result<Option<T>, Wrong> {
        let Some(value) = self.take(name) else { return Ok(None) };
        read(&value).map(Some).ok_or_else(|| self.wrong(name, &value))
    }

    /// A number without sign or fraction.
    pub(super) fn number<T: TryFrom<u64>>(&mut self, name: &str) -> Result<Option<T>, Wrong> {
        self.read(name, number)
    }

    /// A number; 0 where none is known.
    pub(super) fn count<T: TryFrom<u64> + Default>(&mut self, name: &str) -> Result<T, Wrong> {
        Ok(self.number(name)?.unwrap_or_default())
    }

    pub(super) fn flag(&mut self, name: &str) -> Result<Option<bool>, Wrong> {
        self.read(name, Value::as_bool)
    }

    pub(super) fn text(&mut self, name: &str) -> Result<Option<String>, Wrong> {
        self.read(name, |value| value.as_str().map(str::to_owned))
    }

    /// A word that means something: an address, one of the contract's names.
    pub(super) fn word<T: FromStr>(&mut self, name: &str) -> Result<Option<T>, Wrong> {
        self.read(name, |value| value.as_str()?.parse().ok())
    }

    /// RFC 3339.
    pub(super) fn time(&mut self, name: &str) -> Result<Option<Nanos>, Wrong> {
        let time = |value: &Value| {
            let time: Timestamp = value.as_str()?.parse().ok()?;
            i64::try_from(time.as_nanosecond()).ok().map(Nanos)
        };
        self.read(name, time)
    }

    /// A list of which every element is understood; nothing, where there is none.
    pub(super) fn list<T>(
        &mut self,
        name: &str,
        each: impl Fn(&Value) -> Option<T>,
    ) -> Result<Vec<T>, Wrong> {
        match self.take(name) {
            None => Ok(Vec::new()),
            Some(Value::Array(all)) => {
                all.iter().map(|one| each(one).ok_or_else(|| self.wrong(name, one))).collect()
            }
            Some(other) => Err(self.wrong(name, &other)),
        }
    }

    /// A list of words.
    pub(super) fn words<T: FromStr>(&mut self, name: &str) -> Result<Vec<T>, Wrong> {
        self.list(name, |value| value.as_str()?.parse().ok())
    }

    /// Names and what they stand for.
    pub(super) fn table<K, V, T: FromIterator<(K, V)>>(
        &mut self,
        name: &str,
        each: impl Fn(&str, &Value) -> Option<(K, V)>,
    ) -> Result<Option<T>, Wrong> {
        self.read(name, |value| value.as_object()?.iter().map(|(key, value)| each(key, value)).collect())
    }

    /// What `read` makes of an object.
    pub(super) fn object<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(&mut Self) -> Result<T, Wrong>,
    ) -> Result<Option<T>, Wrong> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Object(map)) => self.within(name, map, read).map(Some),
            Some(other) => Err(self.wrong(name, &other)),
        }
    }

    /// What `read` makes of each object of a list; nothing, where there is none.
    pub(super) fn objects<T>(
        &mut self,
        name: &str,
        mut read: impl FnMut(&mut Self) -> Result<T, Wrong>,
    ) -> Result<Vec<T>, Wrong> {
        let all = self.list(name, |value| value.as_object().cloned())?;
        all.into_iter().map(|map| self.within(name, map, &mut read)).collect()
    }

    fn within<T>(
        &mut self,
        name: &str,
        map: Map<String, Value>,
        read: impl FnOnce(&mut Self) -> Result<T, Wrong>,
    ) -> Result<T, Wrong> {
        let mut inner = Self { map, path: format!("{}{name}.", self.path), unknown: 0 };
        let value = read(&mut inner)?;
        self.unknown += inner.unknown();
        Ok(value)
    }

    /// What must be there: `fields.must("sport", Fields::number)`.
    pub(super) fn must<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(&mut Self, &str) -> Result<Option<T>, Wrong>,
    ) -> Result<T, Wrong> {
        read(self, name)?.ok_or_else(|| format!("`{}{name}` is missing", self.path))
    }

    /// Fields that follow from others.
    pub(super) fn pass_over(&mut self, names: &[&str]) {
        for name in names {
            self.map.remove(*name);
        }
    }

    /// Fields that nobody asked for.
    pub(super) fn unknown(&self) -> u64 {
        self.unknown + self.map.len() as u64
    }
}

/// A number without sign or fraction.
pub(super) fn number<T: TryFrom<u64>>(value: &Value) -> Option<T> {
    value.as_u64()?.try_into().ok()
}

/// A value in an error: short, and without anything that moves a cursor.
fn shown(value: &Value) -> String {
    const LONG: usize = 40;
    let text = value.to_string();
    let mut short: String = text.chars().take(LONG).flat_map(plain).collect();
    if text.chars().nth(LONG).is_some() {
        short.push_str("...");
    }
    short
}

/// JSON escapes what is below a space and nothing else.
fn plain(c: char) -> impl Iterator<Item = char> {
    let as_it_is = (' '..='~').contains(&c).then_some(c);
    let escaped = as_it_is.is_none().then(|| c.escape_unicode());
    as_it_is.into_iter().chain(escaped.into_iter().flatten())
}
