//! Three hundred kills at random moments of a turn: nothing acknowledged is lost, and the next turn is accepted.
#![allow(clippy::unwrap_used, clippy::expect_used, unreachable_pub)]

mod common;

use async_trait::async_trait;
use common::{itself, model, option, runtime};
use duyetbot::{
    Duyetbot, Health,
    core::{
        Answer, Approval, ChatModel, Message, MessageId, ModelCall, ModelEvent, ModelInfo, Part, Request,
        Result, Role, RunState, SessionFilter, SessionId, StopReason, Tool, ToolContext, ToolResult,
        ToolSpec, Usage,
        run::{Settings, Successor},
    },
};
use futures::{StreamExt, stream};
use serde_json::json;
use std::{
    collections::{HashMap, HashSet},
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::Stdio,
    sync::Arc,
    thread,
    time::Duration,
};

const KILLS: usize = 300;
/// Kills between two new sessions, so that each stays short.
const A_SESSION: usize = 15;
/// A turn takes some 15 ms; the kills spread over the first turns of a process, its start, and between them.
const LATEST_KILL: Duration = Duration::from_millis(45);

/// Says a few words, calls two tools at once, and answers once it has their results; a millisecond between the pieces.
struct Paced(ModelInfo);

#[async_trait]
impl ChatModel for Paced {
    fn info(&self) -> &ModelInfo {
        &self.0
    }
    async fn ask(&self, request: &Request) -> Result<Answer> {
        accepted(request);
        let last = request.messages.last().unwrap();
        let mut events = vec![ModelEvent::Text("let me ".into()), ModelEvent::Text("look ".into())];
        if last.role == Role::User {
            events.extend(["a", "b"].map(|n| {
                ModelEvent::Call(ModelCall {
                    id: format!("call_{n}"),
                    tool: "touch".into(),
                    input: format!(r#"{{"n":"{n}"}}"#),
                    whole: true,
                    extra: None,
                })
            }));
        }
        events.push(ModelEvent::Usage(Usage { input: 10, output: 5, ..Usage::default() }));
        events.push(ModelEvent::Stop(StopReason::End));
        let paced = stream::iter(events).then(|event| async {
            tokio::time::sleep(Duration::from_millis(1)).await;
            Ok(event)
        });
        Ok(paced.boxed())
    }
}

/// What a provider asks of a conversation, as far as the types leave it open: the person begins, and nothing comes twice.
fn accepted(request: &Request) {
    assert_eq!(request.messages.first().map(|m| m.role), Some(Role::User));
    let ids: HashSet<MessageId> = request.messages.iter().map(|m| m.id).collect();
    assert_eq!(ids.len(), request.messages.len(), "a message stands twice in a request");
}

struct Touch(ToolSpec);

#[async_trait]
impl Tool for Touch {
    fn spec(&self) -> &ToolSpec {
        &self.0
    }
    async fn call(&self, _context: &ToolContext, input: &str) -> ToolResult {
        tokio::time::sleep(Duration::from_millis(if input.contains('a') { 1 } else { 3 })).await;
        ToolResult::success("touched")
    }
}

async fn bot(folder: &Path) -> Duyetbot {
    let info = model("paced/model");
    let spec = ToolSpec {
        name: "touch".into(),
        description: "Touches.".into(),
        input: json!({"type": "object", "properties": {}}),
        approval: Approval::Free,
    };
    Duyetbot::builder()
        .storage(&format!("sqlite:{}", folder.join("talk.db").display()))
        .model(Arc::new(Paced(info)))
        .tool(Arc::new(Touch(spec)))
        .behaviour(Settings { successor: Successor::Ends, ..Settings::default() })
        .open()
        .await
        .unwrap()
}

/// Not a test of its own: the process that is killed. It says on its standard output what it was told is done.
#[test]
fn the_one_that_dies() {
    let Some(folder) = option("DUYETBOT_TEST_CRASH").map(PathBuf::from) else { return };
    let session: SessionId = option("DUYETBOT_TEST_SESSION").unwrap().parse().unwrap();
    runtime().block_on(async {
        let bot = bot(&folder).await;
        bot.agent().adopt_orphans().await.unwrap();
        say("open");
        loop {
            let reply = bot.ask_in(session, "look at both").await.unwrap();
            say(&format!("done {} {}", reply.message.unwrap(), reply.text.len()));
        }
    });
}

fn say(line: &str) {
    let mut out = std::io::stderr().lock();
    out.write_all(format!("{line}\n").as_bytes()).unwrap();
}

/// Lets a process work on this session until this moment, and kills it. What it acknowledged.
#[expect(clippy::disallowed_methods, reason = "another process is let run for so long")]
fn killed(folder: &Path, session: SessionId, moment: Duration) -> Vec<(MessageId, usize)> {
    let mut child = itself("the_one_that_dies")
        .env("DUYETBOT_TEST_CRASH", folder)
        .env("DUYETBOT_TEST_SESSION", session.to_string())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map(|line| line.unwrap());
    assert_eq!(lines.next().as_deref(), Some("open"));
    thread::sleep(moment);
    child.kill().unwrap();
    child.wait().unwrap();
    let done = |line: String| {
        let mut words = line.strip_prefix("done ").unwrap_or_else(|| panic!("{line}")).split(' ');
        (words.next().unwrap().parse().unwrap(), words.next().unwrap().parse().unwrap())
    };
    lines.map(done).collect()
}

async fn path(bot: &Duyetbot, session: SessionId) -> Vec<Message> {
    bot.store().path(bot.scope(), session, None, 10_000).await.unwrap()
}

#[test]
fn power_loss_mid_write() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("talk.db");
    let mut acknowledged: HashMap<MessageId, usize> = HashMap::new();
    let mut session: Option<SessionId> = None;
    let mut orphans = 0;
    for kill in 0..KILLS {
        if kill % A_SESSION == 0 {
            session = Some(runtime().block_on(async {
                let bot = bot(folder.path()).await;
                let session = bot.ask("begin").await.unwrap().session;
                bot.close().await.unwrap();
                session
            }));
        }
        let session = session.unwrap();
        // Spreads evenly over the span; where in a turn a kill falls depends on the machine.
        let moment = LATEST_KILL.mul_f64((kill as f64 * 0.618_033_988_75).fract());
        acknowledged.extend(killed(folder.path(), session, moment));
        runtime().block_on(async {
            let bot = bot(folder.path()).await;
            orphans += bot.agent().adopt_orphans().await.unwrap().len();
            let reply = bot.ask_in(session, "go on").await.unwrap();
            assert_eq!(reply.state, RunState::Done);
            acknowledged.insert(reply.message.unwrap(), reply.text.len());
            let said = path(&bot, session).await;
            let mut parent = None;
            for message in &said {
                assert_eq!(message.parent, parent, "the path has a gap");
                parent = Some(message.id);
            }
            bot.close().await.unwrap();
            let report = duyetbot::check(&file).await.unwrap();
            assert_eq!((report.messages, report.index, report.orphans), (Health::Sound, Health::Sound, 0));
        });
    }
    assert!(orphans > KILLS / 10, "only {orphans} kills hit a turn");
    runtime().block_on(async { nothing_is_lost(&bot(folder.path()).await, acknowledged).await });
}

async fn nothing_is_lost(bot: &Duyetbot, mut acknowledged: HashMap<MessageId, usize>) {
    let filter = SessionFilter { limit: 100, ..SessionFilter::default() };
    let sessions = bot.store().sessions(bot.scope(), &filter).await.unwrap().items;
    assert_eq!(sessions.len(), KILLS.div_ceil(A_SESSION));
    let mut seen = HashSet::new();
    for session in sessions {
        let said = path(bot, session.id).await;
        assert_eq!(session.messages, said.len() as u64, "the count of the session's row is wrong");
        for message in said {
            assert!(seen.insert(message.id), "a message stands twice");
            let text: usize = message
                .parts
                .iter()
                .map(|p| if let Part::Text { text, .. } = p { text.len() } else { 0 })
                .sum();
            if let Some(length) = acknowledged.remove(&message.id) {
                assert_eq!(text, length);
            }
        }
    }
    assert_eq!(acknowledged, HashMap::new(), "acknowledged, and lost");
}
