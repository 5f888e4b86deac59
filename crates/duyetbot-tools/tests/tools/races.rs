//! What others do to the workspace while a call runs.
use duyetbot_core::ToolStatus;
use duyetbot_tools::{Edit, Glob, Grep, Read, Withheld, Workspace, Write};
use serde_json::json;
use std::{
    fs,
    os::unix::{fs::symlink, process::CommandExt},
    path::Path,
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use crate::world::{World, call, said};

const SWAPS: usize = 2_000;

/// Exchanges a directory and a link again and again, in one step each.
fn swap(world: &World, stop: &AtomicBool) -> usize {
    let mut swaps = 0;
    while swaps < SWAPS || !stop.load(Ordering::Relaxed) {
        rustix::fs::renameat_with(
            rustix::fs::CWD,
            world.at("d"),
            rustix::fs::CWD,
            world.at("link"),
            rustix::fs::RenameFlags::EXCHANGE,
        )
        .unwrap();
        swaps += 1;
    }
    swaps
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_directory_swapped_for_a_link_while_it_is_used_leads_nowhere() {
    let world = Arc::new(World::new());
    world.put("d/f", "inside\n");
    fs::write(world.outside("f"), "secret\n").unwrap();
    fs::write(world.outside("only-outside"), "secret\n").unwrap();
    symlink(world.outside(""), world.at("link")).unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let swapper = {
        let (world, stop) = (world.clone(), stop.clone());
        std::thread::spawn(move || swap(&world, &stop))
    };
    let (glob, grep) =
        (Glob::new(world.workspace.clone()), Grep::new(world.workspace.clone(), Withheld::default()));
    let (mut read, mut refused) = (0, 0);
    let mut calls = 0;
    while calls < 400 || read < 10 || refused < 10 {
        calls += 1;
        for result in [
            world.read(json!({"path": "d/f"})).await,
            world.ls(json!({"path": "d"})).await,
            call(&grep, &json!({"pattern": "secret|inside"})).await,
            call(&grep, &json!({"pattern": "secret|inside", "path": "d"})).await,
            call(&glob, &json!({"pattern": "d/*"})).await,
            world.edit(json!({"path": "d/f", "old": "inside", "new": "inside"})).await,
            world.edit(json!({"path": "d/f", "old": "secret", "new": "broken"})).await,
            world.write(json!({"path": format!("d/new{calls}"), "content": "mine"})).await,
        ] {
            let is_read = result.status == ToolStatus::Success;
            read += usize::from(is_read);
            refused += usize::from(!is_read);
            // What it refuses names where the link leads; what lies there must not be told.
            let told = result.output;
            assert!(!told.contains("secret\n") && !told.contains("only-outside"), "{told}");
        }
    }
    stop.store(true, Ordering::Relaxed);
    assert!(swapper.join().unwrap() >= SWAPS);
    let mut outside: Vec<_> =
        fs::read_dir(world.outside("")).unwrap().map(|e| e.unwrap().file_name()).collect();
    outside.sort();
    assert_eq!(outside, ["f", "only-outside"]);
    assert_eq!(fs::read(world.outside("f")).unwrap(), b"secret\n");
}

/// Reads and edits until its own line is in, as an agent does that is told to read again.
async fn append(workspace: Workspace, line: &str) {
    let (read, edit) = (Read::new(workspace.clone()), Edit::new(workspace));
    loop {
        said(call(&read, &json!({"path": "f"})).await);
        let input = json!({"path": "f", "old": "end\n", "new": format!("{line}\nend\n")});
        let result = call(&edit, &input).await;
        if result.status == ToolStatus::Success {
            return;
        }
        assert!(result.output.starts_with("f changed since it was read"), "{}", result.output);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_agents_that_edit_one_file_lose_nothing() {
    let world = World::new();
    world.put("f", "end\n");
    let agent = |name: &'static str| {
        let workspace = world.other();
        tokio::spawn(async move {
            for n in 0..100 {
                append(workspace.clone(), &format!("{name}{n}")).await;
            }
        })
    };
    let (one, two) = (agent("one "), agent("two "));
    one.await.unwrap();
    two.await.unwrap();
    let text = String::from_utf8(world.bytes("f")).unwrap();
    let of = |name: &str| {
        text.lines().filter(|line| line.starts_with(name)).map(str::to_owned).collect::<Vec<_>>()
    };
    for name in ["one ", "two "] {
        assert_eq!(of(name), (0..100).map(|n| format!("{name}{n}")).collect::<Vec<_>>());
    }
    assert_eq!(world.names(), ["f"]);
}

const WRITES_IN: &str = "DUYETBOT_TEST_WRITES_IN";

/// Not a test by itself: rewrites a file until it is killed, where the test below starts it.
#[tokio::test]
async fn rewrites_a_large_file_until_it_is_killed() {
    let Some(path) = std::env::var_os(WRITES_IN) else { return };
    let workspace = Workspace::open(path).unwrap();
    let (read, write) = (Read::new(workspace.clone()), Write::new(workspace));
    said(call(&read, &json!({"path": "f"})).await);
    for letter in ('a'..='z').cycle() {
        said(call(&write, &json!({"path": "f", "content": letter.to_string().repeat(5_000_000)})).await);
    }
}

#[tokio::test]
async fn a_writer_that_is_killed_leaves_the_old_or_the_new_file_and_nothing_else() {
    let world = World::new();
    world.put("f", "0".repeat(5_000_000));
    for n in 0_u64..20 {
        let mut writer = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "races::rewrites_a_large_file_until_it_is_killed"])
            .env(WRITES_IN, world.at(""))
            .stdout(Stdio::null())
            .process_group(0)
            .spawn()
            .unwrap();
        let before = world.bytes("f")[0];
        changes(&world.at("f"), before).await;
        tokio::time::sleep(Duration::from_millis(n * 7 % 31)).await;
        writer.kill().unwrap();
        writer.wait().unwrap();
        let whole = world.bytes("f");
        assert!(whole.len() == 5_000_000 && whole.iter().all(|byte| *byte == whole[0]));
        said(world.write(json!({"path": "other", "content": "x"})).await);
        assert_eq!(world.names(), ["f", "other"]);
        fs::remove_file(world.at("other")).unwrap();
    }
}

/// Waits until the file begins otherwise.
async fn changes(path: &Path, before: u8) {
    let wait = async {
        while fs::read(path).unwrap()[0] == before {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), wait).await.expect("the writer does not write");
}

#[tokio::test]
async fn what_a_killed_writer_left_is_removed_by_the_next_write() {
    let world = World::new();
    let mut ended = Command::new("true").spawn().unwrap();
    let pid = ended.id();
    ended.wait().unwrap();
    let left = format!(".duyetbot-{pid}-7.tmp");
    let written_now = format!(".duyetbot-{}-9999.tmp", std::process::id());
    for name in [left.as_str(), &written_now, ".duyetbot-notes.tmp"] {
        world.put(name, "half");
    }
    said(world.write(json!({"path": "f", "content": "x"})).await);
    assert_eq!(world.names(), [written_now.as_str(), ".duyetbot-notes.tmp", "f"]);
}
