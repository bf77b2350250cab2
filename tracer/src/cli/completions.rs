//! Completion scripts, made of the definition; and what clap's script for fish lacks.

use std::fmt::Write as _;

use clap_complete::Shell;

use super::definition;

/// The script of a shell.
pub fn script(shell: Shell) -> Vec<u8> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut definition(), "tracer", &mut script);
    if shell == Shell::Fish {
        return String::from_utf8(script).map(|script| for_fish(&script)).unwrap_or_default().into_bytes();
    }
    script
}

/// clap's script stops to complete while an option of the live stream waits for its value, and knows no value that stands
/// without an option. `tests/help/shells.rs` presses the Tab key there.
fn for_fish(script: &str) -> String {
    let parsed = "argparse -s (__fish_tracer_global_optspecs) -- $cmd 2>/dev/null\n";
    let waiting = "    or argparse -s (__fish_tracer_global_optspecs) -- $cmd[1..-2] 2>/dev/null\n";
    let mut script = script.replacen(parsed, &format!("{parsed}{waiting}"), 1);
    for command in definition().get_subcommands().filter(|command| !command.is_hide_set()) {
        let values = command.get_positionals().flat_map(clap::Arg::get_possible_values);
        let mut words = String::new();
        for value in values {
            // Within two kinds of quotes; what would end one is left out.
            let help = value.get_help().map(ToString::to_string).unwrap_or_default();
            let help = help.replace(['\'', '"', '$', '\\'], "");
            let _ = writeln!(words, "{}\\t'{help}'", value.get_name());
        }
        if !words.is_empty() {
            let name = command.get_name();
            let words = words.trim_end();
            let _ = writeln!(
                script,
                "complete -c tracer -n \"__fish_tracer_using_subcommand {name}\" -f -a \"{words}\""
            );
        }
    }
    script
}
