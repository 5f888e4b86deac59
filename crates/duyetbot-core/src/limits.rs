//! What a served person may use: the four limits, in one place.
use crate::rate::Rate;

/// What binds a write. Limits bind a person's message and a push, never the steps of an open run. `None` is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Sessions of an owner, those in the bin left out.
    pub sessions: Option<u64>,
    /// Messages of a session.
    pub messages: Option<u64>,
    /// Bytes of an owner, messages and blobs together.
    pub bytes: Option<u64>,
}

impl Limits {
    /// The limits of a served user: 1000 sessions, 10,000 messages a session, 1 GB.
    pub const SERVED: Limits =
        Limits { sessions: Some(1000), messages: Some(10_000), bytes: Some(1_000_000_000) };
    /// No limit, as on a person's own file.
    pub const NONE: Limits = Limits { sessions: None, messages: None, bytes: None };
}

/// All that binds a person: what may be stored, and how often it may be asked.
///
/// ```
/// use duyetbot_core::Quota;
/// assert_eq!(Quota::SERVED.requests.map(|rate| rate.limit), Some(100));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// What binds each write.
    pub limits: Limits,
    /// How many requests may be made.
    pub requests: Option<Rate>,
}

impl Quota {
    /// What a served person may use unless the operator says otherwise: [`Limits::SERVED`] and 100 requests a minute.
    pub const SERVED: Quota = Quota { limits: Limits::SERVED, requests: Some(Rate::per_minute(100)) };
    /// No limit, as on a person's own file.
    pub const NONE: Quota = Quota { limits: Limits::NONE, requests: None };
}
