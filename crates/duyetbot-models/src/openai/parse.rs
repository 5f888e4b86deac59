//! Reads an answer of chat completions, chunk by chunk.
use duyetbot_core::{Code, Error, ErrorKind, ModelEvent, Result, Retry, StopReason, Usage};
use duyetbot_fetch::SseEvent;
use serde_json::Value;

use super::{
    calls::Calls,
    think::{Think, Words},
};
use crate::{
    endpoint::{Endpoint, LARGEST_ANSWER},
    failure, json,
};

/// The state of one answer.
#[derive(Default)]
pub(super) struct Parser {
    calls: Calls,
    /// Bytes of words and calls so far.
    kept: usize,
    think: Think,
    thinking: bool,
    finish: Option<String>,
    usage: Option<Usage>,
    said: bool,
    over: bool,
}

impl Parser {
    /// What an event gives.
    pub(super) fn event(&mut self, endpoint: &Endpoint, event: &SseEvent) -> Result<Vec<ModelEvent>> {
        if self.over {
            return Ok(Vec::new());
        }
        if event.data.trim() == "[DONE]" {
            return if self.said || self.finish.is_some() { Ok(self.stop()) } else { Err(cut()) };
        }
        let Some(chunk) = json::read(&event.data) else {
            return Err(protocol("a piece of the answer is no JSON"));
        };
        if !chunk["error"].is_null() || event.name == "error" {
            return Err(failure::of_event(endpoint, &chunk));
        }
        let choices = chunk["choices"].as_array().map(Vec::as_slice).unwrap_or_default();
        if choices.is_empty() && chunk["object"].is_null() && chunk["usage"].is_null() && is_refusal(&chunk) {
            return Err(failure::of_event(endpoint, &chunk));
        }
        self.count(&chunk["usage"]);
        let mut out = Vec::new();
        // Only the first choice was asked for.
        for choice in choices.iter().filter(|c| c["index"].as_u64().unwrap_or(0) == 0) {
            let whole = choice["delta"].is_null() && !choice["message"].is_null();
            self.delta(if whole { &choice["message"] } else { &choice["delta"] }, &mut out)?;
            if let Some(reason) = choice["finish_reason"].as_str().filter(|r| !r.is_empty()) {
                self.finish = Some(reason.to_owned());
            }
        }
        Ok(out)
    }

    /// The body is over. A finish reason before it makes a whole answer.
    pub(super) fn end(&mut self) -> Result<Vec<ModelEvent>> {
        if self.over {
            return Ok(Vec::new());
        }
        if self.finish.is_some() { Ok(self.stop()) } else { Err(cut()) }
    }

    fn delta(&mut self, delta: &Value, out: &mut Vec<ModelEvent>) -> Result<()> {
        let thought = ["reasoning_content", "reasoning"].into_iter().find_map(|f| delta[f].as_str());
        self.reason(thought.unwrap_or_default(), out);
        match &delta["content"] {
            Value::String(text) => self.content(text, out),
            Value::Array(parts) => parts.iter().for_each(|part| self.part(part, out)),
            _ => {}
        }
        if let Some(refusal) = delta["refusal"].as_str() {
            self.content(refusal, out);
        }
        for piece in delta["tool_calls"].as_array().into_iter().flatten() {
            self.said = true;
            self.kept += self.calls.piece(piece)?;
        }
        self.kept += out.iter().map(words_in).sum::<usize>();
        if self.kept > LARGEST_ANSWER {
            return Err(protocol("the answer is too large to be kept; ask for less at once"));
        }
        Ok(())
    }

    /// A typed part of the content, as Mistral sends it.
    fn part(&mut self, part: &Value, out: &mut Vec<ModelEvent>) {
        match &part["thinking"] {
            Value::Array(inner) => {
                let words: String = inner.iter().filter_map(|p| p["text"].as_str()).collect();
                self.reason(&words, out);
            }
            Value::String(words) => self.reason(words, out),
            _ => self.content(part["text"].as_str().or(part.as_str()).unwrap_or_default(), out),
        }
    }

    fn reason(&mut self, words: &str, out: &mut Vec<ModelEvent>) {
        if !words.is_empty() {
            self.said = true;
            self.thinking = true;
            out.push(ModelEvent::Reasoning(words.to_owned()));
        }
    }

    fn content(&mut self, text: &str, out: &mut Vec<ModelEvent>) {
        if !text.is_empty() {
            self.said = true;
            let words = self.think.push(text);
            self.words(words, out);
        }
    }

    fn words(&mut self, words: Vec<Words>, out: &mut Vec<ModelEvent>) {
        for words in words {
            match words {
                Words::Thought(words) => self.reason(&words, out),
                Words::Text(words) => {
                    self.end_reasoning(out);
                    out.push(ModelEvent::Text(words));
                }
            }
        }
    }

    fn end_reasoning(&mut self, out: &mut Vec<ModelEvent>) {
        if std::mem::take(&mut self.thinking) {
            out.push(ModelEvent::ReasoningEnd { signature: None, redacted: None });
        }
    }

    fn count(&mut self, usage: &Value) {
        let Some(input) = usage["prompt_tokens"].as_u64() else { return };
        self.usage = Some(Usage {
            input,
            output: usage["completion_tokens"].as_u64().unwrap_or(0),
            cache_read: usage["prompt_tokens_details"]["cached_tokens"]
                .as_u64()
                .or(usage["prompt_cache_hit_tokens"].as_u64())
                .filter(|n| *n > 0),
            cache_write: usage["prompt_tokens_details"]["cache_write_tokens"].as_u64().filter(|n| *n > 0),
            cost: usage["cost"].as_f64(),
            estimated: false,
        });
    }

    fn stop(&mut self) -> Vec<ModelEvent> {
        self.over = true;
        let mut out = Vec::new();
        let rest = self.think.finish();
        self.words(rest, &mut out);
        self.end_reasoning(&mut out);
        let reason = match self.finish.as_deref() {
            Some("length") => StopReason::MaxTokens,
            Some("content_filter") => StopReason::Refusal,
            None | Some("stop" | "tool_calls" | "function_call" | "eos" | "end_turn") => StopReason::End,
            Some(other) => StopReason::Other(other.to_owned()),
        };
        out.extend(self.calls.finish(reason == StopReason::MaxTokens));
        out.extend(self.usage.map(ModelEvent::Usage));
        out.push(ModelEvent::Stop(reason));
        out
    }
}

/// Bytes of the words of an event.
fn words_in(event: &ModelEvent) -> usize {
    match event {
        ModelEvent::Text(words) | ModelEvent::Reasoning(words) => words.len(),
        _ => 0,
    }
}

/// An object that says what went wrong, without the word for it.
fn is_refusal(chunk: &Value) -> bool {
    chunk["detail"].is_string() || chunk["message"].is_string() || !chunk["error_type"].is_null()
}

fn cut() -> Error {
    protocol("the answer was cut off before its end; ask again").with_retry(Retry::Now)
}

pub(super) fn protocol(words: &str) -> Error {
    Error::new(ErrorKind::Unavailable, words.to_owned()).with_code(Code::Protocol)
}
