//! Whether everything that is linked into the program may be handed on with it, as one static binary.

use std::process::Command;

use anyhow::Result;

use crate::{process::output, workspace};

/// Licences that allow it without more than their own text. No copyleft.
const ALLOWED: [&str; 10] = [
    "MIT",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "ISC",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
    "0BSD",
];

/// What is linked and must not be.
///
/// # Errors
/// When cargo cannot name the dependencies.
pub(super) fn forbidden() -> Result<Vec<String>> {
    let mut cargo = Command::new("cargo");
    cargo.current_dir(workspace()).args(["tree", "--quiet", "--package", "tracer", "--edges", "normal"]);
    cargo.args(["--prefix", "none", "--no-dedupe", "--format", "{p}\t{l}"]);
    let mut found: Vec<String> = output(&mut cargo)?
        .lines()
        .filter_map(|line| line.split_once('\t'))
        .filter(|(_, licence)| !allowed(licence))
        .map(|(package, licence)| format!("{package}: the licence {licence:?} is not on the list"))
        .collect();
    found.sort();
    found.dedup();
    Ok(found)
}

/// Every licence of a conjunction, or one of a choice. Mixed expressions are read as conjunctions, which is the strict
/// side.
fn allowed(expression: &str) -> bool {
    let plain = expression.replace(['(', ')'], "").replace('/', " OR ");
    let known = |licence: &str| ALLOWED.contains(&licence.trim());
    if plain.contains(" AND ") {
        plain.split(" AND ").flat_map(|part| part.split(" OR ")).all(known)
    } else {
        plain.split(" OR ").any(known)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions() {
        for good in ["MIT", "MIT/Apache-2.0", "(MIT OR Apache-2.0) AND Unicode-3.0", "Unlicense OR MIT"] {
            assert!(allowed(good), "{good}");
        }
        for bad in
            ["", "GPL-2.0-only", "LGPL-2.1-or-later", "MIT AND GPL-2.0-only", "(MIT OR GPL-3.0) AND ISC"]
        {
            assert!(!allowed(bad), "{bad}");
        }
    }
}
