//! What never ends is refused while it is still small.
use bytes::Bytes;
use duyetbot_core::Code;
use futures::{StreamExt, executor::block_on, stream};
use serde_json::{Value, json};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use super::answer;
use crate::{endpoint::LARGEST_ANSWER, name::Provider};

const MEBI: usize = 1024 * 1024;

/// Sends the beginning and then the same again without end; the answer must be refused. Answers how many bytes were sent.
#[track_caller]
fn is_refused(format: Provider, begin: &str, again: impl FnMut(u64) -> Bytes + Send + 'static) -> usize {
    let sent = Arc::new(AtomicUsize::new(0));
    let count = sent.clone();
    let endless = std::iter::once(Bytes::from(begin.to_owned())).chain((0..).map(again));
    let body = stream::iter(endless.map(move |piece| {
        let so_far = count.fetch_add(piece.len(), Ordering::Relaxed);
        assert!(so_far < 2 * LARGEST_ANSWER, "{so_far} bytes were read and none was refused");
        Ok(piece)
    }));
    let last = block_on(answer(format, "", body.boxed()).fold(None, async |_, event| Some(event)));
    let error = last.unwrap().unwrap_err();
    assert_eq!(error.code(), Some(Code::Protocol), "{error:?}");
    sent.load(Ordering::Relaxed)
}

/// This piece, always.
fn same(piece: String) -> impl FnMut(u64) -> Bytes {
    let piece = Bytes::from(piece);
    move |_| piece.clone()
}

fn data(event: &Value) -> String {
    format!("data: {event}\n\n")
}

fn block(delta: Value) -> String {
    data(&json!({"type": "content_block_delta", "index": 0, "delta": delta}))
}

fn delta(delta: Value) -> String {
    data(&json!({"choices": [{"index": 0, "delta": delta}]}))
}

#[test]
fn a_line_or_an_event_without_end_is_refused() {
    for begin in ["data: {", ": ", "{\"error\":\""] {
        is_refused(Provider::Anthropic, begin, same("x".repeat(MEBI)));
    }
    is_refused(Provider::OpenAi, "data: {\n", same("data: x\n".repeat(MEBI / 8)));
}

#[test]
fn words_without_end_are_refused() {
    let long = "x".repeat(MEBI);
    is_refused(Provider::Anthropic, "", same(block(json!({"type": "thinking_delta", "thinking": long}))));
    is_refused(Provider::Anthropic, "", same(block(json!({"type": "signature_delta", "signature": long}))));
    is_refused(Provider::OpenAi, "", same(delta(json!({"content": " ".repeat(MEBI)}))));
    is_refused(Provider::OpenAi, "", same(delta(json!({"reasoning": long}))));
}

#[test]
fn inputs_of_calls_without_end_are_refused() {
    let long = "x".repeat(MEBI);
    let input = json!({"type": "input_json_delta", "partial_json": long});
    is_refused(Provider::Anthropic, "", same(block(input)));
    let arguments = json!({"index": 0, "function": {"arguments": long}});
    is_refused(Provider::OpenAi, "", same(delta(json!({"tool_calls": [arguments]}))));
}

#[test]
fn blocks_and_calls_without_end_are_refused() {
    let start = |n: u64, block: &Value| {
        Bytes::from(data(&json!({"type": "content_block_start", "index": n, "content_block": block})))
    };
    let sent =
        is_refused(Provider::Anthropic, "", move |n| start(n, &json!({"type": "tool_use", "id": "x"})));
    assert!(sent < MEBI, "{sent} bytes of small blocks were read");
    // A few only, each of them large, opened again and again.
    let large = json!({"type": "tool_use", "id": "x", "input": {"a": "x".repeat(MEBI)}});
    is_refused(Provider::Anthropic, "", move |n| start(n % 9, &large));
    let piece = |n: u64, extra: &str| {
        let call = json!({"index": n, "id": n.to_string(), "function": {"name": "x"}, "extra_content": {"a": extra}});
        Bytes::from(delta(json!({"tool_calls": [call]})))
    };
    let sent = is_refused(Provider::OpenAi, "", move |n| piece(n, ""));
    assert!(sent < MEBI, "{sent} bytes of small calls were read");
    let large = "x".repeat(MEBI);
    is_refused(Provider::OpenAi, "", move |n| piece(n % 9, &large));
}
