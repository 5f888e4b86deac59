//! What a command costs does not grow with what is stored.
#![cfg(target_os = "linux")]

use duyetbot_core::{
    Clock, Commit, Content, HeadMove, Limits, MessageId, NewMessage, NewSession, Origin, Parent, Part, Role,
    Scope, SessionId, SessionStore, SettableClock, Timestamp, index,
};
use duyetbot_storage_sqlite::{SqliteConfig, SqliteStore};
use futures::{StreamExt, stream};
use std::{process::Command, sync::Arc, time::Duration};

use crate::person::{Person, end};

/// Sessions of a home, and messages of the longest of them.
struct Size {
    sessions: usize,
    messages: usize,
}

const SMALL: Size = Size { sessions: 100, messages: 200 };
/// Twenty times the sessions and thirty times the messages: a build without optimisation fills it in seconds. What is counted grows with neither, so that a
/// hundred times as many would tell the same.
const BIG: Size = Size { sessions: 2_000, messages: 6_000 };
/// Messages of one commit of it.
const CHUNK: usize = 500;

fn message(words: &str, created: Timestamp) -> NewMessage {
    let context = index::context(created, None);
    NewMessage {
        id: MessageId::new(),
        parent: Parent::Head,
        role: Role::User,
        content: Content::of(Role::User, &[Part::text(words)]).unwrap(),
        origin: Origin::Cli,
        model: None,
        usage: None,
        cut: false,
        created,
        pieces: index::pieces(words, &context),
        context,
    }
}

fn commit(session: SessionId, title: &str, messages: Vec<NewMessage>, created: Timestamp) -> Commit {
    Commit {
        session,
        create: Some(NewSession {
            title: title.to_owned(),
            parent: None,
            place: None,
            metadata: "{}".to_owned(),
            created,
        }),
        messages,
        head: HeadMove::IfParent,
        run: None,
        limits: Limits::NONE,
    }
}

/// A home of this size, and the id of its oldest session, which is the longest.
fn filled(size: &Size) -> (Person, String) {
    let person = Person::new();
    person.run(&["sessions", "ls"]).done();
    let clock = Arc::new(SettableClock::new(Timestamp(1_764_000_000_000)));
    let scope = Scope::vouched("local", "local");
    let first = SessionId::new();
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
        let path = person.home.path().join("home/duyetbot.db");
        let store = SqliteStore::open(SqliteConfig::new(path, clock.clone())).await.unwrap();
        let words = |n: usize| format!("marker{n} about the weather of the day and of the week");
        for n in (0..size.messages).step_by(CHUNK) {
            let now = clock.now();
            let messages = (n..(n + CHUNK).min(size.messages)).map(|n| message(&words(n), now)).collect();
            store.commit(&scope, &commit(first, "The needle of them all", messages, now)).await.unwrap();
        }
        let one = |n: usize| {
            clock.advance(Duration::from_secs(1));
            let (store, scope, now) = (&store, &scope, clock.now());
            async move {
                let commit =
                    commit(SessionId::new(), &format!("Talk {n}"), vec![message(&words(n), now)], now);
                store.commit(scope, &commit).await.unwrap();
            }
        };
        stream::iter(1..size.sessions).map(one).buffer_unordered(128).collect::<Vec<()>>().await;
        store.close().await.unwrap();
    });
    (person, first.to_string())
}

/// Bytes that a command reads from files, as the kernel counts them, and what it writes on standard output.
fn cost(person: &Person, args: &[&str]) -> (u64, String) {
    let program = person.command(args);
    let mut counted = Command::new("sh");
    // The shell's counters have those of the children that it waited for.
    counted.args(["-c", "\"$0\" \"$@\" || exit; cat /proc/$$/io >&2"]).arg(program.get_program());
    counted.args(program.get_args()).env_clear().current_dir(person.folder.path());
    counted.env("DUYETBOT_HOME", person.home.path().join("home")).env("PATH", "/usr/bin:/bin");
    let ended = end(&mut counted);
    assert_eq!(ended.code, Some(0), "{args:?}: {ended:?}");
    let count = ended.err.lines().find_map(|line| line.strip_prefix("rchar: ")).unwrap();
    (count.parse().unwrap(), ended.out)
}

/// Case: ten-thousand-sessions
#[test]
fn what_a_command_reads_grows_with_neither_sessions_nor_messages_and_the_oldest_is_found() {
    let ((small, of_small), (big, of_big)) = (filled(&SMALL), filled(&BIG));
    finds_the_oldest(&big, &of_big);
    let commands: [&[&str]; 8] = [
        &["sessions", "ls"],
        &["sessions", "ls", "--here"],
        &["sessions", "show", "ID"],
        &["sessions", "rename", "ID", "Another needle"],
        &["sessions", "search", "marker17"],
        &["sessions", "new", "one more"],
        &["ask", "hello there"],
        &["ask", "-r", "ID", "hello there"],
    ];
    for args in commands {
        let of = |id| args.iter().map(|arg| if *arg == "ID" { id } else { *arg }).collect::<Vec<&str>>();
        let (few, _) = cost(&small, &of(&of_small));
        let (many, _) = cost(&big, &of(&of_big));
        // A tree of so many more entries may be a level deeper in each of its indexes.
        assert!(many < few * 3 / 2 + (64 << 10), "{args:?} reads {few} bytes of few and {many} of many");
    }
}

/// A session far behind the first page is found by a word of its title.
fn finds_the_oldest(person: &Person, oldest: &str) {
    let (listed, page) = cost(person, &["sessions", "ls"]);
    assert!(page.lines().count() == 50 && !page.contains(oldest), "{page}");
    let (found, lines) = cost(person, &["sessions", "ls", "--title", "NEEDLE"]);
    assert!(lines.lines().count() == 1 && lines.starts_with(oldest), "{lines}");
    // Titles are looked through, messages are not.
    let most = listed + BIG.sessions as u64 * 1024;
    assert!(found < most, "{found} bytes were read, {most} are the most");
    let (_, messages) = cost(person, &["sessions", "show", oldest, "--limit", "3"]);
    let last = BIG.messages - 1;
    assert!(
        messages.contains(&format!("marker{last} ")) && messages.matches("marker").count() == 3,
        "{messages}"
    );
}
