//! Manual pages, made of the definition of the command line and of the table of causes.
//!
//! One page says everything of the live stream; each command has one of its own. Decides what stands on them, and writes
//! nothing itself.

use std::io::{self, Write as _};

use clap::Command;
use clap_mangen::{
    Man,
    roff::{Inline, Roff, bold, italic, roman},
};

use super::definition;
use crate::{
    model::Cause,
    render::causes::{Explained, explained, short},
};

/// What the exit statuses of the contract mean.
const STATUSES: [(&str, &str); 5] = [
    ("0", "Done; also when the reader of standard output went away."),
    ("1", "Something failed."),
    ("2", "The command line makes no sense."),
    ("3", "Drops were found, and --fail-on-drop was given."),
    ("4", "A privilege or a kernel feature is missing; tracer doctor says which."),
];

const VARIABLES: [(&str, &str); 2] = [
    ("NO_COLOR", "When set to anything, --color auto means no colours."),
    ("LC_ALL, LC_CTYPE, LANG", "The full screen draws with plain ASCII where none of them names UTF-8."),
];

const EXAMPLES: &str = "\
tracer -p 443
tracer top -p 443
tracer doctor
tracer -p 443 -d 30s -o json | jq -r 'select(.paws) | [.src, .regression] | @tsv'
tracer -p 443 -w drops.ndjson
tracer replay drops.ndjson
tcpdump -U -i any -w - 'tcp port 443' | tracer replay -";

const DESCRIPTION: &str = "\
Watches the Linux kernel with eBPF and prints one line for every SYN that gets no SYN/ACK: who sent it, why the kernel \
dropped it, by how much its TCP timestamp stood behind the one that the kernel remembered, and what went back. At the end \
come totals, sources, the kernel's own counters beside ours, and a verdict with what to do. It takes root, or CAP_BPF and \
CAP_PERFMON; tracer replay takes neither.";

/// The page of a command, or the main one.
///
/// # Errors
/// When roff cannot be written, which memory never refuses.
pub fn page(name: Option<&str>) -> io::Result<Vec<u8>> {
    let mut cli = definition();
    cli.build();
    let root = cli.clone();
    let command = name.and_then(|name| cli.find_subcommand(name));
    // As declared, in one list: the headings of `tracer help options` would be sections of their own.
    let command = command.unwrap_or(&root).clone().mut_args(|arg| arg.help_heading(None::<&str>));
    let mut page = Vec::new();
    let man = Man::new(command.clone());
    // An empty date: that of the build would make other pages of the same source.
    let title = name.map_or_else(|| "tracer".to_owned(), |name| format!("tracer-{name}"));
    writeln!(page, ".TH {title} 1 \"\" \"tracer {}\" \"User Commands\"", env!("CARGO_PKG_VERSION"))?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    let mut roff = Roff::new();
    if name.is_none() {
        roff.control("SH", ["DESCRIPTION"]).text([roman(DESCRIPTION)]);
        roff.to_writer(&mut page)?;
    } else {
        man.render_description_section(&mut page)?;
    }
    man.render_options_section(&mut page)?;
    if name.is_none() {
        man.render_subcommands_section(&mut page)?;
    }
    let mut rest = Roff::new();
    match name {
        None => {
            causes(&mut rest);
            terms(&mut rest, "ENVIRONMENT", &VARIABLES);
            verbatim(&mut rest, "EXAMPLES", EXAMPLES);
        }
        Some(_) => {
            if let Some(words) = command.get_after_help() {
                verbatim(&mut rest, "NOTES", &words.to_string());
            }
        }
    }
    terms(&mut rest, "EXIT STATUS", &STATUSES);
    see_also(&mut rest, &root, name);
    rest.to_writer(&mut page)?;
    Ok(page)
}

/// Every page, by its file name.
///
/// # Errors
/// As [`page`].
pub fn pages() -> io::Result<Vec<(String, Vec<u8>)>> {
    let cli = definition();
    let mut all = vec![("tracer.1".to_owned(), page(None)?)];
    for command in shown(&cli) {
        all.push((format!("tracer-{}.1", command.get_name()), page(Some(command.get_name()))?));
    }
    Ok(all)
}

fn shown(cli: &Command) -> impl Iterator<Item = &Command> {
    cli.get_subcommands().filter(|command| !command.is_hide_set())
}

fn causes(roff: &mut Roff) {
    roff.control("SH", ["CAUSES"]);
    roff.text([
        roman("What --cause takes, and what the lines name. The hook sets fentry and kprobe see every cause but paws-recycle, legacy sees every one. "),
        roman("Without --cause all, no-listener and repeated are not shown."),
    ]);
    for cause in Cause::ALL {
        let Explained { kernel, confirm, end, tracepoint } = explained(cause);
        roff.control("TP", []);
        roff.text([bold(cause.name()), roman(format!(" ({})", short(cause)))]);
        for (n, (label, text)) in (0..).zip([
            ("", kernel),
            ("Confirm: ", confirm),
            ("End it: ", end),
            ("Hook set tracepoint: ", tracepoint),
        ]) {
            if n > 0 {
                roff.control("br", []);
            }
            let mut line = vec![italic(label)];
            line.extend(typed(text));
            roff.text(line);
        }
    }
}

/// What stands between backquotes in bold, as manual pages have it.
fn typed(text: &str) -> Vec<Inline> {
    let parts = text.split('`').enumerate();
    parts.map(|(n, part)| if n % 2 == 1 { bold(part) } else { roman(part) }).collect()
}

fn terms(roff: &mut Roff, section: &str, terms: &[(&str, &str)]) {
    roff.control("SH", [section]);
    for (term, meaning) in terms {
        roff.control("TP", []).text([bold(*term)]).text([roman(*meaning)]);
    }
}

fn verbatim(roff: &mut Roff, section: &str, text: &str) {
    roff.control("SH", [section]).control("nf", []);
    for line in text.lines() {
        roff.text([roman(line)]);
    }
    roff.control("fi", []);
}

fn see_also(roff: &mut Roff, cli: &Command, name: Option<&str>) {
    roff.control("SH", ["SEE ALSO"]);
    let mut pages = vec!["tracer".to_owned()];
    pages.extend(shown(cli).map(|command| format!("tracer-{}", command.get_name())));
    let own = name.map_or_else(|| "tracer".to_owned(), |name| format!("tracer-{name}"));
    let mut words: Vec<Inline> = Vec::new();
    for page in pages.into_iter().chain(["ss".into(), "nstat".into()]).filter(|page| *page != own) {
        if !words.is_empty() {
            words.push(roman(", "));
        }
        let section = if matches!(page.as_str(), "ss" | "nstat") { 8 } else { 1 };
        words.extend([bold(page), roman(format!("({section})"))]);
    }
    roff.text(words);
}
