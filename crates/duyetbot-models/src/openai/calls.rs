//! Tool calls that arrive in pieces, in all the ways in which servers send them.
use duyetbot_core::{ModelCall, ModelEvent, Result};
use serde_json::Value;

use super::parse::protocol;
use crate::json;

/// Calls that one answer may have.
const MOST: usize = 256;

/// A call that grows.
struct Growing {
    index: Option<u64>,
    id: String,
    name: String,
    input: String,
    extra: Option<String>,
}

/// The calls of one answer, in the order in which they began.
#[derive(Default)]
pub(super) struct Calls(Vec<Growing>);

impl Calls {
    /// Takes a piece of a call; answers how many bytes it adds to what is kept.
    pub(super) fn piece(&mut self, piece: &Value) -> Result<usize> {
        let words = |v: &Value| v.as_str().unwrap_or_default().to_owned();
        let (id, name) = (words(&piece["id"]), words(&piece["function"]["name"]));
        let index = piece["index"].as_u64();
        let mut kept = id.len() + name.len();
        let at = self.place(index, &id, &name)?;
        let call = &mut self.0[at];
        if call.id.is_empty() {
            call.id = id;
        }
        if call.name.is_empty() {
            call.name = name;
        }
        match &piece["function"]["arguments"] {
            Value::String(more) => {
                kept += more.len();
                call.input.push_str(more);
            }
            Value::Null => {}
            // An object in the place of its text.
            whole => {
                let whole = whole.to_string();
                kept += whole.len();
                call.input.push_str(&whole);
            }
        }
        if let extra @ Value::Object(_) = &piece["extra_content"] {
            let extra = extra.to_string();
            kept += extra.len();
            call.extra = Some(extra);
        }
        Ok(kept)
    }

    /// The call that a piece belongs to. Another id together with a name is a new call whatever its index says; without a
    /// name the piece goes on with the call of its index, or the last one.
    fn place(&mut self, index: Option<u64>, id: &str, name: &str) -> Result<usize> {
        let same_id = (!id.is_empty()).then(|| self.0.iter().position(|c| c.id == id)).flatten();
        let same_index = index.and_then(|i| self.0.iter().rposition(|c| c.index == Some(i)));
        let begins = !name.is_empty();
        let found = match (same_id, same_index) {
            (Some(at), _) => Some(at),
            (None, Some(at)) if !begins => Some(at),
            // The same place, a name, and no id to tell them apart: new where the first one is whole already.
            (None, Some(at)) if id.is_empty() => {
                let whole = json::tool_input(&self.0[at].input).form == json::InputForm::Object;
                (!whole && self.0[at].name == name).then_some(at)
            }
            (None, Some(at)) if self.0[at].id.is_empty() && self.0[at].input.is_empty() => Some(at),
            (None, Some(_)) => None,
            (None, None) if !begins && index.is_none() => self.0.len().checked_sub(1),
            (None, None) => None,
        };
        match found {
            Some(at) => Ok(at),
            None if self.0.len() >= MOST => {
                Err(protocol("the answer has too many calls; ask for less at once"))
            }
            None => {
                self.0.push(Growing {
                    index,
                    id: id.to_owned(),
                    name: String::new(),
                    input: String::new(),
                    extra: None,
                });
                Ok(self.0.len() - 1)
            }
        }
    }

    /// The calls, by index where the server numbers them. The last one of an answer that was cut is not whole, unless it
    /// can be read.
    pub(super) fn finish(&mut self, cut: bool) -> Vec<ModelEvent> {
        let mut calls = std::mem::take(&mut self.0);
        // A stable order: servers that give all calls one index keep the order in which they came.
        calls.sort_by_key(|c| c.index);
        let last = calls.len().saturating_sub(1);
        let named = calls.into_iter().enumerate().filter(|(_, c)| !c.name.is_empty());
        named
            .map(|(n, call)| {
                let input = json::tool_input(&call.input);
                let whole = !(cut && n == last) || input.form == json::InputForm::Object;
                let id = if call.id.is_empty() { format!("call_{}", n + 1) } else { call.id };
                ModelEvent::Call(ModelCall {
                    id,
                    tool: call.name,
                    input: input.text,
                    whole,
                    extra: call.extra,
                })
            })
            .collect()
    }
}
