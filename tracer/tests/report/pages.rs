//! What needs no browser: where the page goes, what it is made of, what is said when it cannot be made.

use std::{
    fs,
    io::{Read as _, Write as _},
    os::unix::fs::PermissionsExt as _,
    process::Stdio,
};

use anyhow::{Context as _, Result, ensure};
use nix::pty::openpty;
use serde_json::Value;

use super::{
    program::{Test, page, program, run},
    recording::{Words, recording},
};
use crate::{
    files::{File, USUAL, gzip},
    story::story,
};

pub(crate) const ALL: &[Test] = &[
    ("says-what-replay-says", says_what_replay_says),
    ("from-a-pipe-packed-or-not", from_a_pipe_packed_or_not),
    ("of-a-capture", of_a_capture),
    ("of-a-part", of_a_part),
    ("of-a-broken-file", of_a_broken_file),
    ("to-a-file", to_a_file),
    ("not-to-a-terminal", not_to_a_terminal),
    ("a-reader-that-went-away", a_reader_that_went_away),
    ("things-without-a-page", things_without_a_page),
];

/// Text as it stands in markup.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn ensure_has(page: &str, text: &str) -> Result<()> {
    ensure!(page.contains(&escaped(text)), "the page does not say {text:?}");
    Ok(())
}

fn says_what_replay_says() -> Result<()> {
    let recording = recording(&Words::usual());
    let file = File::new("same", recording.as_bytes());
    let (json, _) = run(program("replay").args([file.name(), "-o", "json"]), 0)?;
    let (page, err) = run(program("report").arg(file.name()), 0)?;
    ensure!(err.is_empty(), "{err}");
    let summary: Value = serde_json::from_str(json.lines().last().context("a summary")?)?;
    let verdict = &summary["verdict"];
    ensure_has(&page, verdict["text"].as_str().context("a text")?)?;
    for list in ["for", "against"] {
        let points = verdict[list].as_array().context("points")?;
        ensure!(!points.is_empty(), "nothing {list}");
        for point in points {
            ensure_has(&page, point.as_str().context("a sentence")?)?;
        }
    }
    for remedy in verdict["remedy"].as_array().context("remedies")? {
        // Commands stand apart.
        for part in remedy.as_str().context("a sentence")?.split('`').filter(|part| part.len() > 6) {
            ensure_has(&page, part.trim_end_matches(": "))?;
        }
    }
    ensure!(summary["drops"].as_u64() > Some(100), "{}", summary["drops"]);
    ensure_has(&page, &format!("{} SYNs dropped", summary["drops"]))?;
    for source in summary["sources"].as_array().context("sources")? {
        let (src, drops) = (source["src"].as_str().context("an address")?, &source["drops"]);
        ensure!(page.contains(&format!("<th scope=\"row\">{src}</th>")), "no row of {src}");
        ensure!(page.contains(&format!("data-sort=\"{drops}\">{drops}<")), "no {drops} drops of {src}");
    }
    for (cause, n) in summary["by_cause"].as_object().context("causes")? {
        let row = format!("<th scope=\"row\">{cause}</th><td class=\"n\">{n}</td>");
        ensure!(page.contains(&row), "no row of {cause} with {n}");
    }
    // The text of a replay has some of that in words.
    let (text, _) = run(program("replay").arg(file.name()), 0)?;
    let looks =
        text.lines().find(|line| line.contains("203.0.113.9") && line.contains("NAT")).context("a NAT")?;
    ensure!(looks.contains("NAT, 3 hosts") && page.contains("203.0.113.9: NAT, 3 hosts"), "{looks}");
    Ok(())
}

fn from_a_pipe_packed_or_not() -> Result<()> {
    let recording = recording(&Words::usual());
    let whole = page("plain", &recording)?;
    let (plain, packed) =
        (File::new("packed", recording.as_bytes()), File::new("gz", &gzip(recording.as_bytes())));
    let name_of = |page: &str, name: &str| page.replace(name, "FILE");
    let (page, _) = run(program("report").arg(packed.name()), 0)?;
    let (same, _) = run(program("report").arg(plain.name()), 0)?;
    ensure!(name_of(&page, packed.name()) == name_of(&same, plain.name()), "packed, it is another page");
    let mut child = program("report").arg("-").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    child.stdin.take().context("its input")?.write_all(recording.as_bytes())?;
    let piped = String::from_utf8(child.wait_with_output()?.stdout)?;
    ensure!(piped.len().abs_diff(whole.len()) < 200, "{} and {} bytes", piped.len(), whole.len());
    Ok(())
}

