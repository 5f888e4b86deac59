//! Messages and their parts as JSON.
use duyetbot_core::{
    BlobRef, CallId, Content, Error, Origin, Result, Role, SessionId, ToolResult, ToolStatus, ToolUse,
};
use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};

/// What a message cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Usage {
    /// Input and output together.
    pub tokens: u64,
    /// Tokens of the prompt, those from the cache included.
    pub input: u64,
    /// Tokens of the answer.
    pub output: u64,
    /// Of the input: read from the provider's cache.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_read: Option<u64>,
    /// Of the input: written to the provider's cache.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_write: Option<u64>,
    /// US dollars.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<f64>,
    /// The provider did not tell all of it: an answer was cut, or it tells none.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub estimated: bool,
}

impl From<duyetbot_core::Usage> for Usage {
    fn from(usage: duyetbot_core::Usage) -> Self {
        Usage {
            tokens: usage.tokens(),
            input: usage.input,
            output: usage.output,
            cache_read: usage.cache_read,
            cache_write: usage.cache_write,
            cost: usage.cost,
            estimated: usage.estimated,
        }
    }
}

impl From<Usage> for duyetbot_core::Usage {
    fn from(usage: Usage) -> Self {
        duyetbot_core::Usage {
            input: usage.input,
            output: usage.output,
            cache_read: usage.cache_read,
            cache_write: usage.cache_write,
            cost: usage.cost,
            estimated: usage.estimated,
        }
    }
}

/// A message.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Message {
    /// Its id.
    #[cfg_attr(feature = "openapi", schema(value_type = crate::openapi::Id))]
    pub id: String,
    /// The message that it answers.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<crate::openapi::Id>))]
    pub parent_id: Option<String>,
    /// `user`, `assistant` or `system`.
    #[cfg_attr(feature = "openapi", schema(value_type = crate::openapi::Role))]
    pub role: Role,
    /// What is said.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<Part>))]
    pub parts: Vec<Box<RawValue>>,
    /// The interface that it came through.
    #[cfg_attr(feature = "openapi", schema(value_type = crate::openapi::Origin))]
    pub origin: Origin,
    /// The model that made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// What it cost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// It ended before its time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cut: Option<bool>,
    /// When it was made.
    #[cfg_attr(feature = "openapi", schema(value_type = crate::openapi::Time))]
    pub created_at: String,
    /// Its place in the owner's change feed; told by the server that keeps it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
    /// The hash of its content, made where the message was made; told by the server that keeps it.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<crate::openapi::Hash>))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hash: Option<String>,
}

/// A part that this version knows. [`Message::parts`] keeps each as it was written, so that what a newer program wrote
/// comes through unchanged.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Part {
    /// Words.
    Text {
        /// The words.
        text: String,
    },
    /// The model's reasoning.
    Reasoning {
        /// The words.
        text: String,
        /// The provider's proof of them.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        signature: Option<String>,
        /// The provider's sealed reasoning.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        redacted: Option<String>,
    },
    /// A tool call with its result.
    #[serde(rename_all = "camelCase")]
    Tool {
        /// The call's id.
        call_id: String,
        /// The tool.
        tool: String,
        /// Its input.
        input: serde_json::Value,
        /// How it ended.
        #[cfg_attr(feature = "openapi", schema(value_type = crate::openapi::ToolStatus))]
        status: ToolStatus,
        /// What it answered.
        output: String,
        /// The input as the model wrote it, where that differs from `input` as JSON is written here.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        raw_input: Option<String>,
        /// What the provider wants to see again beside the call.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        provider_data: Option<String>,
    },
    /// A picture.
    Image(File),
    /// A file.
    File(File),
    /// Stands for the messages that it covers.
    Summary {
        /// The words.
        text: String,
        /// The ids of what it covers.
        #[cfg_attr(feature = "openapi", schema(value_type = Vec<crate::openapi::Id>))]
        covers: Vec<String>,
    },
}

/// A file or picture by its hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct File {
    /// Its type, such as `image/png`.
    pub media_type: String,
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// SHA-256 of its bytes, in hex.
    #[cfg_attr(feature = "openapi", schema(value_type = crate::openapi::Hash))]
    pub blob: String,
    /// How many bytes.
    #[serde(default)]
    pub size: u64,
}

impl From<duyetbot_core::Message> for Message {
    fn from(message: duyetbot_core::Message) -> Self {
        Message::from(&message)
    }
}

impl From<&duyetbot_core::Message> for Message {
    fn from(message: &duyetbot_core::Message) -> Self {
        Message {
            id: message.id.to_string(),
            parent_id: message.parent.map(|id| id.to_string()),
            role: message.role,
            parts: message.parts.iter().filter_map(raw).collect(),
            origin: message.origin,
            model: message.model.clone(),
            usage: message.usage.map(Usage::from),
            cut: message.cut.then_some(true),
            created_at: message.created.to_string(),
            seq: None,
            hash: None,
        }
    }
}

