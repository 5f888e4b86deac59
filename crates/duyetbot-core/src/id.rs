//! Identifiers. Clients make them (UUIDv7), so writing twice is writing once.
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::{fmt, str::FromStr};
use uuid::Uuid;

use crate::error::{Error, Result};

macro_rules! ids {
    ($($(#[doc = $doc:literal])+ $name:ident, $what:literal;)+) => {$(
        $(#[doc = $doc])+
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);
        impl $name {
            /// A new id of this moment.
            #[allow(clippy::new_without_default)]
            pub fn new() -> Self { Self(Uuid::now_v7()) }
            /// The id that a name gives within a namespace: the same on every call.
            pub fn derived(namespace: Uuid, name: &str) -> Self { Self(Uuid::new_v5(&namespace, name.as_bytes())) }
            /// The id as a UUID.
            pub fn uuid(self) -> Uuid { self.0 }
        }
        impl From<Uuid> for $name { fn from(id: Uuid) -> Self { Self(id) } }
        impl fmt::Display for $name { fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { self.0.hyphenated().fmt(f) } }
        impl fmt::Debug for $name { fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { fmt::Display::fmt(self, f) } }
        impl FromStr for $name {
            type Err = Error;
            fn from_str(s: &str) -> Result<Self> {
                Uuid::try_parse(s).map(Self).map_err(|_| Error::invalid(format!("not the id of a {}: {s:?}", $what)))
            }
        }
    )+};
}

ids! {
    /// A session's id.
    SessionId, "session";
    /// A message's id.
    MessageId, "message";
    /// The id of a store that writes fields: a file, a server. A client is none.
    DeviceId, "device";
    /// An API token's id; the token itself is another thing.
    TokenId, "token";
}

/// A run's id: its session and the person's message that began it. So a retry names the same run.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RunId {
    /// The session that the run is in.
    pub session: SessionId,
    /// The person's message that began it.
    pub message: MessageId,
}

impl RunId {
    /// The id of the run's n-th message. A function of run and number, so that asking, committing and watching again
    /// all name the same row. Shaped as a UUIDv7 of the run's time.
    pub fn step(self, n: u32) -> MessageId {
        let digest = Sha256::new()
            .chain_update(self.session.0.as_bytes())
            .chain_update(self.message.0.as_bytes())
            .chain_update(n.to_be_bytes())
            .finalize();
        let mut bytes = *self.message.0.as_bytes();
        bytes[6..16].copy_from_slice(&digest[..10]);
        bytes[6] = 0x70 | (bytes[6] & 0x0f);
        bytes[8] = 0x80 | (bytes[8] & 0x3f);
        MessageId(Uuid::from_bytes(bytes))
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.session, self.message)
    }
}
impl fmt::Debug for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
impl FromStr for RunId {
    type Err = Error;
    fn from_str(s: &str) -> Result<Self> {
        let (session, message) =
            s.split_once('.').ok_or_else(|| Error::invalid(format!("not the id of a run: {s:?}")))?;
        Ok(RunId { session: session.parse()?, message: message.parse()? })
    }
}

/// A tool call's id, as the provider gave it or as we made it; unique within a step.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CallId(pub String);

impl fmt::Display for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
impl From<&str> for CallId {
    fn from(s: &str) -> Self {
        CallId(s.to_owned())
    }
}
