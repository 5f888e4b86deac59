//! Tokens and dollars of an answer, also where a cache was read or written.
use duyetbot_core::{ModelEvent, Usage};

use super::read;
use crate::name::Provider;

/// The last usage that the body tells: it counts.
fn usage(format: Provider, model: &str, body: &str) -> Usage {
    let events = read(format, model, vec![body.as_bytes().to_vec()]);
    let of = |event| if let Ok(ModelEvent::Usage(usage)) = event { Some(usage) } else { None };
    events.into_iter().filter_map(of).next_back().unwrap()
}

fn costs(usage: Usage, expected: Usage) {
    let (cost, wanted) = (usage.cost.unwrap(), expected.cost.unwrap());
    assert!((cost - wanted).abs() < 1e-12, "{cost} dollars, not {wanted}");
    assert_eq!(Usage { cost: None, ..usage }, Usage { cost: None, ..expected });
}

#[test]
fn what_the_cache_gave_and_took_has_its_own_price_at_anthropic() {
    let body = include_str!("../../../../tests/fixtures/wiremock/__files/anthropic/cached.sse");
    let dollars = (11.0 * 3.0 + 3000.0 * 0.3 + 200.0 * 3.75 + 6.0 * 15.0) / 1e6;
    let expected = Usage {
        input: 3211,
        output: 6,
        cache_read: Some(3000),
        cache_write: Some(200),
        cost: Some(dollars),
        ..Usage::default()
    };
    costs(usage(Provider::Anthropic, "claude-sonnet-4-5", body), expected);
    assert_eq!(usage(Provider::Anthropic, "claude-of-tomorrow", body).cost, None);
}

#[test]
fn what_the_cache_gave_has_its_own_price_at_openai() {
    let body = include_str!("../../../../tests/fixtures/wiremock/__files/openai/cached.sse");
    let dollars = (211.0 * 2.5 + 3000.0 * 1.25 + 6.0 * 10.0) / 1e6;
    let expected = Usage {
        input: 3211,
        output: 6,
        cache_read: Some(3000),
        cache_write: None,
        cost: Some(dollars),
        ..Usage::default()
    };
    costs(usage(Provider::OpenAi, "gpt-4o", body), expected);
    assert_eq!(usage(Provider::OpenAi, "gpt-of-tomorrow", body).cost, None);
}

/// OpenRouter tells what was written to a cache, and what all of it cost.
#[test]
fn a_server_that_tells_its_price_is_believed() {
    let end = r#"data: {"choices":[{"delta":{"content":"x"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1000,"completion_tokens":10,"prompt_tokens_details":{"cached_tokens":600,"cache_write_tokens":300}COST}}"#;
    let tokens = Usage {
        input: 1000,
        output: 10,
        cache_read: Some(600),
        cache_write: Some(300),
        cost: None,
        ..Usage::default()
    };
    let told = usage(Provider::OpenAi, "anthropic/claude-sonnet-4.5", &end.replace("COST", ",\"cost\":0.5"));
    costs(told, Usage { cost: Some(0.5), ..tokens });
    let dollars = (100.0 * 3.0 + 600.0 * 0.3 + 300.0 * 3.75 + 10.0 * 15.0) / 1e6;
    let untold = usage(Provider::OpenAi, "anthropic/claude-sonnet-4.5", &end.replace("COST", ""));
    costs(untold, Usage { cost: Some(dollars), ..tokens });
}

/// What was paid for before the connection broke is known all the same.
#[test]
fn an_answer_that_was_cut_tells_what_it_cost_so_far() {
    let body = include_str!("../../../../tests/fixtures/wiremock/__files/anthropic/cut.sse");
    let dollars = (11.0 * 1.0 + 1.0 * 5.0) / 1e6;
    let expected = Usage { input: 11, output: 1, cost: Some(dollars), ..Usage::default() };
    costs(usage(Provider::Anthropic, "claude-haiku-4-5", body), expected);
}
