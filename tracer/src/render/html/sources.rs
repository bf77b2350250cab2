//! The sources in a table: who was dropped, by how much clocks went back, who is behind the address.

use maud::{Markup, html};

use super::View;
use crate::{
    model::{
        Nanos,
        report::{Source, Summary},
    },
    render::{phrases::millis, source::worst, summary::looks_like},
};

/// Rows at most; the others share one.
const ROWS: usize = 50;

pub(super) fn section(view: &View<'_>) -> Markup {
    let summary = view.summary;
    let shown = &summary.sources[..summary.sources.len().min(ROWS)];
    html! {
        h2 { "Sources" }
        @if shown.is_empty() {
            p { "No source was seen." }
        } @else {
            p.dim {
                @if summary.sources_total > shown.len() as u64 {
                    (shown.len()) " of " (summary.sources_total) " client addresses, those with the most drops."
                } @else { "Client addresses, those with the most drops first." }
            }
            div.scroll tabindex="0" role="region" aria-label="Sources" {
                table.sortable {
                    thead { tr {
                        th scope="col" { "Address" } th.n scope="col" { "SYNs" } th.n scope="col" { "Drops" }
                        th.n scope="col" { "PAWS" } th.n scope="col" { "Ticks back" } th.n scope="col" { "Time back" }
                        th.n scope="col" { "Clocks" } th scope="col" { "Looks like" } th.n scope="col" { "Confidence" }
                        th scope="col" { "Mostly" } th.n scope="col" { "First" } th.n scope="col" { "Last" }
                    } }
                    tbody { @for source in shown { (row(view, source)) } }
                    @if let Some(rest) = rest(summary, shown) { tfoot { (rest) } }
                }
            }
        }
    }
}

fn row(view: &View<'_>, source: &Source) -> Markup {
    let nat = source.nat.as_ref();
    let back = worst(source);
    let ms = back.and_then(|(_, ms)| ms);
    let mostly = source.by_cause.iter().max_by_key(|(_, n)| **n);
    html! {
        tr {
            th scope="row" { (source.src) }
            (number(source.syns, "?")) (number(Some(source.all_drops()), "?")) (number(Some(source.paws), "?"))
            (number(back.map(|(ticks, _)| ticks), "-"))
            td.n data-sort=(ms.unwrap_or(0)) { (ms.map_or("-".into(), |ms| format!("~{}", millis(ms)))) }
            (number(nat.map(|nat| nat.clocks.len() as u64), "-"))
            td { (nat.map_or("-".into(), looks_like)) }
            td.n { (nat.map_or("-".into(), |nat| format!("{:.2}", nat.confidence.clamp(0.0, 1.0)))) }
            td { (mostly.map_or("-", |(cause, _)| cause.name())) }
            (time(view, source.first)) (time(view, source.last))
        }
    }
}

fn number(n: Option<u64>, none: &str) -> Markup {
    html! { td.n data-sort=(n.unwrap_or(0)) { (n.map_or(none.into(), |n| n.to_string())) } }
}

fn time(view: &View<'_>, time: Nanos) -> Markup {
    html! { td.n data-sort=(time.0 / 1_000_000) { (view.moment(time)) } }
}

/// What all others had, exactly; `None`: there are no others.
fn rest(summary: &Summary, shown: &[Source]) -> Option<Markup> {
    let others = summary.sources_total.saturating_sub(shown.len() as u64);
    let sum = |of: fn(&Source) -> u64| shown.iter().map(of).fold(0, u64::saturating_add);
    let paws = summary.by_cause.iter().filter(|(cause, _)| cause.is_paws());
    let paws = paws.fold(0_u64, |sum, (_, n)| sum.saturating_add(*n));
    let drops = summary.drops.saturating_sub(sum(Source::all_drops));
    // Of those that are only counted the source may be known, and the cause, but not both.
    let paws = summary.unsent.sources.is_empty().then(|| paws.saturating_sub(sum(|source| source.paws)));
    (others > 0 || drops > 0 || summary.other.syns > 0).then(|| {
        let nameless = if summary.other.syns > 0 { ", and those that found no room" } else { "" };
        html! {
            tr {
                th scope="row" { (others) " other sources" (nameless) }
                td.n { "?" } td.n { (drops) } (number(paws, "?"))
                @for _ in 0..8 { td {} }
            }
        }
    })
}
