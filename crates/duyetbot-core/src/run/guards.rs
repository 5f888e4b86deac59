//! The guards that end a run which costs money and does nothing.
use sha2::{Digest, Sha256};

use super::{
    checkpoint::{CallState, DraftCall},
    machine::Machine,
};
use crate::{
    error::{Code, Error, ErrorKind},
    message::hex,
};

impl Machine {
    /// The guard that ends a run whose step has all its results, where one does.
    pub(super) fn guard(&mut self) -> Option<Error> {
        if let Some(call) = self.repeated() {
            return Some(limit(
                Code::RepeatedCall,
                format!(
                    "the model made the same call of {} {} times with the same result; the run was ended",
                    call.tool, self.state.guards.repeats
                ),
            ));
        }
        let guards = self.state.guards;
        let spent = self.state.spent.plus(&self.state.draft.usage);
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
        None
    }

    fn repeated(&mut self) -> Option<DraftCall> {
        const REMEMBERED: usize = 64;
        for call in self.state.draft.calls() {
            let CallState::Done { result } = &call.state else { continue };
            let mut hash = Sha256::new();
            for text in [&call.tool, &call.input, &result.output] {
                hash.update(text.len().to_be_bytes());
                hash.update(text);
            }
            let digest = hex(&hash.finalize()[..12]);
            let repeated = &mut self.state.repeated;
            let count = match repeated.iter().position(|(d, _)| *d == digest) {
                Some(at) => {
                    let (digest, n) = repeated.remove(at);
                    repeated.push((digest, n + 1));
                    n + 1
                }
                None => {
                    repeated.push((digest, 1));
                    1
                }
            };
            if repeated.len() > REMEMBERED {
                repeated.remove(0);
            }
            if count >= self.state.guards.repeats {
                return Some(call.clone());
            }
        }
        None
    }
}

fn limit(code: Code, message: String) -> Error {
    Error::new(ErrorKind::LimitReached, message).with_code(code)
}
