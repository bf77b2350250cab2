//! What is to blame, how sure that is, what speaks for and against it, what to do: it stands first, for a tired engineer.

use maud::{Markup, html};

use super::{
    View,
    remedy::{Action, apart, spans},
    words::{sentence, word},
};
use crate::model::verdict::{Remedy, Verdict};

pub(super) fn section(view: &View<'_>) -> Markup {
    let Some(verdict) = &view.summary.verdict else {
        return html! {
            h2 { "Verdict: none" }
            p { "Nothing was seen that could be judged." }
        };
    };
    let Verdict { cause, confidence, text, speaks_for, speaks_against, remedy } = verdict;
    html! {
        h2 {
            "Verdict: " bdi { (word(cause)) } " "
            span.sure { "(confidence " (format!("{:.2}", confidence.clamp(0.0, 1.0))) ")" }
        }
        p.verdict { bdi { (sentence(text)) } }
        (points("What speaks for it", "for", speaks_for))
        (points("What speaks against it, or is not known", "against", speaks_against))
        @if !remedy.is_empty() {
            h3 { "What to do, best first" }
            ol.remedies { @for remedy in remedy { li { (one(remedy)) } } }
        }
    }
}

fn points(title: &str, class: &str, points: &[String]) -> Markup {
    html! {
        @if !points.is_empty() {
            h3 { (title) }
            ul class=(class) { @for point in points { li { bdi { (sentence(point)) } } } }
        }
    }
}

fn one(remedy: &Remedy) -> Markup {
    let action = sentence(&remedy.action);
    let Action { words, commands } = apart(&action);
    html! {
        @if !words.is_empty() {
            p {
                @for (command, part) in spans(words) {
                    @if command { code { (part) } } @else { bdi { (part) } }
                }
                @if !commands.is_empty() { ":" }
            }
        }
        @for command in commands { div.command { pre { code { (command) } } } }
        @if !remedy.price.is_empty() { p.price { "Price: " (sentence(&remedy.price)) "." } }
    }
}
