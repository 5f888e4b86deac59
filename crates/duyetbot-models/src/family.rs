//! What is known of models by name: window, longest answer, prices. Data, without a date in any name; what is unknown
//! gets cautious figures and no price.
use duyetbot_core::Usage;

/// US dollars for a million tokens.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Price {
    pub(crate) input: f64,
    pub(crate) output: f64,
    pub(crate) cache_read: f64,
    pub(crate) cache_write: f64,
}

/// Tokens that prompt and answer may have together, and the answer alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Size {
    pub(crate) window: u32,
    pub(crate) answer: u32,
}

const fn size(window: u32, answer: u32) -> Size {
    Size { window, answer }
}

/// Sizes by the beginning of a name; the longest beginning that fits counts.
const SIZES: &[(&str, Size)] = &[
    ("claude", size(200_000, 32_000)),
    ("claude-2", size(100_000, 4_096)),
    ("claude-3", size(200_000, 4_096)),
    ("claude-3-5", size(200_000, 8_192)),
    ("claude-3-7", size(200_000, 64_000)),
    ("claude-opus-4", size(200_000, 32_000)),
    ("claude-opus-4-5", size(200_000, 64_000)),
    ("claude-sonnet-4", size(200_000, 64_000)),
    ("claude-haiku-4", size(200_000, 64_000)),
    ("claude-opus-5", size(1_000_000, 128_000)),
    ("claude-sonnet-5", size(1_000_000, 128_000)),
    ("claude-haiku-5", size(1_000_000, 128_000)),
    ("claude-fable-5", size(1_000_000, 128_000)),
    ("gpt-3-5", size(16_385, 4_096)),
    ("gpt-4", size(8_192, 4_096)),
    ("gpt-4-turbo", size(128_000, 4_096)),
    ("gpt-4o", size(128_000, 16_384)),
    ("gpt-4-1", size(1_047_576, 32_768)),
    ("gpt-5", size(272_000, 128_000)),
    ("o1", size(200_000, 100_000)),
    ("o3", size(200_000, 100_000)),
    ("o4", size(200_000, 100_000)),
    ("gemini-2", size(1_048_576, 65_536)),
    ("gemini-3", size(1_048_576, 65_536)),
    ("deepseek", size(128_000, 8_192)),
    ("mistral", size(128_000, 32_000)),
];

/// Prices by the whole name without its date: a newer model of a family may cost something else.
const PRICES: &[(&[&str], Price)] = &[
    (&["claude-fable-5", "claude-mythos-5"], anthropic(10.0, 50.0)),
    (
        &["claude-fable-5-1", "claude-mythos-5-1"],
        Price { input: 10.0, output: 50.0, cache_read: 0.25, cache_write: 12.5 },
    ),
    (&["claude-opus-5-5"], Price { input: 4.0, output: 20.0, cache_read: 0.2, cache_write: 5.0 }),
    (
        &["claude-opus-5", "claude-opus-4-8", "claude-opus-4-7", "claude-opus-4-6", "claude-opus-4-5"],
        anthropic(5.0, 25.0),
    ),
    (&["claude-opus-4-1", "claude-opus-4-0", "claude-opus-4", "claude-3-opus"], anthropic(15.0, 75.0)),
    (&["claude-sonnet-5", "claude-sonnet-5-5"], anthropic(2.0, 10.0)),
    (
        &[
            "claude-sonnet-4-6",
            "claude-sonnet-4-5",
            "claude-sonnet-4-0",
            "claude-sonnet-4",
            "claude-3-7-sonnet",
            "claude-3-5-sonnet",
        ],
        anthropic(3.0, 15.0),
    ),
    (&["claude-haiku-4-5"], anthropic(1.0, 5.0)),
    (&["claude-3-5-haiku"], anthropic(0.8, 4.0)),
    (&["claude-3-haiku"], Price { input: 0.25, output: 1.25, cache_read: 0.03, cache_write: 0.3 }),
    (&["gpt-5-5"], openai(5.0, 30.0, 0.5)),
    (&["gpt-5-4"], openai(2.5, 15.0, 0.25)),
    (&["gpt-5-4-mini"], openai(0.75, 4.5, 0.075)),
    (&["gpt-5-4-nano"], openai(0.2, 1.25, 0.02)),
    (&["gpt-5-3-codex", "gpt-5-2", "gpt-5-2-codex"], openai(1.75, 14.0, 0.175)),
    (&["gpt-5", "gpt-5-1", "gpt-5-codex"], openai(1.25, 10.0, 0.125)),
    (&["gpt-5-mini"], openai(0.25, 2.0, 0.025)),
    (&["gpt-5-nano"], openai(0.05, 0.4, 0.005)),
    (&["gpt-4-1"], openai(2.0, 8.0, 0.5)),
    (&["gpt-4-1-mini"], openai(0.4, 1.6, 0.1)),
    (&["gpt-4-1-nano"], openai(0.1, 0.4, 0.025)),
    (&["gpt-4o"], openai(2.5, 10.0, 1.25)),
    (&["gpt-4o-mini"], openai(0.15, 0.6, 0.075)),
    (&["o3"], openai(2.0, 8.0, 0.5)),
    (&["o3-mini"], openai(1.1, 4.4, 0.55)),
    (&["o4-mini"], openai(1.1, 4.4, 0.275)),
    (&["o1"], openai(15.0, 60.0, 7.5)),
];

