//! What a client sends.
use duyetbot_core::{BlobRef, Decision, Error, ErrorKind, Origin, Part, Result, SessionState};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::value::RawValue;
use std::fmt;

/// A message that begins a run.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Chat {
    /// The session; without one a new session whose id follows from the person and `messageId`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// What is said.
    #[cfg_attr(feature = "openapi", schema(value_type = crate::openapi::Given))]
    pub message: Given,
    /// The message's id, a UUID made by the client: the same id again attaches to the run that it began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_id: Option<String>,
    /// The message that it answers; without one the session's last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent_id: Option<String>,
    /// The last message that the person has seen, where no `parentId` is named: the message goes under it, as a branch where
    /// the session went on elsewhere since.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seen_id: Option<String>,
    /// The interface that it comes through; `api` where it is not said.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<crate::openapi::Origin>))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
    /// Where a new session is begun, as `host:/folder`: a mark of the client's, to find the session again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workspace: Option<String>,
    /// The model, as `provider/name`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Answers as a stream of events; else as one JSON document at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stream: Option<bool>,
    /// Answers that the model may give in this run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_steps: Option<u32>,
    /// Rules for calls that may run; they only narrow what the server allows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow: Option<Vec<String>>,
    /// Rules for calls that are refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deny: Option<Vec<String>>,
}

/// What a person says: words, or parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Given {
    /// Words.
    Text(String),
    /// Parts.
    Parts(Vec<GivenPart>),
}

/// A part of what a person says: `text`, or an `image` or `file` whose bytes were put as a blob before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct GivenPart {
    /// `text`, `image` or `file`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The words of a text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The type of an image or file, such as `image/png`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// SHA-256 of its bytes, in hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blob: Option<String>,
    /// How many bytes it has. The server looks for itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
}

impl Given {
    /// A message of these parts; `Unsupported` where one is not a person's to send.
    pub fn of_parts(parts: Vec<Part>) -> Result<Self> {
        if let [Part::Text { text, .. }] = &parts[..] {
            return Ok(Given::Text(text.clone()));
        }
        parts.into_iter().map(GivenPart::of).collect::<Result<_>>().map(Given::Parts)
    }

    /// The parts of a message; the size of a blob is what the client says.
    pub fn into_parts(self) -> Result<Vec<Part>> {
        match self {
            Given::Text(text) => Ok(vec![Part::text(text)]),
            Given::Parts(parts) => parts.into_iter().map(GivenPart::into_core).collect(),
        }
    }
}

impl GivenPart {
    fn of(part: Part) -> Result<Self> {
        let file = |kind: &str, media_type, name, blob: BlobRef| GivenPart {
            kind: kind.to_owned(),
            text: None,
            media_type: Some(media_type),
            name,
            blob: Some(blob.hash),
            size: Some(blob.size),
        };
        Ok(match part {
            Part::Text { text, .. } => GivenPart {
                kind: "text".to_owned(),
                text: Some(text),
                media_type: None,
                name: None,
                blob: None,
                size: None,
            },
            Part::Image { media_type, name, blob } => file("image", media_type, name, blob),
            Part::File { media_type, name, blob } => file("file", media_type, name, blob),
            _ => {
                let words = "a person's message has texts, images and files; this part is none";
                return Err(Error::new(ErrorKind::Unsupported, words));
            }
        })
    }

    fn into_core(self) -> Result<Part> {
        let lacks =
            |field: &str| Error::invalid(format!("message: a part of type {:?} needs {field}", self.kind));
        let file = || -> Result<_> {
            let media_type = self.media_type.clone().ok_or_else(|| lacks("mediaType"))?;
            let hash = self.blob.clone().ok_or_else(|| lacks("blob"))?;
            Ok((media_type, self.name.clone(), BlobRef { hash, size: self.size.unwrap_or_default() }))
        };
        match self.kind.as_str() {
            "text" => Ok(Part::text(self.text.clone().ok_or_else(|| lacks("text"))?)),
            "image" => file().map(|(media_type, name, blob)| Part::Image { media_type, name, blob }),
            "file" => file().map(|(media_type, name, blob)| Part::File { media_type, name, blob }),
            other => Err(Error::invalid(format!(
                "message: a part is of type \"text\", \"image\" or \"file\", not {other:?}"
            ))),
        }
    }
}

