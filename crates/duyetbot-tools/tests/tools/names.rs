//! Names that programs stumble over.
use serde_json::json;
use std::{ffi::OsStr, fs, os::unix::ffi::OsStrExt, path::PathBuf};

use crate::world::{World, said};

pub(crate) const NAMES: [(&[u8], &str); 9] = [
    (b"-n.txt", "-n.txt"),
    (b"a b/c.txt", "a b/c.txt"),
    (b"app/[id]/(auth)/page.tsx", "app/[id]/(auth)/page.tsx"),
    (b"bytes\xff.txt", "bytes\\xff.txt"),
    (b"e\xcc\x81.txt", "e\u{301}.txt"),
    (b"new\nline.txt", "new\\nline.txt"),
    (b"star*.txt", "star*.txt"),
    (b"{x}.txt", "{x}.txt"),
    (b"~tilde.txt", "~tilde.txt"),
];

pub(crate) fn world_of_names() -> World {
    let world = World::new();
    for (name, _) in NAMES {
        let path: PathBuf = world.at("").join(OsStr::from_bytes(name));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "needle\n").unwrap();
    }
    world
}

#[tokio::test]
async fn paths_with_glob_characters() {
    let world = world_of_names();
    let listed = said(world.ls(json!({})).await);
    let names: Vec<&str> = listed.lines().map(|line| &line[12..]).collect();
    let right = [
        "-n.txt",
        "a b/",
        "app/",
        "bytes\\xff.txt",
        "e\u{301}.txt",
        "new\\nline.txt",
        "star*.txt",
        "{x}.txt",
        "~tilde.txt",
    ];
    assert_eq!(names, right);
    assert_eq!(said(world.ls(json!({"path": "app/[id]/"})).await), "       dir  (auth)/\n");
    for (name, shown) in NAMES {
        assert_eq!(said(world.read(json!({"path": shown})).await), "1\tneedle\n", "{shown}");
        said(world.edit(json!({"path": shown, "old": "needle", "new": "found"})).await);
        assert_eq!(fs::read(world.at("").join(OsStr::from_bytes(name))).unwrap(), b"found\n");
    }
}

#[tokio::test]
async fn a_name_that_looks_like_an_escape_and_the_name_that_it_stands_for_are_two() {
    let world = World::new();
    world.put("a\\nb", "backslash\n");
    assert_eq!(said(world.read(json!({"path": "a\\nb"})).await), "1\tbackslash\n");
    world.put("a\nb", "line end\n");
    assert_eq!(said(world.ls(json!({})).await), "         9  a\\nb\n        10  a\\\\nb\n");
    assert_eq!(said(world.read(json!({"path": "a\\nb"})).await), "1\tline end\n");
    assert_eq!(said(world.read(json!({"path": "a\\\\nb"})).await), "1\tbackslash\n");
}

#[tokio::test]
async fn many_entries_are_listed_page_by_page() {
    let world = World::new();
    for n in 0..1005 {
        world.put(&format!("f{n:04}"), "");
    }
    let first = said(world.ls(json!({})).await);
    assert!(first.ends_with("f0999\n[entries 1 to 1000 of 1005; offset 1001 shows the next]\n"));
    assert_eq!(said(world.ls(json!({"offset": 1005})).await), "         0  f1004\n");
}
