//! What differs between servers of chat completions, as data.
use serde_json::Value;

use crate::names::CallIdForm;

/// When a model's reasoning goes back to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Echo {
    /// Never: the server refuses it.
    Never,
    /// Beside tool calls, where some servers demand it.
    WithCalls,
}

/// How a server speaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dialect {
    /// The role of the first message: `system`, or `developer` for OpenAI's reasoning models.
    pub system_role: &'static str,
    /// The field that bounds the answer.
    pub max_tokens: &'static str,
    /// What an answer of calls alone has as its content: null, or an empty text.
    pub no_content: Option<&'static str>,
    /// When reasoning goes back.
    pub echo: Echo,
    /// The form of call ids.
    pub call_ids: CallIdForm,
    /// Characters that a tool's name may have.
    pub longest_name: usize,
    /// Tokens of the window where the model is not known.
    pub window: u32,
}

/// What an unknown server most likely takes.
const PLAIN: Dialect = Dialect {
    system_role: "system",
    max_tokens: "max_tokens",
    no_content: None,
    echo: Echo::WithCalls,
    call_ids: CallIdForm::Short,
    longest_name: 64,
    window: 32_768,
};

/// Servers by the end of their host.
const KNOWN: &[(&str, Dialect)] = &[
    (
        "api.openai.com",
        Dialect { max_tokens: "max_completion_tokens", echo: Echo::Never, window: 128_000, ..PLAIN },
    ),
    (
        ".azure.com",
        Dialect { max_tokens: "max_completion_tokens", echo: Echo::Never, window: 128_000, ..PLAIN },
    ),
    ("openrouter.ai", Dialect { window: 128_000, ..PLAIN }),
    ("api.deepseek.com", Dialect { window: 64_000, ..PLAIN }),
    ("api.mistral.ai", Dialect { echo: Echo::Never, call_ids: CallIdForm::Nine, window: 128_000, ..PLAIN }),
    ("api.groq.com", Dialect { echo: Echo::Never, window: 128_000, ..PLAIN }),
    ("api.cerebras.ai", Dialect { echo: Echo::Never, window: 64_000, ..PLAIN }),
    ("generativelanguage.googleapis.com", Dialect { echo: Echo::Never, window: 1_000_000, ..PLAIN }),
    ("localhost", Dialect { window: 8_192, ..PLAIN }),
    ("127.0.0.1", Dialect { window: 8_192, ..PLAIN }),
];

impl Dialect {
    /// The dialect of a host; for OpenAI's own reasoning models the system's role has another name.
    pub fn of(host: &str, model: &str) -> Self {
        let mut dialect = KNOWN
            .iter()
            .find(|(end, _)| host == end.trim_start_matches('.') || host.ends_with(end))
            .map_or(PLAIN, |(_, dialect)| dialect.clone());
        let reasons = ["o1", "o3", "o4", "gpt-5"].iter().any(|family| model.starts_with(family));
        if host == "api.openai.com" && reasons {
            dialect.system_role = "developer";
        }
        dialect
    }
}

/// A field that can be left out or written another way where a server refuses it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Field {
    StreamOptions,
    MaxTokens,
    DeveloperRole,
    ResponseFormat,
}

impl Field {
    pub(super) const ALL: [Field; 4] =
        [Field::StreamOptions, Field::MaxTokens, Field::DeveloperRole, Field::ResponseFormat];

    fn words(self) -> &'static [&'static str] {
        match self {
            Field::StreamOptions => &["stream_options"],
            Field::MaxTokens => &["max_tokens", "max_completion_tokens"],
            Field::DeveloperRole => &["developer"],
            Field::ResponseFormat => &["response_format", "json_schema"],
        }
    }
    /// Does the refusal name it?
    pub(super) fn is_named(self, words: &str) -> bool {
        self.words().iter().any(|w| words.contains(w))
    }
    /// Does the request hold it?
    pub(super) fn stands_in(self, body: &Value) -> bool {
        match self {
            Field::DeveloperRole => body["messages"][0]["role"] == "developer",
            other => other.words().iter().any(|w| !body[*w].is_null()),
        }
    }
}
