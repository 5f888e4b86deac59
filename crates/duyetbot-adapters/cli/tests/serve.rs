//! `duyetbot serve` as the built binary: where it listens, whom it lets in, how it ends.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::Place;
use rustix::process::{Pid, Signal, kill_process};
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    process::{Child, Output},
    time::Duration,
};

const FREE: [&str; 3] = ["serve", "--listen", "127.0.0.1:0"];

struct Served {
    child: Child,
    address: String,
    token: String,
}

fn serve(place: &Place) -> Served {
    let mut child = place.command(&[&FREE[..], &["--model", "recall"]].concat()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    let (address, token) = line.trim_end().strip_prefix("http://").unwrap().split_once("/?token=").unwrap();
    let (address, token) = (address.to_owned(), token.to_owned());
    Served { child, address, token }
}

impl Served {
    fn ask(&self, request: &str, token: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let length = body.len();
        let head = format!(
            "{request} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\nauthorization: Bearer {token}\r\ncontent-type: \
             application/json\r\ncontent-length: {length}\r\n\r\n{body}",
            self.address
        );
        stream.write_all(head.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    fn end(self, signal: Signal) -> Output {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
        self.child.wait_with_output().unwrap()
    }
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
        assert!(served.ask("GET /readyz", "", "").starts_with("HTTP/1.1 200 "));
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