/// A tenth for reading the cache, a quarter more for writing it.
const fn anthropic(input: f64, output: f64) -> Price {
    Price { input, output, cache_read: input * 0.1, cache_write: input * 1.25 }
}

/// Writing the cache costs what input costs.
const fn openai(input: f64, output: f64, cache_read: f64) -> Price {
    Price { input, output, cache_read, cache_write: input }
}

/// The size of a model, where its family is known.
pub(crate) fn size_of(name: &str) -> Option<Size> {
    let name = dateless(name);
    let known = SIZES.iter().filter(|(family, _)| begins(&name, family));
    known.max_by_key(|(family, _)| family.len()).map(|(_, size)| *size)
}

/// The price of a model, where it is known.
pub(crate) fn price_of(name: &str) -> Option<Price> {
    let name = dateless(name);
    PRICES.iter().find(|(names, _)| names.contains(&name.as_str())).map(|(_, price)| *price)
}

/// What this usage costs, in US dollars.
pub(crate) fn cost(price: Price, usage: &Usage) -> f64 {
    let (read, write) = (usage.cache_read.unwrap_or(0), usage.cache_write.unwrap_or(0));
    let plain = usage.input.saturating_sub(read + write);
    let sum = [
        (plain, price.input),
        (read, price.cache_read),
        (write, price.cache_write),
        (usage.output, price.output),
    ];
    sum.iter().map(|(tokens, price)| *tokens as f64 * price).sum::<f64>() / 1_000_000.0
}

fn begins(name: &str, family: &str) -> bool {
    name.strip_prefix(family)
        .is_some_and(|rest| rest.is_empty() || !rest.starts_with(|c: char| c.is_ascii_digit()))
}

/// The name as the tables have it: lower case, without the vendor before it, a date or a version after it; `4.5` is `4-5`.
fn dateless(name: &str) -> String {
    let name = name.to_ascii_lowercase().replace('.', "-");
    let name = name.rsplit('/').next().unwrap_or_default();
    let name = name.find("claude").map_or(name, |at| &name[at..]);
    let name = name.split(['@', ':']).next().unwrap_or_default();
    let mut words: Vec<&str> = name.split('-').collect();
    while let Some(last) = words.last() {
        let digits = last.bytes().all(|b| b.is_ascii_digit());
        let versioned =
            last.strip_prefix('v').is_some_and(|v| v.bytes().all(|b| b.is_ascii_digit()) && !v.is_empty());
        if *last == "latest" || versioned || digits && last.len() == 8 {
            words.pop();
        } else if digits && last.len() == 2 && is_year(&words) {
            words.truncate(words.len() - 3);
        } else {
            break;
        }
    }
    words.join("-")
}

/// Do the words end with a year, a month and a day?
fn is_year(words: &[&str]) -> bool {
    let [.., year, month, _] = words else { return false };
    let digits = |word: &str, length| word.len() == length && word.bytes().all(|b| b.is_ascii_digit());
    digits(year, 4) && digits(month, 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_known_without_its_date_vendor_and_version() {
        for name in [
            "claude-sonnet-4-20250514",
            "anthropic/claude-sonnet-4.5",
            "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
            "claude-3-7-sonnet-latest",
            "claude-sonnet-4@20250514",
        ] {
            assert_eq!(price_of(name), Some(anthropic(3.0, 15.0)), "{name}");
        }
        assert_eq!(price_of("gpt-4o-mini-2024-07-18"), Some(openai(0.15, 0.6, 0.075)));
        assert_eq!(price_of("GPT-4o"), Some(openai(2.5, 10.0, 1.25)));
    }

    #[test]
    fn a_model_that_is_not_listed_has_no_price() {
        for name in ["", "quirk-model", "claude-opus-5-9", "gpt-5-5-pro", "gpt-4o-audio-preview", "llama3.2"]
        {
            assert_eq!(price_of(name), None, "{name}");
        }
    }

    #[test]
    fn the_longest_beginning_of_a_name_gives_the_size() {
        assert_eq!(size_of("claude-3-5-haiku-20241022"), Some(size(200_000, 8_192)));
        assert_eq!(size_of("claude-9-next"), Some(size(200_000, 32_000)));
        assert_eq!(size_of("gpt-4.1-mini"), Some(size(1_047_576, 32_768)));
        assert_eq!(size_of("o1-preview"), Some(size(200_000, 100_000)));
        assert_eq!(size_of("o123"), None);
        assert_eq!(size_of("qwen3"), None);
    }

    #[test]
    fn tokens_of_the_cache_cost_their_own_price_and_are_part_of_the_input() {
        let usage = Usage {
            input: 1_000_000,
            output: 100_000,
            cache_read: Some(600_000),
            cache_write: Some(200_000),
            ..Usage::default()
        };
        let expected = 0.2 * 3.0 + 0.6 * 0.3 + 0.2 * 3.75 + 0.1 * 15.0;
        assert!((cost(anthropic(3.0, 15.0), &usage) - expected).abs() < 1e-9);
    }
}
