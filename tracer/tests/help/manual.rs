//! Manual pages: complete, and clean by the programs that show them.

use std::{
    fs,
    io::Write as _,
    path::PathBuf,
    process::{Command, Stdio},
};

use tracer::model::Cause;

use crate::{COMMANDS, options, printed};

pub(crate) fn the_main_page_says_everything() {
    let page = printed(&["man"]);
    assert!(page.contains(".TH tracer 1"), "{}", &page[..200.min(page.len())]);
    for option in options("options") {
        assert!(page.contains(&option.replace('-', "\\-")), "{option}");
    }
    for section in [
        "NAME",
        "SYNOPSIS",
        "DESCRIPTION",
        "OPTIONS",
        "SUBCOMMANDS",
        "CAUSES",
        "ENVIRONMENT",
        "EXAMPLES",
        "\"EXIT STATUS\"",
        "\"SEE ALSO\"",
    ] {
        assert!(page.contains(&format!(".SH {section}\n")), "{section}");
    }
    for cause in Cause::ALL {
        assert!(page.contains(&cause.name().replace('-', "\\-")), "{cause}");
    }
}

pub(crate) fn every_command_has_a_page() {
    for command in COMMANDS {
        let page = printed(&["man", command]);
        assert!(page.starts_with(&format!(".TH tracer-{command} 1 ")), "{page}");
        assert!(page.contains("EXIT STATUS"), "{page}");
        for option in options(command) {
            assert!(page.contains(&option.replace('-', "\\-")), "{command}: {option}");
        }
        assert_eq!(printed(&["man", &format!("tracer-{command}")]), page);
    }
}

pub(crate) fn all_pages_in_a_folder() {
    let folder = std::env::temp_dir().join(format!("tracer-man-{}", std::process::id())).join("man1");
    assert_eq!(printed(&["man", "--dir", &folder.display().to_string()]), "");
    let read = |name: &str| fs::read_to_string(folder.join(name)).expect("it was written");
    assert_eq!(read("tracer.1"), printed(&["man"]));
    for command in COMMANDS {
        assert_eq!(read(&format!("tracer-{command}.1")), printed(&["man", command]));
    }
    assert_eq!(fs::read_dir(&folder).expect("it is there").count(), COMMANDS.len() + 1);
    let _ = fs::remove_dir_all(folder.parent().map(PathBuf::from).unwrap_or_default());
}

/// What a program complains of when it reads a page.
fn complaints(program: &str, args: &[&str], page: &str) -> String {
    let mut command = Command::new(program);
    command.args(args).env("MANWIDTH", "80").env("LC_ALL", "C.UTF-8");
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut input = child.stdin.take().expect("it was piped");
    let text = page.to_owned();
    let writer = std::thread::spawn(move || input.write_all(text.as_bytes()));
    let out = child.wait_with_output().expect("it ends");
    writer.join().expect("it wrote").expect("it was read");
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    // mandoc lints to its standard output.
    if program == "mandoc" { said + &String::from_utf8_lossy(&out.stdout) } else { said }
}

fn pages() -> impl Iterator<Item = String> {
    COMMANDS.iter().map(|command| vec!["man", command]).chain([vec!["man"]]).map(|args| printed(&args))
}

pub(crate) fn clean_for_groff() {
    for page in pages() {
        assert_eq!(complaints("groff", &["-man", "-Tutf8", "-ww", "-z"], &page), "", "{page}");
    }
}

pub(crate) fn clean_for_mandoc() {
    for page in pages() {
        let said = complaints("mandoc", &["-Tlint", "-Wwarning"], &page);
        // A date would be that of the build: the same source would make other pages.
        let said: Vec<_> = said.lines().filter(|line| !line.contains("missing date")).collect();
        assert!(said.is_empty(), "{said:?} in {page}");
    }
}
