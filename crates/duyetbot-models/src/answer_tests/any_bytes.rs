//! Whatever comes and however it is cut, an answer ends exactly once: with its stop or with an error.
use duyetbot_core::{ModelCall, ModelEvent, StopReason, Usage};
use proptest::{prelude::*, sample::Index};
use serde_json::{Map, Value, json};

use super::{FORMATS, THOUGHTFUL_ANTHROPIC, THOUGHTFUL_OPENAI, bodies, read};
use crate::name::Provider;

type Events = Vec<Result<ModelEvent, String>>;

fn format() -> impl Strategy<Value = Provider> {
    prop::sample::select(FORMATS.to_vec())
}

/// A real body with its format.
fn body() -> impl Strategy<Value = (Provider, Vec<u8>)> {
    let all = FORMATS.into_iter().flat_map(|f| bodies(f).into_iter().map(move |b| (f, b.into_bytes())));
    prop::sample::select(all.collect::<Vec<_>>())
}

fn cut(body: &[u8], cuts: &[Index]) -> Vec<Vec<u8>> {
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(body.len() + 1)).collect();
    cuts.extend([0, body.len()]);
    cuts.sort_unstable();
    cuts.windows(2).map(|ends| body[ends[0]..ends[1]].to_vec()).collect()
}

/// A piece of something that is nearly a stream.
fn fragment() -> impl Strategy<Value = Vec<u8>> {
    let known = [
        "data: ",
        "data:",
        "event: error\n",
        "\n\n",
        "\r",
        "[DONE]",
        "{",
        "}",
        "\"",
        ": ping\n",
        "\u{feff}",
        "<html>",
    ];
    prop_oneof![
        prop::sample::select(known.to_vec()).prop_map(|known| known.as_bytes().to_vec()),
        prop::collection::vec(any::<u8>(), 0..20),
        event().prop_map(|event| format!("data: {event}\n\n").into_bytes()),
    ]
}

