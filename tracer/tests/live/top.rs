//! `tracer top` in a real terminal (tmux): live drops, the keys, every way to leave, and the terminal as it was.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use tracer::tui::screen::Screen;

use super::{
    cases::Lacking,
    ground::{Ground, Place},
    runs::Run,
    watcher::{self, PATIENCE, Watcher},
};

/// Once a hook set: it is the same screen.
pub(crate) const TOPS: &[Run] = &[("top/keys", keys), ("top/endings", endings)];

/// The file that the test records to, in the folder of the terminal.
const FILE: &str = "from-here.ndjson";

/// A terminal with a shell in it, in a folder of its own.
struct Tmux {
    socket: String,
    folder: PathBuf,
    program: PathBuf,
}

impl Tmux {
    fn start(ground: Ground, name: &str) -> Result<Self> {
        let there = Command::new("tmux").arg("-V").stdout(Stdio::null()).status();
        if !there.is_ok_and(|status| status.success()) {
            return Err(Lacking("there is no tmux here").into());
        }
        let socket = format!("tracer-{}-{}-{name}", std::process::id(), ground.set);
        let folder = std::env::temp_dir().join(&socket);
        fs::create_dir_all(&folder)?;
        let program = fs::canonicalize(watcher::program()?).context("the program under test")?;
        let tmux = Self { socket, folder, program };
        tmux.tell(&["-f", "/dev/null", "-u", "new-session", "-d", "-x", "80", "-y", "24", "-s", "s", "sh"])?;
        tmux.tell(&["set", "-g", "window-size", "manual"])?;
        tmux.keys(&["export PS1='ready> '", "Enter"])?;
        tmux.wait("ready>")?;
        Ok(tmux)
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new("tmux");
        command.args(["-L", &self.socket]).args(args).current_dir(&self.folder);
        command
            .env("LC_ALL", "C.UTF-8")
            .env("TERM", "xterm-256color")
            .env_remove("TMUX")
            .env_remove("NO_COLOR");
        command
    }

    fn tell(&self, args: &[&str]) -> Result<String> {
        let out = self.command(args).output().context("run tmux")?;
        ensure!(out.status.success(), "tmux {args:?}: {}", String::from_utf8_lossy(&out.stderr));
        Ok(String::from_utf8_lossy(&out.stdout).into_owned())
    }

    /// Types keys, by tmux's names for them.
    fn keys(&self, keys: &[&str]) -> Result<()> {
        self.tell(&[&["send-keys", "-t", "s"], keys].concat()).map(drop)
    }

    /// What is on the screen.
    fn screen(&self) -> Result<String> {
        self.tell(&["capture-pane", "-p", "-t", "s"])
    }

    /// Waits until a word is there.
    fn wait(&self, word: &str) -> Result<String> {
        self.until(word, |screen| screen.contains(word))
    }

    fn until(&self, what: &str, fits: impl Fn(&str) -> bool) -> Result<String> {
        let begun = Instant::now();
        loop {
            let screen = self.screen()?;
            if fits(&screen) {
                return Ok(screen);
            }
            if begun.elapsed() > PATIENCE {
                bail!("never saw {what:?}; on the screen is\n{screen}");
            }
            thread::sleep(Duration::from_millis(50));
        }
    }

    fn flag(&self, name: &str) -> Result<bool> {
        let flag = self.tell(&["display", "-p", "-t", "s", &format!("#{{{name}}}")])?;
        Ok(flag.trim() == "1")
    }

    fn size(&self, width: u16, height: u16) -> Result<()> {
        self.tell(&["resize-window", "-t", "s", "-x", &width.to_string(), "-y", &height.to_string()])
            .map(drop)
    }

    /// Starts `tracer top`.
    fn top(&self, args: &str) -> Result<()> {
        self.full_screen(&format!("{} top {args}", self.program.display()))
    }

