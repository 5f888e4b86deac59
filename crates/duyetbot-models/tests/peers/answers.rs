//! Answers that come whole.
use duyetbot_core::{ModelEvent, StopReason, Usage};

use crate::{
    client::{FORMATS, Format, ask, request},
    peer,
};

async fn events(format: Format, case: &str) -> Vec<ModelEvent> {
    let heard = ask(&*format.model(&format!("{}/{case}", peer::wiremock())), &request("Did it work?")).await;
    assert!(heard.error.is_none(), "{case}: {heard:?}");
    heard.events
}

fn text(words: &str) -> ModelEvent {
    ModelEvent::Text(words.to_owned())
}

/// Usage without a cache, with the price of the model of this format.
fn usage(format: Format, input: u32, output: u32) -> ModelEvent {
    let (per_input, per_output) = if format == Format::Anthropic { (3.0, 15.0) } else { (1.25, 10.0) };
    let cost = (f64::from(input) * per_input + f64::from(output) * per_output) / 1e6;
    ModelEvent::Usage(Usage {
        input: input.into(),
        output: output.into(),
        cost: Some(cost),
        ..Usage::default()
    })
}

/// The events with Anthropic's first usage, which OpenAI does not send.
fn with_first_usage(format: Format, rest: Vec<ModelEvent>) -> Vec<ModelEvent> {
    let first = (format == Format::Anthropic).then(|| usage(format, 11, 1));
    first.into_iter().chain(rest).collect()
}

#[tokio::test]
async fn a_good_answer_comes_piece_by_piece_with_its_usage_and_its_stop() {
    for format in FORMATS {
        let rest = vec![
            text("It "),
            text("worked "),
            text("at last."),
            usage(format, 11, 9),
            ModelEvent::Stop(StopReason::End),
        ];
        assert_eq!(events(format, "good").await, with_first_usage(format, rest), "{format:?}");
    }
}

#[tokio::test]
async fn an_answer_in_chunks_that_respect_nothing_is_the_same() {
    for format in FORMATS {
        assert_eq!(events(format, "dribble").await, events(format, "good").await, "{format:?}");
    }
}

#[tokio::test]
async fn an_answer_that_was_cut_by_the_token_limit_says_so() {
    for format in FORMATS {
        let rest = vec![
            text("The longest answer that fits"),
            usage(format, 11, 64),
            ModelEvent::Stop(StopReason::MaxTokens),
        ];
        assert_eq!(events(format, "max-tokens").await, with_first_usage(format, rest), "{format:?}");
    }
}

#[tokio::test]
async fn an_answer_without_a_word_is_an_end_without_a_word() {
    let stop = || ModelEvent::Stop(StopReason::End);
    // A count of nothing does not replace a known one.
    let expected = vec![usage(Format::Anthropic, 11, 1), usage(Format::Anthropic, 11, 1), stop()];
    assert_eq!(events(Format::Anthropic, "empty").await, expected);
    assert_eq!(events(Format::OpenAi, "empty").await, vec![usage(Format::OpenAi, 11, 0), stop()]);
}

#[tokio::test]
async fn tokens_of_a_cache_are_part_of_the_input_at_their_own_price() {
    let cached = |format, cache_write, output, dollars: f64| {
        (
            format,
            Usage {
                input: 3211,
                output,
                cache_read: Some(3000),
                cache_write,
                cost: Some(dollars / 1e6),
                ..Usage::default()
            },
        )
    };
    let at_anthropic = 11.0 * 3.0 + 3000.0 * 0.3 + 200.0 * 3.75 + 6.0 * 15.0;
    let at_openai = 211.0 * 1.25 + 3000.0 * 0.125 + 6.0 * 10.0;
    for (format, expected) in
        [cached(Format::Anthropic, Some(200), 6, at_anthropic), cached(Format::OpenAi, None, 6, at_openai)]
    {
        let events = events(format, "cached").await;
        let Some(ModelEvent::Usage(usage)) = events.iter().rfind(|e| matches!(e, ModelEvent::Usage(_)))
        else {
            panic!("no usage in {events:?}")
        };
        assert!((usage.cost.unwrap() - expected.cost.unwrap()).abs() < 1e-12, "{usage:?}");
        assert_eq!(Usage { cost: None, ..*usage }, Usage { cost: None, ..expected });
    }
}
