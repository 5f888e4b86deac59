//! Exports and imports: equal both ways, and nothing of a wrong file is taken.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use duyetbot_core::{
    Message, MessageId, Origin, Part, Role, Session, SessionId, SessionState, Timestamp, ToolResult, ToolUse,
    Usage,
};
use duyetbot_wire::{Export, legacy};
use proptest::prelude::*;
use uuid::Uuid;

fn session(head: Option<MessageId>, messages: u64) -> Session {
    Session {
        id: SessionId::from(Uuid::from_u128(7)),
        state: SessionState::Active,
        title: "Ünï\u{2028}code".into(),
        head,
        parent: None,
        place: Some("host:/w".into()),
        metadata: r#"{"a":[1,2.5,"x"]}"#.into(),
        deleted: false,
        created: Timestamp(1),
        updated: Timestamp(2),
        seq: 0,
        messages,
        bytes: 0,
        run: None,
    }
}

fn message(n: usize, parent: Option<usize>, parts: Vec<Part>) -> Message {
    let id = |n: usize| MessageId::from(Uuid::from_u128(100 + n as u128));
    Message {
        id: id(n),
        session: SessionId::from(Uuid::from_u128(7)),
        parent: parent.map(id),
        role: if n.is_multiple_of(2) { Role::User } else { Role::Assistant },
        parts,
        origin: Origin::Cli,
        model: Some("m/m".into()),
        usage: Some(Usage { input: 3, output: 4, cost: Some(0.25), ..Usage::default() }),
        cut: n.is_multiple_of(3),
        created: Timestamp(1000 + n as i64),
        seq: 0,
        hash: String::new(),
    }
}

fn part() -> impl Strategy<Value = Part> {
    let odd = prop_oneof![
        "\\PC{0,20}",
        Just("\u{2028}\u{2029}\u{85}\r\u{feff}\u{fffe}```".to_owned()),
        Just("👨‍👩‍👧 e\u{301}".to_owned()),
    ];
    prop_oneof![
        odd.clone().prop_map(Part::text),
        odd.clone().prop_map(|text| Part::Reasoning { text, signature: Some("s".into()), redacted: None }),
        (odd, prop_oneof![Just("{\"b\":1,\"a\":2.50}"), Just("not json"), Just("{}")]).prop_map(
            |(output, input)| {
                Part::Tool(ToolUse {
                    call: "c".into(),
                    tool: "t".into(),
                    input: input.into(),
                    result: ToolResult::success(output),
                    blob: None,
                    extra: None,
                })
            }
        ),
        Just(Part::Unknown(r#"{"type":"hologram","x":{"b":1,"a":2.50}}"#.into())),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn an_export_imports_back_equal(tree in prop::collection::vec((any::<prop::sample::Index>(), prop::collection::vec(part(), 1..4)), 1..12)) {
        let messages: Vec<Message> = tree
            .into_iter()
            .enumerate()
            .map(|(n, (parent, parts))| message(n, (n > 0).then(|| parent.index(n)), parts))
            .collect();
        let session = session(messages.last().map(|m| m.id), messages.len() as u64);
        let first = Export::new(&session, &messages).to_json().unwrap();
        let (again, read) = Export::parse(first.as_bytes()).unwrap().into_core().unwrap();
        prop_assert_eq!(read.iter().map(|m| &m.parts).collect::<Vec<_>>(), messages.iter().map(|m| &m.parts).collect::<Vec<_>>());
        prop_assert_eq!(Export::new(&again, &read).to_json().unwrap(), first);
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400), text in "\\PC{0,200}") {
        for input in [bytes.as_slice(), text.as_bytes()] {
            let _ = Export::looks_like(input);
            let _ = Export::parse(input).and_then(Export::into_core);
            let _ = legacy::parse("name", input);
        }
    }
}

fn refusal(json: &str) -> String {
    Export::parse(json.as_bytes()).and_then(|e| e.into_core().map(drop)).unwrap_err().message().to_owned()
}

#[test]
fn a_wrong_file_is_refused_with_the_place() {
    let good = Export::new(
        &session(None, 2),
        &[message(0, None, vec![Part::text("a")]), message(1, Some(0), vec![Part::text("b")])],
    )
    .to_json()
    .unwrap();
    assert!(Export::parse(good.as_bytes()).is_ok());
    assert!(Export::parse(format!("\u{feff}{good}\r\n").as_bytes()).is_ok());
    assert_eq!(refusal(""), "it is empty");
    assert!(refusal(&good[..good.len() / 2]).contains("line "));
    assert!(refusal(&format!("{good}{good}")).contains("trailing characters at line"));
    assert!(
        refusal(&good.replace("\"version\": 1", "\"version\": 2"))
            .contains("version 2, this program reads version 1")
    );
    let second = Uuid::from_u128(101).to_string();
    let first = Uuid::from_u128(100).to_string();
    assert!(refusal(&good.replace(&second, &first)).contains("message 2"));
    assert!(
        refusal(&good.replace(&format!("\"parentId\": \"{first}\""), "\"parentId\": \"nowhere\""))
            .contains("does not stand before it")
    );
    assert!(refusal(&good.replace("\"a\"", "\"\\u0000\"")).contains("NUL"));
}

#[test]
fn an_older_file_is_read_and_gives_the_same_ids_each_time() {
    let json = br#"{"title":"Old","createdAt":"2024-01-02T03:04:05Z","messages":[
        {"role":"system","content":"be kind"},{"role":"user","content":[{"type":"text","text":"hi"}]},{"role":"assistant","content":"hello"}]}"#;
    let read = |name| legacy::parse(name, json).unwrap().to_json().unwrap();
    assert_eq!(read("session-1"), read("session-1"));
    assert_ne!(read("session-1"), read("session-2"));
    let (session, messages) = legacy::parse("session-1", json).unwrap().into_core().unwrap();
    assert_eq!(session.title, "Old");
    assert_eq!(session.created.to_string(), "2024-01-02T03:04:05.000Z");
    assert_eq!(
        messages.iter().map(|m| (m.role, m.text())).collect::<Vec<_>>(),
        [
            (Role::System, "be kind".to_owned()),
            (Role::User, "hi".to_owned()),
            (Role::Assistant, "hello".to_owned()),
        ]
    );
    assert_eq!(messages[2].parent, Some(messages[1].id));
}
