//! How many SYNs were dropped, out of how much, and by cause.

use maud::{Markup, html};

use super::{View, words::sentence};
use crate::{
    model::{Cause, report::Summary},
    render::summary::{clients, meaning, open, queues, read, reasons, totals},
};

pub(super) fn section(view: &View<'_>) -> Markup {
    let summary = view.summary;
    let (title, watched) = totals(view.start, summary);
    let read = summary.capture.as_ref().map(|capture| read(&view.style(), summary.elapsed_ms, capture));
    let unknown = summary.capture.as_ref().map(|capture| open(capture, summary.drops));
    html! {
        h2 { "What was dropped" }
        p.total { (sentence(&title)) }
        @if let Some(watched) = watched { p { bdi { (sentence(&watched)) } } }
        @if !summary.by_cause.is_empty() { (causes(summary)) }
        @if let Some(words) = reasons(summary) { p { strong { "Other reasons: " } bdi { (sentence(&words)) } } }
        @if let Some(words) = queues(summary) { p { strong { "Full queues: " } bdi { (sentence(&words)) } } }
        @if let Some(words) = clients(summary.retries) { p { (words) } }
        @if let Some(words) = read { p { strong { "Read: " } bdi { (sentence(&words)) } } }
        @for words in unknown.into_iter().flatten().flatten() { p { (sentence(&words)) } }
    }
}

/// Causes with the most drops first.
pub(super) fn by_drops(summary: &Summary) -> Vec<(Cause, u64)> {
    let mut causes: Vec<_> = summary.by_cause.iter().map(|(cause, n)| (*cause, *n)).collect();
    causes.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
    causes
}

fn causes(summary: &Summary) -> Markup {
    let share = |n: u64| u128::from(n) * 100 / u128::from(summary.drops.max(1));
    html! {
        div.scroll tabindex="0" role="region" aria-label="Drops by cause" {
            table {
                thead { tr {
                    th scope="col" { "Cause" } th.n scope="col" { "Drops" } th.n scope="col" { "Share" }
                    th scope="col" { "What happened" }
                } }
                tbody {
                    @for (cause, n) in by_drops(summary) {
                        tr {
                            th scope="row" { (cause) } td.n { (n) } td.n { (share(n)) "%" }
                            td.wide { (meaning(cause, summary)) }
                        }
                    }
                }
            }
        }
    }
}
