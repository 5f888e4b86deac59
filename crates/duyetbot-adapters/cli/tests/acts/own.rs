//! What no model may change or reach: the rules, the agent's own files, the person's machine.
use serde_json::{Value, json};
use std::{
    fs,
    io::Read,
    net::TcpListener,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use crate::{
    common::Place,
    script::{Model, call, words},
    world::statuses,
};

fn write(path: &str) -> (&'static str, Value) {
    ("write", json!({ "path": path, "content": "x" }))
}

/// Case: agent-edits-its-own-rules
#[test]
fn files_that_give_rights_or_run_by_themselves_ask_even_under_a_rule_for_all() {
    let place = Place::new();
    place.prepare("git init -q .");
    let own = place.config().to_str().unwrap().to_owned();
    let made = [
        write(".duyetbot/config.toml"),
        write(&own),
        write("~/.duyetbot/config.toml"),
        write(".git/hooks/pre-commit"),
        write(".git/config"),
        write(".GIT/hooks/x"),
        write(".envrc"),
        write(".vscode/tasks.json"),
        write("~/.bashrc"),
        write("AGENTS.md"),
        write("ordinary.txt"),
    ];
    let flags = ["--allow", "write", "--allow", "edit"];
    let results = place.acts(&flags, &made);
    let (last, first) = results.split_last().unwrap();
    assert!(first.iter().all(|result| result.status == "denied"), "{results:?}");
    assert_eq!(last.status, "success", "{last:?}");
    assert!(!place.at(".duyetbot").exists() && !place.config().exists());
    let git = place.acts(&flags, &[("bash", json!({ "command": "git status" }))]);
    assert_eq!(statuses(&git), ["denied"]);
}

/// Case: agent-edits-its-own-rules
#[test]
fn commands_cannot_touch_the_agent_s_own_directory() {
    let place = Place::new();
    let home = place.config().parent().unwrap().to_str().unwrap().to_owned();
    let line = |text: String| ("bash", json!({ "command": text }));
    let results = place.acts(
        &["--allow", "bash"],
        &[
            line(format!("echo 'rules.allow=[\"bash\"]' > {home}/config.toml")),
            line(format!("cat {home}/duyetbot.db | head -c 10")),
        ],
    );
    let doctor = place.run(&Model::new([]), &["doctor"]).out;
    if doctor.contains("commands are not confined") {
        eprintln!("skipped: this kernel confines nothing");
        return;
    }
    assert!(!place.config().exists());
    assert!(!results[1].output.contains("SQLite"), "{results:?}");
}

/// Case: project-config-steals-key
#[test]
fn a_project_allows_nothing_and_says_what_of_it_is_ignored() {
    let place = Place::new();
    place.file(".duyetbot/config.toml", "[rules]\nallow = [\"bash\"]\ndeny = [\"read(secret*)\"]\n");
    place.file("secret.txt", "s");
    let model = Model::new([
        call("bash", json!({ "command": "touch P" })),
        call("read", json!({ "path": "secret.txt" })),
    ]);
    let ended = place.run(&model, &["ask", "act", "--output-format", "json"]);
    assert_eq!((ended.code, ended.json()["denied"].as_array().unwrap().len()), (Some(5), 2), "{ended:?}");
    assert!(ended.err.contains("allow `bash` is ignored, a project's file can only narrow"), "{ended:?}");
    assert!(!place.at("P").exists());
    for setting in ["tools.sandbox = false", "tools.writable = [\"/\"]", "tools.environment = [\"X\"]"] {
        place.file(".duyetbot/config.toml", setting);
        let ended = place.run(&Model::new([]), &["ask", "hi"]);
        let name = setting.split(' ').next().unwrap();
        let said = format!("{name} ignored, for a project's file can only narrow what you allow");
        assert!(ended.code == Some(0) && ended.err.contains(&said), "{setting}: {ended:?}");
    }
    place.file(".duyetbot/config.toml", "tools.enabled = false");
    let model = Model::new([words("ok")]);
    place.run(&model, &["ask", "hi"]);
    assert_eq!(model.requests()[0]["tools"], Value::Null);
}

/// Case: web-fetch-inner-addresses
#[test]
fn pages_of_this_machine_are_not_fetched_whatever_is_allowed() {
    let canary = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = canary.local_addr().unwrap().port();
    let reached = Arc::new(AtomicUsize::new(0));
    let counted = reached.clone();
    thread::spawn(move || {
        for connection in canary.incoming() {
            counted.fetch_add(1, Ordering::SeqCst);
            let _ = connection.unwrap().read(&mut [0; 64]);
        }
    });
    let hosts = [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f.0.0.1",
        "0177.0.0.1",
        "[::ffff:127.0.0.1]",
        "[::1]",
        "0.0.0.0",
        "localhost.",
        "good.test@127.0.0.1",
    ];
    let made: Vec<_> = hosts
        .iter()
        .map(|host| format!("http://{host}:{port}/"))
        .chain([
            "http://169.254.169.254/".into(),
            "file:///etc/passwd".into(),
            format!("gopher://127.0.0.1:{port}/"),
        ])
        .map(|url| ("web_fetch", json!({ "url": url })))
        .collect();
    let results = Place::new().acts(&["--allow", "web_fetch"], &made);
    assert!(results.iter().all(|result| result.status != "success"), "{results:?}");
    assert_eq!(reached.load(Ordering::SeqCst), 0);
}

/// Case: terminal-escapes-from-tools
#[test]
fn escapes_in_what_tools_and_models_say_never_reach_a_terminal() {
    let place = Place::new();
    let evil = "a\u{1b}]52;c;SGVsbG8=\u{7}b\u{1b}[2Jc\u{9b}2Jd\u{1b}c";
    place.file("evil.txt", evil);
    let model = Model::new([
        call("read", json!({ "path": "evil.txt" })),
        call("bash", json!({ "command": format!("echo {evil}") })),
        call(&format!("tool{evil}"), json!({ "path": evil })),
        words(evil),
    ]);
    let mut pty = crate::pty::Pty::run(&place.with(&model, &["ask", "act", "--deny", "bash"]));
    pty.ended();
    let text = String::from_utf8_lossy(pty.written()).into_owned();
    for escape in ["\u{1b}]", "\u{1b}[2J", "\u{9b}", "\u{1b}c", "\u{7}"] {
        assert!(!text.contains(escape), "{}", text.escape_debug());
    }
    assert!(text.contains("a␛]52;c;SGVsbG8=␇b␛[2Jc<U+009B>2Jd␛c"), "{}", text.escape_debug());
}

#[test]
fn the_built_in_model_is_told_of_no_tools_and_works_beside_long_instructions() {
    let place = Place::new();
    place.file("AGENTS.md", "do this ".repeat(4_000));
    let ask = |words: &str| place.command(&["ask", words]).output().unwrap();
    ask("The spare key hangs behind the blue door.");
    let answer = String::from_utf8(ask("Where is the spare key?").stdout).unwrap();
    assert!(answer.contains("behind the blue door"), "{answer}");
}

#[test]
fn a_project_s_instructions_stand_before_the_model_once() {
    let place = Place::new();
    place.prepare(
        "git init -q . && mkdir -p sub && echo 'Use tabs here.' > AGENTS.md && echo 'Sub.' > sub/CLAUDE.md",
    );
    let model = Model::new([call("ls", json!({})), words("ok")]);
    let mut command = place.with(&model, &["ask", "hi"]);
    command.current_dir(place.at("sub"));
    assert!(command.output().unwrap().status.success());
    let said = model.instructions(1);
    assert_eq!((said.matches("Use tabs here.").count(), said.matches("Sub.").count()), (1, 1), "{said}");
    assert!(said.contains(place.at("sub").canonicalize().unwrap().to_str().unwrap()), "{said}");
    assert!(fs::metadata(place.config()).is_err());
}
