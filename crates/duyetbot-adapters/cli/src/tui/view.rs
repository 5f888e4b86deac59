//! The rows that are drawn again: what is open of the turn, what is asked, what waits, the input, and the line below it.
use ratatui_core::text::{Line, Span};

use super::{
    answers::{Asked, Held},
    paint::Live,
    state::{Over, Phase, State, Trigger},
    text::{Margin, clean, cut, wrap},
    theme,
};
use crate::approval::Question;

const PROMPT: &str = "> ";
const HANGING: &str = "  ";
/// Rows of waiting messages.
const QUEUED: usize = 3;

/// The rows for this state.
pub(crate) fn live(state: &State) -> Live {
    let columns = state.columns.max(4);
    let (input, cursor) = input(state, columns);
    let below = below(state, columns);
    let between = between(state, columns);
    // One row stays free, so that the first row is never above the screen.
    let room = state.rows.saturating_sub(1).max(1);
    let left = room.saturating_sub(input.len());
    let below: Vec<Line<'static>> = below.into_iter().take(left).collect();
    let left = left - below.len();
    let between = last(between, left);
    let left = left - between.len();
    let open = state.turn.live(columns, left.saturating_sub(1));
    let mut rows = open;
    rows.extend(between);
    if left > 0 {
        rows.push(Line::default());
    }
    let row = rows.len() + cursor.0;
    rows.extend(input);
    rows.extend(below);
    Live { rows, row, before: cursor.1 }
}

type Cursor = (usize, Line<'static>);

/// The rows of the draft around the cursor.
fn input(state: &State, columns: usize) -> (Vec<Line<'static>>, Cursor) {
    let near = state.draft.near(columns - PROMPT.len(), (state.rows / 3).max(1));
    let line = |n: usize, text: &str| {
        let is_first = n == 0 && near.is_whole_above;
        let mark = if is_first { Span::styled(PROMPT, theme::PERSON) } else { Span::raw(HANGING) };
        Line::from(vec![mark, Span::raw(text.to_owned())])
    };
    let at = near.rows.iter().position(|row| row.before_cursor.is_some()).unwrap_or(0);
    let before = near.rows.get(at).and_then(|row| row.before_cursor.as_deref()).unwrap_or_default();
    let rows = near.rows.iter().enumerate().map(|(n, row)| line(n, &row.text)).collect();
    (rows, (at, line(at, before)))
}

/// What is asked, what runs, and what waits.
fn between(state: &State, columns: usize) -> Vec<Line<'static>> {
    let mut rows = Vec::new();
    if let Some(asked) = state.turn.asked() {
        rows.extend(question(state, asked, columns));
    } else {
        let doing = match state.phase {
            Phase::Idle => None,
            Phase::Starting => Some("asking the model… Esc stops"),
            Phase::Running => Some("working… Esc stops"),
            Phase::Stopping => Some("stopping…"),
            Phase::Working => Some("one moment… Esc stops"),
        };
        rows.extend(doing.map(|doing| Line::styled(cut(doing, columns), theme::DIM)));
    }
    let one_line = |before: &str, text: &str| {
        // More than fits, however the characters join.
        let head: String = text.chars().take(4 * columns).collect();
        let text = clean(&head).replace('\n', "␊");
        Line::styled(cut(&format!("{before}{text}"), columns), theme::DIM)
    };
    rows.extend(state.sending.iter().map(|text| one_line("> ", text)));
    let waiting = state.queue.len();
    rows.extend(state.queue.iter().take(QUEUED).map(|text| one_line("queued: ", text)));
    if waiting > QUEUED {
        rows.push(Line::styled(format!("and {} more", waiting - QUEUED), theme::DIM));
    }
    rows
}

/// The keys that decide. The call itself was printed whole.
fn question(state: &State, asked: &Question, columns: usize) -> Vec<Line<'static>> {
    if !state.draft.is_empty() {
        let hint = "it waits for your word: send or clear (Ctrl-C) what you type first";
        return vec![run(asked, columns), Line::styled(cut(hint, columns), theme::WARNING)];
    }
    let mut rows = vec![run(asked, columns)];
    if state.trigger == Trigger::Safe {
        return rows;
    }
    match &state.held {
        Held::Nothing => {}
        Held::Answers(_) => {
            let held =
                format!("  {}  in a moment, with Enter at once; Esc takes it back", state.held.letters());
            rows.push(Line::raw(cut(&held, columns)));
            return rows;
        }
        Held::Always { asked: when, .. } => {
            rows.extend(rules(&format!("  always, in every folder: {}", asked.granted()), columns));
            if *when == Asked::Now {
                rows.push(Line::raw(cut("  Enter  yes, always", columns)));
                rows.push(Line::raw(cut("  Esc    back", columns)));
            }
            return rows;
        }
    }
    rows.push(Line::raw(cut("  y  yes, once", columns)));
    if !asked.grants.is_empty() {
        rows.extend(rules(&format!("  a  always, in every folder: {}", asked.granted()), columns));
    }
    rows.push(Line::raw(cut("  n  no", columns)));
    rows
}

