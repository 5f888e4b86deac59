//! The keys that decide a call, told apart from words that begin with the same letters.
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use duyetbot_core::{CallId, Decision};

use crate::approval::Question;

use super::{
    keys::Action,
    state::{Over, State, Trigger},
};

/// What a person says to a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) decision: Decision,
    /// Rules to keep.
    pub(crate) rules: Vec<String>,
    pub(crate) question: Question,
}

impl Answer {
    /// What became of the call.
    pub(crate) fn told(&self) -> String {
        let Question { heading, .. } = &self.question;
        match self.decision {
            Decision::Deny => format!("denied: {heading}"),
            Decision::Allow if self.rules.is_empty() => format!("allowed once: {heading}"),
            Decision::Allow => format!("allowed always, in every folder: {}", self.question.granted()),
        }
    }
}

/// Letters that are answers if no other key follows soon, and else the beginning of a text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Held {
    #[default]
    Nothing,
    /// A letter for each of the calls that wait, in their order.
    Answers(Vec<(char, CallId)>),
    /// The letter that asks for a rule, which a second key has to confirm.
    Always { letter: char, call: CallId, asked: Asked },
}

/// Whether a rule is asked about already, or may still be a letter of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    Soon,
    Now,
}

impl Held {
    /// Does it become something else when no key follows?
    pub(crate) fn is_open(&self) -> bool {
        match self {
            Held::Nothing => false,
            Held::Answers(_) => true,
            Held::Always { asked, .. } => *asked == Asked::Soon,
        }
    }

    /// What was typed.
    pub(crate) fn letters(&self) -> String {
        match self {
            Held::Nothing => String::new(),
            Held::Answers(letters) => letters.iter().map(|(letter, _)| letter).collect(),
            Held::Always { letter, .. } => letter.to_string(),
        }
    }
}

