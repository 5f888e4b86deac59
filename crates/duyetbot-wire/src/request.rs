//! What a client sends.
use duyetbot_core::{BlobRef, Decision, Error, ErrorKind, Origin, Part, Result, SessionState};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::value::RawValue;
use std::{fmt, marker::PhantomData};

/// Characters of a session's title.
pub const LONGEST_TITLE: usize = 200;
/// Characters of a person's name, and of a token's.
pub const LONGEST_NAME: usize = 80;
/// Characters of a mark where a session is begun.
pub const LONGEST_WORKSPACE: usize = 1000;
/// What every reader of JSON can count to.
const COUNTABLE: u64 = (1 << 53) - 1;
/// The last place that a change feed could have.
pub const LARGEST_SEQ: u64 = COUNTABLE;
/// Bytes that a file may be said to have.
pub(crate) const LARGEST_SIZE: u64 = COUNTABLE;

/// A message that begins a run.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Chat {
    /// The session; without one a new session whose id follows from the person and `messageId`.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<crate::openapi::Id>))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// What is said.
    #[cfg_attr(feature = "openapi", schema(value_type = crate::openapi::Given))]
    pub message: Given,
    /// The message's id, a UUID made by the client: the same id again attaches to the run that it began.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<crate::openapi::Id>))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_id: Option<String>,
    /// The message that it answers; without one the session's last.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<crate::openapi::Id>))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent_id: Option<String>,
    /// The last message that the person has seen, where no `parentId` is named: the message goes under it, as a branch where
    /// the session went on elsewhere since.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<crate::openapi::Id>))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seen_id: Option<String>,
    /// The interface that it comes through; `api` where it is not said.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<crate::openapi::Origin>))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
    /// Where a new session is begun, as `host:/folder`: a mark of the client's, to find the session again.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<crate::openapi::Workspace>))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workspace: Option<String>,
    /// The model, as `provider/name`.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<crate::openapi::Text>))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Answers as a stream of events; else as one JSON document at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stream: Option<bool>,
    /// Answers that the model may give in this run.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<crate::openapi::Steps>))]
    #[serde(default, deserialize_with = "whole", skip_serializing_if = "Option::is_none")]
    pub max_steps: Option<u32>,
    /// Rules for calls that may run; they only narrow what the server allows.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<crate::openapi::Rules>))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow: Option<Vec<String>>,
    /// Rules for calls that are refused.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<crate::openapi::Rules>))]
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
    #[serde(default, deserialize_with = "whole", skip_serializing_if = "Option::is_none")]
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

    /// A field that is given, and that a part of this type does not have.
    fn stranger(&self) -> Option<&'static str> {
        let given = [
            ("text", self.text.is_some()),
            ("mediaType", self.media_type.is_some()),
            ("name", self.name.is_some()),
            ("blob", self.blob.is_some()),
            ("size", self.size.is_some()),
        ];
        let (texts, files) = given.split_at(1);
        let strange = match self.kind.as_str() {
            "text" => files,
            "image" | "file" => texts,
            _ => return None,
        };
        strange.iter().find(|(_, given)| *given).map(|(field, _)| *field)
    }

    fn into_core(self) -> Result<Part> {
        let say = |what: String| Error::invalid(format!("message: a part of type {:?} {what}", self.kind));
        let lacks = |field: &str| say(format!("needs {field}"));
        if let Some(field) = self.stranger() {
            return Err(say(format!("has no {field}")));
        }
        if self.size.is_some_and(|size| size > LARGEST_SIZE) {
            return Err(say(format!("has a size of at most {LARGEST_SIZE} bytes")));
        }
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

/// A whole number, however it is written: to JSON, 2.0 is one.
fn whole<'de, D: Deserializer<'de>, T: TryFrom<u64>>(from: D) -> std::result::Result<Option<T>, D::Error> {
    struct Whole;
    impl de::Visitor<'_> for Whole {
        type Value = u64;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a whole number")
        }
        fn visit_u64<E: de::Error>(self, number: u64) -> std::result::Result<u64, E> {
            Ok(number)
        }
        fn visit_f64<E: de::Error>(self, number: f64) -> std::result::Result<u64, E> {
            // Beyond this a float does not count by ones.
            if number.fract() == 0.0 && (0.0..=COUNTABLE as f64).contains(&number) {
                return Ok(number as u64);
            }
            Err(E::invalid_value(de::Unexpected::Float(number), &self))
        }
    }
    struct Number(u64);
    impl<'de> Deserialize<'de> for Number {
        fn deserialize<D: Deserializer<'de>>(from: D) -> std::result::Result<Self, D::Error> {
            from.deserialize_any(Whole).map(Number)
        }
    }
    let Some(Number(number)) = Option::<Number>::deserialize(from)? else { return Ok(None) };
    T::try_from(number).map(Some).map_err(|_| de::Error::custom(format!("{number} is too large here")))
}

