//! Completions, in the shells themselves.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use tracer::model::Cause;

use crate::{COMMANDS, options, printed};

pub(crate) const SHELLS: [&str; 3] = ["bash", "zsh", "fish"];

/// A completion script in a folder of its own.
struct Script(PathBuf);

impl Script {
    fn new(shell: &str, test: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("tracer-{test}-{shell}-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder below the temporary one");
        fs::write(folder.join("script"), printed(&["completions", shell])).expect("it can be written");
        Self(folder)
    }

    fn path(&self) -> String {
        self.0.join("script").display().to_string()
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn text(out: &Output) -> String {
    assert!(out.status.success(), "{}: {}", out.status, String::from_utf8_lossy(&out.stderr));
    String::from_utf8_lossy(&out.stdout).into_owned()
}

/// A shell without anybody's settings runs some lines.
fn told(shell: &str, home: &Path, lines: &str) -> String {
    let plain: &[&str] = match shell {
        "bash" => &["--norc", "--noprofile", "-c"],
        "zsh" => &["-f", "-c"],
        _ => &["--no-config", "-c"],
    };
    let mut command = Command::new(shell);
    command
        .args(plain)
        .arg(lines)
        .env("HOME", home)
        .env("XDG_CONFIG_HOME", home)
        .env("TERM", "dumb")
        .stdin(Stdio::null());
    text(&command.output().expect("the shell starts"))
}

/// What a shell offers at the end of a line that begins with `tracer`.
fn offered(shell: &str, line: &str) -> Vec<String> {
    let script = Script::new(shell, "offered");
    let path = script.path();
    let said = match shell {
        "bash" => {
            let words: Vec<_> = line.split(' ').map(|word| format!("'{word}'")).collect();
            let (last, before) = (words.len() - 1, &words[words.len() - 2]);
            let call = format!("_tracer tracer {} {before}", words[last]);
            let words = words.join(" ");
            told(
                shell,
                &script.0,
                &format!(
                    "source '{path}'; COMP_WORDS=({words}); COMP_CWORD={last}; COMP_LINE='{line}'; COMP_POINT=${{#COMP_LINE}}; \
                     {call}; printf '%s\\n' \"${{COMPREPLY[@]}}\""
                ),
            )
        }
        "fish" => told(shell, &script.0, &format!("source '{path}'; complete -C '{line}'")),
        // Only its line editor completes: a second shell in a pseudo-terminal, and the Tab key twice for the list.
        _ => told(
            shell,
            &script.0,
            &format!(
                "zmodload zsh/zpty
                 zpty -b inner zsh -f -i
                 zpty -w inner \"unset zle_bracketed_paste; PS1='> '; stty cols 200 -echo; autoload -U compinit; compinit -u -D; \
                     zstyle ':completion:*' list-prompt ''; LISTMAX=9999; setopt no_beep auto_list; source '{path}'; print rea''dy\"
                 zpty -m inner \"*ready*\" >/dev/null
                 zpty -w -n inner $'{line}\\t\\t'
                 text=''
                 for i in {{1..20}}; do
                     sleep 0.05
                     while zpty -r -t inner part; do text+=$part; i=1; done
                 done
                 zpty -d inner
                 print -r -- $text"
            ),
        ),
    };
    let words = said.split(|c: char| c.is_whitespace() || c.is_control());
    words.filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

pub(crate) fn they_know_every_option_command_and_cause() {
    for shell in SHELLS {
        let script = printed(&["completions", shell]);
        for option in COMMANDS.iter().flat_map(|command| options(command)).chain(options("options")) {
            // fish writes `-l port`.
            let known = script.contains(&option)
                || shell == "fish" && script.contains(&format!("-l {}", &option[2..]));
            assert!(known, "{shell} does not know {option}");
        }
        let causes = Cause::ALL.map(Cause::name);
        for word in COMMANDS.iter().chain(&causes).chain(&[
            "kprobe",
            "accept-queue",
            "json",
            "never",
            "paws",
            "causes",
        ]) {
            assert!(script.contains(word), "{shell} does not know {word}");
        }
    }
}

/// The shell itself can read it.
pub(crate) fn it_is_a_script(shell: &str) {
    let script = Script::new(shell, "read");
    text(&Command::new(shell).args(["-n", &script.path()]).output().expect("the shell starts"));
}

/// What the Tab key offers.
pub(crate) fn the_tab_key(shell: &str) {
    for (line, wanted, unwanted) in [
        ("tracer --ca", "--cause", "--color"),
        ("tracer --cause acc", "accept-queue-full", "syn-queue-full"),
        ("tracer --max", "--max-sources", "--netns"),
        ("tracer --hooks k", "kprobe", "fentry"),
        ("tracer do", "doctor", "demo"),
        ("tracer top --cause paws-t", "paws-time-wait", "paws-syn-recv"),
        ("tracer help syn-q", "syn-queue-full", "accept-queue-full"),
        ("tracer man re", "replay", "doctor"),
    ] {
        let offered = offered(shell, line);
        let is_there = |word: &str| offered.iter().any(|other| other.contains(word));
        assert!(is_there(wanted), "{shell}: {line:?} offers {offered:?}");
        assert!(!is_there(unwanted), "{shell}: {line:?} offers {offered:?}");
    }
}
