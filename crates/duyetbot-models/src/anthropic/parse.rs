//! Reads an answer of the Messages API, event by event.
use duyetbot_core::{Code, Error, ErrorKind, ModelCall, ModelEvent, Result, Retry, StopReason, Usage};
use duyetbot_fetch::SseEvent;
use serde::Deserialize;
use serde_json::{Value, json};
use std::{borrow::Cow, collections::BTreeMap};

use super::stop_reason;
use crate::{
    endpoint::{Endpoint, LARGEST_ANSWER},
    failure, json,
};

/// Blocks that one answer may have.
const MOST_BLOCKS: usize = 4_096;

/// What an event gives.
#[derive(Debug, PartialEq)]
pub(super) enum Parsed {
    Event(ModelEvent),
    /// The server wants to be asked again, with this as what it said.
    Paused(Vec<Value>),
}

/// A block of the answer.
struct Block {
    start: Value,
    text: String,
    signature: String,
    open: bool,
}

/// A few more words of the answer's text: what nearly every event is, and so read without a tree of it. An event of any
/// other form is none of these.
#[derive(Deserialize)]
struct Words<'a> {
    r#type: &'a str,
    #[serde(default)]
    index: u64,
    #[serde(borrow)]
    delta: WordsDelta<'a>,
}

#[derive(Deserialize)]
struct WordsDelta<'a> {
    r#type: &'a str,
    #[serde(borrow)]
    text: Cow<'a, str>,
}

impl<'a> Words<'a> {
    fn read(data: &'a str) -> Option<Self> {
        let words: Words<'a> = serde_json::from_str(data).ok()?;
        (words.r#type == "content_block_delta" && words.delta.r#type == "text_delta").then_some(words)
    }
}

/// The state of one answer.
#[derive(Default)]
pub(super) struct Parser {
    blocks: BTreeMap<u64, Block>,
    /// Bytes that the blocks hold.
    kept: usize,
    /// Calls so far, also before a pause: their ids must differ.
    calls: usize,
    /// What answers before a pause have cost.
    before: Usage,
    usage: Counts,
    stop: Option<String>,
    over: bool,
}

#[derive(Clone, Copy, Default)]
struct Counts {
    input: u64,
    output: u64,
    read: u64,
    written: u64,
}

impl Parser {
    /// Begins to read the answer that goes on after a pause.
    pub(super) fn again(&mut self) {
        self.before = self.total();
        *self = Parser { before: self.before, calls: self.calls, ..Parser::default() };
    }

    /// What an event gives.
    pub(super) fn event(&mut self, endpoint: &Endpoint, event: &SseEvent) -> Result<Vec<Parsed>> {
        if self.over || event.name == "ping" {
            return Ok(Vec::new());
        }
        if let Some(words) = Words::read(&event.data) {
            return self.say(words.index, &words.delta.text);
        }
        let Some(data) = json::read(&event.data) else {
            return Err(protocol("an event of the answer is no JSON"));
        };
        match data["type"].as_str() {
            Some("message_start") => Ok(self.count(&data["message"]["usage"])),
            Some("content_block_start") => {
                let shown = self.start(index(&data), data["content_block"].clone());
                self.keep(event.data.len()).map(|()| shown)
            }
            Some("content_block_delta") => self.delta(index(&data), &data["delta"]),
            Some("content_block_stop") => Ok(self.close(index(&data), true)),
            Some("message_delta") => {
                if let Some(reason) = data["delta"]["stop_reason"].as_str().filter(|r| !r.is_empty()) {
                    self.stop = Some(reason.to_owned());
                }
                Ok(self.count(&data["usage"]))
            }
            Some("message_stop") => self.finish(),
            Some("message") => self.whole(&data),
            Some("error") => Err(failure::of_event(endpoint, &data)),
            _ if !data["error"].is_null() => Err(failure::of_event(endpoint, &data)),
            // The protocol promises that new types may appear.
            _ => Ok(Vec::new()),
        }
    }

    /// The body is over.
    pub(super) fn end(&mut self) -> Result<Vec<Parsed>> {
        if self.stop.is_some() {
            self.finish()
        } else {
            Err(protocol("the answer was cut off before its end; ask again").with_retry(Retry::Now))
        }
    }

