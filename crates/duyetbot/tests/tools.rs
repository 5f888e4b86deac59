//! Tools through the facade: what runs, what waits, and what a decision that comes too late does.
#![allow(clippy::unwrap_used, clippy::expect_used, unreachable_pub)]

use duyetbot::{
    Duyetbot,
    core::{
        Agent, Answer, CallId, Chat, ChatModel, Code, Decision, Event, ModelCall, ModelEvent, ModelInfo,
        Request, Result, RunId, RunState, SettableClock, StopReason, Timestamp, ToolStatus, WAIT,
        run::{Policy, Verdict},
    },
    tools::rules::{Lists, Source},
};
use duyetbot_testkit::{Scripted, ScriptedModel};
use futures::StreamExt;
use std::{fs, path::Path, sync::Arc};

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

fn calls(calls: &[(&str, &str)]) -> Vec<Scripted> {
    let call = |(n, (tool, input)): (usize, &(&str, &str))| {
        ModelEvent::Call(ModelCall {
            id: format!("c{n}"),
            tool: (*tool).to_owned(),
            input: (*input).to_owned(),
            extra: None,
            whole: true,
        })
    };
    let calls = calls.iter().enumerate().map(call);
    calls.chain([ModelEvent::Stop(StopReason::End)]).map(Scripted::Event).collect()
}

fn words(words: &str) -> Vec<Scripted> {
    [ModelEvent::Text(words.into()), ModelEvent::Stop(StopReason::End)].map(Scripted::Event).into()
}

async fn bot(workspace: &Path, answers: Vec<Vec<Scripted>>) -> (Duyetbot, Arc<SettableClock>) {
    let clock = Arc::new(SettableClock::new(Timestamp(1_795_647_600_000)));
    let bot = Duyetbot::builder()
        .model(Arc::new(ScriptedModel::new(answers)))
        .clock(clock.clone())
        .workspace(workspace)
        .open()
        .await
        .unwrap();
    (bot, clock)
}

/// Asks, and waits until a call waits for a decision.
async fn until_it_waits(bot: &Duyetbot) -> (RunId, CallId) {
    let (run, mut events) = bot.stream(Chat::new("write it")).await.unwrap();
    while let Some((_, event)) = events.next().await {
        if let Event::Approval { call, .. } = event {
            return (run, call);
        }
    }
    panic!("nothing waits");
}

/// Says no; what it is renewed to says yes.
struct Stale;

impl Policy for Stale {
    fn judge(&self, _: &str, _: &str) -> Verdict {
        Verdict::Deny("of an earlier run".into())
    }
    fn renewed(&self) -> Option<Arc<dyn Policy>> {
        struct Renewed;
        impl Policy for Renewed {
            fn judge(&self, _: &str, _: &str) -> Verdict {
                Verdict::Allow
            }
        }
        Some(Arc::new(Renewed))
    }
}

