//! A screen with its colours as an SVG that needs nothing else: no font, no script, no other file.
//!
//! Text stays text, held to its columns whatever font draws it. Lines and blocks are drawn as shapes, so that they join.
//! The card is dark on every page: what is dim on it stays readable on white and on black.

use std::{fmt::Write as _, num::NonZero};

use vt100::{Cell, Color, Parser};

/// A cell, pixels.
const WIDE: f32 = 8.4;
const HIGH: f32 = 18.0;
/// Around the text, pixels.
const MARGIN: f32 = 14.0;
/// From a row's upper edge to the line on which letters stand, pixels.
const BASE: f32 = 13.5;

const PAPER: &str = "#161b22";
const INK: &str = "#d1d7e0";
/// The sixteen colours of a terminal, dark ones first. On the paper each has a contrast of 4.5 or more.
const PALETTE: [&str; 16] = [
    "#7d8590", "#ff7b72", "#56d364", "#e3b341", "#79c0ff", "#d2a8ff", "#56d4dd", "#d1d7e0", "#8b949e",
    "#ffa198", "#7ee787", "#f2cc60", "#a5d6ff", "#e2c5ff", "#b3f0ff", "#ffffff",
];

/// The text without what colours it.
pub(super) fn plain(screen: &str) -> String {
    reader(screen, 400).screen().contents()
}

/// Reads a screen that has as many rows as it needs.
fn reader(screen: &str, columns: u16) -> Parser {
    let rows = u16::try_from(screen.lines().count()).unwrap_or(u16::MAX);
    let size = |n: u16| NonZero::new(n).unwrap_or(NonZero::<u16>::MIN);
    let mut parser = Parser::new(size(rows), size(columns), 0);
    parser.process(screen.trim_end_matches('\n').replace('\n', "\r\n").as_bytes());
    parser
}

/// How a cell looks.
#[derive(Clone, Debug, PartialEq)]
struct Look {
    ink: String,
    paper: Option<String>,
    bold: bool,
    dim: bool,
}

impl Look {
    fn of(cell: &Cell) -> Self {
        let (ink, paper) = (color(cell.fgcolor()), color(cell.bgcolor()));
        let (ink, paper) = if cell.inverse() {
            (Some(paper.unwrap_or_else(|| PAPER.into())), Some(ink.unwrap_or_else(|| INK.into())))
        } else {
            (ink, paper)
        };
        Self { ink: ink.unwrap_or_else(|| INK.into()), paper, bold: cell.bold(), dim: cell.dim() }
    }

    fn attributes(&self) -> String {
        let mut words = format!(" fill=\"{}\"", self.ink);
        if self.bold {
            words += " font-weight=\"bold\"";
        }
        if self.dim {
            words += " opacity=\".7\"";
        }
        words
    }
}

/// `None`: the terminal's own.
fn color(color: Color) -> Option<String> {
    match color {
        Color::Default => None,
        Color::Rgb(r, g, b) => Some(format!("#{r:02x}{g:02x}{b:02x}")),
        Color::Idx(n) => Some(match n {
            0..=15 => PALETTE[usize::from(n)].to_owned(),
            16..=231 => {
                // A cube of six steps a side.
                let step = |part: u8| if part == 0 { 0 } else { 55 + 40 * u16::from(part) };
                let n = n - 16;
                format!("#{:02x}{:02x}{:02x}", step(n / 36), step(n / 6 % 6), step(n % 6))
            }
            232..=255 => {
                let grey = 8 + 10 * u16::from(n - 232);
                format!("#{grey:02x}{grey:02x}{grey:02x}")
            }
        }),
    }
}

/// A shape within its cell: left, top, width and height as parts of it. `None`: it is a letter.
fn shape(letter: char) -> Option<(f32, f32, f32, f32)> {
    let eighths =
        |from: char| f32::from(u8::try_from(u32::from(letter) - u32::from(from)).unwrap_or(0)) / 8.0;
    match letter {
        '─' => Some((0.0, 0.47, 1.0, 0.06)),
        '│' => Some((0.44, 0.0, 0.12, 1.0)),
        // Lower one eighth to the full block, then from seven eighths at the left to one.
        '▁'..='█' => {
            let high = eighths('▀');
            Some((0.0, 1.0 - high, 1.0, high))
        }
        '▉'..='▏' => Some((0.0, 0.0, 1.0 - eighths('█'), 1.0)),
        _ => None,
    }
}

/// Cells of a row that look alike.
struct Run {
    column: u16,
    wide: u16,
    look: Look,
    text: String,
    shape: Option<(f32, f32, f32, f32)>,
}

fn runs(parser: &Parser, row: u16, columns: u16) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for column in 0..columns {
        let Some(cell) = parser.screen().cell(row, column) else { continue };
        let text = if cell.has_contents() { cell.contents() } else { " " };
        let (look, shape) = (Look::of(cell), text.chars().next().and_then(shape));
        match runs.last_mut() {
            Some(run) if run.look == look && run.shape == shape => {
                run.text.push_str(text);
                run.wide += 1;
            }
            _ => runs.push(Run { column, wide: 1, look, text: text.to_owned(), shape }),
        }
    }
    runs
}