/// A part as JSON. What a newer program wrote is JSON already.
fn raw(part: &duyetbot_core::Part) -> Option<Box<RawValue>> {
    match part {
        duyetbot_core::Part::Unknown(json) => RawValue::from_string(json.clone()).ok(),
        part => to_raw_value(&written(part)?).ok(),
    }
}

fn written(part: &duyetbot_core::Part) -> Option<Part> {
    let file = |media_type: &str, name: &Option<String>, blob: &BlobRef| File {
        media_type: media_type.to_owned(),
        name: name.clone(),
        blob: blob.hash.clone(),
        size: blob.size,
    };
    Some(match part {
        duyetbot_core::Part::Text { text, .. } => Part::Text { text: text.clone() },
        duyetbot_core::Part::Reasoning { text, signature, redacted } => {
            Part::Reasoning { text: text.clone(), signature: signature.clone(), redacted: redacted.clone() }
        }
        duyetbot_core::Part::Tool(used) => {
            let input = serde_json::from_str(&used.input).unwrap_or_else(|_| used.input.clone().into());
            let same = serde_json::to_string(&input).is_ok_and(|json| json == used.input);
            Part::Tool {
                call_id: used.call.0.clone(),
                tool: used.tool.clone(),
                input,
                status: used.result.status,
                output: used.result.output.clone(),
                raw_input: (!same).then(|| used.input.clone()),
                provider_data: used.extra.clone(),
            }
        }
        duyetbot_core::Part::Image { media_type, name, blob } => Part::Image(file(media_type, name, blob)),
        duyetbot_core::Part::File { media_type, name, blob } => Part::File(file(media_type, name, blob)),
        duyetbot_core::Part::Summary { text, covers } => {
            Part::Summary { text: text.clone(), covers: covers.iter().map(ToString::to_string).collect() }
        }
        duyetbot_core::Part::Unknown(_) => return None,
    })
}

fn read(part: &RawValue) -> Result<duyetbot_core::Part> {
    let Ok(known) = serde_json::from_str::<Part>(part.get()) else {
        let value: serde_json::Value = serde_json::from_str(part.get())
            .map_err(|e| Error::invalid(format!("a part of it cannot be read: {e}")))?;
        let kind = value["type"].as_str().unwrap_or("");
        const KNOWN: [&str; 6] = ["text", "reasoning", "tool", "image", "file", "summary"];
        if kind.is_empty() || KNOWN.contains(&kind) {
            return Err(Error::invalid(format!("a part of type {kind:?} lacks a field or has a wrong one")));
        }
        return Ok(duyetbot_core::Part::Unknown(part.get().to_owned()));
    };
    Ok(match known {
        Part::Text { text } => duyetbot_core::Part::text(text),
        Part::Reasoning { text, signature, redacted } => {
            duyetbot_core::Part::Reasoning { text, signature, redacted }
        }
        Part::Tool { call_id, tool, input, status, output, raw_input, provider_data } => {
            duyetbot_core::Part::Tool(ToolUse {
                call: CallId(call_id),
                tool,
                input: match raw_input {
                    Some(raw) => raw,
                    None => serde_json::to_string(&input).map_err(Error::internal)?,
                },
                result: ToolResult { status, output },
                blob: None,
                extra: provider_data,
            })
        }
        Part::Image(File { media_type, name, blob, size }) => {
            duyetbot_core::Part::Image { media_type, name, blob: BlobRef { hash: blob, size } }
        }
        Part::File(File { media_type, name, blob, size }) => {
            duyetbot_core::Part::File { media_type, name, blob: BlobRef { hash: blob, size } }
        }
        Part::Summary { text, covers } => duyetbot_core::Part::Summary {
            text,
            covers: covers.iter().map(|id| id.parse()).collect::<Result<_>>()?,
        },
    })
}

impl Message {
    /// With what only the store that keeps it knows.
    pub fn kept(message: &duyetbot_core::Message) -> Self {
        Message { seq: Some(message.seq), hash: Some(message.hash.clone()), ..Message::from(message) }
    }

    /// The message of this session, as far as it is told; `Invalid` where it is none. A hash that is not told is made of
    /// the parts.
    pub fn into_core(self, session: SessionId) -> Result<duyetbot_core::Message> {
        let parts = self.parts.iter().map(|part| read(part)).collect::<Result<Vec<_>>>()?;
        let hash = match self.hash {
            Some(hash) => hash,
            None => Content::of(self.role, &parts)?.hash().to_owned(),
        };
        Ok(duyetbot_core::Message {
            id: self.id.parse()?,
            session,
            parent: self.parent_id.map(|id| id.parse()).transpose()?,
            role: self.role,
            parts,
            origin: self.origin,
            model: self.model,
            usage: self.usage.map(duyetbot_core::Usage::from),
            cut: self.cut.unwrap_or(false),
            created: self.created_at.parse()?,
            seq: self.seq.unwrap_or(0),
            hash,
        })
    }
}
