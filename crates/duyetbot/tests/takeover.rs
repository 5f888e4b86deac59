//! What a process leaves behind when it dies in the middle of a turn, and what the next one makes of it.
#![allow(clippy::unwrap_used, clippy::expect_used, unreachable_pub)]

mod common;

use async_trait::async_trait;
use common::{itself, option, runtime};
use duyetbot::{
    Duyetbot,
    core::{
        Agent, Approval, Chat, Code, Decision, Event, Message, Part, RunId, RunState, Tool, ToolContext,
        ToolResult, ToolSpec, ToolStatus,
        run::{Settings, Successor, UNKNOWN},
    },
};
use duyetbot_testkit::{Scripted, ScriptedModel};
use futures::StreamExt;
use serde_json::json;
use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

/// A tool that says that it began, and for one of its inputs never ends.
struct Touch {
    spec: ToolSpec,
    folder: PathBuf,
}

#[async_trait]
impl Tool for Touch {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }
    async fn call(&self, _context: &ToolContext, input: &str) -> ToolResult {
        let name = if input.contains("slow") { "slow" } else { "quick" };
        fs::write(self.folder.join(name), "").unwrap();
        if name == "slow" {
            futures::future::pending::<()>().await;
        }
        ToolResult::success("it ran to its end")
    }
}

fn tool(folder: &Path, name: &str, approval: Approval) -> Arc<dyn Tool> {
    let spec = ToolSpec {
        name: name.to_owned(),
        description: "Touches a file.".to_owned(),
        input: json!({"type": "object", "properties": {}}),
        approval,
    };
    Arc::new(Touch { spec, folder: folder.to_owned() })
}

async fn bot(folder: &Path, answers: Vec<Vec<Scripted>>, successor: Successor) -> Duyetbot {
    Duyetbot::builder()
        .storage(&format!("sqlite:{}", folder.join("talk.db").display()))
        .model(Arc::new(ScriptedModel::new(answers)))
        .tool(tool(folder, "touch", Approval::Free))
        .tool(tool(folder, "asking", Approval::Ask))
        .behaviour(Settings { successor, ..Settings::default() })
        .open()
        .await
        .unwrap()
}

