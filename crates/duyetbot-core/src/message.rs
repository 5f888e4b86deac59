//! Messages: immutable once committed, a tree within their session.
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use crate::{
    error::{Error, Result},
    id::{CallId, MessageId, SessionId},
    time_stamp::Timestamp,
};

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// A person.
    User,
    /// The agent.
    Assistant,
    /// Neither: a summary that stands for older messages.
    System,
}

/// Through which interface a message came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// The command line.
    Cli,
    /// A browser.
    Web,
    /// A GitHub workflow.
    Action,
    /// The Python package.
    Python,
    /// A program, by the crate or over HTTP.
    Api,
}

/// Where a large payload lies in the blob store.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct BlobRef {
    /// SHA-256 of the bytes, in hex.
    pub hash: String,
    /// How many bytes.
    pub size: u64,
}

/// How a tool call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToolStatus {
    /// It ran and answered.
    Success,
    /// It failed, or was no call that could be run.
    Error,
    /// It was refused: by a person, by a rule, or because nobody could decide.
    Denied,
    /// It was cut off; whether it ran is said in the output.
    Interrupted,
}

/// What a tool answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolResult {
    /// How the call ended.
    pub status: ToolStatus,
    /// The text for the model.
    pub output: String,
}

impl ToolResult {
    /// The call ran and answered this.
    pub fn success(output: impl Into<String>) -> Self {
        ToolResult { status: ToolStatus::Success, output: output.into() }
    }
    /// The call failed, with a text that the model can act on.
    pub fn error(output: impl Into<String>) -> Self {
        ToolResult { status: ToolStatus::Error, output: output.into() }
    }
    /// The call was refused.
    pub fn denied(output: impl Into<String>) -> Self {
        ToolResult { status: ToolStatus::Denied, output: output.into() }
    }
    /// The call was cut off.
    pub fn interrupted(output: impl Into<String>) -> Self {
        ToolResult { status: ToolStatus::Interrupted, output: output.into() }
    }
}

/// A tool call with its result: one without cannot be stored, so it cannot break the next request to a provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolUse {
    /// The call's id, unique within the message.
    pub call: CallId,
    /// The tool's name.
    pub tool: String,
    /// The model's own JSON text, never written anew.
    pub input: String,
    /// What came of it. Where `blob` stands, the output is only its head.
    pub result: ToolResult,
    /// The whole output, where the row could not hold it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blob: Option<BlobRef>,
    /// What the provider wants to see again beside the call: JSON text, replayed to the same provider only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extra: Option<String>,
}

/// One piece of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Part {
    /// Words. Where `blob` stands, the text is only its head.
    Text {
        /// The words.
        text: String,
        /// The whole text, where the row could not hold it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        blob: Option<BlobRef>,
    },
    /// The model's reasoning, replayed to the model that made it.
    Reasoning {
        /// The words; empty where the provider hides them.
        text: String,
        /// The provider's proof of them, opaque.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        signature: Option<String>,
        /// The provider's sealed reasoning, opaque.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        redacted: Option<String>,
    },
    /// A tool call with its result.
    Tool(ToolUse),
    /// A picture.
    Image {
        /// Its type, such as `image/png`.
        media_type: String,
        /// Its file name.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<String>,
        /// Its bytes.
        blob: BlobRef,
    },
    /// A file.
    File {
        /// Its type.
        media_type: String,
        /// Its file name.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<String>,
        /// Its bytes.
        blob: BlobRef,
    },
    /// Stands in a context for the messages that it covers.
    Summary {
        /// The words.
        text: String,
        /// The messages that it covers, oldest first.
        covers: Vec<MessageId>,
    },
    /// A part of a newer program, kept as it was written.
    #[serde(skip)]
    Unknown(String),
}

impl Part {
    /// A text part.
    pub fn text(text: impl Into<String>) -> Self {
        Part::Text { text: text.into(), blob: None }
    }
}

/// Writes parts in the form that is stored and hashed.
pub fn encode_parts(parts: &[Part]) -> Result<String> {
    let mut out = String::from("[");
    for (i, part) in parts.iter().enumerate() {
        if i > 0 {
            out.push(',');
        }
        match part {
            Part::Unknown(raw) => out.push_str(raw),
            part => out.push_str(&serde_json::to_string(part).map_err(Error::internal)?),
        }
    }
    out.push(']');
    Ok(out)
}

/// The one part that most messages are. A tagged enum is read twice; this is read once.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OnlyText {
    #[serde(rename = "type")]
    _is: IsText,
    text: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum IsText {
    Text,
}

/// Reads stored parts. What a newer program wrote comes back as [`Part::Unknown`], unchanged.
pub fn decode_parts(stored: &str) -> Result<Vec<Part>> {
    if let Ok([OnlyText { text, .. }]) = serde_json::from_str::<[OnlyText; 1]>(stored) {
        return Ok(vec![Part::text(text)]);
    }
    let raw: Vec<&RawValue> = serde_json::from_str(stored).map_err(Error::internal)?;
    Ok(raw
        .into_iter()
        .map(|r| serde_json::from_str(r.get()).unwrap_or_else(|_| Part::Unknown(r.get().to_owned())))
        .collect())
}

