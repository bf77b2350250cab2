//! What a key does: a state and a key in, a state and perhaps a wish out. Pure.

use std::net::IpAddr;

use crate::render::top::{Mode, Sort, State};

/// A key, whatever the terminal calls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// A sign.
    Char(char),
    /// A sign with Ctrl.
    Ctrl(char),
    /// Up.
    Up,
    /// Down.
    Down,
    /// Left.
    Left,
    /// Right.
    Right,
    /// A page up.
    PageUp,
    /// A page down.
    PageDown,
    /// To the beginning.
    Home,
    /// To the end.
    End,
    /// Enter.
    Enter,
    /// Escape.
    Escape,
    /// Backspace.
    Backspace,
}

/// What only the shell can do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// End the run.
    Quit,
    /// Put the remedy into the clipboard.
    Copy,
    /// Record to this file from now on; an empty name: one that the shell makes up.
    Record(String),
    /// End the recording.
    StopRecording,
    /// Play faster.
    Faster,
    /// Play slower.
    Slower,
    /// Give the terminal back for a while.
    Suspend,
    /// Draw everything anew.
    Redraw,
}

/// What a key may depend on, beside the state.
#[derive(Clone, Copy, Debug)]
pub struct Scene<'a> {
    /// The sources that are shown, in their order.
    pub rows: &'a [IpAddr],
    /// Rows of a page.
    pub page: usize,
    /// A file is being written.
    pub recording: bool,
}

/// Longest text that can be typed.
const LONGEST: usize = 200;

/// What comes after the key.
pub fn update(mut state: State, key: Key, scene: &Scene<'_>) -> (State, Option<Command>) {
    // Whatever is shown or typed.
    match key {
        Key::Ctrl('c') => return (state, Some(Command::Quit)),
        Key::Ctrl('z') => return (state, Some(Command::Suspend)),
        Key::Ctrl('l') => return (state, Some(Command::Redraw)),
        _ => {}
    }
    if matches!(state.mode, Mode::Filter { .. } | Mode::Save { .. }) {
        return typed(state, key);
    }
    let command = match key {
        Key::Char('q') => Some(Command::Quit),
        Key::Char('c') => Some(Command::Copy),
        Key::Char('+' | '=') => Some(Command::Faster),
        Key::Char('-') => Some(Command::Slower),
        Key::Char('w') if scene.recording => Some(Command::StopRecording),
        _ => None,
    };
    if command.is_some() {
        return (state, command);
    }
    match key {
        Key::Char('w') => state.mode = Mode::Save { typed: String::new() },
        Key::Char('/') => state.mode = Mode::Filter { typed: state.filter.clone() },
        Key::Char('p' | ' ') => state.paused = !state.paused,
        Key::Char('s') => state.sort = neighbour(state.sort, 1),
        Key::Char('S') => state.sort = neighbour(state.sort, Sort::ALL.len() - 1),
        Key::Char('?') => state.mode = other(&state.mode, Mode::Help { scroll: 0 }),
        Key::Char('v') => state.mode = other(&state.mode, Mode::Verdict { scroll: 0 }),
        Key::Enter => state.mode = other(&state.mode, Mode::Details { scroll: 0 }),
        Key::Escape if state.mode == Mode::Overview => (state.filter, state.chosen) = (String::new(), None),
        Key::Escape => state.mode = Mode::Overview,
        _ => moved(&mut state, key, scene),
    }
    (state, None)
}

/// The page, or back where it is shown already.
fn other(shown: &Mode, page: Mode) -> Mode {
    if std::mem::discriminant(shown) == std::mem::discriminant(&page) { Mode::Overview } else { page }
}

fn neighbour(sort: Sort, steps: usize) -> Sort {
    let at = Sort::ALL.iter().position(|other| *other == sort).unwrap_or(0);
    Sort::ALL[(at + steps) % Sort::ALL.len()]
}

