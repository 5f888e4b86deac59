//! What each key does.
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use duyetbot_core::SessionId;

use super::{
    answers::{Answer, Held},
    commands::{Command, Said, read},
    draft::{Draft, Reach},
    state::{Over, Phase, State},
};

/// What has to be done besides changing the state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Nothing,
    Send(String),
    Run(Command),
    /// Stop what runs.
    Stop,
    Leave,
    Suspend,
    Open(SessionId),
    Decide(Vec<Answer>),
    /// Draw everything anew.
    Redraw,
}

impl State {
    /// Pasted text goes into the draft as it is.
    pub(crate) fn paste(&mut self, text: &str) {
        self.is_leaving = false;
        self.give_back();
        self.draft.insert(text);
        self.draft_changed();
    }

    /// A key.
    pub(crate) fn key(&mut self, key: KeyEvent) -> Action {
        if key.modifiers.contains(KeyModifiers::CONTROL) && key.code == KeyCode::Char('c') {
            return self.interrupt();
        }
        self.is_leaving = false;
        if let Some(action) = self.answer_key(key).or_else(|| self.choose(key)) {
            return action;
        }
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        let alt = key.modifiers.contains(KeyModifiers::ALT);
        match key.code {
            KeyCode::Char(c) if control => return self.control(c),
            KeyCode::Enter if alt || key.modifiers.contains(KeyModifiers::SHIFT) => self.insert("\n"),
            KeyCode::Enter => return self.enter(),
            KeyCode::Esc => return self.escape(),
            KeyCode::Char('b') if alt => self.draft.go(Reach::WordLeft),
            KeyCode::Char('f') if alt => self.draft.go(Reach::WordRight),
            KeyCode::Char('d') if alt => self.remove(Reach::WordRight),
            KeyCode::Char(c) => self.insert(c.encode_utf8(&mut [0; 4])),
            KeyCode::Tab => self.insert("\t"),
            KeyCode::Backspace if alt => self.remove(Reach::WordLeft),
            KeyCode::Backspace => self.remove(Reach::Left),
            KeyCode::Delete => self.remove(Reach::Right),
            KeyCode::Left if control || alt => self.draft.go(Reach::WordLeft),
            KeyCode::Right if control || alt => self.draft.go(Reach::WordRight),
            KeyCode::Left => self.draft.go(Reach::Left),
            KeyCode::Right => self.draft.go(Reach::Right),
            KeyCode::Home if control => self.draft.go(Reach::Start),
            KeyCode::End if control => self.draft.go(Reach::End),
            KeyCode::Home => self.draft.go(Reach::LineStart),
            KeyCode::End => self.draft.go(Reach::LineEnd),
            KeyCode::Up => self.up(),
            KeyCode::Down => self.down(),
            _ => {}
        }
        Action::Nothing
    }

    fn control(&mut self, letter: char) -> Action {
        match letter {
            'a' => self.draft.go(Reach::LineStart),
            'b' => self.draft.go(Reach::Left),
            'd' if self.draft.is_empty() => return Action::Leave,
            'd' => self.remove(Reach::Right),
            'e' => self.draft.go(Reach::LineEnd),
            'f' => self.draft.go(Reach::Right),
            'h' => self.remove(Reach::Left),
            'j' => self.insert("\n"),
            'k' => self.remove(Reach::LineEnd),
            'l' => return Action::Redraw,
            'n' => self.down(),
            'o' => self.list_calls(),
            'p' => self.up(),
            't' => {
                let lines = self.turn.toggle_reasoning(self.columns);
                self.out.extend(lines);
            }
            'u' => self.remove(Reach::LineStart),
            'w' => self.remove(Reach::WordLeft),
            'z' => return Action::Suspend,
            _ => {}
        }
        Action::Nothing
    }

    /// A text is cleared; what runs is stopped; on nothing, the second press leaves.
    fn interrupt(&mut self) -> Action {
        let was_leaving = std::mem::take(&mut self.is_leaving);
        if self.held != Held::Nothing {
            self.held = Held::Nothing;
        } else if !matches!(self.over, Over::Nothing | Over::Offers(..)) {
            self.over = Over::Nothing;
        } else if !self.draft.is_empty() {
            self.draft = Draft::default();
            self.draft_changed();
        } else if self.phase != Phase::Idle {
            return Action::Stop;
        } else if was_leaving {
            return Action::Leave;
        } else {
            self.is_leaving = true;
        }
        Action::Nothing
    }