impl Serialize for Given {
    fn serialize<S: Serializer>(&self, to: S) -> std::result::Result<S::Ok, S::Error> {
        match self {
            Given::Text(text) => text.serialize(to),
            Given::Parts(parts) => parts.serialize(to),
        }
    }
}

/// Written out, and not as an untagged enum, so that what is wrong inside a part keeps its place.
impl<'de> Deserialize<'de> for Given {
    fn deserialize<D: Deserializer<'de>>(from: D) -> std::result::Result<Self, D::Error> {
        struct Either;
        impl<'de> de::Visitor<'de> for Either {
            type Value = Given;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text or a list of parts")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> std::result::Result<Given, E> {
                Ok(Given::Text(text.to_owned()))
            }
            fn visit_string<E: de::Error>(self, text: String) -> std::result::Result<Given, E> {
                Ok(Given::Text(text))
            }
            fn visit_seq<A: de::SeqAccess<'de>>(self, mut list: A) -> std::result::Result<Given, A::Error> {
                let mut parts = Vec::new();
                while let Some(part) = list.next_element()? {
                    parts.push(part);
                }
                Ok(Given::Parts(parts))
            }
        }
        from.deserialize_any(Either)
    }
}

/// A session to be made.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct NewSession {
    /// Its id, a UUID made by the client: the same id again is the same session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Its title.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Where it is begun, as `host:/folder`: a mark of the client's, to find it again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workspace: Option<String>,
    /// The person's own: a JSON object.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Box<RawValue>>,
}

/// What is to be different of a session.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct SessionPatch {
    /// Its title.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Its state.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<crate::openapi::SessionState>))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<SessionState>,
    /// The person's own, as a whole: a JSON object.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Box<RawValue>>,
    /// Into the bin, or out of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deleted: Option<bool>,
}

/// What is to be different of a person.
#[derive(Clone, Debug, Default, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct UserPatch {
    /// The name; an empty one takes it away.
    pub name: Option<String>,
    /// The person's own, as a whole: a JSON object.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub settings: Option<Box<RawValue>>,
}

/// A decision on a call that waits.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Decide {
    /// The call.
    pub call_id: String,
    /// `allow` or `deny`.
    #[cfg_attr(feature = "openapi", schema(value_type = crate::openapi::Decision))]
    pub decision: Decision,
}

/// One call of a tool.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Execute {
    /// The tool.
    pub tool: String,
    /// Its input.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub input: Box<RawValue>,
    /// The session that it is called for.
    pub session_id: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_a_text_or_parts() {
        let given = |json: &str| serde_json::from_str::<Given>(json).map_err(|e| e.to_string());
        assert_eq!(given(r#""hi""#).unwrap().into_parts().unwrap(), [Part::text("hi")]);
        let parts = r#"[{"type":"text","text":"see"},{"type":"image","mediaType":"image/png","blob":"ab"}]"#;
        let image = Part::Image {
            media_type: "image/png".into(),
            name: None,
            blob: BlobRef { hash: "ab".into(), size: 0 },
        };
        assert_eq!(given(parts).unwrap().into_parts().unwrap(), [Part::text("see"), image]);
        for json in [r#""hi""#, parts] {
            let sent = serde_json::to_value(given(json).unwrap()).unwrap();
            assert_eq!(sent, serde_json::from_str::<serde_json::Value>(json).unwrap());
        }
        assert!(given("3").unwrap_err().contains("a text or a list of parts"));
        let refused = given(r#"[{"type":"file","blob":"ab"}]"#).unwrap().into_parts().unwrap_err();
        assert_eq!(refused.message(), "message: a part of type \"file\" needs mediaType");
    }
}