/// The text of the text parts, one after the other.
pub fn text_of(parts: &[Part]) -> String {
    parts
        .iter()
        .filter_map(|p| if let Part::Text { text, .. } = p { Some(text.as_str()) } else { None })
        .collect()
}

/// A message's content as stored, with its hash. The hash is made once, over the stored bytes of role and parts, after
/// redaction and before off-loading; it travels with the row and is never computed from parsed values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    stored: String,
    hash: String,
}

impl Content {
    /// The content of these parts.
    pub fn of(role: Role, parts: &[Part]) -> Result<Self> {
        let stored = encode_parts(parts)?;
        let role = serde_json::to_string(&role).map_err(Error::internal)?;
        let digest = Sha256::new().chain_update(b"1").chain_update(role).chain_update(&stored).finalize();
        Ok(Content { stored, hash: hex(&digest) })
    }
    /// The same content with some of its parts moved to the blob store: other bytes in the row, the same hash.
    pub(crate) fn off_loaded(&self, parts: &[Part]) -> Result<Self> {
        Ok(Content { stored: encode_parts(parts)?, hash: self.hash.clone() })
    }
    /// Content that arrives with the hash that another store gave it.
    pub fn received(stored: String, hash: String) -> Self {
        Content { stored, hash }
    }
    /// The bytes that go into the row.
    pub fn stored(&self) -> &str {
        &self.stored
    }
    /// SHA-256 in hex.
    pub fn hash(&self) -> &str {
        &self.hash
    }
    /// Bytes in the row: what counts against the limit, beside the blobs that it names.
    pub fn size(&self) -> u64 {
        self.stored.len() as u64
    }
}

/// Bytes in lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// What a message cost in tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Usage {
    /// Tokens of the prompt, those from the cache included.
    pub input: u64,
    /// Tokens of the answer, reasoning included.
    pub output: u64,
    /// Of the input: read from the provider's cache.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_read: Option<u64>,
    /// Of the input: written to the provider's cache.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_write: Option<u64>,
    /// US dollars, where the price is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<f64>,
    /// Tokens that the provider did not tell are estimated: an answer was cut, or it tells none.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub estimated: bool,
}

impl Usage {
    /// Input and output.
    pub fn tokens(&self) -> u64 {
        self.input + self.output
    }
    /// The sum of two; a figure that only one has counts alone.
    #[must_use]
    pub fn plus(&self, other: &Usage) -> Usage {
        fn sum<T: std::ops::Add<Output = T> + Copy>(a: Option<T>, b: Option<T>) -> Option<T> {
            a.map_or(b, |a| Some(b.map_or(a, |b| a + b)))
        }
        Usage {
            input: self.input + other.input,
            output: self.output + other.output,
            cache_read: sum(self.cache_read, other.cache_read),
            cache_write: sum(self.cache_write, other.cache_write),
            cost: sum(self.cost, other.cost),
            estimated: self.estimated || other.estimated,
        }
    }
}

/// A stored message.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// Its id.
    pub id: MessageId,
    /// The session that it belongs to.
    pub session: SessionId,
    /// The message that it answers; none for a session's first.
    pub parent: Option<MessageId>,
    /// Who speaks.
    pub role: Role,
    /// What is said.
    pub parts: Vec<Part>,
    /// The interface that it came through.
    pub origin: Origin,
    /// The model that made it, as `provider/name`.
    pub model: Option<String>,
    /// What it cost.
    pub usage: Option<Usage>,
    /// It ended before its time: a stop, a crash, a limit, a broken stream.
    pub cut: bool,
    /// When it was made, by its maker's clock. Nothing orders by it.
    pub created: Timestamp,
    /// Its place in the owner's change feed on this store.
    pub seq: u64,
    /// The hash of its content.
    pub hash: String,
}

impl Message {
    /// The text of its text parts.
    pub fn text(&self) -> String {
        text_of(&self.parts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_a_newer_program_comes_back_unchanged() {
        let stored = r#"[{"type":"text","text":"a"},{"type":"hologram","x":{"b":1,"a":2.50}}]"#;
        let parts = decode_parts(stored).unwrap();
        assert_eq!(parts[0], Part::text("a"));
        assert_eq!(encode_parts(&parts).unwrap(), stored);
    }

    #[test]
    fn a_message_of_one_text_is_read_as_its_parts_are() {
        let blob = BlobRef { hash: "ab".into(), size: 3 };
        for (stored, text, blob) in [
            (r#"[{"type":"text","text":"a\n\u00e9"}]"#, "a\né", None),
            (r#"[{"text":"a","type":"text"}]"#, "a", None),
            (r#"[{"type":"text","text":"a","newer":1}]"#, "a", None),
            (r#"[{"type":"text","text":"a","blob":{"hash":"ab","size":3}}]"#, "a", Some(blob)),
        ] {
            assert_eq!(decode_parts(stored).unwrap(), [Part::Text { text: text.into(), blob }], "{stored}");
        }
    }

    #[test]
    fn the_hash_is_of_role_and_parts() {
        let of = |role, text: &str| Content::of(role, &[Part::text(text)]).unwrap().hash().to_owned();
        assert_eq!(of(Role::User, "a"), of(Role::User, "a"));
        assert_ne!(of(Role::User, "a"), of(Role::User, "b"));
        assert_ne!(of(Role::User, "a"), of(Role::Assistant, "a"));
    }
}
