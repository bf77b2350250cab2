//! Words from outside, fit for the page: nothing that turns the direction of writing, and no end of it.

use super::super::phrases::clean;

/// Characters of a name.
const NAME: usize = 200;
/// Characters of a sentence, in which several names may stand.
const SENTENCE: usize = 2000;

/// A name.
pub(super) fn word(text: &str) -> String {
    cut(text, NAME)
}

/// A sentence.
pub(super) fn sentence(text: &str) -> String {
    cut(text, SENTENCE)
}

fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        None => clean(text),
        Some((at, _)) => format!("{}…", clean(&text[..at])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_end_is_an_end() {
        assert_eq!(word("nginx"), "nginx");
        assert_eq!(word("a\0b\u{202e}c\u{61c}\n"), "a?b?c??");
        assert_eq!(word(&"ä".repeat(NAME)), "ä".repeat(NAME));
        assert_eq!(word(&"ä".repeat(1 << 20)), format!("{}…", "ä".repeat(NAME)));
    }
}
