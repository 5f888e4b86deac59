//! `duyetbot serve` as the built binary: where it listens, whom it lets in, how it ends.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;
#[path = "common/model.rs"]
mod model;
#[path = "common/served.rs"]
mod served;

use common::Place;
use model::Model;
use rustix::process::Signal;
use served::Served;
use std::{
    io::{Read, Write},
    net::TcpListener,
};

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

#[test]
fn a_check_says_what_holds_and_makes_nothing() {
    let place = Place::new();
    let mut check = place.command(&[&FREE[..], &["--check", "--model", "recall"]].concat());
    check.env("DUYETBOT_SERVE__ORIGINS", "https://app.example.org").env("DUYETBOT_LIMITS__SESSIONS", "0");
    let output = check.output().unwrap();
    let out = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{out}");
    let home = place.home.path().join("home");
    let told: Vec<String> = out.lines().map(|line| line.replace(home.to_str().unwrap(), "HOME")).collect();
    assert_eq!(
        told,
        [
            "ok       people: one, by the token of the first line",
            "ok       address: 127.0.0.1:0, this machine alone",
            "ok       home: HOME is made at the first use",
            "ok       database: HOME/duyetbot.db is made at the first use",
            "ok       model: recall",
            "ok       tools: pages of the public web and the person's own sessions; no files, no commands",
            "ok       limits: sessions: no limit, messages a session: 10000, bytes: 1000000000, requests a minute: 100, \
             runs at once: 20",
            "ok       metrics: whoever reaches the address",
            "ok       origins: https://app.example.org",
            "ok       log: text, info",
            "ok       drain: 10 s",
        ]
    );
    assert!(!home.exists());
}

#[test]
fn a_setting_that_is_no_good_is_named_by_check_and_start_alike() {
    let place = Place::new();
    for (variable, value, why) in [
        ("DUYETBOT_SERVE__ORIGINS", "*", "\"*\" is no origin"),
        ("DUYETBOT_SERVE__ORIGINS", "https://a.b/path", "is no origin"),
        ("DUYETBOT_SERVE__ORIGINS", "app.example.org", "is no origin"),
        ("DUYETBOT_SERVE__WORKSPACE", "/nowhere/at/all", "cannot be opened"),
        ("DUYETBOT_LOG__FORMAT", "xml", "is none of text, json"),
        ("DUYETBOT_LOG__LEVEL", "loud", "is none of error, warn, info, debug, trace"),
        ("DUYETBOT_SERVE__DRAIN_SECONDS", "soon", "is not a whole number"),
        ("DUYETBOT_LIMITS__RUNS_AT_ONCE", "-1", "is not a whole number"),
        ("DUYETBOT_LIMITS__SESSIONS", "10k", "is not a whole number"),
        ("DUYETBOT_LIMITS__SESSIONS", "", "is set to nothing; give it a whole number, 0 or more"),
        ("DUYETBOT_TOOLS__ENABLED", "maybe", "is not true or false"),
        ("DUYETBOT_STORAGE", "", "is set to nothing"),
        ("DUYETBOT_LIMITS_SESSIONS", "5", "write DUYETBOT_LIMITS__SESSIONS"),
        ("DUYETBOT_STORAGES", "sqlite:talk.db", "write DUYETBOT_STORAGE"),
        ("ANTHROPIC_BASE_URL", "api.example.org", "write https://api.example.org"),
        ("OPENAI_BASE_URL", "localhost:8080/v1", "write http://localhost:8080/v1"),
    ] {
        for args in [&[&FREE[..], &["--check"]].concat()[..], &FREE] {
            let (code, out, err) = refused(&place, args, Some((variable, value)));
            let text = out + &err;
            assert_eq!(code, Some(2), "{variable}={value}: {text}");
            assert!(text.contains(variable) && text.contains(why), "{variable}={value}: {text}");
            assert!(!text.contains("http://127.0.0.1:0"), "it began to serve: {text}");
        }
    }
    let (code, _, err) = refused(&place, &["serve", "--check"], Some(("DUYETBOT_SERVE__LISTEN", "8787")));
    assert_eq!(code, Some(2), "{err}");
}

#[test]
fn variables_that_an_orchestrator_sets_for_a_service_of_that_name_do_not_keep_it_from_starting() {
    let place = Place::new();
    let mut command = place.command(&[&FREE[..], &["--model", "recall"]].concat());
    command.env("DUYETBOT_PORT", "tcp://10.0.0.1:8787").env("DUYETBOT_SERVICE_HOST", "10.0.0.1");
    assert_eq!(Served::start(command).end(Signal::TERM).status.code(), Some(0));
}

#[test]
fn a_setting_says_where_it_listens_and_the_flag_stands_over_it() {
    let place = Place::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let setting = Some(("DUYETBOT_SERVE__LISTEN", address.as_str()));
    let (code, _, err) = refused(&place, &["serve"], setting);
    assert!(code == Some(1) && err.contains(&address), "{err}");
    let mut command = place.command(&[&FREE[..], &["--model", "recall"]].concat());
    command.envs(setting);
    let served = Served::start(command);
    assert_ne!(served.address, address);
    served.end(Signal::TERM);
}

