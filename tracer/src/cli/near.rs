//! Which words somebody probably meant who typed another.

/// Words that are named at most.
const NAMED: usize = 3;
/// How much of a word must be right. Of four letters one may be wrong, of three two may have changed places.
const ENOUGH: f64 = 0.6;
/// How near a word is of which a part was typed: less than the word with a slip in it.
const OF_A_PART: f64 = 0.8;
/// Letters that tell something as a part of a word.
const PART: usize = 4;

/// How near two words are, from 0 to 1; hyphens count for nothing.
fn nearness(typed: &str, known: &str) -> f64 {
    let plain = |text: &str| text.to_lowercase().replace(['-', '_', ' '], "");
    let (word, whole) = (plain(typed), plain(known));
    let alike = strsim::normalized_damerau_levenshtein;
    let mut best = alike(&word, &whole);
    if word.chars().count() >= PART {
        let is_part = if whole.contains(&word) { 1.0 } else { 0.0 };
        let parts = known.split('-').filter(|part| part.len() >= PART).map(|part| alike(&word, part));
        best = best.max(OF_A_PART * parts.fold(is_part, f64::max));
    }
    best
}

/// The words that are meant, the likeliest first.
pub(super) fn near<'a>(word: &str, words: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let mut close: Vec<_> = words.into_iter().map(|known| (nearness(word, known), known)).collect();
    close.retain(|(nearness, _)| *nearness >= ENOUGH);
    close.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    // What is far behind the best is no second opinion.
    let best = close.first().map_or(0.0, |(nearness, _)| *nearness);
    close
        .into_iter()
        .filter(|(nearness, _)| best - nearness < 0.1)
        .take(NAMED)
        .map(|(_, known)| known)
        .collect()
}

/// "did you mean `a` or `b`?"; `None` where nothing is near.
pub(super) fn did_you_mean<'a>(word: &str, words: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let near: Vec<_> = near(word, words).iter().map(|word| format!("`{word}`")).collect();
    (!near.is_empty()).then(|| format!("did you mean {}?", near.join(" or ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Cause;

    #[test]
    fn typos_of_causes() {
        for (typed, meant) in [
            ("paws-timewait", &["paws-time-wait"][..]),
            ("paws-tme-wait", &["paws-time-wait"]),
            ("TIME_WAIT", &["paws-time-wait"]),
            ("accept-queue", &["accept-queue-full"]),
            ("acept-queue-full", &["accept-queue-full"]),
            ("queue", &["accept-queue-full", "syn-queue-full"]),
            ("quue", &["accept-queue-full", "syn-queue-full"]),
            ("fin-wait2", &["paws-fin-wait2"]),
            ("listner", &["no-listener", "listen-other"]),
            ("out_of_window", &["out-of-window"]),
            ("established", &["paws-established", "syn-on-established"]),
            ("x", &[]),
            ("", &[]),
            ("something-else-altogether", &[]),
        ] {
            assert_eq!(near(typed, Cause::ALL.map(Cause::name)), meant, "{typed}");
        }
        assert_eq!(near("pawss", ["paws", "paws-syn-recv", "top"]), ["paws", "paws-syn-recv"]);
        assert_eq!(near("tpo", ["top", "demo"]), ["top"]);
        assert_eq!(
            did_you_mean("queue", ["a-queue", "b-queue"]).unwrap(),
            "did you mean `a-queue` or `b-queue`?"
        );
        assert_eq!(did_you_mean("x", ["top"]), None);
    }
}