    fn escape(&mut self) -> Action {
        if self.over != Over::Nothing {
            self.over = Over::Nothing;
            return Action::Nothing;
        }
        if self.phase == Phase::Idle { Action::Nothing } else { Action::Stop }
    }

    /// The keys of what lies over the input.
    fn choose(&mut self, key: KeyEvent) -> Option<Action> {
        let is_plain = key.modifiers.is_empty();
        let control = |letter| key.modifiers == KeyModifiers::CONTROL && key.code == KeyCode::Char(letter);
        let (up, down) = (key.code == KeyCode::Up || control('p'), key.code == KeyCode::Down || control('n'));
        let takes = is_plain && matches!(key.code, KeyCode::Enter | KeyCode::Tab);
        match &mut self.over {
            Over::Nothing => return None,
            Over::Offers(_, menu) if up => menu.up(),
            Over::Offers(_, menu) if down => menu.down(),
            Over::Offers(..) if takes => self.complete(),
            Over::Offers(..) => return None,
            Over::Sessions(menu) if up => menu.up(),
            Over::Sessions(menu) if down => menu.down(),
            Over::Models(menu) if up => menu.up(),
            Over::Models(menu) if down => menu.down(),
            Over::Calls(menu) if up => menu.up(),
            Over::Calls(menu) if down => menu.down(),
            Over::Sessions(menu) if takes => {
                let session = menu.chosen().value;
                self.over = Over::Nothing;
                return Some(Action::Open(session));
            }
            Over::Models(menu) if takes => {
                let name = menu.chosen().value.clone();
                self.over = Over::Nothing;
                return Some(Action::Run(Command::Model(Some(name))));
            }
            Over::Calls(menu) if takes || control('o') => {
                let place = menu.chosen().value;
                self.over = Over::Nothing;
                let lines = self.turn.open(place);
                self.out.extend(lines);
            }
            // Whoever types on wants to talk.
            Over::Sessions(_) | Over::Models(_) | Over::Calls(_) => {
                self.over = Over::Nothing;
                return (key.code == KeyCode::Esc).then_some(Action::Nothing);
            }
        }
        Some(Action::Nothing)
    }

    fn insert(&mut self, text: &str) {
        self.draft.insert(text);
        self.draft_changed();
    }

    fn remove(&mut self, to: Reach) {
        self.draft.remove(to);
        self.draft_changed();
    }

    fn up(&mut self) {
        if !self.draft.up()
            && let Some(draft) = self.history.older(&self.draft)
        {
            self.draft = draft;
        }
    }

    fn down(&mut self) {
        if !self.draft.down()
            && let Some(draft) = self.history.newer()
        {
            self.draft = draft;
        }
    }

