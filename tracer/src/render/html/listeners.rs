//! Who lost how many SYNs: a row for each process and port.

use maud::{Markup, html};

use super::{
    View,
    words::{sentence, word},
};
use crate::render::{
    phrases::process,
    summary::{rows, whereabouts},
};

pub(super) fn section(view: &View<'_>) -> Markup {
    let (rows, more) = rows(view.summary);
    html! {
        h2 { "Listeners" }
        @if rows.is_empty() {
            p { "Which processes listened is not known." }
        } @else {
            div.scroll tabindex="0" role="region" aria-label="Listeners" {
                table.sortable {
                    thead { tr {
                        th scope="col" { "Process" } th.n scope="col" { "Port" } th.n scope="col" { "Drops" }
                        th scope="col" { "Where" }
                    } }
                    tbody {
                        @for (drops, served) in rows {
                            tr {
                                th scope="row" { bdi { (served.listener.as_deref().map_or("?".into(), |one| word(&process(one)))) } }
                                td.n { (served.dport) } td.n { (drops) }
                                td.wide { bdi { (sentence(&whereabouts(served))) } }
                            }
                        }
                    }
                    @if more > 0 {
                        tfoot { tr { th scope="row" { "other listeners" } td {} td.n { (more) } td {} } }
                    }
                }
            }
        }
    }
}
