//! What a benchmark was asked for: `--name value` and `--name`.

use std::str::FromStr;

use anyhow::{Context as _, Result, ensure};

/// The words after the program's name.
pub(crate) struct Arguments(Vec<String>);

impl Arguments {
    pub(crate) fn read() -> Self {
        Self(std::env::args().skip(1).collect())
    }

    /// Whether a word is there.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|word| word == name)
    }

    /// The word behind another.
    pub(crate) fn word(&self, name: &str) -> Option<&str> {
        let at = self.0.iter().position(|word| word == name)?;
        self.0.get(at + 1).map(String::as_str)
    }

    /// The number behind a word.
    pub(crate) fn number<T: FromStr>(&self, name: &str, otherwise: T) -> Result<T> {
        let Some(word) = self.word(name) else { return Ok(otherwise) };
        word.parse().ok().with_context(|| format!("{name} N, and not {word}"))
    }

    /// Those of these whose names stand behind a word, divided by commas; all of them, where it is not there.
    ///
    /// # Errors
    /// When one is named that is none of these.
    pub(crate) fn only<T>(
        &self,
        word: &str,
        all: impl IntoIterator<Item = T>,
        name: impl Fn(&T) -> String,
    ) -> Result<Vec<T>> {
        let all: Vec<T> = all.into_iter().collect();
        let Some(only) = self.word(word) else { return Ok(all) };
        let names: Vec<String> = all.iter().map(&name).collect();
        for wanted in only.split(',') {
            ensure!(
                names.iter().any(|name| name == wanted),
                "{word} knows no {wanted}; try {}",
                names.join(",")
            );
        }
        Ok(all.into_iter().filter(|one| only.split(',').any(|wanted| wanted == name(one))).collect())
    }
}
