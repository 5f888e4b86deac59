//! An older duyetbot's files: `sessions/NAME.json`, each with `messages: [{role, content}]`.
use duyetbot_core::{Error, MessageId, Origin, Result, Role, SessionId, SessionState, Timestamp, title_of};
use serde::Deserialize;
use serde_json::{Map, Value, value::to_raw_value};
use uuid::Uuid;

use crate::{
    Export, Part, Session,
    export::{readable, wrong},
    message::Message,
};

/// What ids are derived under, so that importing twice is importing once.
const NAMESPACE: Uuid = Uuid::from_u128(0x6b1f_7c1e_52a4_4f5e_9d0c_6475_7965_7462);

#[derive(Deserialize)]
struct File {
    #[serde(alias = "sessionId", alias = "session_id")]
    id: Option<String>,
    title: Option<String>,
    state: Option<SessionState>,
    #[serde(alias = "createdAt", alias = "created_at", alias = "created")]
    at: Option<Value>,
    messages: Vec<Said>,
}

#[derive(Deserialize)]
struct Said {
    role: String,
    content: Value,
}

/// Reads such a file. `name` is its name without the ending; it stands for an id where the file has none.
pub fn parse(name: &str, bytes: &[u8]) -> Result<Export> {
    let file: File = serde_json::from_str(readable(bytes)?).map_err(|e| wrong(&e))?;
    let key = file.id.clone().unwrap_or_else(|| name.to_owned());
    if key.is_empty() {
        return Err(Error::invalid("it has no id and no name"));
    }
    let id = SessionId::derived(NAMESPACE, &key);
    let created = moment(file.at.as_ref()).to_string();
    let mut messages: Vec<Message> = Vec::new();
    let mut title = file.title.clone();
    for (n, said) in file.messages.iter().enumerate() {
        let (role, text) =
            said.read().map_err(|what| Error::invalid(format!("message {}: {what}", n + 1)))?;
        if text.is_empty() {
            continue;
        }
        if title.is_none() && role == Role::User {
            title = Some(title_of(&text));
        }
        messages.push(Message {
            id: MessageId::derived(id.uuid(), &n.to_string()).to_string(),
            parent_id: messages.last().map(|m| m.id.clone()),
            role,
            parts: vec![to_raw_value(&Part::Text { text }).map_err(Error::internal)?],
            origin: Origin::Cli,
            model: None,
            usage: None,
            cut: None,
            created_at: created.clone(),
            seq: None,
            hash: None,
        });
    }
    let mut metadata = Map::new();
    metadata.insert("importedFrom".to_owned(), Value::String(key.clone()));
    let export = Export {
        version: 1,
        session: Session {
            id: id.to_string(),
            title: title.filter(|t| !t.trim().is_empty()).unwrap_or(key),
            state: file.state.unwrap_or_default(),
            head: messages.last().map(|m| m.id.clone()),
            parent: None,
            workspace: None,
            created_at: created.clone(),
            updated_at: created,
            message_count: messages.len() as u64,
            deleted: None,
            seq: None,
            message_bytes: None,
            run_id: None,
            metadata,
        },
        messages,
    };
    export.check()?;
    Ok(export)
}

impl Said {
    fn read(&self) -> std::result::Result<(Role, String), String> {
        let text = match &self.content {
            Value::String(text) => text.clone(),
            Value::Null => String::new(),
            Value::Array(parts) => {
                parts.iter().filter_map(|p| p["text"].as_str().or(p.as_str())).collect::<Vec<_>>().join("\n")
            }
            _ => return Err("its content is neither a text nor a list of texts".to_owned()),
        };
        match self.role.as_str() {
            "user" => Ok((Role::User, text)),
            "assistant" => Ok((Role::Assistant, text)),
            "system" => Ok((Role::System, text)),
            "tool" | "function" => Ok((Role::Assistant, format!("[tool] {text}"))),
            other => Err(format!("there is no role {other:?}")),
        }
    }
}

/// The end of the year 9999, in milliseconds: the last moment that can be written.
const LAST: f64 = 253_402_300_799_999.0;

/// A time as text, in seconds or in milliseconds; the beginning of time where there is none that can be.
fn moment(at: Option<&Value>) -> Timestamp {
    match at {
        Some(Value::String(text)) => text.parse().unwrap_or_default(),
        Some(Value::Number(n)) => {
            let n = n.as_f64().unwrap_or_default();
            let millis = if n < 100_000_000_000.0 { n * 1000.0 } else { n };
            if (0.0..=LAST).contains(&millis) { Timestamp(millis as i64) } else { Timestamp::default() }
        }
        _ => Timestamp::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_time_is_read_as_programs_write_it_and_one_that_cannot_be_is_none() {
        let read = |at: Value| moment(Some(&at)).0;
        assert_eq!(read(json!("2025-11-25T04:30:00.007Z")), 1_764_045_000_007);
        assert_eq!(read(json!(1_764_045_000)), 1_764_045_000_000);
        assert_eq!(read(json!(1_764_045_000.25)), 1_764_045_000_250);
        assert_eq!(read(json!(1_764_045_000_007_i64)), 1_764_045_000_007);
        for odd in [
            json!(i64::MIN),
            json!(i64::MAX),
            json!(u64::MAX),
            json!(-1),
            json!(1e300),
            json!("soon"),
            json!([]),
        ] {
            assert_eq!(read(odd.clone()), 0, "{odd}");
        }
    }
}
