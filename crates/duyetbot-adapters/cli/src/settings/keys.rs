//! Every setting: its key, its kind, and what it is for. One table for files, variables, flags, `config` and errors.

use duyetbot_core::{redact::SHORTEST, run::Guards};

use super::value::Value;

/// What a value may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Words.
    Text,
    /// A list of words.
    Texts,
    /// A whole number, 0 or more.
    Number,
    /// A number, 0 or more.
    Amount,
    /// true or false.
    Switch,
    /// A list of rules for calls of tools.
    Rules,
}

/// Who may set it, and how it is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// The person, anywhere.
    Person,
    /// A project's file too, to a narrower value.
    Narrowing,
    /// The person; its value is never shown.
    Secret,
    /// Every source adds to it; a project's file allows nothing.
    Adding,
}

/// One setting.
#[derive(Debug)]
pub(crate) struct Key {
    /// Its name in a file, with dots.
    pub(crate) name: &'static str,
    /// What its value may be.
    pub(crate) kind: Kind,
    /// Who may set it.
    pub(crate) reach: Reach,
    /// A variable that many programs share.
    pub(crate) shared: Option<&'static str>,
    /// What it is for.
    pub(crate) help: &'static str,
}

impl Key {
    /// Refuses a value that this setting cannot have.
    pub(crate) fn check(&self, value: &Value) -> Result<(), String> {
        match value {
            Value::Texts(texts) if self.name == "redact" && texts.iter().any(|t| t.len() < SHORTEST) => {
                Err(format!(
                    "each value has {SHORTEST} characters or more; a shorter one would hide ordinary words"
                ))
            }
            Value::Text(text) => match self.choices() {
                Some(choices) if !choices.contains(&text.as_str()) => {
                    Err(format!("{text:?} is none of {}", choices.join(", ")))
                }
                _ => Ok(()),
            },
            _ => Ok(()),
        }
    }

    /// The words that it may be, where there are few.
    fn choices(&self) -> Option<&'static [&'static str]> {
        match self.name {
            "log.format" => Some(&["text", "json"]),
            "log.level" => Some(&["error", "warn", "info", "debug", "trace"]),
            _ => None,
        }
    }

    /// What holds where it is not set, and binds a project's file like a person's own choice.
    pub(crate) fn built_in(&self) -> Option<Value> {
        (self.name == "guards.steps").then(|| Value::Number(Guards::default().steps.into()))
    }
}

const fn key(name: &'static str, kind: Kind, reach: Reach, help: &'static str) -> Key {
    Key { name, kind, reach, shared: None, help }
}

const fn shared(name: &'static str, reach: Reach, variable: &'static str, help: &'static str) -> Key {
    Key { name, kind: Kind::Text, reach, shared: Some(variable), help }
}

