//! The README's pictures: what a real terminal showed of a real incident, drawn as SVG.
//!
//! `cargo xtask pictures` builds the program, runs it in a terminal of a fixed size (tmux), takes what stands there with its
//! colours, and draws it. No name of whoever ran it stands in a picture: the terminal lives in a UTS namespace of its own,
//! where this machine is called `web-1`, and of the kernel's release only the numbers are kept. Decides what is shown and
//! when; how a screen becomes a picture is for `svg`.

mod svg;
mod terminal;

use std::{fs, path::Path, thread, time::Duration};

use anyhow::{Context as _, Result, bail};

use crate::{build, packages, workspace};
use terminal::Terminal;

/// Columns: what the summary folds to where there is room.
const COLUMNS: u16 = 100;
/// Rows of the full screen.
const ROWS: u16 = 30;
/// A picture is no larger, bytes.
const LARGEST: usize = 100 * 1024;
/// Lines of the stream before its picture ends.
const STREAM: usize = 18;

/// `cargo xtask pictures`.
///
/// # Errors
/// When something is missing, or never appears on the screen.
pub(crate) fn pictures() -> Result<()> {
    if !packages::is_root() {
        bail!(
            "the pictures are those of a real incident: that takes root (eBPF programs, network namespaces)"
        );
    }
    packages::ensure(
        "the pictures",
        &[("ip", "iproute2"), ("nft", "nftables"), ("tmux", "tmux"), ("unshare", "util-linux")],
    )?;
    let program = build::build(false)?;
    let (stream, summary) = lines(&program)?;
    draw("stream", &stream)?;
    draw("summary", &summary)?;
    draw("top", &top(&program)?)
}

/// The stream of a demonstration, and its summary.
fn lines(program: &Path) -> Result<(String, String)> {
    let terminal = Terminal::start(program, COLUMNS, ROWS)?;
    terminal.type_line("tracer demo -d 4s")?;
    let all = terminal.wait("demo: the clients got", Duration::from_mins(1), Terminal::everything)?;
    let all: Vec<&str> = all.lines().collect();
    let begun = position(&all, "tracer demo -d 4s")?;
    let ended = position(&all, "SYNs dropped in")?;
    let over = position(&all, "demo: the clients got")?;
    let stream: Vec<_> = all[begun..ended].iter().take(STREAM).copied().collect();
    Ok((stream.join("\n"), all[ended..over].join("\n")))
}

fn position(lines: &[&str], words: &str) -> Result<usize> {
    let found = lines.iter().position(|line| svg::plain(line).contains(words));
    found.with_context(|| format!("{words:?} is nowhere in\n{}", svg::plain(&lines.join("\n"))))
}

/// The full screen, a while into an incident.
fn top(program: &Path) -> Result<String> {
    let terminal = Terminal::start(program, COLUMNS, ROWS)?;
    terminal.type_line("tracer demo -d 60s -o json > incident 2>&1 &")?;
    terminal.type_line("clear; tracer top -p 443")?;
    terminal.wait("NAT, 3 hosts", Duration::from_mins(1), Terminal::screen)?;
    // A minute of rates is more of a picture than the first seconds.
    thread::sleep(Duration::from_secs(30));
    let screen =
        terminal.wait("Verdict so far: paws-time-wait", Duration::from_secs(10), Terminal::screen)?;
    terminal.key("q")?;
    Ok(screen)
}

/// The screen with only the numbers of this kernel's release; what stands at the right edge stays there.
fn without_build(screen: &str, release: &str) -> String {
    let numbers = release.split(['-', '+']).next().unwrap_or(release);
    let missing = " ".repeat(release.chars().count() - numbers.chars().count());
    let lines = screen.lines().map(|line| match line.split_once(release) {
        None => line.to_owned(),
        Some((before, after)) => {
            let after = after.replacen("    ", &format!("    {missing}"), 1);
            format!("{before}{numbers}{after}")
        }
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn draw(name: &str, screen: &str) -> Result<()> {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").context("this kernel's release")?;
    let picture = svg::picture(&without_build(screen, release.trim()), COLUMNS);
    if picture.len() > LARGEST {
        bail!("the picture {name} has {} bytes, and {LARGEST} are too many", picture.len());
    }
    let path = workspace().join(format!("tracer/pictures/{name}.svg"));
    fs::create_dir_all(path.parent().unwrap_or(Path::new(".")))?;
    fs::write(&path, &picture).with_context(|| path.display().to_string())?;
    println!("xtask: {} ({} bytes); look at it before you commit", path.display(), picture.len());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_keeps_its_numbers() {
        let screen = "on kernel 6.1.2-me-1, port 443\nweb-1  6.1.2-me-1  hooks       live\nother";
        let shown = "on kernel 6.1.2, port 443\nweb-1  6.1.2  hooks            live\nother";
        assert_eq!(without_build(screen, "6.1.2-me-1"), shown);
        assert_eq!(without_build(shown, "6.1.2"), shown);
    }
}