fn of_a_capture() -> Result<()> {
    let file = File::new("capture", &USUAL.pcap(1, &story(false), false, 9999));
    let (page, _) = run(program("report").arg(file.name()), 0)?;
    for words in [
        "capture (pcap)",
        "2 SYNs dropped",
        "15 SYNs in the capture",
        "consistent with PAWS",
        "PAWS in TIME_WAIT",
    ] {
        ensure!(page.contains(words), "the page does not say {words:?}");
    }
    Ok(())
}

fn of_a_part() -> Result<()> {
    let file = File::new("part", recording(&Words::usual()).as_bytes());
    let (page, _) = run(program("report").args([file.name(), "--from", "203.0.113.0/24"]), 0)?;
    ensure_has(&page, "clients 203.0.113.0/24")?;
    ensure!(page.contains("203.0.113.9") && !page.contains("192.0.2."), "others, too");
    let (page, _) = run(program("report").args([file.name(), "--cause", "accept-queue-full"]), 0)?;
    ensure_has(&page, "Seen, and not counted because nobody asked for their causes")?;
    Ok(())
}

fn of_a_broken_file() -> Result<()> {
    let recording = recording(&Words::usual());
    let cut = File::new("cut", &recording.as_bytes()[..recording.len() / 2]);
    let (page, err) = run(program("report").arg(cut.name()), 1)?;
    ensure!(page.ends_with("</html>\n"), "the page is not whole");
    ensure_has(&page, "Not the whole of it.")?;
    ensure_has(&page, &format!("{} is broken at byte", cut.name()))?;
    ensure!(err.contains("is broken at byte") && !err.contains("told above"), "{err}");
    Ok(())
}

fn to_a_file() -> Result<()> {
    let file = File::new("from", recording(&Words::usual()).as_bytes());
    let page = File::new("to.html", b"what stood here before, and is shorter");
    let (out, err) = run(program("report").args([file.name(), "-w", page.name()]), 0)?;
    ensure!(out.is_empty() && err.is_empty(), "{out}{err}");
    let (printed, _) = run(program("report").arg(file.name()), 0)?;
    ensure!(fs::read_to_string(page.name())? == printed, "another page than the one that is printed");
    // What is read is not written over, and what cannot be written is known before anything is read.
    let (_, err) = run(program("report").args([file.name(), "-w", file.name()]), 2)?;
    ensure!(err.contains("it is the file that is read"), "{err}");
    ensure!(fs::metadata(file.name())?.len() > 100_000, "it was written over");
    let (_, err) = run(program("report").args([file.name(), "-w", "/nonexistent/page.html"]), 1)?;
    ensure!(err.contains("cannot write to /nonexistent/page.html: No such file"), "{err}");
    // A page that could not be made leaves what was there.
    let (_, err) = run(program("report").args(["/nonexistent/run", "-w", page.name()]), 1)?;
    ensure!(err.contains("cannot read /nonexistent/run"), "{err}");
    ensure!(fs::read_to_string(page.name())? == printed, "the old page is gone");
    ensure!(fs::metadata(page.name())?.permissions().mode() & 0o111 == 0, "nobody runs a page");
    Ok(())
}

fn not_to_a_terminal() -> Result<()> {
    let file = File::new("screen", recording(&Words::usual()).as_bytes());
    let terminal = openpty(None, None)?;
    let mut child = program("report")
        .arg(file.name())
        .stdout(Stdio::from(terminal.slave))
        .stderr(Stdio::piped())
        .spawn()?;
    let mut err = String::new();
    child.stderr.take().context("its errors")?.read_to_string(&mut err)?;
    let exit = child.wait()?.code();
    ensure!(exit == Some(2), "{exit:?}: {err}");
    ensure!(err.contains("cannot print the page") && err.contains(".html"), "{err}");
    let stem = file.name().rsplit('/').next().context("a name")?;
    ensure!(err.contains(&format!("type: tracer report {} -w {stem}.html", file.name())), "{err}");
    drop(terminal.master);
    Ok(())
}

fn a_reader_that_went_away() -> Result<()> {
    let file = File::new("gone", recording(&Words::usual()).as_bytes());
    let mut child =
        program("report").arg(file.name()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    drop(child.stdout.take());
    let output = child.wait_with_output()?;
    ensure!(output.status.code() == Some(0) && output.stderr.is_empty(), "{output:?}");
    Ok(())
}

fn things_without_a_page() -> Result<()> {
    for (name, bytes, words) in [
        ("empty", &b""[..], "it is empty"),
        ("text", b"#!/bin/sh\necho nothing\n", "neither a capture"),
        ("record", b"{\"type\":\"start\",\"schema\":1}\n", "line 1"),
    ] {
        let file = File::new(&format!("no-{name}"), bytes);
        let (out, err) = run(program("report").arg(file.name()), 1)?;
        ensure!(out.is_empty() && err.contains(words), "{name}: {out}{err}");
    }
    Ok(())
}