/// All settings.
pub(crate) const KEYS: &[Key] = &[
    key("storage", Kind::Text, Reach::Person, "where sessions are kept: sqlite:PATH, or memory:"),
    key("model", Kind::Text, Reach::Person, "the model: PROVIDER/NAME, or a provider alone"),
    key("profile", Kind::Text, Reach::Person, "the server that is meant: a profile's name"),
    key(
        "token",
        Kind::Text,
        Reach::Secret,
        "the token for that server, in the place of one that was signed in with",
    ),
    key("system", Kind::Text, Reach::Person, "standing instructions for the model"),
    key(
        "context_tokens",
        Kind::Number,
        Reach::Narrowing,
        "tokens that a model's window is taken to have; 0 = what is known of it",
    ),
    key("recall", Kind::Switch, Reach::Narrowing, "put what fits from older sessions before the model"),
    key("redact", Kind::Texts, Reach::Secret, "values that are never stored, shown or sent"),
    key("limits.sessions", Kind::Number, Reach::Narrowing, "sessions at most; 0 = no limit"),
    key(
        "limits.messages_per_session",
        Kind::Number,
        Reach::Narrowing,
        "messages of a session at most; 0 = no limit",
    ),
    key(
        "limits.requests_per_minute",
        Kind::Number,
        Reach::Narrowing,
        "requests a minute at most; 0 = no limit (serve)",
    ),
    key(
        "limits.runs_at_once",
        Kind::Number,
        Reach::Narrowing,
        "runs of a person that go on at once; 0 = no limit (serve)",
    ),
    key("limits.storage_bytes", Kind::Number, Reach::Narrowing, "bytes stored at most; 0 = no limit"),
    key("guards.steps", Kind::Number, Reach::Narrowing, "answers of the model in one turn"),
    key("guards.tokens", Kind::Number, Reach::Narrowing, "tokens of one turn; 0 = no limit"),
    key("guards.cost", Kind::Amount, Reach::Narrowing, "US dollars of one turn; 0 = no limit"),
    key(
        "guards.tokens_per_day",
        Kind::Number,
        Reach::Narrowing,
        "tokens of all turns of a day (UTC); 0 = no limit",
    ),
    key(
        "guards.cost_per_day",
        Kind::Amount,
        Reach::Narrowing,
        "US dollars of all turns of a day (UTC); 0 = no limit",
    ),
    key("rules.allow", Kind::Rules, Reach::Adding, "calls that run unasked: tool, or tool(pattern)"),
    key("rules.ask", Kind::Rules, Reach::Adding, "calls that a person decides, whatever is allowed"),
    key("rules.deny", Kind::Rules, Reach::Adding, "calls that are refused, whatever is allowed"),
    key("tools.enabled", Kind::Switch, Reach::Narrowing, "let the model use tools in the working folder"),
    key("tools.sandbox", Kind::Switch, Reach::Person, "confine commands, where the kernel can"),
    key("tools.writable", Kind::Texts, Reach::Person, "further folders that commands may write to"),
    key("tools.environment", Kind::Texts, Reach::Person, "further variables that commands get"),
    key("log.format", Kind::Text, Reach::Person, "how a server's log is written: text or json (serve)"),
    key(
        "log.level",
        Kind::Text,
        Reach::Person,
        "what a server logs at least: error, warn, info, debug, trace",
    ),
    key(
        "serve.listen",
        Kind::Text,
        Reach::Person,
        "the address that a server listens on, as 127.0.0.1:8787 (serve)",
    ),
    key("serve.drain_seconds", Kind::Number, Reach::Person, "how long streams have to end at a stop (serve)"),
    key(
        "serve.origins",
        Kind::Texts,
        Reach::Person,
        "web pages that may call, as https://HOST[:PORT] (serve)",
    ),
    key(
        "serve.workspace",
        Kind::Text,
        Reach::Person,
        "the folder that a server's models may work in; without it neither files nor commands (serve)",
    ),
    shared("anthropic.api_key", Reach::Secret, "ANTHROPIC_API_KEY", "the key for Anthropic"),
    shared("anthropic.base_url", Reach::Person, "ANTHROPIC_BASE_URL", "another address for it, without /v1"),
    key("anthropic.thinking_tokens", Kind::Number, Reach::Person, "tokens for reasoning; 0 = none"),
    shared("openai.api_key", Reach::Secret, "OPENAI_API_KEY", "the key for OpenAI or a compatible server"),
    shared("openai.base_url", Reach::Person, "OPENAI_BASE_URL", "another address for it, with /v1"),
];

/// The setting of this name.
pub(crate) fn find(name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|k| k.name == name)
}

/// The known name that is nearest to a wrong one.
pub(crate) fn nearest(name: &str) -> &'static str {
    let distance = |k: &Key| {
        let last = |n: &str| n.rsplit('.').next().unwrap_or(n).to_owned();
        strsim::damerau_levenshtein(k.name, name)
            .min(1 + strsim::damerau_levenshtein(&last(k.name), &last(name)))
    };
    KEYS.iter().min_by_key(|k| distance(k)).map_or("model", |k| k.name)
}

/// The variable of a setting: `limits.sessions` is `DUYETBOT_LIMITS__SESSIONS`.
pub(crate) fn variable(name: &str) -> String {
    format!("DUYETBOT_{}", name.replace('.', "__").to_uppercase())
}
