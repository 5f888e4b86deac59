//! `duyetbot serve` as the built binary: where it listens, whom it lets in, how it ends.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;
#[path = "common/served.rs"]
mod served;

use common::Place;
use rustix::process::Signal;
use served::Served;
use std::net::TcpListener;

const FREE: [&str; 3] = ["serve", "--listen", "127.0.0.1:0"];

fn serve(place: &Place) -> Served {
    Served::start(place.command(&[&FREE[..], &["--model", "recall"]].concat()))
}

fn refused(place: &Place, args: &[&str], variable: Option<(&str, &str)>) -> (Option<i32>, String, String) {
    let mut command = place.command(args);
    command.envs(variable);
    let output = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn the_first_line_names_address_and_token_and_a_signal_ends_it_well() {
    let place = Place::new();
    for signal in [Signal::TERM, Signal::INT] {
        let served = serve(&place);
        assert!(served.ask("GET /sessions", "wrong", "").starts_with("HTTP/1.1 401 "));
        assert_eq!(served.json("GET /readyz", "")["status"], "ok");
        let said =
            served.ask("POST /agent/chat", &served.token, r#"{"message":"The key hangs behind the door."}"#);
        assert!(
            said.contains("content-type: text/event-stream") && said.contains(r#""type":"done""#),
            "{said}"
        );
        let output = served.end(signal);
        assert_eq!(output.status.code(), Some(0));
        assert!(output.stdout.is_empty(), "one line and nothing else");
    }
    // The same file serves the command line.
    let listed = place.command(&["sessions", "ls", "--output-format", "json"]).output().unwrap();
    let sessions: serde_json::Value = serde_json::from_slice(&listed.stdout).unwrap();
    assert_eq!(sessions.as_array().unwrap().len(), 2);
}

#[test]
fn two_starts_have_two_tokens() {
    let place = Place::new();
    let (first, second) = (serve(&place), serve(&place));
    assert!(first.token.len() >= 32 && first.token != second.token);
    assert!(second.ask("GET /sessions", &first.token, "").starts_with("HTTP/1.1 401 "));
    first.end(Signal::TERM);
    second.end(Signal::TERM);
}

#[test]
fn what_others_can_reach_is_refused_without_a_secret() {
    let place = Place::new();
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:8787"] {
        let (code, out, err) = refused(&place, &["serve", "--listen", address], None);
        assert_eq!((code, out.as_str()), (Some(2), ""), "{address}");
        assert!(err.contains(address) && err.contains("JWT_SECRET is not set"), "{err}");
    }
    let (code, out, err) = refused(&place, &FREE, Some(("JWT_SECRET", "0123456789abcdef0123456789abcdef")));
    assert_eq!((code, out.as_str()), (Some(1), ""));
    assert!(err.contains("JWT_SECRET") && !err.contains("0123456789abcdef"), "{err}");
}

#[test]
fn what_cannot_be_listened_on_says_so() {
    let place = Place::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let (code, _, err) = refused(&place, &["serve", "--listen", &address], None);
    assert_eq!(code, Some(1));
    assert!(err.contains(&address) && err.contains("--listen"), "{err}");
    for wrong in ["nonsense", "127.0.0.1", "127.0.0.1:99999"] {
        let (code, _, err) = refused(&place, &["serve", "--listen", wrong], None);
        assert_eq!(code, Some(2), "{err}");
        assert!(err.contains(wrong), "{err}");
    }
    let (code, _, err) = refused(&place, &FREE, Some(("DUYETBOT_LIMITS__REQUESTS_PER_MINUTE", "10k")));
    assert_eq!(code, Some(2));
    assert!(err.contains("DUYETBOT_LIMITS__REQUESTS_PER_MINUTE"), "{err}");
}

#[test]
fn a_workspace_that_is_no_good_is_refused_by_its_name() {
    let place = Place::new();
    let served = |workspace: &std::path::Path, args: &[&str]| {
        let variable = ("DUYETBOT_SERVE__WORKSPACE", workspace.to_str().unwrap());
        refused(&place, &[&FREE[..], args].concat(), Some(variable))
    };
    std::fs::write(place.folder.path().join("file"), "").unwrap();
    std::fs::create_dir_all(place.home.path().join("home")).unwrap();
    let wrong = [
        (place.folder.path().join("gone"), "cannot be opened"),
        (place.folder.path().join("file"), "is not a folder"),
        (place.home.path().to_owned(), "holds the agent's own home"),
    ];
    for (path, why) in wrong {
        let (code, out, err) = served(&path, &[]);
        assert_eq!((code, out.as_str()), (Some(2), ""), "{err}");
        assert!(err.contains("DUYETBOT_SERVE__WORKSPACE") && err.contains(why), "{err}");
    }
    let (code, _, err) = served(place.folder.path(), &["--storage", "sqlite:talk.db"]);
    assert_eq!(code, Some(2));
    assert!(err.contains("talk.db lies in serve.workspace"), "{err}");
    assert!(!place.folder.path().join("talk.db").exists());
    std::fs::write(place.home.path().join("home/config.toml"), "[tools]\nsandbox = false\n").unwrap();
    let (code, _, err) = served(place.folder.path(), &[]);
    assert_eq!(code, Some(2));
    assert!(err.contains("not confined here: tools.sandbox is off"), "{err}");
}