#[test]
fn everything_that_keeps_it_from_starting_is_told_at_once() {
    let place = Place::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let wrong = [
        ("DUYETBOT_LIMITS__SESSIONS", "10k"),
        ("DUYETBOT_LOG_LEVEL", "info"),
        ("DUYETBOT_SERVE__ORIGINS", "*"),
        ("API_URL", "example.org"),
        ("JWT_SECRET", "short-and-secret"),
        ("METRICS_TOKEN", ""),
    ];
    std::fs::create_dir_all(place.home.path().join("home")).unwrap();
    std::fs::write(place.home.path().join("home/config.toml"), "colour = 1\n[limits]\nsession = 5\n")
        .unwrap();
    std::fs::write(place.home.path().join("home/duyetbot.db"), "no database").unwrap();
    let ended = |args: &[&str]| {
        let output = place.command(args).envs(wrong).output().unwrap();
        let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
        (output.status.code(), text)
    };
    let (code, [out, _]) = ended(&["serve", "--check", "--listen", &address]);
    assert_eq!(code, Some(2));
    let problems: Vec<&str> = out.lines().filter_map(|line| line.strip_prefix("PROBLEM  ")).collect();
    for (name, _) in wrong {
        let said = |line: &&&str| line.starts_with("settings: ") && line.contains(name);
        assert_eq!(problems.iter().filter(said).count(), 1, "{name}: {out}");
    }
    for also in ["\"colour\"", "\"limits.session\"", &address, "is not a database"] {
        assert!(problems.iter().any(|line| line.contains(also)), "{also}: {out}");
    }
    assert!(!out.contains("short-and-secret"), "{out}");
    let (code, [out, err]) = ended(&["serve", "--listen", &address]);
    assert_eq!((code, out.as_str()), (Some(2), ""));
    assert!(err.starts_with("duyetbot: 8 settings keep the server from starting:\n"), "{err}");
    assert!(wrong.iter().all(|(name, _)| err.contains(name)) && !err.contains("short-and-secret"), "{err}");
}

#[test]
fn the_log_is_json_where_that_is_wanted_and_holds_no_secret_and_nobodys_words() {
    let place = Place::new();
    let mut command = place.command(&[&FREE[..], &["--model", "recall"]].concat());
    command
        .env("DUYETBOT_LOG__FORMAT", "json")
        .env("DUYETBOT_LOG__LEVEL", "debug")
        .env("DUYETBOT_REDACT", "plain-secret-7");
    let served = Served::start(command);
    served.json("POST /agent/chat", r#"{"message":"the badger sleeps","stream":false}"#);
    let request = "GET /sessions HTTP/1.1\r\nx-request-id: plain-secret-7\r\nx-a: 1";
    served.ask(request, &served.token, "");
    let token = served.token.clone();
    let output = served.end(Signal::TERM);
    let log = String::from_utf8(output.stderr).unwrap();
    let events: Vec<serde_json::Value> = log
        .lines()
        .filter(|line| line.starts_with('{'))
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let answered = events.iter().find(|event| event["message"] == "answered").unwrap();
    let told = ["level", "method", "route", "status"].map(|name| answered[name].clone());
    assert_eq!(serde_json::json!(told), serde_json::json!(["DEBUG", "POST", "/agent/chat", 200]));
    for hidden in ["badger", "plain-secret-7", token.as_str()] {
        assert!(!log.contains(hidden), "{hidden}: {log}");
    }
}

#[test]
fn metrics_ask_for_their_token_where_one_is_set() {
    let place = Place::new();
    let mut command = place.command(&[&FREE[..], &["--model", "recall"]].concat());
    command.env("METRICS_TOKEN", "scrape-me-1234");
    let served = Served::start(command);
    assert!(served.ask("GET /metrics", &served.token, "").starts_with("HTTP/1.1 401 "));
    let text = served.ask("GET /metrics", "scrape-me-1234", "");
    assert!(text.contains("duyetbot_http_refusals_total{kind=\"unauthorized\"} 1\n"), "{text}");
    served.end(Signal::TERM);
}

/// What a probe says of this address, in an environment whose proxy leads nowhere.
fn probed(place: &Place, address: &str) -> (Option<i32>, String, String) {
    let mut command = place.command(&["serve", "--ready"]);
    command.env("DUYETBOT_SERVE__LISTEN", address).env("http_proxy", "http://127.0.0.1:9");
    let output = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn a_probe_says_whether_the_server_at_that_address_can_serve() {
    let place = Place::new();
    let served = serve(&place);
    let address = served.address.clone();
    let ready = (Some(0), format!("{address} is ready\n"), String::new());
    assert_eq!(probed(&place, &address), ready);
    let everywhere = address.replace("127.0.0.1", "0.0.0.0");
    assert_eq!(probed(&place, &everywhere), ready, "what listens everywhere is asked here");
    served.end(Signal::TERM);
    let (code, out, err) = probed(&place, &address);
    assert!(code == Some(1) && out.is_empty() && err.contains(&address), "{code:?} {out} {err}");
    for wrong in ["127.0.0.1:0", "nonsense"] {
        let (code, _, err) = probed(&place, wrong);
        assert!(code == Some(2) && err.contains(wrong), "{code:?} {err}");
    }
}

#[test]
fn a_probe_of_what_is_no_server_of_ours_or_says_no_fails_and_says_why() {
    let place = Place::new();
    for (answer, why) in [
        (
            "HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/problem+json\r\ncontent-length: 38\r\n\r\n\
             {\"detail\":\"the storage is elsewhere\"}\n",
            "the storage is elsewhere",
        ),
        ("HTTP/1.1 302 Found\r\nlocation: /healthz\r\ncontent-length: 0\r\n\r\n", "302"),
        ("HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\nwelcome", "as no server of duyetbot does"),
        ("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n", "404"),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let answering = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut head = [0; 1024];
            let read = stream.read(&mut head).unwrap();
            assert!(head[..read].starts_with(b"GET /readyz HTTP/1.1\r\n"));
            stream.write_all(answer.as_bytes()).unwrap();
        });
        let (code, out, err) = probed(&place, &address);
        answering.join().unwrap();
        assert!(code == Some(1) && out.is_empty() && err.contains(why), "{code:?} {out} {err}");
    }
}