/// The picture.
pub(super) fn picture(screen: &str, columns: u16) -> String {
    let rows = u16::try_from(screen.trim_end().lines().count().max(1)).unwrap_or(u16::MAX);
    let parser = reader(screen.trim_end(), columns);
    let (wide, high) = (f32::from(columns) * WIDE + 2.0 * MARGIN, f32::from(rows) * HIGH + 2.0 * MARGIN);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {wide:.1} {high:.1}\" width=\"{wide:.0}\" height=\"{high:.0}\">\n\
         <rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"{PAPER}\"/>\n\
         <g font-family=\"ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace\" font-size=\"14\" \
         shape-rendering=\"crispEdges\">\n"
    );
    for row in 0..rows {
        for run in runs(&parser, row, columns) {
            draw(&mut svg, row, &run);
        }
    }
    svg + "</g>\n</svg>\n"
}

fn draw(svg: &mut String, row: u16, run: &Run) {
    let (x, y) = (MARGIN + f32::from(run.column) * WIDE, MARGIN + f32::from(row) * HIGH);
    let wide = f32::from(run.wide) * WIDE;
    if let Some(paper) = &run.look.paper {
        let _ = writeln!(
            svg,
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{wide:.1}\" height=\"{HIGH}\" fill=\"{paper}\"/>"
        );
    }
    if run.text.trim().is_empty() {
        return;
    }
    let attributes = run.look.attributes();
    if let Some((left, top, part, high)) = run.shape {
        // Those that fill their cell are one; the others one each.
        let (pieces, each) = if part >= 1.0 { (1, wide) } else { (run.wide, WIDE * part) };
        for piece in 0..pieces {
            let (x, y) = (x + (f32::from(piece) + left) * WIDE, y + top * HIGH);
            let high = high * HIGH;
            let _ = writeln!(
                svg,
                "<rect x=\"{x:.1}\" y=\"{y:.2}\" width=\"{each:.1}\" height=\"{high:.2}\"{attributes}/>"
            );
        }
        return;
    }
    for (column, text) in words(&run.text) {
        let (x, long) = (x + cells(column) * WIDE, cells(text.chars().count()) * WIDE);
        let y = y + BASE;
        let text = text.replace('&', "&amp;").replace('<', "&lt;");
        let _ = writeln!(
            svg,
            "<text x=\"{x:.1}\" y=\"{y:.1}\" textLength=\"{long:.1}\" lengthAdjust=\"spacingAndGlyphs\"{attributes}>{text}</text>"
        );
    }
}

/// What stands between gaps of two blanks and more, with its column. Browsers make one blank of several, and a text that is
/// held to its length would then be stretched over the gap.
fn words(text: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut column = 0;
    for part in text.split("  ") {
        let inner = part.trim_start();
        let before = part.chars().count() - inner.chars().count();
        if !inner.is_empty() {
            found.push((column + before, inner.trim_end()));
        }
        column += part.chars().count() + 2;
    }
    found
}

fn cells(n: usize) -> f32 {
    f32::from(u16::try_from(n).unwrap_or(u16::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_stays_text_and_lines_join() {
        let svg = picture("\x1b[31mPAWS\x1b[0m a<b & c\n── \x1b[2mx\x1b[0m", 20);
        assert!(svg.contains("fill=\"#ff7b72\">PAWS</text>"), "{svg}");
        assert!(svg.contains(">a&lt;b &amp; c</text>"), "{svg}");
        assert!(svg.contains("opacity=\".7\">x</text>"), "{svg}");
        // Two cells of a rule are one shape, and no letter.
        assert!(!svg.contains('─') && svg.contains("width=\"16.8\""), "{svg}");
        assert_eq!(plain("\x1b[1mbold\x1b[0m\nnext"), "bold\nnext");
    }

    /// No text of a picture has a gap in it that a browser would close.
    #[test]
    fn gaps_stay() {
        assert_eq!(words("a b  c   d"), [(0, "a b"), (5, "c"), (9, "d")]);
        assert_eq!(words("   a     b "), [(3, "a"), (9, "b")]);
        assert_eq!(words("     "), []);
        let svg = picture("TIME         WHY", 20);
        assert!(svg.contains(">TIME</text>") && svg.contains(">WHY</text>"), "{svg}");
        assert!(svg.contains(&format!("x=\"{:.1}\"", MARGIN + 13.0 * WIDE)), "{svg}");
    }

    #[test]
    fn blocks_are_as_high_as_they_say() {
        assert_eq!(shape('█'), Some((0.0, 0.0, 1.0, 1.0)));
        assert_eq!(shape('▄'), Some((0.0, 0.5, 1.0, 0.5)));
        assert_eq!(shape('▌'), Some((0.0, 0.0, 0.5, 1.0)));
        assert_eq!(shape('x'), None);
    }

    #[test]
    fn colours() {
        assert_eq!(color(Color::Idx(196)).as_deref(), Some("#ff0000"));
        assert_eq!(color(Color::Idx(255)).as_deref(), Some("#eeeeee"));
        assert_eq!(color(Color::Default), None);
    }
}
