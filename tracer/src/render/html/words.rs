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
    let end = text.char_indices().nth(most).map(|(at, _)| at);
    let words = clean(&text[..end.unwrap_or(text.len())]);
    let words: String = words.chars().map(|c| if is_none(c) { '?' } else { c }).collect();
    if end.is_some() { format!("{words}…") } else { words }
}

/// Code points that are no characters and never will be: a page must not hold them.
fn is_none(c: char) -> bool {
    u32::from(c) & 0xfffe == 0xfffe || matches!(c, '\u{fdd0}'..='\u{fdef}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_end_is_an_end() {
        assert_eq!(word("nginx"), "nginx");
        assert_eq!(word("a\0b\u{202e}c\u{61c}\n\u{fffe}\u{fdd0}"), "a?b?c????");
        assert_eq!(word(&"ä".repeat(NAME)), "ä".repeat(NAME));
        assert_eq!(word(&"ä".repeat(1 << 20)), format!("{}…", "ä".repeat(NAME)));
    }
}
