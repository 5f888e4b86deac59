//! A whole session as one JSON document that imports back equal. `docs/export.schema.json` is its schema.
use duyetbot_core::{Code, Error, Result, text};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

use crate::{message::Message, session::Session};

/// The version of [`Export`] that this program writes, and the newest that it reads.
const VERSION: u32 = 1;
/// Bytes of a document that are read.
pub const LARGEST_IMPORT: usize = 256 * 1024 * 1024;

/// A session with all its messages, parents before children.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Export {
    /// The version of this document.
    pub version: u32,
    /// The session.
    pub session: Session,
    /// Its messages, on all branches.
    pub messages: Vec<Message>,
}

impl Export {
    /// The document of a session and its messages, parents before children.
    pub fn new(session: &duyetbot_core::Session, messages: &[duyetbot_core::Message]) -> Self {
        Export {
            version: VERSION,
            session: Session::from(session),
            messages: messages.iter().map(Message::from).collect(),
        }
    }

    /// As text, with a line feed at its end.
    pub fn to_json(&self) -> Result<String> {
        serde_json::to_string_pretty(self).map(|json| json + "\n").map_err(Error::internal)
    }

    /// For people.
    pub fn to_markdown(&self) -> String {
        crate::markdown::markdown(self)
    }

    /// Is this an export, rather than a file of an older duyetbot?
    pub fn looks_like(bytes: &[u8]) -> bool {
        #[derive(Deserialize)]
        struct Fields {
            version: Option<serde::de::IgnoredAny>,
            session: Option<serde::de::IgnoredAny>,
        }
        serde_json::from_slice::<Fields>(without_mark(bytes))
            .is_ok_and(|f| f.version.is_some() || f.session.is_some())
    }

    /// Reads a document, or says which part of it is wrong. Nothing of a wrong one is taken.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        #[derive(Deserialize)]
        struct Version {
            version: Option<u64>,
        }
        let json = readable(bytes)?;
        let version: Version = serde_json::from_str(json).map_err(|e| wrong(&e))?;
        match version.version {
            Some(1) => {}
            Some(newer) => {
                return Err(Error::invalid(format!(
                    "the export has version {newer}, this program reads version {VERSION}; use a newer duyetbot"
                )));
            }
            None => return Err(Error::invalid("the export has no version; it must be 1")),
        }
        let export: Export = serde_json::from_str(json).map_err(|e| wrong(&e))?;
        export.check()?;
        Ok(export)
    }

    /// Parents before children, each id once, a head that is there.
    pub(crate) fn check(&self) -> Result<()> {
        let mut seen = BTreeSet::new();
        for (n, message) in self.messages.iter().enumerate() {
            let say = |what: &str| Err(Error::invalid(format!("message {} ({}): {what}", n + 1, message.id)));
            if message.parts.is_empty() {
                return say("it has no parts");
            }
            if let Some(parent) = &message.parent_id
                && !seen.contains(parent.as_str())
            {
                return say(&format!("its parent {parent} does not stand before it"));
            }
            if !seen.insert(message.id.as_str()) {
                return say("its id stands twice");
            }
        }
        if let Some(head) = &self.session.head
            && !seen.contains(head.as_str())
        {
            return Err(Error::invalid(format!("the session's head {head} is none of its messages")));
        }
        Ok(())
    }

    /// The session and its messages.
    pub fn into_core(self) -> Result<(duyetbot_core::Session, Vec<duyetbot_core::Message>)> {
        let mut session = self.session.into_core()?;
        // What was in another store's bin is brought in to be used.
        session.deleted = false;
        let mut messages = Vec::with_capacity(self.messages.len());
        for (n, mut message) in self.messages.into_iter().enumerate() {
            let id = message.id.clone();
            // What a file says of it is not believed.
            (message.hash, message.seq) = (None, None);
            let message = message.into_core(session.id).map_err(|e| {
                let words = format!("message {} ({id}): {}", n + 1, e.message());
                e.with_message(words)
            })?;
            messages.push(message);
        }
        Ok((session, messages))
    }
}

fn without_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes)
}

/// The text of a document, if it is one that may be read.
pub(crate) fn readable(bytes: &[u8]) -> Result<&str> {
    if bytes.len() > LARGEST_IMPORT {
        return Err(Error::invalid(format!("it is larger than {} MB", LARGEST_IMPORT / (1024 * 1024)))
            .with_code(Code::TooLarge));
    }
    let json = std::str::from_utf8(without_mark(bytes))
        .map_err(|e| Error::invalid(format!("it is not valid UTF-8 after byte {}", e.valid_up_to())))?;
    if json.trim().is_empty() {
        return Err(Error::invalid("it is empty"));
    }
    if text::depth(json) > text::DEEPEST {
        return Err(Error::invalid(format!("it is nested deeper than {} levels", text::DEEPEST))
            .with_code(Code::TextRule));
    }
    if let Some(line) = broken_text(json) {
        return Err(Error::invalid(format!(
            "line {line} holds a NUL character or half of a surrogate pair; leave it out"
        ))
        .with_code(Code::TextRule));
    }
    Ok(json)
}

/// The first line that breaks the text rule.
fn broken_text(json: &str) -> Option<usize> {
    let mended = text::mend_json(json);
    let at = json.bytes().zip(mended.bytes()).position(|(is, should)| is != should)?;
    Some(json.as_bytes()[..at].iter().filter(|byte| **byte == b'\n').count() + 1)
}

/// What is wrong with a document, with its line and column.
pub(crate) fn wrong(error: &serde_json::Error) -> Error {
    Error::invalid(format!("it is no session that can be imported: {error}"))
}
