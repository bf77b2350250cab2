//! The terminal: taken, drawn on, and given back as it was, whatever happens.
//!
//! Whoever panics, exits or returns gives it back: the hook of panics, [`restore`] before an exit, `Drop` for the rest.

use std::{
    io::{self, BufWriter, IsTerminal as _, Stdout, Write as _, stdout},
    sync::{
        Once,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use ratatui::{
    Terminal,
    backend::CrosstermBackend,
    buffer::Buffer,
    crossterm::{
        cursor::{Hide, Show},
        event::{self, Event, KeyCode, KeyEventKind, KeyModifiers},
        execute,
        terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode},
    },
    layout::Position,
};
use tokio::sync::mpsc;

use super::update::Key;
use crate::error::{Exit, Failure, words};

/// It is ours at the moment.
static OURS: AtomicBool = AtomicBool::new(false);

/// Gives the terminal back, if it is ours; what it refuses cannot be helped.
pub fn restore() {
    if OURS.swap(false, Ordering::SeqCst) {
        let _ = execute!(stdout(), LeaveAlternateScreen, Show);
        let _ = disable_raw_mode();
    }
}

/// A panic's words must be read on the normal screen.
fn restore_on_panic() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            restore();
            before(panic);
        }));
    });
}

/// What the terminal reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// A key.
    Key(Key),
    /// Its size changed, or it was away.
    Changed,
}

/// The full screen.
pub struct Screen {
    terminal: Terminal<CrosstermBackend<BufWriter<Stdout>>>,
}

/// Whether there is a terminal to take.
///
/// # Errors
/// When standard output is none.
pub fn exists() -> Result<(), Failure> {
    if stdout().is_terminal() {
        return Ok(());
    }
    Err(Failure::new(
        Exit::Usage,
        "cannot show a full screen",
        "standard output is no terminal",
        "type `tracer` for one line a drop, or `tracer -o json` for scripts",
    ))
}

impl Screen {
    /// Takes the terminal.
    ///
    /// # Errors
    /// When standard output is none, or it refuses.
    pub fn enter() -> Result<Self, Failure> {
        exists()?;
        restore_on_panic();
        let backend = CrosstermBackend::new(BufWriter::with_capacity(64 << 10, stdout()));
        take().and_then(|()| Terminal::new(backend)).map(|terminal| Self { terminal }).map_err(|error| {
            restore();
            Failure::new(
                Exit::Failure,
                "cannot show a full screen",
                words(&error),
                "type `tracer` for one line a drop",
            )
        })
    }

    /// Draws; what did not change is not sent.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn draw(&mut self, picture: impl FnOnce(&mut Buffer)) -> io::Result<()> {
        self.terminal.draw(|frame| picture(frame.buffer_mut())).map(drop)
    }

    /// Forgets what was drawn, so that all of it is sent again.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn clear(&mut self) -> io::Result<()> {
        // Not `Terminal::clear`: it asks the terminal where the cursor is, and the answer would go to the thread of the keys.
        let size = self.terminal.size()?;
        self.terminal.resize((Position::ORIGIN, size).into())
    }

    /// Sends something that draws nothing.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn send(&mut self, sequence: &str) -> io::Result<()> {
        let out = self.terminal.backend_mut();
        out.write_all(sequence.as_bytes())?;
        io::Write::flush(out)
    }

    /// Rows.
    pub fn height(&self) -> u16 {
        self.terminal.size().map_or(0, |size| size.height)
    }

    /// Gives the terminal to the shell until it brings us back. As Ctrl-Z would, it stops whoever runs with us in the
    /// foreground, a script or sudo. Where no shell could bring us back, the kernel does not stop us.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn suspend(&mut self) -> io::Result<()> {
        restore();
        kill(Pid::from_raw(0), Signal::SIGTSTP)?;
        self.again()
    }

    /// Takes the terminal again after somebody else had it.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn again(&mut self) -> io::Result<()> {
        restore();
        take()?;
        self.clear()
    }
}

fn take() -> io::Result<()> {
    enable_raw_mode()?;
    OURS.store(true, Ordering::SeqCst);
    execute!(stdout(), EnterAlternateScreen, Hide)
}

impl Drop for Screen {
    fn drop(&mut self) {
        restore();
    }
}

/// Keys as they come, from a thread of its own: whoever waits for a terminal's bytes can wait for nothing else. It ends with
/// the process, or when nobody listens any more.
///
/// # Errors
/// When there is no room for a thread.
pub fn inputs() -> io::Result<mpsc::Receiver<Input>> {
    // Nobody types faster than they are taken; a pasted book waits in the terminal.
    let (to, inputs) = mpsc::channel(64);
    thread::Builder::new().name("keys".into()).spawn(move || {
        while let Ok(event) = event::read() {
            // Escape and a key right behind it look like the key with Alt, of which there is none here.
            let escaped = matches!(&event, Event::Key(key) if key.modifiers.contains(KeyModifiers::ALT));
            let escape = escaped.then_some(Input::Key(Key::Escape));
            for input in escape.into_iter().chain(input(&event)) {
                if to.blocking_send(input).is_err() {
                    return;
                }
            }
        }
    })?;
    Ok(inputs)
}

fn input(event: &Event) -> Option<Input> {
    let key = match event {
        Event::Resize(..) => return Some(Input::Changed),
        Event::Key(key) if key.kind != KeyEventKind::Release => key,
        _ => return None,
    };
    Some(Input::Key(match key.code {
        KeyCode::Char(c) if key.modifiers.contains(KeyModifiers::CONTROL) => {
            Key::Ctrl(c.to_ascii_lowercase())
        }
        KeyCode::Char(c) => Key::Char(c),
        KeyCode::Up => Key::Up,
        KeyCode::Down => Key::Down,
        KeyCode::Left => Key::Left,
        KeyCode::Right => Key::Right,
        KeyCode::PageUp => Key::PageUp,
        KeyCode::PageDown => Key::PageDown,
        KeyCode::Home => Key::Home,
        KeyCode::End => Key::End,
        KeyCode::Enter => Key::Enter,
        KeyCode::Esc => Key::Escape,
        KeyCode::Backspace => Key::Backspace,
        _ => return None,
    }))
}