/// Which call is asked about.
fn run(asked: &Question, columns: usize) -> Line<'static> {
    let call = cut(&asked.heading, columns.saturating_sub("run ?".len()));
    Line::styled(cut(&format!("run {call}?"), columns), theme::WARNING)
}

/// All of it is shown: it is what the person agrees to.
fn rules(text: &str, columns: usize) -> Vec<Line<'static>> {
    let margin = Margin { first: Vec::new(), rest: vec![Span::raw("     ")] };
    wrap(&[Span::raw(text.to_owned())], columns, &margin)
}

/// The offers, or the status.
fn below(state: &State, columns: usize) -> Vec<Line<'static>> {
    match &state.over {
        Over::Offers(_, menu) => menu.lines(columns),
        Over::Sessions(menu) => menu.lines(columns),
        Over::Models(menu) => menu.lines(columns),
        Over::Calls(menu) => menu.lines(columns),
        Over::Nothing if state.is_leaving => {
            vec![Line::styled(cut("Ctrl-C again, Ctrl-D or /quit leaves", columns), theme::WARNING)]
        }
        Over::Nothing => vec![Line::styled(state.status.line(columns), theme::DIM)],
    }
}

fn last(mut rows: Vec<Line<'static>>, count: usize) -> Vec<Line<'static>> {
    rows.split_off(rows.len().saturating_sub(count))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::{draft::Draft, text::line_width};
    use duyetbot::tools::rules::Rule;
    use duyetbot_core::{Event, MessageId};

    fn text(state: &State) -> Vec<String> {
        live(state).rows.iter().map(ToString::to_string).collect()
    }

    fn state(columns: usize, rows: usize) -> State {
        State { columns, rows, ..State::default() }
    }

    #[test]
    fn an_idle_screen_is_the_input_and_the_status() {
        assert_eq!(text(&state(40, 24)), ["", "> ", "duyetbot"]);
        let live = live(&state(40, 24));
        assert_eq!((live.row, live.before.to_string()), (1, "> ".to_owned()));
    }

    #[test]
    fn what_is_open_stands_above_and_what_waits_below_it() {
        let mut state = state(40, 24);
        state.phase = Phase::Running;
        state.turn.event(&Event::Begin { message: MessageId::new() }, 40);
        state.turn.event(&Event::Content { offset: 0, text: "half of".to_owned() }, 40);
        state.queue("and then\nthis".to_owned());
        assert_eq!(
            text(&state),
            ["half of", "working… Esc stops", "queued: and then␊this", "", "> ", "duyetbot"]
        );
    }

    #[test]
    fn a_question_offers_its_keys() {
        let mut state = state(60, 24);
        let input = r#"{"command":"git status"}"#;
        let mut question = Question::new(None, &"c".into(), "bash", input, "asks");
        question.grants = vec!["bash(git status:*)".parse::<Rule>().unwrap()];
        let (tool, input) = ("bash".to_owned(), input.to_owned());
        state.turn.event(&Event::Tool { call: "c".into(), tool, input }, 60);
        state.turn.asks(question);
        assert_eq!(text(&state)[1..3], ["run bash git status?", ""]);
        state.trigger = Trigger::Armed;
        assert_eq!(
            text(&state)[1..5],
            [
                "run bash git status?",
                "  y  yes, once",
                "  a  always, in every folder: bash(git status:*)",
                "  n  no"
            ]
        );
    }

    #[test]
    fn nothing_is_wider_or_higher_than_the_terminal() {
        for (columns, rows) in [(4, 2), (10, 3), (20, 6), (40, 10)] {
            let mut state = state(columns, rows);
            state.phase = Phase::Running;
            state.turn.event(&Event::Content { offset: 0, text: "words 你好 ".repeat(100) }, columns);
            state.queue("queued words ".repeat(9));
            state.draft = Draft::new("typed 你好 ".repeat(30));
            let live = live(&state);
            assert!(live.rows.len() <= rows, "{columns}x{rows}: {} rows", live.rows.len());
            assert!(live.rows.iter().all(|row| line_width(row) <= columns), "{columns}x{rows}: {live:?}");
        }
    }
}
