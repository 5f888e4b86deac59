//! The guards that end a run which costs money and does nothing.
use sha2::{Digest, Sha256};

use super::{
    checkpoint::{CallState, DraftCall, Guards},
    machine::Machine,
};
use crate::{
    error::{Code, Error, ErrorKind},
    message::{ToolResult, ToolStatus, Usage, hex},
};

/// Calls that are remembered.
const REMEMBERED: usize = 128;
/// What marks a failed call that counts whatever its result says.
const FAILED: &str = "failed ";
/// Characters of a call's input, and of its result, that an error shows.
const SHOWN: usize = 160;

impl Guards {
    /// Does a guard by the day need to know what the day has used?
    pub(super) fn ask_the_day(&self) -> bool {
        self.tokens_per_day.is_some() || self.cost_per_day.is_some()
    }

    /// The guard by the day that holds a run back, where one does.
    pub(super) fn day(&self, spent: &Usage) -> Option<Error> {
        if self.tokens_per_day.is_some_and(|most| spent.tokens() >= most) {
            return Some(limit(
                Code::TokenLimit,
                format!(
                    "{} tokens were used today, the day's limit is reached; go on tomorrow (UTC), or raise \
                     guards.tokens_per_day",
                    spent.tokens()
                ),
            ));
        }
        if self.cost_per_day.is_some_and(|most| spent.cost.unwrap_or(0.0) >= most) {
            return Some(limit(
                Code::CostLimit,
                format!(
                    "{:.2} dollars were spent today, the day's limit is reached; go on tomorrow (UTC), or raise \
                     guards.cost_per_day",
                    spent.cost.unwrap_or(0.0)
                ),
            ));
        }
        None
    }
}

impl Machine {
    /// The guard that ends a run whose step has all its results, where one does.
    pub(super) fn guard(&mut self) -> Option<Error> {
        let guards = self.state.guards;
        if let Some(call) = self.repeated() {
            let message = format!(
                "the model made the same call {} times to the same end, so the turn was ended: {call}",
                guards.repeats
            );
            return Some(limit(Code::RepeatedCall, message));
        }
        if self.state.refused >= guards.refusals {
            let last = self.state.draft.calls().last().map(described).unwrap_or_default();
            let message = format!(
                "the model made nothing but refused calls in {} answers, so the turn was ended; the last was: {last}",
                self.state.refused
            );
            return Some(limit(Code::RepeatedCall, message));
        }
        let spent = self.state.spent.plus(&self.state.wasted).plus(&self.state.draft.usage);
        if self.state.answers >= guards.steps {
            return Some(limit(
                Code::StepLimit,
                format!("the run took its {} steps; say \"go on\", or allow more", guards.steps),
            ));
        }
        if guards.tokens.is_some_and(|most| spent.tokens() >= most) {
            return Some(limit(
                Code::TokenLimit,
                format!("the run used {} tokens, its limit is reached", spent.tokens()),
            ));
        }
        if guards.cost.is_some_and(|most| spent.cost.unwrap_or(0.0) >= most) {
            return Some(limit(
                Code::CostLimit,
                format!("the run cost {:.2} dollars, its limit is reached", spent.cost.unwrap_or(0.0)),
            ));
        }
        guards.day(&self.state.spent_before.plus(&spent))
    }

    /// The call that came to the same end too often.
    fn repeated(&mut self) -> Option<String> {
        let mut done = Vec::new();
        for call in self.state.draft.calls() {
            if let CallState::Done { result } = &call.state {
                let failed =
                    (result.status != ToolStatus::Success).then(|| format!("{FAILED}{}", digest(call, None)));
                done.push((call.call.clone(), digest(call, Some(result)), failed));
            }
        }
        for (id, same, failed) in done {
            let mut times = self.times(same);
            match failed {
                // A failure may be worded anew each time: a clock, a count, another path.
                Some(failed) => times = times.max(self.times(failed)),
                None => self.state.repeated.retain(|(digest, _)| !digest.starts_with(FAILED)),
            }
            if times >= self.state.guards.repeats {
                return self.state.draft.calls().find(|call| call.call == id).map(described);
            }
        }
        None
    }

    /// How often this came, now included.
    fn times(&mut self, digest: String) -> u32 {
        let repeated = &mut self.state.repeated;
        let before = repeated.iter().position(|(d, _)| *d == digest).map_or(0, |at| repeated.remove(at).1);
        repeated.push((digest, before + 1));
        if repeated.len() > REMEMBERED {
            repeated.remove(0);
        }
        before + 1
    }
}

fn digest(call: &DraftCall, result: Option<&ToolResult>) -> String {
    let mut hash = Sha256::new();
    for text in [Some(&call.tool), Some(&call.input), result.map(|r| &r.output)].into_iter().flatten() {
        hash.update(text.len().to_be_bytes());
        hash.update(text);
    }
    hex(&hash.finalize()[..12])
}