fn typed(mut state: State, key: Key) -> (State, Option<Command>) {
    let mut command = None;
    let (Mode::Filter { typed: text } | Mode::Save { typed: text }) = &mut state.mode else {
        return (state, None);
    };
    match key {
        Key::Char(c) if text.chars().count() < LONGEST => text.push(c),
        Key::Backspace => drop(text.pop()),
        Key::Ctrl('u') => text.clear(),
        Key::Escape => state.mode = Mode::Overview,
        Key::Enter => match std::mem::take(&mut state.mode) {
            Mode::Filter { typed } => typed.trim().clone_into(&mut state.filter),
            Mode::Save { typed } => command = Some(Command::Record(typed.trim().to_owned())),
            _ => {}
        },
        _ => {}
    }
    (state, command)
}

/// Keys that move: through the sources, or through a long text.
fn moved(state: &mut State, key: Key, scene: &Scene<'_>) {
    let page = scene.page.max(1);
    let (back, steps) = match key {
        Key::Up | Key::Char('k') => (true, 1),
        Key::Down | Key::Char('j') => (false, 1),
        Key::PageUp => (true, page),
        Key::PageDown => (false, page),
        Key::Home | Key::Char('g') => (true, usize::MAX),
        Key::End | Key::Char('G') => (false, usize::MAX),
        Key::Left | Key::Right if matches!(state.mode, Mode::Details { .. }) => {
            state.mode = Mode::Details { scroll: 0 };
            return choose(state, key == Key::Left, 1, scene);
        }
        _ => return,
    };
    match state.scroll() {
        Some(scroll) => {
            let steps = u16::try_from(steps).unwrap_or(u16::MAX);
            *scroll = if back { scroll.saturating_sub(steps) } else { scroll.saturating_add(steps) };
        }
        None => choose(state, back, steps, scene),
    }
}