/// A value that is made of the words of both formats, at any place.
fn value() -> impl Strategy<Value = Value> {
    let keys = [
        "type",
        "index",
        "delta",
        "content_block",
        "message",
        "usage",
        "text",
        "thinking",
        "signature",
        "partial_json",
        "stop_reason",
        "input",
        "id",
        "name",
        "error",
        "choices",
        "content",
        "tool_calls",
        "function",
        "arguments",
        "finish_reason",
        "reasoning_content",
        "extra_content",
        "prompt_tokens",
        "input_tokens",
        "code",
        "data",
    ];
    let words = [
        "message_start",
        "content_block_start",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
        "message",
        "text",
        "text_delta",
        "thinking",
        "thinking_delta",
        "signature_delta",
        "input_json_delta",
        "tool_use",
        "redacted_thinking",
        "error",
        "pause_turn",
        "max_tokens",
        "end_turn",
        "stop",
        "length",
        "",
        "<think>",
        "{\"a\":1}",
        "{}",
        "\u{1f600}",
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        (0..4_u64).prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        prop::sample::select(words.to_vec()).prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 5, move |inner| {
        let key = prop::sample::select(keys.to_vec()).prop_map(str::to_owned);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((key, inner), 0..6)
                .prop_map(|entries| Value::Object(entries.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

/// An event of either format with some of it replaced.
fn event() -> impl Strategy<Value = Value> {
    let index = 0..3_u64;
    prop_oneof![
        value(),
        (index.clone(), value())
            .prop_map(|(i, v)| json!({"type": "content_block_start", "index": i, "content_block": v})),
        (index.clone(), value())
            .prop_map(|(i, v)| json!({"type": "content_block_delta", "index": i, "delta": v})),
        index.prop_map(|i| json!({"type": "content_block_stop", "index": i})),
        value().prop_map(|v| json!({"type": "message_delta", "delta": v, "usage": {"output_tokens": 3}})),
        value().prop_map(|v| json!({"choices": [{"index": 0, "delta": v}]})),
        value().prop_map(|v| json!({"choices": [{"index": 0, "delta": {"tool_calls": [v]}}]})),
        value().prop_map(|v| json!({"choices": [{"index": 0, "finish_reason": v}]})),
        value().prop_map(|v| json!({"choices": [], "usage": v})),
    ]
}

#[derive(Clone, Debug)]
enum Damage {
    Replace(Index, u8),
    Insert(Index, Vec<u8>),
    Remove(Index, usize),
    Repeat(Index, usize),
    End(Index),
}

fn damage() -> impl Strategy<Value = Damage> {
    let place = any::<Index>;
    prop_oneof![
        (place(), any::<u8>()).prop_map(|(at, byte)| Damage::Replace(at, byte)),
        (place(), fragment()).prop_map(|(at, bytes)| Damage::Insert(at, bytes)),
        (place(), 1..200_usize).prop_map(|(at, n)| Damage::Remove(at, n)),
        (place(), 1..200_usize).prop_map(|(at, n)| Damage::Repeat(at, n)),
        place().prop_map(Damage::End),
    ]
}

fn damaged(mut body: Vec<u8>, by: &[Damage]) -> Vec<u8> {
    for damage in by {
        let (Damage::Replace(at, _)
        | Damage::Insert(at, _)
        | Damage::Remove(at, _)
        | Damage::Repeat(at, _)
        | Damage::End(at)) = damage;
        let at = at.index(body.len() + 1);
        let until = |n: &usize| (at + n).min(body.len());
        match damage {
            Damage::Replace(_, byte) => body.iter_mut().skip(at).take(1).for_each(|b| *b = *byte),
            Damage::Insert(_, bytes) => drop(body.splice(at..at, bytes.iter().copied())),
            Damage::Remove(_, n) => drop(body.drain(at..until(n))),
            Damage::Repeat(_, n) => {
                let again = body[at..until(n)].to_vec();
                drop(body.splice(at..at, again));
            }
            Damage::End(_) => body.truncate(at),
        }
    }
    body
}

fn ends_once(events: &Events) -> Result<(), TestCaseError> {
    let is_end = |event: &Result<ModelEvent, String>| matches!(event, Ok(ModelEvent::Stop(_)) | Err(_));
    let ends = events.iter().filter(|event| is_end(event)).count();
    prop_assert!(ends == 1 && events.last().is_some_and(is_end), "{events:?}");
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_end_once_and_without_a_panic(format in format(), pieces in prop::collection::vec(fragment(), 0..24)) {
        ends_once(&read(format, "", pieces))?;
    }

    #[test]
    fn any_events_end_once_and_without_a_panic(format in format(), events in prop::collection::vec(event(), 0..16)) {
        let body: String = events.iter().map(|event| format!("data: {event}\n\n")).collect();
        ends_once(&read(format, "", vec![body.into_bytes()]))?;
    }

    #[test]
    fn a_damaged_body_ends_once_and_without_a_panic(
        (format, body) in body(),
        by in prop::collection::vec(damage(), 1..6),
        cuts in prop::collection::vec(any::<Index>(), 0..4),
    ) {
        let body = damaged(body, &by);
        ends_once(&read(format, "", cut(&body, &cuts)))?;
    }

    #[test]
    fn any_split_of_a_body_gives_the_same_events((format, body) in body(), cuts in prop::collection::vec(any::<Index>(), 0..40)) {
        let whole = read(format, "gpt-4o", vec![body.clone()]);
        prop_assert_eq!(read(format, "gpt-4o", cut(&body, &cuts)), whole);
    }
}

#[test]
fn byte_by_byte_is_the_same_as_whole() {
    for format in FORMATS {
        for body in bodies(format) {
            let bytes = body.bytes().map(|byte| vec![byte]).collect();
            assert_eq!(read(format, "", bytes), read(format, "", vec![body.clone().into_bytes()]), "{body}");
        }
    }
}

#[test]
fn both_formats_give_the_same_events() {
    let call = |id: &str, input: &str| {
        ModelEvent::Call(ModelCall {
            id: id.to_owned(),
            tool: "get_weather".to_owned(),
            input: input.to_owned(),
            whole: true,
            extra: None,
        })
    };
    let end = |signature: Option<&str>| ModelEvent::ReasoningEnd {
        signature: signature.map(str::to_owned),
        redacted: None,
    };
    let usage = |output| ModelEvent::Usage(Usage { input: 9, output, ..Usage::default() });
    let thought = || ModelEvent::Reasoning("Both é€😀.".to_owned());
    let text = || ModelEvent::Text("Huế and Hà Nội.".to_owned());
    let of = |format, body: &str| {
        read(format, "", vec![body.as_bytes().to_vec()]).into_iter().collect::<Result<Vec<_>, _>>()
    };
    let stop = || ModelEvent::Stop(StopReason::End);
    let expected = vec![
        usage(1),
        thought(),
        end(Some("c2ln")),
        text(),
        call("toolu_1", "{\"city\":\"Huế\"}"),
        call("toolu_2", "{}"),
        usage(40),
        stop(),
    ];
    assert_eq!(of(Provider::Anthropic, THOUGHTFUL_ANTHROPIC), Ok(expected));
    let expected = vec![
        thought(),
        end(None),
        text(),
        call("call_1", "{\"city\":\"Huế\"}"),
        call("call_2", "{}"),
        usage(40),
        stop(),
    ];
    assert_eq!(of(Provider::OpenAi, THOUGHTFUL_OPENAI), Ok(expected));
}
