//! Whether everything that is linked into the program may be handed on with it, as one static binary, and lets it start on
//! an old server that has just started itself.

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

/// Waits for entropy on kernels before 5.6, where nobody may come to give it.
const WAITS: &str = "getrandom";

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
        .filter_map(|(package, licence)| objection(package, licence))
        .collect();
    found.sort();
    found.dedup();
    Ok(found)
}

fn objection(package: &str, licence: &str) -> Option<String> {
    if package.split(' ').next() == Some(WAITS) {
        return Some(format!("{package}: waits for entropy before Linux 5.6; see tracer/src/keyed.rs"));
    }
    (!allowed(licence)).then(|| format!("{package}: the licence {licence:?} is not on the list"))
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
    fn packages() {
        assert_eq!(objection("nix v0.31.2", "MIT"), None);
        assert!(objection("x v1.0.0", "GPL-2.0-only").is_some_and(|why| why.contains("licence")));
        assert!(
            objection("getrandom v0.3.4", "MIT OR Apache-2.0").is_some_and(|why| why.contains("entropy"))
        );
        assert_eq!(objection("getrandom-like v0.3.4", "MIT"), None);
    }

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