fn script(of: &str) -> Vec<Scripted> {
    match of {
        "streams" => vec![Scripted::text("half an answer "), Scripted::Silence],
        "tools" => {
            vec![Scripted::call("touch", r#"{"n":"quick"}"#), Scripted::call("touch", r#"{"n":"slow"}"#)]
        }
        "waits" => vec![Scripted::call("asking", r#"{"n":"quick"}"#)],
        other => panic!("{other}"),
    }
}

/// Not a test of its own: the process that the tests below kill.
#[test]
fn the_one_that_dies() {
    let Some(of) = option("DUYETBOT_TEST_DIES") else { return };
    let folder = PathBuf::from(option("DUYETBOT_TEST_FOLDER").unwrap());
    runtime().block_on(async {
        let bot = bot(&folder, vec![script(&of)], Successor::Ends).await;
        let (_, mut events) = bot.stream(Chat::new("go")).await.unwrap();
        while let Some((_, event)) = events.next().await {
            if let Event::Approval { .. } = event {
                fs::write(folder.join("waiting"), "").unwrap();
            }
        }
    });
}

/// Lets a process come so far, and kills it.
#[expect(clippy::disallowed_methods, reason = "another process is waited for")]
fn die(folder: &Path, of: &str, ready: impl Fn() -> bool) {
    let mut child = itself("the_one_that_dies")
        .env("DUYETBOT_TEST_DIES", of)
        .env("DUYETBOT_TEST_FOLDER", folder)
        .spawn()
        .unwrap();
    let until = Instant::now() + Duration::from_secs(20);
    while !ready() {
        assert!(Instant::now() < until, "the child never came so far");
        std::thread::sleep(Duration::from_millis(20));
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

fn stored(folder: &Path, words: &str) -> bool {
    let log = fs::read(folder.join("talk.db-wal")).unwrap_or_default();
    log.windows(words.len()).any(|w| w == words.as_bytes())
}

async fn messages(bot: &Duyetbot) -> Vec<Message> {
    let page = bot.store().sessions(bot.scope(), &Default::default()).await.unwrap();
    assert_eq!(page.items.len(), 1);
    bot.store().path(bot.scope(), page.items[0].id, None, 100).await.unwrap()
}

/// The session's messages once its first run has ended.
async fn settled(bot: &Duyetbot) -> Vec<Message> {
    let first = messages(bot).await.remove(0);
    let run = RunId { session: first.session, message: first.id };
    let mut events = bot.agent().watch(bot.scope(), run, 0).await.unwrap();
    while events.next().await.is_some() {}
    messages(bot).await
}

fn results(message: &Message) -> Vec<ToolResult> {
    let result = |part: &Part| if let Part::Tool(used) = part { Some(used.result.clone()) } else { None };
    message.parts.iter().filter_map(result).collect()
}

#[test]
fn a_cut_answer_is_kept_and_the_session_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    die(folder.path(), "streams", || stored(folder.path(), "half an answer"));
    runtime().block_on(async {
        let bot = bot(folder.path(), vec![], Successor::Ends).await;
        assert_eq!(bot.agent().adopt_orphans().await.unwrap().len(), 1);
        let said = messages(&bot).await;
        assert_eq!((said[1].text().as_str(), said[1].cut), ("half an answer ", true));
        let reply = bot.ask_in(said[0].session, "go on").await.unwrap();
        assert_eq!((reply.state, reply.text.as_str()), (RunState::Done, "ok"));
    });
}

#[test]
fn a_cut_answer_is_asked_for_again_where_the_place_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    die(folder.path(), "streams", || stored(folder.path(), "half an answer"));
    runtime().block_on(async {
        let bot = bot(folder.path(), vec![], Successor::GoesOn).await;
        assert_eq!(bot.agent().adopt_orphans().await.unwrap().len(), 1);
        let said = settled(&bot).await;
        assert_eq!((said[1].text().as_str(), said[1].cut), ("ok", false));
    });
}

fn a_tool_in_flight(successor: Successor) {
    let folder = tempfile::tempdir().unwrap();
    die(folder.path(), "tools", || {
        folder.path().join("slow").exists() && stored(folder.path(), "it ran to its end")
    });
    runtime().block_on(async {
        let bot = bot(folder.path(), vec![], successor).await;
        assert_eq!(bot.agent().adopt_orphans().await.unwrap().len(), 1);
        let said = settled(&bot).await;
        assert_eq!(
            results(&said[1]),
            [ToolResult::success("it ran to its end"), ToolResult::interrupted(UNKNOWN)]
        );
        assert_eq!(bot.ask_in(said[0].session, "and now?").await.unwrap().text, "ok");
    });
}

#[test]
fn a_tool_in_flight_is_not_known_and_its_finished_sister_is_kept() {
    a_tool_in_flight(Successor::Ends);
    a_tool_in_flight(Successor::GoesOn);
}

#[test]
fn a_waiting_run_outlives_its_process_and_is_decided_in_the_next() {
    let folder = tempfile::tempdir().unwrap();
    die(folder.path(), "waits", || folder.path().join("waiting").exists());
    runtime().block_on(async {
        let bot = bot(folder.path(), vec![], Successor::Ends).await;
        assert_eq!(bot.agent().adopt_orphans().await.unwrap(), [], "a waiting run is no orphan");
        let row = bot.store().waiting(bot.scope(), 9).await.unwrap().remove(0);
        let call = row.checkpoint.pending[0].clone();
        bot.agent().decide(bot.scope(), row.id, &call, Decision::Allow).await.unwrap();
        let said = settled(&bot).await;
        assert_eq!(results(&said[1]), [ToolResult::success("it ran to its end")]);
        assert_eq!(said[2].text(), "ok");
    });
}

#[test]
fn a_new_message_denies_what_waits_and_goes_under_it() {
    let folder = tempfile::tempdir().unwrap();
    die(folder.path(), "waits", || folder.path().join("waiting").exists());
    runtime().block_on(async {
        let bot = bot(folder.path(), vec![], Successor::Ends).await;
        let session = messages(&bot).await[0].session;
        bot.ask_in(session, "never mind").await.unwrap();
        let said = messages(&bot).await;
        assert_eq!(results(&said[1])[0].status, ToolStatus::Denied);
        assert_eq!((said[2].text().as_str(), said[2].parent), ("never mind", Some(said[1].id)));
        assert!(!folder.path().join("quick").exists(), "a denied call ran");
    });
}

#[test]
fn a_second_turn_is_refused_while_one_runs_and_stop_keeps_what_was_said() {
    let folder = tempfile::tempdir().unwrap();
    runtime().block_on(async {
        let bot = bot(folder.path(), vec![script("streams")], Successor::Ends).await;
        let (run, mut events) = bot.stream(Chat::new("go")).await.unwrap();
        while !matches!(events.next().await, Some((_, Event::Content { .. }))) {}
        let error = bot.ask_in(run.session, "me too").await.unwrap_err();
        assert!(error.is(Code::RunActive), "{error:?}");
        bot.agent().stop(bot.scope(), run).await.unwrap();
        let said = settled(&bot).await;
        assert_eq!((said[1].text().as_str(), said[1].cut), ("half an answer ", true));
        assert_eq!(bot.ask_in(run.session, "now me").await.unwrap().text, "ok");
    });
}