const KEY: &str = "sk-proj-c2VjcmV0IG9mIHRoaXMgdGVzdCwgbm90aGluZyBlbHNl";

/// Case: upstream-error-shows-key.
#[test]
fn what_a_provider_says_of_the_key_reaches_nobody() {
    let place = Place::new();
    let echo = format!(r#"{{"error":{{"message":"denied: Authorization: Bearer {KEY}, x-api-key={KEY}"}}}}"#);
    let page = format!("<html><body>Bearer {KEY}</body></html>");
    let (model, asked) = Model::answering(move |n, mut request| match n {
        0 => request.refuse("401 Unauthorized", &echo),
        1 => request.refuse("403 Forbidden", &page),
        2 => request.refuse("429 Too Many Requests\r\nRetry-After: 600", &echo),
        3 => {
            request.begin();
            request.say("words, and then ");
            request.piece(&serde_json::from_str(&echo).unwrap());
        }
        4 => {
            request.begin();
            request.say(&format!("the key is {KEY}."));
            request.end("stop");
        }
        _ => request.refuse("400 Bad Request", &echo),
    });
    // The address has a name, a word and a query that are nobody's business either.
    let base = model.base().replace("http://", "http://someone:passing-7-word@");
    let mut command = place.command(&[&FREE[..], &["--model", "openai/some"]].concat());
    command
        .env("OPENAI_API_KEY", KEY)
        .env("OPENAI_BASE_URL", model.base())
        .env("DUYETBOT_LOG__FORMAT", "json")
        .env("DUYETBOT_LOG__LEVEL", "debug");
    let served = Served::start(command);
    let mut seen = String::new();
    for stream in [false, false, false, true, true, true] {
        let body = format!(r#"{{"message":"hi","stream":{stream}}}"#);
        seen.push_str(&served.ask("POST /agent/chat", &served.token, &body));
    }
    assert_eq!(asked.load(std::sync::atomic::Ordering::SeqCst), 6);
    assert!(seen.contains("words, and then ") && seen.contains(r#""type":"error""#), "{seen}");
    let sessions = served.json("GET /sessions", "");
    for session in sessions["sessions"].as_array().unwrap() {
        let path = format!("GET /sessions/{}/messages", session["id"].as_str().unwrap());
        seen.push_str(&served.ask(&path, &served.token, ""));
    }
    for path in ["/metrics", "/readyz", "/users/me/usage", "/search?q=key", "/sessions"] {
        seen.push_str(&served.ask(&format!("GET {path}"), &served.token, ""));
    }
    let output = served.end(Signal::TERM);
    seen.push_str(&String::from_utf8(output.stderr).unwrap());
    assert!(!seen.contains(KEY), "{seen}");
    let home = place.home.path().join("home");
    for file in std::fs::read_dir(home).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap_or_default();
        assert!(!bytes.windows(KEY.len()).any(|found| found == KEY.as_bytes()));
    }
    let mut with_words = place.command(&[&FREE[..], &["--model", "openai/some"]].concat());
    let output = with_words.env("OPENAI_API_KEY", KEY).env("OPENAI_BASE_URL", base).output().unwrap();
    let told = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert_ne!(output.status.code(), Some(0), "{told}");
    assert!(!told.contains("passing-7-word") && !told.contains(KEY), "{told}");
}