#[test]
fn a_run_is_judged_by_the_policy_as_it_is_when_the_run_begins() {
    let folder = tempfile::tempdir().unwrap();
    runtime().block_on(async {
        let asked = calls(&[("write", r#"{"path":"b.txt","content":"beta"}"#)]);
        let builder = Duyetbot::builder().model(Arc::new(ScriptedModel::new([asked, words("done")])));
        let bot = builder.workspace(folder.path()).policy(Arc::new(Stale)).open().await.unwrap();
        bot.ask("write it").await.unwrap();
        assert_eq!(fs::read_to_string(folder.path().join("b.txt")).unwrap(), "beta");
    });
}

/// A model that only words what recall found.
struct MemoryOnly(ScriptedModel, ModelInfo);

#[async_trait::async_trait]
impl ChatModel for MemoryOnly {
    fn info(&self) -> &ModelInfo {
        &self.1
    }
    async fn ask(&self, request: &Request) -> Result<Answer> {
        self.0.ask(request).await
    }
}

#[test]
fn a_model_that_only_words_what_recall_found_is_told_of_no_tools() {
    let folder = tempfile::tempdir().unwrap();
    runtime().block_on(async {
        for (memory_only, told) in [(true, 0), (false, 10)] {
            let scripted = ScriptedModel::new([words("done")]);
            let info = ModelInfo { memory_only, ..scripted.info().clone() };
            let model = Arc::new(MemoryOnly(scripted, info));
            let builder = Duyetbot::builder().model(model.clone()).workspace(folder.path());
            builder.open().await.unwrap().ask("hi").await.unwrap();
            assert_eq!(model.0.requests()[0].tools.len(), told);
        }
    });
}

#[test]
fn what_is_free_runs_and_the_rest_waits_for_a_decision() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.txt"), "alpha").unwrap();
    runtime().block_on(async {
        let asked =
            calls(&[("read", r#"{"path":"a.txt"}"#), ("write", r#"{"path":"b.txt","content":"beta"}"#)]);
        let (bot, _) = bot(folder.path(), vec![asked, words("done")]).await;
        let (run, call) = until_it_waits(&bot).await;
        let open = bot.agent().open_calls(bot.scope()).await.unwrap();
        let open: Vec<(RunId, &str, &str)> =
            open.iter().map(|open| (open.run, open.tool.as_str(), open.input.as_str())).collect();
        assert_eq!(open, [(run, "write", r#"{"path":"b.txt","content":"beta"}"#)]);
        assert!(!folder.path().join("b.txt").exists());
        bot.agent().decide(bot.scope(), run, &call, Decision::Allow).await.unwrap();
        let mut events = bot.agent().watch(bot.scope(), run, 0).await.unwrap();
        let mut results = Vec::new();
        while let Some((_, event)) = events.next().await {
            if let Event::ToolResult { tool, status, .. } = event {
                results.push((tool, status));
            }
        }
        results.dedup();
        let success = |tool: &str| (tool.to_owned(), ToolStatus::Success);
        assert_eq!(results, [success("read"), success("write")]);
        assert_eq!(fs::read_to_string(folder.path().join("b.txt")).unwrap(), "beta");
        assert_eq!(bot.agent().open_calls(bot.scope()).await.unwrap(), []);
    });
}

#[test]
fn a_call_that_waited_seven_days_is_denied_and_its_run_cancelled() {
    let folder = tempfile::tempdir().unwrap();
    runtime().block_on(async {
        let asked = || calls(&[("write", r#"{"path":"b.txt","content":"beta"}"#)]);
        let (bot, clock) = bot(folder.path(), vec![asked(), asked()]).await;
        let (run, call) = until_it_waits(&bot).await;
        clock.advance(WAIT);
        let late = bot.agent().decide(bot.scope(), run, &call, Decision::Allow).await.unwrap_err();
        assert!(late.is(Code::NotPending), "{late}");
        let row = bot.store().run(bot.scope(), run).await.unwrap();
        assert_eq!(row.state, RunState::Cancelled);
        let (other, _) = until_it_waits(&bot).await;
        clock.advance(WAIT);
        assert_eq!(bot.agent().open_calls(bot.scope()).await.unwrap(), []);
        let row = bot.store().run(bot.scope(), other).await.unwrap();
        assert_eq!(row.state, RunState::Cancelled);
        assert!(!folder.path().join("b.txt").exists());
    });
}

#[test]
fn a_link_is_judged_by_the_place_that_it_leads_to() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join(".git")).unwrap();
    fs::write(folder.path().join(".git/config"), "").unwrap();
    std::os::unix::fs::symlink(".git/config", folder.path().join("notes")).unwrap();
    runtime().block_on(async {
        let settings = duyetbot::ToolSettings::new(folder.path());
        let lists = Lists { allow: vec!["edit(notes)".into()], ..Lists::default() };
        settings.rules.add(&Source::Flags, &lists).unwrap();
        let bot = Duyetbot::builder().model(Arc::new(ScriptedModel::new([]))).tools(settings);
        let bot = bot.open().await.unwrap();
        let Verdict::Ask(why) = bot.toolbox().unwrap().explain("edit", r#"{"path":"notes"}"#).verdict else {
            panic!("it asks");
        };
        assert!(why.starts_with("notes -> .git/config: version control's own files"), "{why}");
    });
}

#[test]
fn what_an_earlier_call_of_the_answer_wrote_counts_for_git() {
    let folder = tempfile::tempdir().unwrap();
    runtime().block_on(async {
        let write = |path: &str, content: &str| format!(r#"{{"path":"{path}","content":"{content}"}}"#);
        let written = [
            write("HEAD", "ref: refs/heads/main\\n"),
            write("objects/x", "x"),
            write("refs/x", "x"),
            write("config", "[core]\\n\\tfsmonitor = touch P\\n"),
        ];
        let status = r#"{"command":"git status"}"#;
        let mut asked: Vec<(&str, &str)> = vec![("bash", status)];
        asked.extend(written.iter().map(|input| ("write", input.as_str())));
        asked.push(("bash", status));
        let settings = duyetbot::ToolSettings::new(folder.path());
        let lists = Lists { allow: vec!["write".into(), "bash(git status:*)".into()], ..Lists::default() };
        settings.rules.add(&Source::Flags, &lists).unwrap();
        let bot = Duyetbot::builder().model(Arc::new(ScriptedModel::new([calls(&asked)]))).tools(settings);
        let bot = bot.open().await.unwrap();
        let (_, mut events) = bot.stream(Chat::new("go")).await.unwrap();
        let mut waiting = Vec::new();
        while let Some((_, event)) = events.next().await {
            if let Event::Approval { call, reason, .. } = event {
                waiting.push((call.0, reason));
                break;
            }
        }
        // The first ran before anything was written; the last was judged after all of it.
        let why = "git status: the repository's config names programs: core.fsmonitor".to_owned();
        assert_eq!(waiting, [("c5".to_owned(), why)]);
        assert!(!folder.path().join("P").exists());
    });
}

#[test]
fn nobody_is_asked_about_a_change_that_cannot_be_made() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["a.txt", "b.txt", "kept.txt"] {
        fs::write(folder.path().join(name), "alpha").unwrap();
    }
    runtime().block_on(async {
        let absent = |path: &str| format!(r#"{{"path":"{path}","old":"beta","new":"x"}}"#);
        let (a, kept) = (absent("a.txt"), absent("kept.txt"));
        let asked = calls(&[
            ("edit", a.as_str()),
            ("write", r#"{"path":"b.txt","content":"beta"}"#),
            ("edit", kept.as_str()),
            ("edit", a.as_str()),
        ]);
        let settings = duyetbot::ToolSettings::new(folder.path());
        let lists = Lists { deny: vec!["read(kept.txt)".into()], ..Lists::default() };
        settings.rules.add(&Source::Flags, &lists).unwrap();
        let bot = Duyetbot::builder().model(Arc::new(ScriptedModel::new([asked]))).tools(settings);
        let bot = bot.open().await.unwrap();
        until_it_waits(&bot).await;
        // What is in a file that may not be read is not told; and what follows it may find something else.
        let open = bot.agent().open_calls(bot.scope()).await.unwrap();
        let open: Vec<(&str, &str)> =
            open.iter().map(|open| (open.call.0.as_str(), open.tool.as_str())).collect();
        assert_eq!(open, [("c2", "edit"), ("c3", "edit")]);
    });
}
