//! A terminal of a fixed size in which a shell runs, under a name that is nobody's.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};

use crate::process::output;

/// What this machine is called inside.
const HOST: &str = "web-1";

/// A tmux server with one window. It ends with the value.
pub(super) struct Terminal {
    socket: String,
    folder: PathBuf,
}

impl Terminal {
    /// Starts a shell that finds the program by its name alone.
    ///
    /// # Errors
    /// When tmux does not start.
    pub(super) fn start(program: &Path, columns: u16, rows: u16) -> Result<Self> {
        let socket = format!("tracer-pictures-{}", std::process::id());
        let folder = std::env::temp_dir().join(&socket);
        fs::create_dir_all(&folder)?;
        let terminal = Self { socket, folder };
        let bin = program.parent().unwrap_or(Path::new("/"));
        let path = std::env::var("PATH").unwrap_or_default();
        let mut unshare = Command::new("unshare");
        unshare.args([
            "--uts",
            "sh",
            "-c",
            "echo \"$0\" > /proc/sys/kernel/hostname && exec tmux \"$@\"",
            HOST,
        ]);
        unshare.args(["-L", &terminal.socket, "-f", "/dev/null", "-u", "new-session", "-d", "-s", "s"]);
        unshare.args(["-x", &columns.to_string(), "-y", &rows.to_string(), "env", "-i"]);
        unshare.args([
            &format!("PATH={}:{path}", bin.display()),
            "PS1=# ",
            "TERM=tmux-256color",
            "COLORTERM=truecolor",
        ]);
        unshare.args(["LC_ALL=C.UTF-8", "TZ=UTC", "HOME=/", "sh"]);
        output(terminal.at_home(&mut unshare))?;
        terminal.tell(&["set", "-g", "window-size", "manual"])?;
        terminal.tell(&["set", "-g", "history-limit", "5000"])?;
        terminal.wait("#", Duration::from_secs(10), Self::screen)?;
        Ok(terminal)
    }

    fn at_home<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command.current_dir(&self.folder).env("LC_ALL", "C.UTF-8").env_remove("TMUX").env_remove("NO_COLOR")
    }

    fn tell(&self, args: &[&str]) -> Result<String> {
        output(self.at_home(Command::new("tmux").args(["-L", &self.socket]).args(args)))
    }

    /// Types a line.
    pub(super) fn type_line(&self, line: &str) -> Result<()> {
        self.tell(&["send-keys", "-t", "s", "-l", line])?;
        self.key("Enter")
    }

    /// Presses a key, by tmux's name for it.
    pub(super) fn key(&self, key: &str) -> Result<()> {
        self.tell(&["send-keys", "-t", "s", key]).map(drop)
    }

    /// What stands on the screen, with its colours.
    pub(super) fn screen(&self) -> Result<String> {
        self.tell(&["capture-pane", "-e", "-p", "-t", "s"])
    }

    /// The same with what went off its upper edge.
    pub(super) fn everything(&self) -> Result<String> {
        self.tell(&["capture-pane", "-e", "-p", "-S", "-", "-t", "s"])
    }

    /// Waits until a word is there.
    ///
    /// # Errors
    /// When it never comes, with what is there instead.
    pub(super) fn wait(
        &self,
        word: &str,
        patience: Duration,
        look: impl Fn(&Self) -> Result<String>,
    ) -> Result<String> {
        let begun = Instant::now();
        loop {
            let seen = look(self).context("look at the terminal")?;
            let plain = super::svg::plain(&seen);
            if plain.contains(word) {
                return Ok(seen);
            }
            if begun.elapsed() > patience {
                bail!("never saw {word:?}; there is\n{plain}");
            }
            thread::sleep(Duration::from_millis(100));
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.tell(&["kill-server"]);
        let _ = fs::remove_dir_all(&self.folder);
    }
}