    fn enter(&mut self) -> Action {
        if self.draft.before().ends_with('\\') && self.draft.before() == self.draft.text() {
            self.draft.remove(Reach::Left);
            self.insert("\n");
            return Action::Nothing;
        }
        let text = self.draft.text().to_owned();
        let said = read(&text);
        let is_busy = self.phase != Phase::Idle;
        let action = match said {
            Said::Nothing => return Action::Nothing,
            Said::Unknown(name) => {
                self.note(&format!("there is no command {name}; /help lists them"));
                return Action::Nothing;
            }
            Said::Command(command @ (Command::Help | Command::Quit)) => Action::Run(command),
            Said::Command(_) if is_busy => {
                self.note("this has to wait for the end of the turn (Esc stops it)");
                return Action::Nothing;
            }
            Said::Command(command) => Action::Run(command),
            Said::Words if is_busy => {
                if !self.queue(text.clone()) {
                    return Action::Nothing;
                }
                Action::Nothing
            }
            Said::Words => Action::Send(text.clone()),
        };
        self.history.add(&text);
        self.draft = Draft::default();
        self.over = Over::Nothing;
        action
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{approval::Question, tui::state::Trigger};

    fn press(state: &mut State, code: KeyCode, modifiers: KeyModifiers) -> Action {
        state.key(KeyEvent::new(code, modifiers))
    }

    fn typed(state: &mut State, text: &str) -> Vec<Action> {
        text.chars().map(|c| press(state, KeyCode::Char(c), KeyModifiers::NONE)).collect()
    }

    fn enter(state: &mut State) -> Action {
        press(state, KeyCode::Enter, KeyModifiers::NONE)
    }

    fn interrupt(state: &mut State) -> Action {
        press(state, KeyCode::Char('c'), KeyModifiers::CONTROL)
    }

    fn state() -> State {
        State { columns: 80, rows: 24, ..State::default() }
    }

    fn asking() -> State {
        let mut state = state();
        state.phase = Phase::Running;
        state.turn.asks(Question::new(None, &"c".into(), "bash", r#"{"command":"ls"}"#, "asks"));
        state
    }

    #[test]
    fn what_is_typed_is_sent_and_kept() {
        let mut state = state();
        typed(&mut state, "hello");
        assert_eq!(enter(&mut state), Action::Send("hello".to_owned()));
        assert!(state.draft.is_empty());
        press(&mut state, KeyCode::Up, KeyModifiers::NONE);
        assert_eq!(state.draft, Draft::new("hello"));
    }

    #[test]
    fn three_keys_break_a_line() {
        let mut state = state();
        typed(&mut state, "a\\");
        assert_eq!(enter(&mut state), Action::Nothing);
        typed(&mut state, "b");
        press(&mut state, KeyCode::Enter, KeyModifiers::ALT);
        press(&mut state, KeyCode::Char('j'), KeyModifiers::CONTROL);
        assert_eq!(state.draft.text(), "a\nb\n\n");
    }

    #[test]
    fn while_a_turn_runs_words_wait_and_commands_do_not_start() {
        let mut state = state();
        state.phase = Phase::Running;
        typed(&mut state, "one");
        assert_eq!(enter(&mut state), Action::Nothing);
        typed(&mut state, "/fork");
        assert_eq!(enter(&mut state), Action::Nothing);
        assert_eq!(
            (state.queue.make_contiguous(), state.draft.text()),
            (&mut ["one".to_owned()][..], "/fork")
        );
        state.take_back();
        assert_eq!(state.draft.text(), "one\n/fork");
    }

    #[test]
    fn ctrl_c_clears_then_stops_and_leaves_only_what_is_idle() {
        let mut state = state();
        state.phase = Phase::Running;
        typed(&mut state, "x");
        assert_eq!((interrupt(&mut state), state.draft.text()), (Action::Nothing, ""));
        assert_eq!(interrupt(&mut state), Action::Stop);
        state.phase = Phase::Idle;
        assert_eq!((interrupt(&mut state), state.is_leaving), (Action::Nothing, true));
        typed(&mut state, "x");
        interrupt(&mut state);
        assert_eq!((interrupt(&mut state), interrupt(&mut state)), (Action::Nothing, Action::Leave));
        assert_eq!(press(&mut state, KeyCode::Char('d'), KeyModifiers::CONTROL), Action::Leave);
    }

    #[test]
    fn keys_that_were_meant_for_the_draft_decide_nothing() {
        let mut state = asking();
        assert_eq!(typed(&mut state, "yn"), [Action::Nothing, Action::Nothing]);
        assert_eq!(state.draft.text(), "yn");
        state.trigger = Trigger::Armed;
        assert_eq!(typed(&mut state, "y"), [Action::Nothing]);
        assert_eq!(state.draft.text(), "yny");
    }

    #[test]
    fn offers_are_taken_with_tab_and_left_with_escape() {
        let mut state = state();
        typed(&mut state, "/mo");
        press(&mut state, KeyCode::Tab, KeyModifiers::NONE);
        assert_eq!(state.draft.text(), "/model ");
        state.draft = Draft::default();
        typed(&mut state, "/qui");
        press(&mut state, KeyCode::Esc, KeyModifiers::NONE);
        assert_eq!(state.over, Over::Nothing);
        typed(&mut state, "t");
        assert_eq!(enter(&mut state), Action::Run(Command::Quit));
    }

    #[test]
    fn pasted_line_ends_send_nothing() {
        let mut state = state();
        state.paste("one\r\ntwo\n");
        assert_eq!(state.draft.text(), "one\ntwo\n");
    }
}
