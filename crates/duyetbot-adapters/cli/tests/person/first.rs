//! The first start over an older home, and sessions that are taken up again.
use std::fs;

use crate::{
    model::Model,
    place::{Place, line},
    pty::Pty,
};

const OFFER: &str = "import them now? The files are kept. [Y/n]";

/// A home with one session of an older program.
fn older() -> Place {
    let place = Place::new();
    let old = place.home.path().join("home/sessions");
    fs::create_dir_all(&old).unwrap();
    let file = r#"{"messages":[{"role":"user","content":"an old question"},{"role":"assistant","content":"an old answer"}]}"#;
    fs::write(old.join("old.json"), file).unwrap();
    place
}

/// Opens the chat, answers the offer and leaves; then opens it again, and nothing is offered.
fn offered(args: &[&str], keys: &str) -> Place {
    let place = older();
    let mut pty = Pty::run(&place.command(args));
    pty.wait("1 sessions of an older duyetbot lie in ");
    pty.wait(OFFER);
    pty.keys(keys);
    if args.is_empty() {
        pty.wait("> ");
        pty.keys("/quit\r");
    }
    assert!(pty.ended().success());
    let mut again = Pty::run(&place.command(&["--plain"]));
    again.wait("> ");
    again.keys("/quit\r");
    assert!(again.ended().success());
    assert!(!String::from_utf8_lossy(again.written()).contains(OFFER));
    assert!(place.home.path().join("home/sessions/old.json").exists());
    place
}

#[test]
fn an_older_homes_sessions_are_imported_when_the_person_agrees() {
    for yes in ["\r", "y\r", "YES\r"] {
        let place = offered(&[], yes);
        let old = [line("user", "an old question", false), line("assistant", "an old answer", false)];
        assert_eq!(place.said(), old, "{yes:?}");
    }
    let place = offered(&["ask", "What was the old question?"], "y\r");
    assert_eq!(place.json(&["sessions", "ls"]).as_array().unwrap().len(), 2);
}

#[test]
fn an_older_homes_sessions_stay_where_they_are_when_the_person_declines() {
    for no in ["n\r", "no\r", "what?\r", "\u{4}"] {
        let place = offered(&[], no);
        assert_eq!(place.json(&["sessions", "ls"]), serde_json::json!([]), "{no:?}");
    }
}

#[test]
fn an_offer_that_is_interrupted_is_made_again() {
    let place = older();
    let mut pty = Pty::run(&place.command(&["--plain"]));
    pty.wait(OFFER);
    pty.keys("\u{3}");
    assert!(!pty.ended().success());
    let mut again = Pty::run(&place.command(&["--plain"]));
    again.wait(OFFER);
    again.keys("n\r");
    again.wait("> ");
    again.keys("\u{4}");
    assert!(again.ended().success());
}

#[test]
fn a_chat_is_one_session_until_a_new_one_is_begun_and_is_resumed_by_its_id() {
    let (place, model) = (Place::new(), Model::new());
    let turn = |pty: &mut Pty, question: &str, answer: &str| {
        pty.keys(&format!("{question}\r"));
        let request = model.next();
        let sent =
            request.body["messages"].as_array().unwrap().iter().filter(|m| m["role"] != "system").count();
        request.answer(answer);
        pty.wait(answer);
        pty.wait("> ");
        sent
    };
    let mut pty = Pty::run(&place.asking(&model, &["--plain"]));
    pty.wait("> ");
    assert_eq!(turn(&mut pty, "first", "The first answer."), 1);
    assert_eq!(turn(&mut pty, "second", "The second answer."), 3);
    pty.keys("/new\r");
    pty.wait("> ");
    assert_eq!(turn(&mut pty, "elsewhere", "Another session."), 1);
    pty.keys("/nothing\r");
    pty.wait("there is no command /nothing; /help lists them");
    pty.wait("> ");
    pty.keys("\u{4}");
    assert!(pty.ended().success());

    let list = place.json(&["sessions", "ls"]);
    let titles: Vec<&str> = list.as_array().unwrap().iter().map(|s| s["title"].as_str().unwrap()).collect();
    assert_eq!(titles, ["elsewhere", "first"]);
    let id = list[1]["id"].as_str().unwrap();
    let mut pty = Pty::run(&place.asking(&model, &["--plain", "sessions", "resume", id]));
    pty.wait(&format!("first ({id})"));
    pty.wait("> ");
    assert_eq!(turn(&mut pty, "third", "The third answer."), 5);
    pty.keys("\u{4}");
    assert!(pty.ended().success());
    let said = [
        line("user", "first", false),
        line("assistant", "The first answer.", false),
        line("user", "second", false),
        line("assistant", "The second answer.", false),
        line("user", "third", false),
        line("assistant", "The third answer.", false),
    ];
    assert_eq!(place.said(), said);
}
