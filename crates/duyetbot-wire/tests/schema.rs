//! What is exported is what `docs/export.schema.json` says, and what that schema refuses is no export.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use duyetbot_core::{
    BlobRef, Message, MessageId, Origin, Part, Role, Session, SessionId, SessionState, Timestamp, ToolResult,
    ToolStatus, ToolUse, Usage,
};
use duyetbot_wire::{Export, legacy};
use jsonschema::Validator;
use serde_json::{Value, json};
use uuid::Uuid;

const SCHEMA: &str = include_str!("../../../docs/export.schema.json");

fn schema() -> Value {
    serde_json::from_str(SCHEMA).unwrap()
}

fn validator(schema: &Value) -> Validator {
    jsonschema::draft202012::new(schema).unwrap()
}

/// The same schema for one who knows no field but those that it names.
fn strict(mut schema: Value) -> Value {
    match &mut schema {
        Value::Object(fields) => {
            if fields.get("properties").is_some_and(Value::is_object) {
                fields.entry("additionalProperties").or_insert(false.into());
            }
            fields.values_mut().for_each(|value| *value = strict(value.take()));
        }
        Value::Array(items) => items.iter_mut().for_each(|value| *value = strict(value.take())),
        _ => {}
    }
    schema
}

fn id(n: u128) -> Uuid {
    Uuid::from_u128(n)
}

fn session(messages: u64) -> Session {
    Session {
        id: SessionId::from(id(7)),
        state: SessionState::Paused,
        title: "Ünï\u{2028}code".into(),
        head: (messages > 0).then(|| MessageId::from(id(100 + u128::from(messages) - 1))),
        parent: (messages > 0).then(|| SessionId::from(id(6))),
        place: (messages > 0).then(|| "host:/w".into()),
        metadata: r#"{"own":{"any":["thing"]}}"#.into(),
        deleted: false,
        created: Timestamp(-1),
        updated: Timestamp(1_764_045_000_007),
        seq: 0,
        messages,
        bytes: 0,
        run: None,
    }
}

fn message(n: u128, role: Role, parts: Vec<Part>) -> Message {
    Message {
        id: MessageId::from(id(100 + n)),
        session: SessionId::from(id(7)),
        parent: n.checked_sub(1).map(|n| MessageId::from(id(100 + n))),
        role,
        parts,
        origin: Origin::Cli,
        model: (role == Role::Assistant).then(|| "anthropic/model".into()),
        usage: (role == Role::Assistant).then_some(Usage {
            input: 30,
            output: 4,
            cache_read: Some(20),
            cache_write: Some(5),
            cost: Some(0.25),
            estimated: true,
        }),
        cut: n == 1,
        created: Timestamp(1_764_045_000_007),
        seq: 0,
        hash: String::new(),
    }
}

