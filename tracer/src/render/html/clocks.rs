//! A part of the page for each source with more than one clock: the picture, the clocks, what that rests on, its last drops.

use maud::{Markup, html};

use super::{Picture, View, pictured, scatter, words::sentence};
use crate::{
    model::{Drop, report::Source},
    render::{
        clocks::LINES,
        columns::Column,
        source::{deeds, evidence, title},
        summary::is_flagged,
    },
};

pub(super) fn section(view: &View<'_>) -> Markup {
    let flagged = view.summary.sources.iter().filter(|source| source.nat.as_ref().is_some_and(is_flagged));
    let more = flagged.count() - pictured(view.summary).count();
    html! {
        h2 { "Clocks" }
        @if pictured(view.summary).next().is_none() {
            p { "No source among those with the most drops has more than one clock, as far as its timestamps tell." }
        }
        @for (n, source) in pictured(view.summary).enumerate() {
            article { (one(view, n, source)) }
        }
        @if more > 0 { p { (more) " other sources have more than one clock; the table of sources names those with the most drops." } }
    }
}

fn one(view: &View<'_>, n: usize, source: &Source) -> Markup {
    let picture = view.pictures.iter().find(|picture| picture.src == source.src);
    let points = evidence(source);
    html! {
        h3 { (title(source)) }
        p { (deeds(source)) "." }
        @if let Some(picture) = picture { (scatter::figure(view, n, source, picture)) }
        @if !points.is_empty() { ul.for { @for point in points { li { bdi { (sentence(&point)) } } } } }
        (clocks(view, source))
        @if let Some(Picture { drops, .. }) = picture.filter(|picture| !picture.drops.is_empty()) {
            (last(view, source, drops))
        }
    }
}

fn clocks(view: &View<'_>, source: &Source) -> Markup {
    let clocks = source.nat.as_ref().map_or(&[][..], |nat| &nat.clocks);
    html! {
        @if !clocks.is_empty() {
            div.scroll tabindex="0" role="region" aria-label={ "Clocks of " (source.src) } {
                table {
                    caption { "Its clocks, as lines in the picture" }
                    thead { tr {
                        th.n scope="col" { "Line" } th.n scope="col" { "Rate" } th.n scope="col" { "SYNs" }
                        th.n scope="col" { "First" } th.n scope="col" { "Last" } th.n scope="col" { "TSval then" }
                    } }
                    tbody {
                        @for (n, clock) in (1..).zip(clocks.iter().take(LINES)) {
                            tr {
                                th.n scope="row" { (n) } td.n { (format!("{:.0} Hz", clock.rate_hz)) }
                                td.n { (clock.readings) } td.n { (view.moment(clock.first)) }
                                td.n { (view.moment(clock.last)) } td.n { (clock.tsval) }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// The last drops, in the columns of the stream.
fn last(view: &View<'_>, source: &Source, drops: &[Drop]) -> Markup {
    let style = view.style();
    html! {
        details open {
            summary { "Its last drops, newest first" }
            div.scroll tabindex="0" role="region" aria-label={ "Last drops of " (source.src) } {
                table {
                    thead { tr { @for column in Column::ALL { th scope="col" { (column.title().to_lowercase()) } } } }
                    tbody {
                        @for drop in drops {
                            tr { @for column in Column::ALL { td { bdi { (super::word(&column.text(&style, drop))) } } } }
                        }
                    }
                }
            }
        }
    }
}
