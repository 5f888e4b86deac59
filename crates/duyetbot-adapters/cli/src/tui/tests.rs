//! The interface with a tool that asks: keys and events in, what a terminal shows out.
use async_trait::async_trait;
use clap::Parser;
use crossterm::event::{Event as Input, KeyCode, KeyEvent, KeyModifiers};
use duyetbot::Duyetbot;
use duyetbot_core::{Approval, Tool, ToolContext, ToolResult, ToolSpec, run::Presence};
use duyetbot_testkit::{Scripted, ScriptedModel};
use futures::{SinkExt, channel::mpsc};
use std::{
    io::{self, Write},
    num::NonZeroU16,
    sync::{Arc, Mutex},
    time::Duration,
};

use super::{
    Interface,
    driver::Driver,
    paint::{Colours, Painter, Reflow},
    state::State,
};
use crate::{
    app::App,
    args::{Cli, Format},
    bot::Bot,
    environment::Environment,
    exit::Exit,
    home::Home,
    output::Output,
    stop::Stop,
};

const PATIENCE: Duration = Duration::from_secs(10);

/// A shell that only says what it was asked for.
struct Shell {
    spec: ToolSpec,
    ran: Arc<Mutex<Vec<String>>>,
}

#[async_trait]
impl Tool for Shell {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }
    async fn call(&self, _: &ToolContext, input: &str) -> ToolResult {
        self.ran.lock().unwrap().push(input.to_owned());
        ToolResult::success("one\ntwo\nthree")
    }
}

/// A terminal that a test looks at.
#[derive(Clone)]
struct Screen(Arc<Mutex<vt100::Parser>>);

impl Screen {
    fn new() -> Self {
        let size = |n| NonZeroU16::new(n).unwrap();
        Screen(Arc::new(Mutex::new(vt100::Parser::new(size(30), size(60), 0))))
    }

    fn text(&self) -> String {
        self.0.lock().unwrap().screen().contents()
    }

    async fn sees(&self, text: &str) {
        let look = async {
            while !self.text().contains(text) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let seen = tokio::time::timeout(PATIENCE, look).await;
        assert!(seen.is_ok(), "{text:?} did not come:\n{}", self.text());
    }
}

impl Write for Screen {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().process(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Asks for one call, lets the person do something, and answers what ran.
async fn decided<F: Future<Output = ()>>(
    input: &str,
    person: impl FnOnce(Screen, mpsc::Sender<io::Result<Input>>) -> F,
) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let ran = Arc::new(Mutex::new(Vec::new()));
    let schema = serde_json::json!({ "type": "object" });
    let spec =
        ToolSpec { name: "bash".into(), description: "runs".into(), input: schema, approval: Approval::Ask };
    let model = ScriptedModel::new([vec![Scripted::call("bash", input)], vec![Scripted::text("All done.")]]);
    let bot = Duyetbot::builder()
        .model(Arc::new(model))
        .tool(Arc::new(Shell { spec, ran: ran.clone() }))
        .open()
        .await
        .unwrap();
    let environment = Environment::of([("DUYETBOT_HOME", folder.path().to_str().unwrap())], folder.path());
    let home = Home::find(&environment).unwrap();
    let output = Output::plain(Format::Text);
    let app = App {
        environment,
        home,
        output,
        storage: "memory:".to_owned(),
        interface: Interface::Full,
        bot: Bot::here(bot),
        presence: Presence::Person,
        flags: Cli::parse_from(["duyetbot"]).global,
    };
    let screen = Screen::new();
    let (keys, typed) = mpsc::channel(64);
    let state = State { columns: 60, rows: 30, ..State::default() };
    let painter = Painter::new(screen.clone(), Colours::Some, Reflow::Cuts);
    let mut driver = Driver::new(&app, state, painter, || None, typed, Stop::listen().unwrap());
    let (exit, ()) = futures::join!(driver.talk(), person(screen, keys));
    assert_eq!(exit, Exit::Done);
    ran.lock().unwrap().clone()
}

async fn press(keys: &mut mpsc::Sender<io::Result<Input>>, text: &str) {
    for c in text.chars() {
        let code = if c == '\r' { KeyCode::Enter } else { KeyCode::Char(c) };
        keys.send(Ok(Input::Key(KeyEvent::new(code, KeyModifiers::NONE)))).await.unwrap();
    }
}

async fn control(keys: &mut mpsc::Sender<io::Result<Input>>, letter: char) {
    keys.send(Ok(Input::Key(KeyEvent::new(KeyCode::Char(letter), KeyModifiers::CONTROL)))).await.unwrap();
}

const INPUT: &str = r#"{"command":"cargo test\n; rm \u001b[8mx"}"#;

#[tokio::test]
async fn a_call_is_shown_whole_and_runs_once_when_it_is_allowed() {
    let ran = decided(INPUT, |screen, mut keys| async move {
        press(&mut keys, "test it\r").await;
        screen.sees("bash wants to run\n  cargo test\n  ; rm \\u{1b}[8mx\n").await;
        screen.sees("; rm \\u{1b}[8mx?\n  y  yes, once\n  n  no").await;
        press(&mut keys, "y").await;
        screen.sees("  allowed once: bash cargo test").await;
        screen.sees("● bash cargo test\\n; rm \\u{1b}[8mx 3 lines").await;
        screen.sees("All done.\n\n> ").await;
        control(&mut keys, 'o').await;
        screen.sees("› bash  cargo test").await;
        press(&mut keys, "\r").await;
        screen.sees("▼ bash\n  cargo test\n  ; rm \\u{1b}[8mx\n  ↳\n  one\n  two\n  three").await;
        control(&mut keys, 'd').await;
    })
    .await;
    assert_eq!(ran, [INPUT]);
}

#[tokio::test]
async fn a_denied_call_does_not_run_and_keys_of_a_draft_decide_nothing() {
    let ran = decided(INPUT, |screen, mut keys| async move {
        press(&mut keys, "test it\r").await;
        screen.sees("n  no").await;
        press(&mut keys, "okay").await;
        screen.sees("it waits for your word").await;
        control(&mut keys, 'u').await;
        screen.sees("n  no").await;
        press(&mut keys, "n").await;
        screen.sees("● bash cargo test\\n; rm \\u{1b}[8mx refused").await;
        screen.sees("All done.\n\n> ").await;
        control(&mut keys, 'd').await;
    })
    .await;
    assert_eq!(ran, Vec::<String>::new());
}

#[tokio::test]
async fn a_call_that_waits_is_left_with_a_stop() {
    let ran = decided(INPUT, |screen, mut keys| async move {
        press(&mut keys, "test it\r").await;
        screen.sees("n  no").await;
        control(&mut keys, 'c').await;
        screen.sees("stopped; what was said stays\n\n> ").await;
        control(&mut keys, 'd').await;
    })
    .await;
    assert_eq!(ran, Vec::<String>::new());
}