    /// Starts something that takes the screen, after a look at the terminal's settings.
    fn full_screen(&self, command: &str) -> Result<()> {
        self.keys(&[&format!("clear; stty -a > before; {command}"), "Enter"])?;
        let begun = Instant::now();
        while !self.flag("alternate_on")? {
            ensure!(begun.elapsed() < PATIENCE, "no full screen:\n{}", self.screen()?);
            thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    /// It is over, and the terminal is as it was.
    fn is_restored(&self, exit: u8) -> Result<String> {
        let begun = Instant::now();
        while self.child()?.is_some() {
            ensure!(begun.elapsed() < PATIENCE, "it does not end:\n{}", self.screen()?);
            thread::sleep(Duration::from_millis(50));
        }
        self.keys(&["echo exit $?; stty -a > after; echo over", "Enter"])?;
        let screen = self.until("over", |screen| screen.lines().any(|line| line.trim() == "over"))?;
        ensure!(screen.contains(&format!("exit {exit}")), "not exit status {exit}:\n{screen}");
        ensure!(!self.flag("alternate_on")?, "still on the other screen");
        ensure!(self.flag("cursor_flag")?, "the cursor is gone");
        let [before, after] = ["before", "after"].map(|name| fs::read_to_string(self.folder.join(name)));
        let (before, after) = (before?, after?);
        ensure!(before == after, "before:\n{before}\nafter:\n{after}");
        Ok(screen)
    }

    /// The shell's only child.
    fn child(&self) -> Result<Option<u32>> {
        let shell = self.tell(&["display", "-p", "-t", "s", "#{pane_pid}"])?;
        let children = format!("/proc/{0}/task/{0}/children", shell.trim());
        let text = fs::read_to_string(&children).with_context(|| children.clone())?;
        Ok(text.split_whitespace().next().and_then(|pid| pid.parse().ok()))
    }
}

impl Drop for Tmux {
    fn drop(&mut self) {
        let _ = self.tell(&["kill-server"]);
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Drops that go on for a while.
fn incident(ground: Ground) -> Result<Watcher> {
    Watcher::demo(ground.set.name(), &["--scenario", "nat", "-d", "60s"])
}

/// What the demonstration's drops are called on the screen.
fn cause(ground: Ground) -> &'static str {
    if ground.must_see(Place::Bucket) { "PAWS in TIME_WAIT" } else { "other" }
}

/// Live drops on the screen, and every key.
fn keys(ground: Ground) -> Result<()> {
    let tmux = Tmux::start(ground, "keys")?;
    let _incident = incident(ground)?;
    tmux.top(&format!("--hooks {}", ground.set))?;
    let screen = tmux.until("the drops", |screen| {
        [cause(ground), "10.77.0.1", "Verdict so far:", "live", "lost 0"]
            .iter()
            .all(|word| screen.contains(word))
    })?;
    let hooks = format!("{} hooks", ground.set);
    ensure!(screen.lines().next().is_some_and(|line| line.contains(&hooks)), "{screen}");
    tmux.keys(&["Enter"])?;
    tmux.wait("TSval against time")?;
    tmux.keys(&["Escape"])?;
    tmux.wait("Sources:")?;
    tmux.keys(&["?"])?;
    tmux.wait("choose a source")?;
    tmux.keys(&["Escape", "v"])?;
    tmux.wait("Esc: back")?;
    tmux.keys(&["Escape", "s"])?;
    tmux.wait("by PAWS drops")?;
    tmux.keys(&["/", "nobody"])?;
    tmux.wait("None that has this in its row.")?;
    tmux.keys(&["C-u", "10.77", "Enter"])?;
    tmux.wait("with \"10.77\"")?;
    tmux.keys(&["Escape", "p"])?;
    let still = tmux.wait("PAUSED")?;
    thread::sleep(Duration::from_millis(1500));
    let later = tmux.screen()?;
    ensure!(still == later, "a picture that moves:\n{still}\n{later}");
    tmux.keys(&["p"])?;
    tmux.until("no pause", |screen| !screen.contains("PAUSED"))?;
    tmux.keys(&["w", FILE, "Enter"])?;
    tmux.wait("Recording to")?;
    tmux.wait("REC")?;
    thread::sleep(Duration::from_secs(2));
    tmux.keys(&["w"])?;
    tmux.wait("Recorded to")?;
    // Wide, tiny, and back.
    tmux.size(140, 45)?;
    tmux.wait("TSval")?;
    tmux.size(40, 10)?;
    tmux.until("a small screen", |screen| screen.contains("ADDRESS") && !screen.contains("Verdict so far"))?;
    tmux.size(20, 4)?;
    tmux.wait("tracer:")?;
    tmux.size(80, 24)?;
    tmux.wait("Verdict so far:")?;
    // To the shell, and back.
    tmux.keys(&["C-z"])?;
    tmux.wait("Stopped")?;
    ensure!(!tmux.flag("alternate_on")?, "still on the other screen");
    tmux.keys(&["fg", "Enter"])?;
    tmux.wait("Verdict so far:")?;
    tmux.keys(&["c"])?;
    tmux.wait("Copied")?;
    tmux.keys(&["q"])?;
    let screen = tmux.is_restored(0)?;
    ensure!(screen.contains("What to do, as it was copied:"), "{screen}");
    ensure!(
        tmux.tell(&["capture-pane", "-p", "-S", "-200", "-t", "s"])?.contains("SYNs dropped in"),
        "no summary"
    );
    played(&tmux)
}

/// What was recorded can be played, as fast as it can be read.
fn played(tmux: &Tmux) -> Result<()> {
    ensure!(Path::new(&tmux.folder.join(FILE)).exists(), "nothing was recorded");
    tmux.top(&format!("--replay {FILE} --speed 0"))?;
    tmux.wait("END OF RECORDING")?;
    tmux.wait("10.77.0.1")?;
    tmux.keys(&["-"])?;
    tmux.wait("1000 times as fast")?;
    tmux.keys(&["q"])?;
    tmux.is_restored(0).map(drop)
}

/// Whoever ends it, the terminal is as it was.
fn endings(ground: Ground) -> Result<()> {
    let tmux = Tmux::start(ground, "endings")?;
    let set = ground.set;
    for signal in ["TERM", "INT"] {
        tmux.top(&format!("--hooks {set}"))?;
        tmux.wait("No drops seen so far.").or_else(|_| tmux.wait("Sources:"))?;
        let pid = tmux.child()?.context("it is running")?.to_string();
        let killed = Command::new("kill").args([&format!("-{signal}"), &pid]).status()?;
        ensure!(killed.success(), "kill -{signal} {pid}");
        tmux.is_restored(0)?;
    }
    tmux.top(&format!("--hooks {set}"))?;
    tmux.keys(&["C-c"])?;
    tmux.is_restored(0)?;
    tmux.top(&format!("--hooks {set} -d 1s"))?;
    tmux.is_restored(0)?;
    let itself = std::env::current_exe()?;
    tmux.full_screen(&format!("{} {PANIC}", itself.display()))?;
    let screen = tmux.is_restored(101)?;
    ensure!(screen.contains(WORDS), "the panic's words are lost:\n{screen}");
    Ok(())
}

/// Makes this binary a program that panics while the screen is its own. The real one has no way to do so on purpose.
pub(crate) const PANIC: &str = "--panic-on-screen";
/// What it says.
const WORDS: &str = "nobody expected this";

/// Takes the terminal as `tracer top` does, and panics.
pub(crate) fn panic_on_screen() -> ! {
    let mut screen = Screen::enter().unwrap_or_else(|failure| panic!("{failure}"));
    let drawn = screen.draw(|buffer| {
        buffer.set_string(0, 0, "still standing", ratatui::style::Style::new());
    });
    drawn.unwrap_or_else(|error| panic!("{error}"));
    // Long enough for the terminal's owner to see it.
    thread::sleep(Duration::from_millis(500));
    panic!("{WORDS}");
}