/// The call and its result in a line, cut to what a person reads.
fn described(call: &DraftCall) -> String {
    let result = match &call.state {
        CallState::Done { result } => result.output.as_str(),
        _ => "",
    };
    format!("{} {}: {}", call.tool, cut(&call.input), cut(result))
}

fn cut(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(SHOWN) {
        Some((at, _)) => format!("{}…", &line[..at]),
        None => line,
    }
}

fn limit(code: Code, message: String) -> Error {
    Error::new(ErrorKind::LimitReached, message).with_code(code)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        id::RunId,
        message::Origin,
        model::{ModelCall, ModelEvent, StopReason},
        run::{Checkpoint, Effect, Guards, Input, Policy, Verdict},
    };
    use std::sync::Arc;
    use uuid::Uuid;

    /// `run` runs, `write` is denied, nothing else is a tool.
    struct OneTool;

    impl Policy for OneTool {
        fn judge(&self, tool: &str, _: &str) -> Verdict {
            match tool {
                "run" => Verdict::Allow,
                "write" => Verdict::Deny(format!("nobody can allow {tool}")),
                _ => Verdict::Invalid("there is no such tool".into()),
            }
        }
    }

    /// The answers that a model gives before the run is ended, and why. It makes the calls that `next` says, for ever.
    fn until_ended(mut next: impl FnMut(u32) -> (String, String, ToolResult)) -> (u32, String) {
        let id = |n| Uuid::from_u64_pair(1, n);
        let run = RunId { session: id(1).into(), message: id(2).into() };
        let checkpoint = Checkpoint::open(run, "m/m".into(), Origin::Cli, Guards::default());
        let (mut machine, _) = Machine::start(checkpoint, Arc::new(OneTool));
        for n in 0.. {
            let (tool, input, result) = next(n);
            let call = ModelCall { id: String::new(), tool, input, extra: None, whole: true };
            machine.handle(Input::Call { call, refused: None });
            let mut effects = machine.handle(Input::Model(ModelEvent::Stop(StopReason::End)));
            let running = effects.iter().find_map(|effect| match effect {
                Effect::RunTool(call) => Some(call.call.clone()),
                _ => None,
            });
            if let Some(call) = running {
                effects = machine.handle(Input::Tool { call, result });
            }
            let ended = effects.into_iter().find_map(|effect| match effect {
                Effect::Commit(step) => step.error,
                _ => None,
            });
            if let Some(error) = ended {
                assert!(error.is(Code::RepeatedCall), "{error}");
                return (n + 1, error.message().to_owned());
            }
        }
        unreachable!()
    }

    fn call(tool: &str, input: impl Into<String>, result: ToolResult) -> (String, String, ToolResult) {
        (tool.to_owned(), input.into(), result)
    }

    #[test]
    fn the_same_call_to_the_same_end_is_made_three_times() {
        let same = || call("run", "{}", ToolResult::success("out"));
        let words =
            "the model made the same call 3 times to the same end, so the turn was ended: run {}: out";
        assert_eq!(until_ended(|_| same()), (3, words.to_owned()));
    }

    #[test]
    fn two_calls_that_take_turns_end_when_one_comes_a_third_time() {
        let (steps, words) = until_ended(|n| call("run", format!("{}", n % 2), ToolResult::success("out")));
        assert_eq!((steps, words.ends_with("run 0: out")), (5, true), "{words}");
    }

    #[test]
    fn a_failure_that_is_worded_anew_is_the_same_failure() {
        let (steps, words) =
            until_ended(|n| call("run", "{}", ToolResult::error(format!("failed\nat {n} o'clock"))));
        assert_eq!((steps, words.ends_with("run {}: failed at 2 o'clock")), (3, true), "{words}");
    }

    #[test]
    fn a_failure_after_which_something_else_succeeded_is_another() {
        let result = |n: u32| match n {
            n if n % 2 == 0 => ("test", ToolResult::error(format!("{n} tests fail"))),
            _ => ("edit", ToolResult::success("edited")),
        };
        let (steps, _) = until_ended(|n| {
            let (what, result) = result(n);
            let input = if what == "edit" { format!("edit {n}") } else { what.to_owned() };
            if n < 20 { call("run", input, result) } else { call("run", "the end", ToolResult::success("")) }
        });
        assert_eq!(steps, 23);
    }

    #[test]
    fn refusals_of_ever_new_calls_end_after_five_answers() {
        for tool in ["write", "no-such-tool"] {
            let (steps, words) = until_ended(|n| call(tool, format!("{n}"), ToolResult::success("")));
            let begin = "the model made nothing but refused calls in 5 answers, so the turn was ended; the last was: ";
            assert_eq!((steps, words.starts_with(&format!("{begin}{tool} 4: "))), (5, true), "{words}");
        }
    }
}
