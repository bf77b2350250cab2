//! `--interval` for people: a small table between the drops. Sources without drops are a number only.

use super::{
    summary::looks_like,
    text::{Ink, Style},
};
use crate::model::{Nanos, report::Changes};

impl Style {
    /// What changed until `at`.
    pub fn interval(&self, at: Nanos, changes: &Changes) -> String {
        let shown: Vec<_> = changes.sources.iter().filter(|change| change.source.drops > 0).collect();
        let until = self.time_of_day(at, "%H:%M:%S");
        let sources = if changes.total == 1 { "source" } else { "sources" };
        let with_drops = match (changes.with_drops, changes.with_drops.saturating_sub(shown.len() as u64)) {
            (0, _) => "none with drops.".to_owned(),
            (n, 0) => format!("{n} with drops:"),
            (n, more) => format!("{n} with drops ({more} not shown):"),
        };
        let title = format!("Until {until} {} {sources} changed, {with_drops}", changes.total);
        let mut lines: Vec<_> = self.fold("", &title).iter().map(|line| self.ink(Ink::Bold, line)).collect();
        if !shown.is_empty() {
            let head = format!(
                "{:>8} {:>8} {:>8}  {:>10}  {:<16}  ADDRESS",
                "NEW", "DROPS", "PAWS", "TICKS BACK", "LOOKS LIKE"
            );
            lines.push(self.ink(Ink::Dim, &head));
        }
        for change in shown {
            let source = &change.source;
            let back = source.max_regression.map_or("-".into(), |ticks| ticks.to_string());
            let looks = source.nat.as_ref().map_or("-".into(), looks_like);
            let lead = format!(
                "{:>8} {:>8} {:>8}  {back:>10}  {looks:<16}  ",
                change.new_drops, source.drops, source.paws
            );
            // A long IPv6 address goes below.
            lines.extend(self.fold(&lead, &source.src.to_string()));
        }
        lines.join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::text::tests::{assert_fits, style},
        *,
    };
    use crate::model::report::{Change, Source};

    fn change(src: &str, new_drops: u64, drops: u64) -> Change {
        let source = Source {
            drops,
            paws: drops,
            max_regression: (drops > 0).then_some(i32::MAX),
            ..Source::new(src.parse().unwrap(), Nanos(0))
        };
        Change { new_drops, source }
    }

    #[test]
    fn a_small_table() {
        let sources = vec![
            change("192.0.2.1", 3, 10),
            change("2001:db8:1234:5678:9abc:def0:1234:5678", 0, u64::MAX),
            change("192.0.2.9", 0, 0),
        ];
        let at = Nanos(1_700_000_000_000_000_000);
        let changes = Changes { sources, total: 40, with_drops: 7 };
        let text = style(80).interval(at, &changes);
        assert_fits(&text, 80);
        let want = "\
Until 22:13:20 40 sources changed, 7 with drops (5 not shown):
     NEW    DROPS     PAWS  TICKS BACK  LOOKS LIKE        ADDRESS
       3       10       10  2147483647  -                 192.0.2.1";
        assert!(text.starts_with(want), "{text}");
        assert!(!text.contains("192.0.2.9"));
        let one = Changes { sources: vec![change("192.0.2.9", 0, 0)], total: 1, with_drops: 0 };
        assert_eq!(style(80).interval(at, &one), "Until 22:13:20 1 source changed, none with drops.");
    }
}
