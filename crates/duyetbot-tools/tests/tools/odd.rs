//! What is no regular file, or too large to be one.
use duyetbot_core::run::{Policy, Presence, Verdict};
use duyetbot_tools::{
    Settings,
    rules::{GitConfig, Layout, Rules, RulesPolicy},
    tools,
};
use serde_json::json;
use std::{
    fs::{self, File},
    os::unix::{fs::symlink, net::UnixListener},
    time::Duration,
};

use crate::world::{World, refused};

const SOON: Duration = Duration::from_secs(2);

/// A pipe, a socket, a link to a device and a file with a hole of 6 GB.
pub(crate) fn odd_world() -> (World, UnixListener) {
    let world = World::new();
    let fifo = rustix::fs::Mode::from_raw_mode(0o644);
    rustix::fs::mknodat(rustix::fs::CWD, world.at("p"), rustix::fs::FileType::Fifo, fifo, 0).unwrap();
    let listener = UnixListener::bind(world.at("s")).unwrap();
    symlink("/dev/zero", world.at("z")).unwrap();
    File::create(world.at("sparse")).unwrap().set_len(6 << 30).unwrap();
    (world, listener)
}

#[tokio::test]
async fn fifo_and_device_files() {
    let (world, _listener) = odd_world();
    let write = |path| json!({"path": path, "content": "x"});
    let read = |path| json!({"path": path});
    let all = async {
        assert_eq!(refused(world.read(read("p")).await), "p is not a regular file: it is a named pipe");
        assert_eq!(
            refused(world.read(read("s")).await),
            "s is not a regular file: it is a socket or a device"
        );
        assert_eq!(
            refused(world.read(read("z")).await),
            "z is refused: z is a link to /dev/zero, outside the workspace"
        );
        let told = refused(world.read(read("sparse")).await);
        assert_eq!(told, "sparse is binary (application/octet-stream), not text, and is not shown");
        let told = refused(world.write(write("p")).await);
        assert_eq!(told, "p is not a regular file: it is a named pipe; it was left alone");
        refused(world.write(write("s")).await);
        refused(world.write(write("z")).await);
        refused(world.write(write("sparse")).await);
        refused(world.edit(json!({"path": "sparse", "old": "a", "new": "b"})).await);
        assert_eq!(
            refused(world.read(read(".")).await),
            ". is not a regular file: it is a directory; use `ls` for its entries"
        );
    };
    tokio::time::timeout(SOON * 4, all).await.expect("a call waits");
    let kinds = crate::world::said(world.ls(json!({})).await);
    assert_eq!(kinds, "      pipe  p\n    socket  s\n6442450944  sparse\n      link  z -> /dev/zero\n");
    assert_eq!(fs::metadata(world.at("sparse")).unwrap().len(), 6 << 30);
}

#[tokio::test]
async fn lines_far_into_a_large_file_are_read_without_holding_it() {
    let world = World::new();
    let path = world.at("large");
    let line = format!("{}\n", "x".repeat(99));
    fs::write(&path, line.repeat(1000)).unwrap();
    // Text first, then a hole: nothing after the lines asked for may be looked at.
    File::options().write(true).open(&path).unwrap().set_len(1 << 30).unwrap();
    let before = resident();
    let told = crate::world::said(world.read(json!({"path": "large", "offset": 10, "limit": 11})).await);
    assert_eq!(told.lines().next(), Some(format!("10\t{}", line.trim_end()).as_str()));
    assert_eq!(told.lines().last(), Some("[lines 10 to 20; the file goes on at offset 21]"));
    let stuck = world.read(json!({"path": "large", "offset": 5000, "limit": 1}));
    crate::world::refused(tokio::time::timeout(Duration::from_secs(30), stuck).await.unwrap());
    assert!(resident() < before + 32 * 1024, "memory grew from {before} kB to {} kB", resident());
}

/// Kilobytes of this process in memory.
pub(crate) fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[tokio::test]
async fn what_is_no_object_is_told_in_the_words_of_the_schema() {
    let world = World::new();
    let told =
        [world.read(json!("a")).await, world.write(json!(3)).await, world.ls(json!(true)).await].map(refused);
    for (told, found) in told.iter().zip(["string \"a\"", "integer `3`", "boolean `true`"]) {
        assert!(told.contains(&format!("invalid type: {found}, expected an object")), "{told}");
    }
    let rules = RulesPolicy::new(
        &tools(&world.workspace, Settings::default()),
        Rules::default(),
        Layout { workspace: "/ws".to_owned(), home: String::new() },
        GitConfig::Plain,
        Presence::Person,
    );
    for tool in ["bash", "web_fetch", "read", "ls"] {
        let Verdict::Invalid(told) = rules.judge(tool, "3") else { panic!("{tool} takes a number") };
        assert!(told.contains("invalid type: integer `3`, expected an object at"), "{told}");
    }
}
