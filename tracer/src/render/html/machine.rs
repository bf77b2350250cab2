//! The machine, and how far what was seen can be trusted: the kernel's counters beside ours, kernel, hooks, settings, what
//! was lost and what could not be seen.

use maud::{Markup, html};

use super::{
    View,
    words::{sentence, word},
};
use crate::{
    model::{
        environment::{Environment, OwnNat},
        report::{Missing, Summary},
    },
    render::{
        summary::{lost, meaning, not_compared},
        text::filter,
    },
};

/// Rows of a table whose length the recording decides: more than there are of anything.
const ROWS: usize = 40;

pub(super) fn counters(view: &View<'_>) -> Markup {
    let summary = view.summary;
    let checked = |name: &String| summary.snmp.iter().any(|check| check.name == *name);
    let others = summary.environment.counters.iter().filter(|(name, n)| **n > 0 && !checked(name));
    let others: Vec<_> = others.take(ROWS).map(|(name, n)| format!("{} {n}", word(name))).collect();
    html! {
        h2 { "The kernel's own counters over the same time" }
        @if summary.snmp.is_empty() {
            p { "Not read, or none of them moved for a drop." }
        } @else {
            div.scroll tabindex="0" role="region" aria-label="Counters" {
                table {
                    thead { tr {
                        th scope="col" { "Counter" } th.n scope="col" { "Kernel" } th.n scope="col" { "Seen" } th scope="col" { "Remark" }
                    } }
                    tbody {
                        @for check in summary.snmp.iter().take(ROWS) {
                            tr {
                                th scope="row" { bdi { (word(&check.name)) } } td.n { (check.kernel) } td.n { (check.ours) }
                                td.wide {
                                    @if check.kernel == check.ours { "agree " }
                                    @if let Some(remark) = &check.remark { bdi { (sentence(remark)) } }
                                }
                            }
                        }
                    }
                }
            }
        }
        @if let Some(words) = not_compared(summary) { p { (words) } }
        @if !others.is_empty() { p { "Others that moved: " bdi { (sentence(&others.join(", "))) } "." } }
    }
}

pub(super) fn environment(view: &View<'_>) -> Markup {
    let (start, environment) = (view.start, &view.summary.environment);
    let known = |text: &Option<String>| text.as_deref().map_or("?".into(), word);
    let limits = start.limits.map_or("?".into(), |limits| {
        format!("{} sources, {} MiB for clocks", limits.sources, limits.clock_bytes >> 20)
    });
    html! {
        h2 { "Environment" }
        dl {
            dt { "Traced by" } dd { "tracer " bdi { (word(&start.version)) } }
            dt { "Kernel" } dd { bdi { (known(&environment.kernel)) } }
            dt { "Hook set" } dd { bdi { (word(&start.set)) } ", " (start.attached.len()) " hooks" }
            @if !start.attached.is_empty() {
                dt { "Hooks" } dd { bdi { (sentence(&start.attached.iter().take(ROWS).map(|hook| word(hook)).collect::<Vec<_>>().join(", "))) } }
            }
            dt { "Filter" } dd { bdi { (sentence(&filter(&start.filter))) } }
            dt { "Bounds" } dd { (limits) }
            dt { "NAT on the machine itself" } dd { (own_nat(environment.own_nat.as_ref())) }
        }
        (settings(environment))
    }
}

fn own_nat(nat: Option<&OwnNat>) -> String {
    let Some(OwnNat { rules, random_fully, conntrack }) = nat else { return "not looked at".into() };
    let tracked = if *conntrack { "connections are tracked" } else { "connections are not tracked" };
    format!(
        "{rules} rules that translate source addresses, {random_fully} of them fully at random; {tracked}"
    )
}

fn settings(environment: &Environment) -> Markup {
    let sysctls = &environment.sysctls;
    html! {
        @if environment.sysctls_read {
            details open {
                summary { "Settings (sysctl), where the most drops were" }
                div.scroll tabindex="0" role="region" aria-label="Settings" {
                    table {
                        thead { tr { th scope="col" { "Name" } th scope="col" { "Value" } } }
                        tbody {
                            @for (name, value) in sysctls.iter().take(ROWS) {
                                tr { th scope="row" { bdi { (word(name)) } } td { bdi { (word(value)) } } }
                            }
                        }
                    }
                }
                @if sysctls.len() > ROWS { p { (sysctls.len() - ROWS) " more are in the recording." } }
            }
        } @else {
            p { "The machine's settings were not read." }
        }
    }
}

/// What is in no total, in words; `None`: nothing.
pub(super) fn missing(summary: &Summary) -> Option<String> {
    let gone = summary.lost;
    let missing = [gone.uncounted(), gone.decode, gone.slot, gone.read].iter().any(|n| *n > 0);
    missing.then(|| lost(gone, summary.clocks_evicted))
}

pub(super) fn not_seen(view: &View<'_>) -> Markup {
    let summary = view.summary;
    let left_out = &summary.left_out;
    let seen: Vec<_> = left_out.seen.iter().map(|(cause, n)| format!("{n} {cause}")).collect();
    let unlooked: Vec<_> = left_out.not_looked_at.iter().map(|cause| cause.name()).collect();
    html! {
        h2 { "What was lost, and what could not be seen" }
        p { strong { "Lost: " } (lost(summary.lost, summary.clocks_evicted)) }
        @if let Some(remark) = view.remark { p { bdi { (sentence(remark)) } } }
        @if !summary.blind.is_empty() {
            p { "Not visible with this hook set:" }
            ul { @for cause in &summary.blind { li { b { (cause) } ": " (meaning(*cause, summary)) } } }
        }
        @if !seen.is_empty() { p { "Seen, and not counted because nobody asked for their causes: " (seen.join(", ")) "." } }
        @if !unlooked.is_empty() { p { "Not looked at: " (unlooked.join(", ")) "." } }
        @if !summary.missing.is_empty() {
            p { "Hooks that were not attached:" }
            ul {
                @for Missing { hook, why } in summary.missing.iter().take(ROWS) {
                    li { bdi { (word(hook)) } ": " bdi { (sentence(why)) } }
                }
            }
        }
        @if !view.start.attached.is_empty() && summary.blind.is_empty() && summary.missing.is_empty() { p { "Every hook of the set was in place." } }
    }
}