    /// What the answer has cost so far, told at once: a cut must not lose it.
    fn count(&mut self, usage: &Value) -> Vec<Parsed> {
        if !usage.is_object() {
            return Vec::new();
        }
        let take = |field: &str, into: &mut u64| {
            if let Some(n) = usage[field].as_u64().filter(|n| *n > 0) {
                *into = n;
            }
        };
        take("input_tokens", &mut self.usage.input);
        take("output_tokens", &mut self.usage.output);
        take("cache_read_input_tokens", &mut self.usage.read);
        take("cache_creation_input_tokens", &mut self.usage.written);
        vec![Parsed::Event(ModelEvent::Usage(self.total()))]
    }

    fn keep(&mut self, bytes: usize) -> Result<()> {
        self.kept += bytes;
        if self.kept > LARGEST_ANSWER || self.blocks.len() > MOST_BLOCKS {
            return Err(protocol("the answer is too large to be kept; ask for less at once"));
        }
        Ok(())
    }

    fn total(&self) -> Usage {
        let Counts { input, output, read, written } = self.usage;
        let this = Usage {
            input: input + read + written,
            output,
            cache_read: Some(read).filter(|n| *n > 0),
            cache_write: Some(written).filter(|n| *n > 0),
            cost: None,
            estimated: false,
        };
        self.before.plus(&this)
    }

    fn start(&mut self, index: u64, start: Value) -> Vec<Parsed> {
        let words = |field: &str| start[field].as_str().unwrap_or_default().to_owned();
        let (text, signature) = match start["type"].as_str() {
            Some("text") => (words("text"), String::new()),
            Some("thinking") => (words("thinking"), words("signature")),
            _ => (String::new(), String::new()),
        };
        let shown = match start["type"].as_str() {
            Some("text") if !text.is_empty() => vec![Parsed::Event(ModelEvent::Text(text.clone()))],
            Some("thinking") if !text.is_empty() => vec![Parsed::Event(ModelEvent::Reasoning(text.clone()))],
            _ => Vec::new(),
        };
        self.blocks.insert(index, Block { start, text, signature, open: true });
        shown
    }

    fn delta(&mut self, index: u64, delta: &Value) -> Result<Vec<Parsed>> {
        let kind = delta["type"].as_str().unwrap_or_default();
        let words = |field: &str| delta[field].as_str().unwrap_or_default();
        if kind == "text_delta" {
            return self.say(index, words("text"));
        }
        let opening = if matches!(kind, "thinking_delta" | "signature_delta") { "thinking" } else { "text" };
        let block = self.block(index, opening);
        let (more, event) = match kind {
            "thinking_delta" => {
                (words("thinking"), Some(ModelEvent::Reasoning(words("thinking").to_owned())))
            }
            "input_json_delta" => (words("partial_json"), None),
            "signature_delta" => {
                block.signature.push_str(words("signature"));
                ("", None)
            }
            _ => ("", None),
        };
        block.text.push_str(more);
        let proof = if kind == "signature_delta" { words("signature").len() } else { 0 };
        self.keep(more.len() + proof)?;
        Ok(event.filter(|_| !more.is_empty()).map(Parsed::Event).into_iter().collect())
    }

    /// More words of a block's text.
    fn say(&mut self, index: u64, words: &str) -> Result<Vec<Parsed>> {
        self.block(index, "text").text.push_str(words);
        self.keep(words.len())?;
        let event = Some(words).filter(|words| !words.is_empty());
        Ok(event.map(|words| Parsed::Event(ModelEvent::Text(words.to_owned()))).into_iter().collect())
    }

    /// The block of this place. A proxy may leave its opening out: then it is of this type.
    fn block(&mut self, index: u64, opening: &str) -> &mut Block {
        self.blocks.entry(index).or_insert_with(|| Block {
            start: json!({ "type": opening }),
            text: String::new(),
            signature: String::new(),
            open: true,
        })
    }

    fn close(&mut self, index: u64, whole: bool) -> Vec<Parsed> {
        let Some(block) = self.blocks.get_mut(&index).filter(|b| b.open) else { return Vec::new() };
        block.open = false;
        let event = match block.start["type"].as_str() {
            Some("thinking") => ModelEvent::ReasoningEnd {
                signature: Some(block.signature.clone()).filter(|s| !s.is_empty()),
                redacted: None,
            },
            Some("redacted_thinking") => ModelEvent::ReasoningEnd {
                signature: None,
                redacted: block.start["data"].as_str().map(str::to_owned),
            },
            Some("tool_use") => {
                self.calls += 1;
                let id = block.start["id"].as_str().filter(|id| !id.is_empty());
                let input = json::tool_input(&input(block));
                ModelEvent::Call(ModelCall {
                    id: id.map_or_else(|| format!("call_{}", self.calls), str::to_owned),
                    tool: block.start["name"].as_str().unwrap_or_default().to_owned(),
                    whole: whole || input.form == json::InputForm::Object,
                    input: input.text,
                    extra: None,
                })
            }
            _ => return Vec::new(),
        };
        vec![Parsed::Event(event)]
    }

