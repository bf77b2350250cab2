//! Tables that are kept in the repository, so that a change of them is seen beside the change that made it.

use std::fs;

use anyhow::{Context as _, Result};

use crate::workspace;

/// Reads one.
///
/// # Errors
/// When it cannot be read.
pub(crate) fn read(file: &str) -> Result<String> {
    fs::read_to_string(workspace().join(file)).with_context(|| format!("read {file}"))
}

/// Writes one.
///
/// # Errors
/// When it cannot be written.
pub(crate) fn write(file: &str, text: &str) -> Result<()> {
    fs::write(workspace().join(file), text).with_context(|| format!("write {file}"))
}

/// The page with one section renewed, or put where its name belongs, and everything else as it was. A section stands between
/// two comments that name it.
///
/// # Errors
/// When it begins and does not end.
pub(crate) fn renewed(page: &str, name: &str, text: &str) -> Result<String> {
    let (begin, end) = (begin(name), format!("<!-- end of {name} -->\n"));
    let section = format!("{begin}{text}{end}");
    if let Some((before, rest)) = page.split_once(&begin) {
        let (_, after) =
            rest.split_once(&end).with_context(|| format!("the section has no line `{}`", end.trim()))?;
        return Ok(format!("{before}{section}{after}"));
    }
    let names = page.lines().filter_map(|line| line.strip_prefix("<!-- end of ")?.strip_suffix(" -->"));
    let mut later: Vec<&str> = names.filter(|other| *other > name).collect();
    later.sort_unstable();
    let place = later.first().and_then(|other| page.find(&self::begin(other)));
    let (before, after) = page.split_at(place.unwrap_or(page.len()));
    Ok(match place {
        Some(_) => format!("{before}{section}\n{after}"),
        None => format!("{before}\n{section}"),
    })
}

fn begin(name: &str) -> String {
    format!("<!-- {name} -->\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(sections: &[(&str, &str)]) -> String {
        sections.iter().fold("# Head\n".to_owned(), |page, (name, text)| renewed(&page, name, text).unwrap())
    }

    #[test]
    fn a_section_is_renewed_and_the_others_stay() {
        let then = page(&[("a", "1\n"), ("a b", "2\n"), ("c", "3\n")]);
        let now = renewed(&then, "a b", "4\n5\n").unwrap();
        assert_eq!(now, then.replace("2\n", "4\n5\n"));
        assert_eq!(renewed(&now, "a b", "2\n").unwrap(), then);
        // What stands between sections is nobody's.
        let noted = then.replace("<!-- end of a -->\n", "<!-- end of a -->\nA note.\n");
        assert_eq!(renewed(&noted, "a", "1\n").unwrap(), noted);
    }

    #[test]
    fn a_section_has_its_place() {
        let sections = [("a", "1\n"), ("b 5.10", "2\n"), ("b 6.1", "3\n")];
        let mut other = sections;
        other.reverse();
        assert_eq!(page(&sections), page(&other));
        assert_eq!(
            page(&sections[..2]),
            "# Head\n\n<!-- a -->\n1\n<!-- end of a -->\n\n<!-- b 5.10 -->\n2\n<!-- end of b 5.10 -->\n"
        );
    }

    #[test]
    fn a_section_without_an_end() {
        let page = page(&[("a", "1\n")]).replace("<!-- end of a -->\n", "");
        assert!(renewed(&page, "a", "2\n").unwrap_err().to_string().contains("<!-- end of a -->"));
    }
}
