//! The one error of the core's traits: a small closed kind for programs, a finer code, a sentence for people.
use std::{fmt, sync::Arc, time::Duration};

/// The result of every fallible call of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// What kind of failure it is. The set is closed: adapters map each to an exit code or a status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// It does not exist, or it is another owner's: one answer for both.
    NotFound,
    /// What is stored contradicts the request.
    Conflict,
    /// A limit or guard forbids it.
    LimitReached,
    /// The request cannot be right.
    Invalid,
    /// No credentials, or refused ones.
    Unauthorized,
    /// Known, but not allowed.
    Forbidden,
    /// It failed for a reason that may pass.
    Unavailable,
    /// A person stopped it.
    Cancelled,
    /// This backend or model cannot do it.
    Unsupported,
    /// A fault of ours, or of what we stand on.
    Internal,
}

macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $name:ident = $text:literal,)+) => {
        /// What exactly failed. The list is closed and part of the public contract (`urn:duyetbot:CODE`).
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Code { $($(#[doc = $doc])+ $name,)+ }
        impl Code {
            /// Every code, for documentation and tests.
            pub const ALL: &'static [Code] = &[$(Code::$name,)+];
            /// The stable word of this code.
            pub fn as_str(self) -> &'static str { match self { $(Code::$name => $text,)+ } }
        }
    };
}

codes! {
    /// The write carries an epoch that no longer holds the run.
    StaleEpoch = "stale_epoch",
    /// The same id is stored with other content.
    ContentDiffers = "content_differs",
    /// Another run of the session is active.
    RunActive = "run_active",
    /// The named parent is not stored.
    ParentMissing = "parent_missing",
    /// The call is not waiting for a decision, or was decided otherwise.
    NotPending = "not_pending",
    /// The owner has as many sessions as the limit allows.
    SessionLimit = "session_limit",
    /// The session has as many messages as the limit allows.
    MessageLimit = "message_limit",
    /// The owner's stored bytes are at the limit.
    StorageLimit = "storage_limit",
    /// The person has as many API tokens as allowed.
    ApiTokenLimit = "api_token_limit",
    /// Another person has this address.
    EmailTaken = "email_taken",
    /// Another person has this login.
    IdentityTaken = "identity_taken",
    /// The person was erased; the id is not used again.
    UserErased = "user_erased",
    /// As many of the owner's runs are going on as may at once.
    RunLimit = "run_limit",
    /// The session was erased; its id is not used again.
    Erased = "erased",
    /// The database was made by a newer program.
    NewerSchema = "newer_schema",
    /// The file is not a database of ours.
    NotADatabase = "not_a_database",
    /// The database is damaged.
    Damaged = "damaged",
    /// The disk is full.
    DiskFull = "disk_full",
    /// The file or folder cannot be written.
    ReadOnly = "read_only",
    /// No key is set for the provider.
    KeyMissing = "key_missing",
    /// The provider refused the key.
    KeyRefused = "key_refused",
    /// The provider does not know the model.
    ModelUnknown = "model_unknown",
    /// The provider asks to slow down.
    RateLimited = "rate_limited",
    /// The account has no credit or quota left.
    QuotaExhausted = "quota_exhausted",
    /// The provider is overloaded or failing.
    Overloaded = "overloaded",
    /// Prompt and answer do not fit the model's window.
    ContextLength = "context_length",
    /// The provider refused the request as wrong.
    RequestRefused = "request_refused",
    /// The connection could not be made, or broke.
    Network = "network",
    /// The answer breaks the provider's own protocol, or was cut.
    Protocol = "protocol",
    /// The model answered with nothing.
    EmptyAnswer = "empty_answer",
    /// The run took as many steps as it may.
    StepLimit = "step_limit",
    /// The run used as many tokens as it may.
    TokenLimit = "token_limit",
    /// The run cost as much as it may.
    CostLimit = "cost_limit",
    /// The model made the same tool call too often.
    RepeatedCall = "repeated_call",
    /// The text breaks the text rule (valid Unicode, no NUL, JSON at most 64 deep).
    TextRule = "text_rule",
    /// The input is larger than what is taken.
    TooLarge = "too_large",
    /// The cursor is not one of this list.
    CursorUnknown = "cursor_unknown",
}

/// Whether trying again can help.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Retry {
    /// The same request fails again.
    #[default]
    Never,
    /// After this long.
    After(Duration),
    /// At once, with backoff.
    Now,
}

/// A failure: kind and code for programs, a sentence for people, context for logs. No text in it carries a secret.
#[derive(Clone)]
pub struct Error {
    kind: ErrorKind,
    code: Option<Code>,
    operation: &'static str,
    message: String,
    context: Vec<(&'static str, String)>,
    source: Option<Arc<dyn std::error::Error + Send + Sync>>,
    retry: Retry,
}

impl Error {
    /// A failure of this kind; `message` is one sentence that says what to do next.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Error {
            kind,
            code: None,
            operation: "",
            message: message.into(),
            context: Vec::new(),
            source: None,
            retry: Retry::Never,
        }
    }
    /// Something that does not exist, or is another owner's.
    pub fn not_found(what: &str) -> Self {
        Error::new(ErrorKind::NotFound, format!("no such {what}"))
    }
    /// A request that cannot be right.
    pub fn invalid(message: impl Into<String>) -> Self {
        Error::new(ErrorKind::Invalid, message)
    }
    /// A fault of ours, from its cause.
    pub fn internal(cause: impl std::error::Error + Send + Sync + 'static) -> Self {
        Error::new(ErrorKind::Internal, cause.to_string()).with_source(cause)
    }
    /// Sets the exact code.
    #[must_use]
    pub fn with_code(mut self, code: Code) -> Self {
        self.code = Some(code);
        self
    }
    /// Says it in other words.
    #[must_use]
    pub fn with_message(mut self, message: String) -> Self {
        self.message = message;
        self
    }
    /// Names the operation that failed.
    #[must_use]
    pub fn with_operation(mut self, operation: &'static str) -> Self {
        self.operation = operation;
        self
    }
    /// Adds a fact for logs.
    #[must_use]
    pub fn with_context(mut self, key: &'static str, value: impl fmt::Display) -> Self {
        self.context.push((key, value.to_string()));
        self
    }
    /// Sets the cause.
    #[must_use]
    pub fn with_source(mut self, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.source = Some(Arc::new(source));
        self
    }
    /// Says whether trying again can help.
    #[must_use]
    pub fn with_retry(mut self, retry: Retry) -> Self {
        self.retry = retry;
        self
    }
    /// What kind of failure it is.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }
    /// What exactly failed, where that is known.
    pub fn code(&self) -> Option<Code> {
        self.code
    }
    /// The operation that failed.
    pub fn operation(&self) -> &'static str {
        self.operation
    }
    /// The sentence for people.
    pub fn message(&self) -> &str {
        &self.message
    }
    /// The facts for logs.
    pub fn context(&self) -> &[(&'static str, String)] {
        &self.context
    }
    /// Whether trying again can help.
    pub fn retry(&self) -> Retry {
        self.retry
    }
    /// Is it this code?
    pub fn is(&self, code: Code) -> bool {
        self.code == Some(code)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut s = f.debug_struct("Error");
        s.field("kind", &self.kind).field("message", &self.message);
        if let Some(code) = self.code {
            s.field("code", &code);
        }
        if !self.operation.is_empty() {
            s.field("operation", &self.operation);
        }
        for (key, value) in &self.context {
            s.field(key, value);
        }
        if let Some(source) = &self.source {
            s.field("source", source);
        }
        s.finish()
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|s| &**s as _)
    }
}