fn choose(state: &mut State, back: bool, steps: usize, scene: &Scene<'_>) {
    let at = scene.rows.iter().position(|row| Some(*row) == state.chosen).unwrap_or(0);
    let last = scene.rows.len().saturating_sub(1);
    let at = if back { at.saturating_sub(steps) } else { at.saturating_add(steps).min(last) };
    // From here on it is this source, wherever it stands.
    state.chosen = scene.rows.get(at).copied().or(state.chosen);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rows(n: u8) -> Vec<IpAddr> {
        (0..n).map(|n| IpAddr::from([192, 0, 2, n])).collect()
    }

    fn after(keys: &[Key]) -> (State, Vec<Command>) {
        let rows = rows(30);
        let scene = Scene { rows: &rows, page: 10, recording: false };
        let mut state = State::default();
        let mut commands = Vec::new();
        for key in keys {
            let (next, command) = update(state, *key, &scene);
            state = next;
            commands.extend(command);
        }
        (state, commands)
    }

    #[test]
    fn what_keys_do() {
        use Key::{Backspace, Char, Ctrl, Down, End, Enter, Escape, Home, Left, PageDown, PageUp, Right, Up};
        let row = |n: u8| Some(IpAddr::from([192, 0, 2, n]));
        let start = State::default();
        let at = |n| State { chosen: row(n), ..State::default() };
        let page = |mode| State { mode, ..State::default() };
        let table: Vec<(&[Key], State, Vec<Command>)> = vec![
            (&[Down], at(1), vec![]),
            (&[Down, Char('j'), Up], at(1), vec![]),
            (&[Up], at(0), vec![]),
            (&[PageDown], at(10), vec![]),
            (&[End, PageUp], at(19), vec![]),
            (&[Char('G'), Home], at(0), vec![]),
            (&[Down, Escape], start.clone(), vec![]),
            (&[Enter], page(Mode::Details { scroll: 0 }), vec![]),
            (&[Enter, Down, PageDown], page(Mode::Details { scroll: 11 }), vec![]),
            (&[Enter, End, Up], page(Mode::Details { scroll: u16::MAX - 1 }), vec![]),
            (
                &[Enter, Down, Right, Right, Left],
                State { mode: Mode::Details { scroll: 0 }, ..at(1) },
                vec![],
            ),
            (&[Enter, Enter], start.clone(), vec![]),
            (&[Enter, Escape], start.clone(), vec![]),
            (&[Char('?')], page(Mode::Help { scroll: 0 }), vec![]),
            (&[Char('?'), Char('v')], page(Mode::Verdict { scroll: 0 }), vec![]),
            (&[Char('v'), Char('v')], start.clone(), vec![]),
            (&[Char('s')], State { sort: Sort::Paws, ..State::default() }, vec![]),
            (&[Char('S')], State { sort: Sort::Address, ..State::default() }, vec![]),
            (&[Char('p')], State { paused: true, ..State::default() }, vec![]),
            (&[Char(' '), Char('p')], start.clone(), vec![]),
            (&[Char('/'), Char('q'), Char('c')], page(Mode::Filter { typed: "qc".into() }), vec![]),
            (
                &[Char('/'), Char('1'), Char('x'), Backspace, Enter],
                State { filter: "1".into(), ..State::default() },
                vec![],
            ),
            (&[Char('/'), Char('1'), Escape], start.clone(), vec![]),
            (&[Char('/'), Char('1'), Enter, Escape], start.clone(), vec![]),
            (&[Char('w'), Char('f'), Enter], start.clone(), vec![Command::Record("f".into())]),
            (&[Char('w'), Char('f'), Ctrl('u'), Enter], start.clone(), vec![Command::Record(String::new())]),
            (&[Char('/'), Ctrl('c')], page(Mode::Filter { typed: String::new() }), vec![Command::Quit]),
            (
                &[Char('c'), Char('+'), Char('-')],
                start.clone(),
                vec![Command::Copy, Command::Faster, Command::Slower],
            ),
            (
                &[Ctrl('z'), Ctrl('l'), Char('q')],
                start.clone(),
                vec![Command::Suspend, Command::Redraw, Command::Quit],
            ),
            (&[Char('x'), Left, Backspace, Ctrl('u')], start.clone(), vec![]),
        ];
        for (keys, state, commands) in table {
            assert_eq!(after(keys), (state, commands), "{keys:?}");
        }
    }

    #[test]
    fn a_recording_is_ended_by_the_same_key() {
        let scene = Scene { rows: &[], page: 0, recording: true };
        let (state, command) = update(State::default(), Key::Char('w'), &scene);
        assert_eq!((state, command), (State::default(), Some(Command::StopRecording)));
    }

    #[test]
    fn the_chosen_source_is_kept_when_rows_move() {
        let two = rows(2);
        let state = State { chosen: Some(two[1]), ..State::default() };
        let turned: Vec<_> = two.iter().rev().copied().collect();
        let scene = Scene { rows: &turned, page: 1, recording: false };
        assert_eq!(update(state.clone(), Key::Up, &scene).0.chosen, Some(two[1]));
        assert_eq!(update(state, Key::Down, &scene).0.chosen, Some(two[0]));
    }

    fn any_key() -> impl Strategy<Value = Key> {
        prop_oneof![
            any::<char>().prop_map(Key::Char),
            prop::sample::select(vec!['q', 'w', '/', '?', 'v', 's', 'p', 'c', 'g', 'G']).prop_map(Key::Char),
            any::<char>().prop_map(Key::Ctrl),
            prop::sample::select(vec![
                Key::Up,
                Key::Down,
                Key::Left,
                Key::Right,
                Key::PageUp,
                Key::PageDown,
                Key::Home,
                Key::End,
                Key::Enter,
                Key::Escape,
                Key::Backspace,
            ]),
        ]
    }

    proptest! {
        /// From wherever someone has got to, Escape twice leads to the first page, and what is typed is bounded.
        #[test]
        fn nobody_gets_lost(keys in prop::collection::vec(any_key(), 0..300), n in 0_u8..5) {
            let rows = rows(n);
            let scene = Scene { rows: &rows, page: 3, recording: false };
            let mut state = State::default();
            for key in keys.into_iter().chain([Key::Escape, Key::Escape]) {
                state = update(state, key, &scene).0;
                prop_assert!(state.filter().chars().count() <= LONGEST);
                prop_assert!(state.chosen.is_none_or(|row| rows.contains(&row)));
            }
            prop_assert_eq!(state.mode, Mode::Overview);
        }
    }
}