impl State {
    /// Takes a key that may be an answer; none where it is none.
    pub(crate) fn answer_key(&mut self, key: KeyEvent) -> Option<Action> {
        match key.code {
            KeyCode::Char(letter) if !key.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT) => {
                self.letter(letter)
            }
            _ if self.held == Held::Nothing => None,
            KeyCode::Enter if key.modifiers.is_empty() => Some(self.confirm()),
            KeyCode::Esc | KeyCode::Backspace => {
                self.held = Held::Nothing;
                Some(Action::Nothing)
            }
            _ => {
                self.give_back();
                None
            }
        }
    }

    /// What is held becomes the beginning of a text.
    pub(crate) fn give_back(&mut self) {
        let letters = std::mem::take(&mut self.held).letters();
        if !letters.is_empty() {
            self.draft.insert(&letters);
            self.draft_changed();
        }
    }

    /// No key has followed what is held: answers it, or asks about the rule.
    pub(crate) fn held_long(&mut self) -> Vec<Answer> {
        if let Held::Always { asked, .. } = &mut self.held {
            *asked = Asked::Now;
            return Vec::new();
        }
        self.answers()
    }

    fn letter(&mut self, letter: char) -> Option<Action> {
        let is_taken = self.held != Held::Nothing
            || (self.draft.is_empty() && self.trigger == Trigger::Armed && self.over == Over::Nothing);
        if !is_taken {
            return None;
        }
        match self.with(letter) {
            Some(held) => self.held = held,
            None => {
                self.give_back();
                return None;
            }
        }
        Some(Action::Nothing)
    }

    /// What is held with one letter more, where that can still be an answer.
    fn with(&self, letter: char) -> Option<Held> {
        let mut letters = match &self.held {
            Held::Nothing => Vec::new(),
            Held::Answers(letters) => letters.clone(),
            Held::Always { .. } => return None,
        };
        let call = self.turn.waits(letters.len())?;
        match letter.to_ascii_lowercase() {
            'y' | 'n' => letters.push((letter, call.call.clone())),
            'a' if letters.is_empty() && !call.grants.is_empty() => {
                return Some(Held::Always { letter, call: call.call.clone(), asked: Asked::Soon });
            }
            _ => return None,
        }
        Some(Held::Answers(letters))
    }

    /// Whoever presses Enter does not want to wait; a rule is kept only once it was asked about.
    fn confirm(&mut self) -> Action {
        let Held::Always { call, asked, .. } = &self.held else { return Action::Decide(self.answers()) };
        if *asked == Asked::Soon {
            return Action::Nothing;
        }
        let call = call.clone();
        self.held = Held::Nothing;
        let Some(question) = self.turn.asked().filter(|question| question.call == call).cloned() else {
            return Action::Nothing;
        };
        self.turn.decided(&call);
        let rules = question.grants.iter().map(ToString::to_string).collect();
        Action::Decide(vec![Answer { decision: Decision::Allow, rules, question }])
    }

    /// Answers the calls that still wait.
    fn answers(&mut self) -> Vec<Answer> {
        let Held::Answers(letters) = std::mem::take(&mut self.held) else { return Vec::new() };
        let mut answers = Vec::new();
        for (letter, call) in letters {
            let Some(question) = self.turn.decided(&call) else { continue };
            let decision = if matches!(letter, 'y' | 'Y') { Decision::Allow } else { Decision::Deny };
            answers.push(Answer { decision, rules: Vec::new(), question });
        }
        answers
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::state::Phase;
    use duyetbot::tools::rules::Rule;

    fn press(state: &mut State, code: KeyCode) -> Action {
        state.key(KeyEvent::new(code, KeyModifiers::NONE))
    }

    fn typed(state: &mut State, text: &str) {
        for c in text.chars() {
            assert_eq!(press(state, KeyCode::Char(c)), Action::Nothing, "{c} of {text:?}");
        }
    }

    fn question(call: &str, rules: &[&str]) -> Question {
        let mut question = Question::new(None, &call.into(), "bash", r#"{"command":"ls"}"#, "asks");
        question.grants = rules.iter().map(|rule| rule.parse::<Rule>().unwrap()).collect();
        question
    }

    fn asking(calls: &[&str], rules: &[&str]) -> State {
        let mut state = State { columns: 80, rows: 24, trigger: Trigger::Armed, ..State::default() };
        state.phase = Phase::Running;
        calls.iter().for_each(|call| state.turn.asks(question(call, rules)));
        state
    }

    fn answer(call: &str, decision: Decision, rules: &[&str]) -> Answer {
        let question = question(call, rules);
        Answer { decision, rules: rules.iter().map(|rule| (*rule).to_owned()).collect(), question }
    }

    #[test]
    fn a_letter_decides_once_no_other_key_has_followed_or_with_enter() {
        for (letter, decision) in [('y', Decision::Allow), ('n', Decision::Deny), ('Y', Decision::Allow)] {
            let mut state = asking(&["c"], &[]);
            typed(&mut state, &letter.to_string());
            assert_eq!(state.held_long(), [answer("c", decision, &[])]);
            assert_eq!((state.turn.asked(), state.draft.text()), (None, ""));
            let mut state = asking(&["c"], &[]);
            typed(&mut state, &letter.to_string());
            let done = press(&mut state, KeyCode::Enter);
            assert_eq!(done, Action::Decide(vec![answer("c", decision, &[])]));
        }
    }

    #[test]
    fn words_of_every_first_letter_decide_nothing() {
        for text in ["yes, but", "nylon", "no", "actually", "a", "ya", "an", "Always", "any"] {
            let mut state = asking(&["c"], &["bash(ls)"]);
            typed(&mut state, text);
            if text.len() > 1 {
                assert_eq!((state.held_long(), state.draft.text()), (Vec::new(), text));
            }
            press(&mut state, KeyCode::Enter);
            assert!(state.turn.asked().is_some(), "{text:?} decided");
        }
    }

    #[test]
    fn as_many_letters_as_calls_wait_are_their_answers_in_their_order() {
        let mut state = asking(&["c", "d", "e"], &[]);
        typed(&mut state, "yn");
        let both = [answer("c", Decision::Allow, &[]), answer("d", Decision::Deny, &[])];
        assert_eq!(state.held_long(), both);
        typed(&mut state, "ny");
        assert_eq!((state.held_long(), state.draft.text()), (Vec::new(), "ny"));
    }

    #[test]
    fn a_letter_is_the_answer_to_the_call_that_was_asked_about_then() {
        let mut state = asking(&["c", "d"], &[]);
        typed(&mut state, "y");
        state.turn.decided(&"c".into());
        assert_eq!(state.held_long(), []);
        assert_eq!(state.turn.asked().map(|asked| &asked.call), Some(&"d".into()));
    }

    #[test]
    fn each_call_is_shown_whole_when_it_is_asked_about() {
        let mut state = asking(&["c", "d"], &[]);
        let printed =
            |state: &mut State| -> Vec<String> { state.printed().iter().map(ToString::to_string).collect() };
        let whole = ["bash wants to run", "  ls", "  asks"];
        assert_eq!(printed(&mut state), whole);
        state.note("between");
        assert_eq!(printed(&mut state), ["between"]);
        typed(&mut state, "n");
        state.held_long();
        assert_eq!(printed(&mut state), whole);
        typed(&mut state, "y");
        state.held_long();
        assert_eq!(printed(&mut state), [""; 0]);
    }

    #[test]
    fn an_answer_says_to_what_it_was_given() {
        let told = |decision, rules: &[&str]| answer("c", decision, rules).told();
        assert_eq!(told(Decision::Deny, &[]), "denied: bash ls");
        assert_eq!(told(Decision::Allow, &[]), "allowed once: bash ls");
        assert_eq!(told(Decision::Allow, &["bash(ls)"]), "allowed always, in every folder: bash(ls)");
    }

    #[test]
    fn a_rule_is_kept_only_with_a_second_key_once_it_was_asked_about() {
        let mut state = asking(&["c"], &["bash(ls)"]);
        typed(&mut state, "a");
        assert_eq!(press(&mut state, KeyCode::Enter), Action::Nothing, "too fast to have read it");
        assert_eq!(state.held_long(), []);
        let done = Action::Decide(vec![answer("c", Decision::Allow, &["bash(ls)"])]);
        assert_eq!(press(&mut state, KeyCode::Enter), done);
        let mut state = asking(&["c"], &[]);
        typed(&mut state, "a");
        assert_eq!(state.draft.text(), "a", "there is no rule to keep");
    }

    #[test]
    fn what_is_held_can_be_taken_back() {
        for (letter, code) in [("y", KeyCode::Esc), ("n", KeyCode::Backspace), ("a", KeyCode::Esc)] {
            let mut state = asking(&["c"], &["bash(ls)"]);
            typed(&mut state, letter);
            assert_eq!(press(&mut state, code), Action::Nothing);
            assert_eq!((state.held_long(), state.draft.text()), (Vec::new(), ""));
        }
        let mut state = asking(&["c"], &[]);
        typed(&mut state, "y");
        let interrupt = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
        assert_eq!((state.key(interrupt), state.held_long()), (Action::Nothing, Vec::new()));
        typed(&mut state, "n");
        state.paste("pasted");
        assert_eq!((state.held_long(), state.draft.text()), (Vec::new(), "npasted"));
    }
}
