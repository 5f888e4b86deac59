//! Two processes with eight writers on one file, five thousand turns: nothing is lost, nothing doubled, nothing is busy.
#![allow(clippy::unwrap_used, clippy::expect_used, unreachable_pub)]

mod common;

use async_trait::async_trait;
use common::{itself, model, option, runtime};
use duyetbot::{
    Duyetbot, Health,
    core::{
        Answer, ChatModel, MessageId, ModelEvent, ModelInfo, Request, Result, RunState, SessionFilter,
        SessionId, StopReason,
    },
};
use futures::{StreamExt, future::join_all, stream};
use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

const PROCESSES: usize = 2;
const WRITERS: usize = 4;
/// Each writer's sessions, and the turns in each: 5,000 turns in all.
const SESSIONS: usize = 25;
const TURNS: usize = 25;

/// Answers with the person's own words.
struct Echo(ModelInfo);

#[async_trait]
impl ChatModel for Echo {
    fn info(&self) -> &ModelInfo {
        &self.0
    }
    async fn ask(&self, request: &Request) -> Result<Answer> {
        let words = request.messages.last().map(|m| m.text()).unwrap_or_default();
        let events = [ModelEvent::Text(words), ModelEvent::Stop(StopReason::End)];
        Ok(stream::iter(events.map(Ok)).boxed())
    }
}

async fn bot(folder: &Path) -> Duyetbot {
    let info = model("echo/model");
    Duyetbot::builder()
        .storage(&format!("sqlite:{}", folder.join("talk.db").display()))
        .model(Arc::new(Echo(info)))
        .open()
        .await
        .unwrap()
}

/// Not a test of its own: one of the two processes. It writes down what it was told is done.
#[test]
fn one_of_the_two() {
    let Some(folder) = option("DUYETBOT_TEST_FOLDER").map(PathBuf::from) else { return };
    let name = option("DUYETBOT_TEST_PROCESS").unwrap();
    runtime().block_on(async {
        let bot = bot(&folder).await;
        let done = join_all((0..WRITERS).map(|writer| write(&bot, &name, writer))).await.concat();
        bot.close().await.unwrap();
        fs::write(folder.join(format!("done-{name}")), done.join("\n")).unwrap();
    });
}

/// One line a turn: the session, the answer's message and its words.
async fn write(bot: &Duyetbot, name: &str, writer: usize) -> Vec<String> {
    let mut done = Vec::new();
    for session in 0..SESSIONS {
        let mut id: Option<SessionId> = None;
        for turn in 0..TURNS {
            let words = format!("{name}.{writer}.{session}.{turn}");
            let reply = match id {
                Some(id) => bot.ask_in(id, &words).await.unwrap(),
                None => bot.ask(&words).await.unwrap(),
            };
            assert_eq!((reply.state, &reply.text), (RunState::Done, &words));
            id = Some(reply.session);
            done.push(format!("{} {} {words}", reply.session, reply.message.unwrap()));
        }
    }
    done
}

#[test]
fn five_thousand_turns_by_eight_writers_of_two_processes_are_all_there_once() {
    let folder = tempfile::tempdir().unwrap();
    let start = |process: usize| {
        itself("one_of_the_two")
            .env("DUYETBOT_TEST_FOLDER", folder.path())
            .env("DUYETBOT_TEST_PROCESS", process.to_string())
            .spawn()
            .unwrap()
    };
    let children: Vec<_> = (0..PROCESSES).map(start).collect();
    for mut child in children {
        assert!(child.wait().unwrap().success(), "a process failed; its words are above");
    }
    let mut done: HashMap<MessageId, (SessionId, String)> = HashMap::new();
    for process in 0..PROCESSES {
        let lines = fs::read_to_string(folder.path().join(format!("done-{process}"))).unwrap();
        for line in lines.lines() {
            let [session, message, words] = line.split(' ').collect::<Vec<_>>().try_into().unwrap();
            done.insert(message.parse().unwrap(), (session.parse().unwrap(), words.to_owned()));
        }
    }
    assert_eq!(done.len(), PROCESSES * WRITERS * SESSIONS * TURNS);
    runtime().block_on(async {
        let report = duyetbot::check(&folder.path().join("talk.db")).await.unwrap();
        assert_eq!((report.messages, report.index, report.orphans), (Health::Sound, Health::Sound, 0));
        all_there_once(&bot(folder.path()).await, done).await;
    });
}

async fn all_there_once(bot: &Duyetbot, mut done: HashMap<MessageId, (SessionId, String)>) {
    let mut filter = SessionFilter { limit: 100, ..SessionFilter::default() };
    let mut sessions = 0;
    loop {
        let page = bot.store().sessions(bot.scope(), &filter).await.unwrap();
        for session in &page.items {
            sessions += 1;
            let said = bot.store().path(bot.scope(), session.id, None, 1_000).await.unwrap();
            assert_eq!((said.len(), session.messages), (2 * TURNS, 2 * TURNS as u64));
            for pair in said.chunks(2) {
                let answered = done.remove(&pair[1].id);
                assert_eq!(answered, Some((session.id, pair[0].text())), "no process was told of this");
                assert_eq!((pair[1].text(), pair[1].parent), (pair[0].text(), Some(pair[0].id)));
            }
        }
        if page.next.is_none() {
            break;
        }
        filter.cursor = page.next;
    }
    assert_eq!((sessions, done.len()), (PROCESSES * WRITERS * SESSIONS, 0), "told as done, and lost");
}