    fn finish(&mut self) -> Result<Vec<Parsed>> {
        self.over = true;
        let cut = self.stop.as_deref() == Some("max_tokens");
        let open: Vec<u64> = self.blocks.iter().filter(|(_, b)| b.open).map(|(i, _)| *i).collect();
        let mut out: Vec<Parsed> = open.into_iter().flat_map(|i| self.close(i, !cut)).collect();
        match self.stop.as_deref() {
            Some("pause_turn") => {
                out.push(Parsed::Paused(self.blocks.values().filter_map(content).collect()))
            }
            Some(word) => out.push(Parsed::Event(ModelEvent::Stop(stop_reason(word)))),
            // The end mark without a reason is an end all the same.
            None => out.push(Parsed::Event(ModelEvent::Stop(StopReason::End))),
        }
        Ok(out)
    }

    /// An answer of a server that does not stream.
    fn whole(&mut self, message: &Value) -> Result<Vec<Parsed>> {
        let mut out = self.count(&message["usage"]);
        for (index, block) in message["content"].as_array().into_iter().flatten().enumerate() {
            out.extend(self.start(index as u64, block.clone()));
            out.extend(self.close(index as u64, true));
        }
        self.stop = message["stop_reason"].as_str().map(str::to_owned);
        out.extend(self.finish()?);
        Ok(out)
    }
}

fn index(data: &Value) -> u64 {
    data["index"].as_u64().unwrap_or(0)
}

/// A call's input: its pieces where there were any, else what stood in the opening.
fn input(block: &Block) -> String {
    if block.text.trim().is_empty() {
        let opening = &block.start["input"];
        return if opening.is_null() { String::new() } else { opening.to_string() };
    }
    block.text.clone()
}

/// A block as the provider takes it back.
fn content(block: &Block) -> Option<Value> {
    let mut content = block.start.clone();
    match content["type"].as_str()? {
        "text" if block.text.trim().is_empty() => return None,
        "text" => content["text"] = json!(block.text),
        "thinking" => {
            content["thinking"] = json!(block.text);
            content["signature"] = json!(block.signature);
        }
        "tool_use" | "server_tool_use" => {
            content["input"] = json::read(&input(block)).unwrap_or_else(|| json!({}))
        }
        _ => {}
    }
    Some(content)
}

fn protocol(words: &str) -> Error {
    Error::new(ErrorKind::Unavailable, words.to_owned()).with_code(Code::Protocol)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_as_out_of_the_tree_or_left_to_it() {
        for (data, words) in [
            (
                r#"{"type":"content_block_delta","index":2,"delta":{"type":"text_delta","text":"a"}}"#,
                Some("a"),
            ),
            (
                r#"{"delta":{"text":"\"q\" \u00e4 \ud83d\ude00\n","type":"text_delta"},"type":"content_block_delta"}"#,
                Some("\"q\" ä 😀\n"),
            ),
            (
                r#"{"type":"content_block_delta","delta":{"type":"text_delta","text":"","more":[1]},"p":{}}"#,
                Some(""),
            ),
            (r#"{"type":"content_block_delta","delta":{"type":"text_delta","text":"half \ud83d"}}"#, None),
            (r#"{"type":"content_block_delta","delta":{"type":"text_delta","text":null}}"#, None),
            (r#"{"type":"content_block_delta","delta":{"type":"text_delta"}}"#, None),
            (r#"{"type":"content_block_delta","index":"2","delta":{"type":"text_delta","text":"a"}}"#, None),
            (
                r#"{"type":"content_block_delta","delta":{"type":"thinking_delta","text":"a","thinking":"b"}}"#,
                None,
            ),
            (r#"{"type":"content_block_start","delta":{"type":"text_delta","text":"a"}}"#, None),
        ] {
            let read = Words::read(data);
            assert_eq!(read.as_ref().map(|read| &*read.delta.text), words, "{data}");
            if let Some(read) = read {
                let tree = json::read(data).unwrap();
                assert_eq!(
                    (read.index, &*read.delta.text),
                    (index(&tree), tree["delta"]["text"].as_str().unwrap())
                );
            }
        }
    }
}
