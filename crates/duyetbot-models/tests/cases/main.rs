//! Streams, errors and histories as real servers send or demand them: each case by its id, replayed at the wire.
#![allow(clippy::unwrap_used, clippy::expect_used, unreachable_pub)]

mod client;
#[path = "../common/message.rs"]
mod message;
mod must;
mod replay;

use duyetbot_core::Code;
use serde_json::Value;

const CASES: &str = include_str!("../fixtures/providers.jsonl");

fn case(id: &str) -> Value {
    CASES
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .find(|case| case["id"] == id)
        .unwrap_or_else(|| panic!("there is no case {id}"))
}

fn run(id: &str) {
    let case = case(id);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let server = replay::Server::start(&case).await;
        let outcome = client::converse(&case, &server.base_url()).await;
        let requests = server.requests();
        check(&case, &outcome, &requests);
        must::check(id, &requests, &outcome);
    });
}

fn check(case: &Value, outcome: &client::Outcome, requests: &[Value]) {
    let expect = &case["expect"];
    // After the first word nothing is tried again: what came stays, and the turn fails.
    if case["id"] == "oa-reset-partial-then-ok" {
        assert!(outcome.error.as_ref().is_some_and(|e| e.is(Code::Network)), "{:?}", outcome.error);
        assert_eq!(requests.len(), 1);
        return;
    }
    match expect["error"].as_str() {
        None => assert!(outcome.error.is_none(), "{:?}", outcome.error),
        Some(class) => {
            // A cut by the window may also be told by the reason to stop.
            if class == "context_length" && outcome.window {
                return;
            }
            let error = outcome.error.as_ref().expect("an error was expected");
            let codes: &[Code] = match class {
                "protocol" => &[Code::Protocol, Code::Network],
                "overloaded" => &[Code::Overloaded],
                "invalid_request" => &[Code::RequestRefused],
                "rate_limit" => &[Code::QuotaExhausted, Code::RateLimited],
                "context_length" => &[Code::ContextLength],
                other => panic!("an unknown class {other}"),
            };
            assert!(codes.iter().any(|code| error.is(*code)), "{class}: {error:?}");
        }
    }
    if let Some(text) = expect["text"].as_str() {
        assert!(outcome.text.ends_with(text), "{:?} does not end with {text:?}", outcome.text);
        if case["id"] != "an-stop-pause-turn" {
            assert_eq!(outcome.text, text);
        }
    }
    if let Some(reasoning) = expect["reasoning"].as_str() {
        assert_eq!(outcome.reasoning, reasoning);
    }
    if let Some(calls) = expect["tool_calls"].as_array() {
        let made: Vec<Value> = outcome
            .calls
            .iter()
            .map(|(tool, input)| serde_json::json!({ "name": tool, "input": serde_json::from_str::<Value>(input).unwrap() }))
            .collect();
        assert_eq!(&made, calls);
    }
    if let Some(usage) = expect["usage"].as_object() {
        assert_eq!(outcome.usage.input, usage["input"].as_u64().unwrap());
        assert_eq!(outcome.usage.output, usage["output"].as_u64().unwrap());
    }
    if let Some(most) = expect["max_requests"].as_u64() {
        assert!(requests.len() as u64 <= most, "{} requests", requests.len());
    }
}

macro_rules! cases {
    ($($name:ident = $id:literal,)+) => {
        $(#[test] fn $name() { run($id); })+

        #[test]
        fn every_case_is_run() {
            let run = [$($id),+];
            for line in CASES.lines() {
                let case: Value = serde_json::from_str(line).unwrap();
                assert!(run.contains(&case["id"].as_str().unwrap()), "{} is not run", case["id"]);
            }
        }
    };
}

cases! {
    oa_azure_filter_chunks = "oa-azure-filter-chunks",
    oa_no_done = "oa-no-done",
    oa_eof_without_finish = "oa-eof-without-finish",
    oa_sse_comments = "oa-sse-comments",
    oa_crlf_split = "oa-crlf-split",
    oa_tool_all_index_zero = "oa-tool-all-index-zero",
    oa_tool_id_changes = "oa-tool-id-changes",
    oa_tool_empty_id_name = "oa-tool-empty-id-name",
    oa_tool_args_object = "oa-tool-args-object",
    oa_tool_args_null_first = "oa-tool-args-null-first",
    oa_tool_args_empty_noarg = "oa-tool-args-empty-noarg",
    oa_tool_no_id = "oa-tool-no-id",
    oa_tool_interleaved = "oa-tool-interleaved",
    oa_tool_finish_stop = "oa-tool-finish-stop",
    oa_finish_empty_string = "oa-finish-empty-string",
    oa_error_string = "oa-error-string",
    oa_error_200_json = "oa-error-200-json",
    oa_502_html_then_ok = "oa-502-html-then-ok",
    oa_insufficient_quota = "oa-insufficient-quota",
    oa_duplicate_key = "oa-duplicate-key",
    oa_content_parts = "oa-content-parts",
    oa_think_split = "oa-think-split",
    oa_refusal = "oa-refusal",
    oa_lone_surrogate = "oa-lone-surrogate",
    oa_reset_partial_then_ok = "oa-reset-partial-then-ok",
    oa_req_one_system_message = "oa-req-one-system-message",
    oa_req_tools_shape = "oa-req-tools-shape",
    oa_req_reasoning_content_returned = "oa-req-reasoning-content-returned",
    oa_req_reasoning_content_refused = "oa-req-reasoning-content-refused",
    oa_req_tool_call_content_key = "oa-req-tool-call-content-key",
    oa_req_thought_signature = "oa-req-thought-signature",
    an_ping_everywhere = "an-ping-everywhere",
    an_unknown_types = "an-unknown-types",
    an_no_message_stop = "an-no-message-stop",
    an_overloaded_mid_stream = "an-overloaded-mid-stream",
    an_529_then_ok = "an-529-then-ok",
    an_error_untyped = "an-error-untyped",
    an_stop_context_window = "an-stop-context-window",
    an_stop_pause_turn = "an-stop-pause-turn",
    an_tool_noarg = "an-tool-noarg",
    an_tool_input_in_start = "an-tool-input-in-start",
    an_usage_cumulative = "an-usage-cumulative",
    an_sparse_message_start = "an-sparse-message-start",
    an_sse_forms = "an-sse-forms",
    an_context_max_tokens = "an-context-max-tokens",
    an_req_empty_text_block = "an-req-empty-text-block",
    an_req_tool_ids = "an-req-tool-ids",
    an_req_orphan_tool_use = "an-req-orphan-tool-use",
    an_req_foreign_signature = "an-req-foreign-signature",
    an_req_thinking_roundtrip = "an-req-thinking-roundtrip",
    an_req_is_error_empty = "an-req-is-error-empty",
    an_req_tool_name_dot = "an-req-tool-name-dot",
}