impl Serialize for Given {
    fn serialize<S: Serializer>(&self, to: S) -> std::result::Result<S::Ok, S::Error> {
        match self {
            Given::Text(text) => text.serialize(to),
            Given::Parts(parts) => parts.serialize(to),
        }
    }
}

/// An object: serde reads a list of the values of a struct's fields as one too.
struct Object<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> std::result::Result<Self, D::Error> {
        struct Map<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> de::Visitor<'de> for Map<T> {
            type Value = T;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> std::result::Result<T, A::Error> {
                T::deserialize(de::value::MapAccessDeserializer::new(map))
            }
        }
        from.deserialize_map(Map(PhantomData)).map(Object)
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
                while let Some(Object(part)) = list.next_element()? {
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
    #[cfg_attr(feature = "openapi", schema(value_type = Option<crate::openapi::Id>))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Its title.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<crate::openapi::Title>))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Where it is begun, as `host:/folder`: a mark of the client's, to find it again.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<crate::openapi::Workspace>))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workspace: Option<String>,
    /// The person's own: a JSON object.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<crate::openapi::JsonObject>))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Box<RawValue>>,
}

/// What is to be different of a session.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct SessionPatch {
    /// Its title.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<crate::openapi::Title>))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Its state.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<crate::openapi::SessionState>))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<SessionState>,
    /// The person's own, as a whole: a JSON object.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<crate::openapi::JsonObject>))]
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
    #[cfg_attr(feature = "openapi", schema(value_type = Option<crate::openapi::PersonName>))]
    pub name: Option<String>,
    /// The person's own, as a whole: a JSON object.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<crate::openapi::JsonObject>))]
    pub settings: Option<Box<RawValue>>,
}

/// A decision on a call that waits.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Decide {
    /// The call.
    #[cfg_attr(feature = "openapi", schema(value_type = crate::openapi::Text))]
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
    #[cfg_attr(feature = "openapi", schema(value_type = crate::openapi::Text))]
    pub tool: String,
    /// Its input.
    #[cfg_attr(feature = "openapi", schema(value_type = crate::openapi::JsonObject))]
    pub input: Box<RawValue>,
    /// The session that it is called for.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<crate::openapi::Id>))]
    pub session_id: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_number_is_one_however_it_is_written() {
        let steps = |number: &str| {
            let json = format!(r#"{{"message":"hi","maxSteps":{number}}}"#);
            serde_json::from_str::<Chat>(&json).map(|chat| chat.max_steps).map_err(|error| error.to_string())
        };
        assert_eq!(
            [steps("2"), steps("2.0"), steps("2e1"), steps("null")],
            [2, 2, 20, 0].map(|n| Ok((n > 0).then_some(n)))
        );
        for (number, why) in [
            ("2.5", "invalid value: floating point `2.5`, expected a whole number"),
            ("-1", "invalid type: integer `-1`, expected a whole number"),
            ("4294967296", "4294967296 is too large here"),
            // How a large one is written is the parser's.
            ("1e300", "invalid value: floating point `1e"),
            ("\"2\"", "invalid type: string \"2\", expected a whole number"),
        ] {
            assert!(steps(number).unwrap_err().starts_with(why), "{number}: {:?}", steps(number));
        }
    }

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
        let sized = r#"[{"type":"file","mediaType":"a/b","blob":"ab","size":4.0}]"#;
        let Part::File { blob, .. } = given(sized).unwrap().into_parts().unwrap().swap_remove(0) else {
            panic!()
        };
        assert_eq!(blob.size, 4);
        assert!(given(r#"[["text","hi"]]"#).unwrap_err().contains("expected an object"));
        assert!(given("3").unwrap_err().contains("a text or a list of parts"));
        for (json, why) in [
            (r#"[{"type":"file","blob":"ab"}]"#, "a part of type \"file\" needs mediaType"),
            (r#"[{"type":"text","text":"a","blob":"ab"}]"#, "a part of type \"text\" has no blob"),
            (r#"[{"type":"image","text":"a"}]"#, "a part of type \"image\" has no text"),
            (
                r#"[{"type":"file","mediaType":"a/b","blob":"ab","size":9007199254740992}]"#,
                "a part of type \"file\" has a size of at most 9007199254740991 bytes",
            ),
            (r#"[{"type":"tool"}]"#, "a part is of type \"text\", \"image\" or \"file\", not \"tool\""),
        ] {
            let refused = given(json).unwrap().into_parts().unwrap_err();
            assert_eq!(refused.message(), format!("message: {why}"));
        }
    }
}