fn tool(input: &str, status: ToolStatus) -> Part {
    Part::Tool(ToolUse {
        call: "call_1".into(),
        tool: "bash".into(),
        input: input.into(),
        result: ToolResult { status, output: "a\n".into() },
        blob: None,
        extra: (status == ToolStatus::Success).then(|| r#"{"seen":true}"#.into()),
    })
}

fn blob() -> BlobRef {
    BlobRef { hash: "0123456789abcdef".repeat(4), size: 12 }
}

/// An export with a part of each kind, and one that this version does not know.
fn export() -> Value {
    let image = |name: Option<&str>| Part::Image {
        media_type: "image/png".into(),
        name: name.map(str::to_owned),
        blob: blob(),
    };
    let file = Part::File { media_type: "application/pdf".into(), name: Some("a.pdf".into()), blob: blob() };
    let reasoning = |signature: Option<&str>, redacted: Option<&str>| Part::Reasoning {
        text: "hm".into(),
        signature: signature.map(str::to_owned),
        redacted: redacted.map(str::to_owned),
    };
    let answer = vec![
        reasoning(Some("signed"), None),
        reasoning(None, Some("sealed")),
        Part::text("I look."),
        tool(r#"{"command":"ls"}"#, ToolStatus::Success),
        tool(r#"{"b":1, "a":2.50}"#, ToolStatus::Error),
        tool("not json", ToolStatus::Denied),
        tool("[1]", ToolStatus::Interrupted),
    ];
    let summary = Part::Summary { text: "so far".into(), covers: vec![MessageId::from(id(100))] };
    let messages = [
        message(0, Role::User, vec![Part::text("What is this?"), image(Some("a.png")), image(None), file]),
        message(1, Role::Assistant, answer),
        message(2, Role::System, vec![summary]),
        message(3, Role::Assistant, vec![Part::Unknown(r#"{"type":"hologram","x":{"b":[1]}}"#.into())]),
    ];
    written(&Export::new(&session(4), &messages))
}

fn written(export: &Export) -> Value {
    serde_json::from_str(&export.to_json().unwrap()).unwrap()
}

#[track_caller]
fn holds(schema: &Value, export: &Value) {
    let errors: Vec<String> = validator(schema)
        .iter_errors(export)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert_eq!(errors, Vec::<String>::new());
}

#[test]
fn the_schema_is_one_of_its_draft() {
    jsonschema::meta::validate(&schema()).unwrap();
}

#[test]
fn every_field_of_an_export_is_in_the_schema() {
    let whole = export();
    let empty = written(&Export::new(&session(0), &[]));
    let old = br#"{"messages":[{"role":"user","content":"hi"},{"role":"assistant","content":"hello"}]}"#;
    let legacy = written(&legacy::parse("old", old).unwrap());
    for export in [&whole, &empty, &legacy] {
        holds(&schema(), export);
        holds(&strict(schema()), export);
    }
    let mut newer = whole;
    newer["messages"][0]["mood"] = "new".into();
    holds(&schema(), &newer);
    assert!(
        !validator(&strict(schema())).is_valid(&newer),
        "the strict schema knows a field that nobody names"
    );
}

#[test]
fn every_field_of_the_schema_is_in_an_export() {
    let written = export().to_string();
    let mut missing = Vec::new();
    let schema = schema();
    let kinds = schema["$defs"].as_object().unwrap().values().chain([&schema]);
    for name in kinds.filter_map(|kind| kind["properties"].as_object()).flat_map(|fields| fields.keys()) {
        if !written.contains(&format!("\"{name}\":")) {
            missing.push(name);
        }
    }
    assert_eq!(missing, Vec::<&String>::new());
}

#[test]
fn what_the_importer_refuses_the_schema_refuses_too() {
    let change = |change: &dyn Fn(&mut Value)| {
        let mut export = export();
        change(&mut export);
        export
    };
    let remove = |pointer: &str, field: &str| {
        change(&|export| {
            export.pointer_mut(pointer).unwrap().as_object_mut().unwrap().remove(field).unwrap();
        })
    };
    let set =
        |pointer: &str, value: Value| change(&|export| *export.pointer_mut(pointer).unwrap() = value.clone());
    let broken = [
        ("no version", remove("", "version")),
        ("another version", set("/version", json!(2))),
        ("no session", remove("", "session")),
        ("no messages", remove("", "messages")),
        ("messages that are none", set("/messages", json!({}))),
        ("a session without an id", remove("/session", "id")),
        ("an id that is none", set("/session/id", json!("7"))),
        ("an unknown state", set("/session/state", json!("asleep"))),
        ("metadata that is no object", set("/session/metadata", json!([]))),
        ("a head that is no id", set("/session/head", json!("last"))),
        ("a time that is none", set("/session/createdAt", json!("yesterday"))),
        ("a message without a role", remove("/messages/0", "role")),
        ("an unknown role", set("/messages/0/role", json!("wizard"))),
        ("an unknown origin", set("/messages/0/origin", json!("fax"))),
        ("a parent that is no id", set("/messages/1/parentId", json!(1))),
        ("a message without parts", set("/messages/0/parts", json!([]))),
        ("usage without output", remove("/messages/1/usage", "output")),
        ("a negative count", set("/messages/1/usage/input", json!(-1))),
        ("a part without a type", remove("/messages/0/parts/0", "type")),
        ("a text without text", remove("/messages/0/parts/0", "text")),
        ("an image without a type", remove("/messages/0/parts/1", "mediaType")),
        ("a file without its hash", remove("/messages/0/parts/3", "blob")),
        ("a reasoning without text", remove("/messages/1/parts/0", "text")),
        ("a call without an id", remove("/messages/1/parts/3", "callId")),
        ("a call without a result", remove("/messages/1/parts/3", "output")),
        ("an unknown status", set("/messages/1/parts/3/status", json!("running"))),
        ("a summary of nothing", remove("/messages/2/parts/0", "covers")),
        ("a summary of what is no id", set("/messages/2/parts/0/covers/0", json!("first"))),
    ];
    let validator = validator(&schema());
    for (what, export) in broken {
        let read = Export::parse(export.to_string().as_bytes()).and_then(Export::into_core);
        assert!(read.is_err(), "the importer takes {what}");
        assert!(!validator.is_valid(&export), "the schema takes {what}");
    }
}
