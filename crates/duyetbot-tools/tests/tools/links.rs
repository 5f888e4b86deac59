//! Links, and other ways out of the workspace.
use duyetbot_tools::{Edit, Glob, Grep, Ls, Read, Withheld, Write};
use serde_json::json;
use std::{fs, os::unix::fs::symlink};

use crate::world::{World, call, refused, said};

#[tokio::test]
async fn write_through_last_symlink() {
    let world = World::new();
    fs::write(world.outside("victim"), "orig").unwrap();
    fs::create_dir(world.outside("dir")).unwrap();
    symlink(world.outside("victim"), world.at("notes.md")).unwrap();
    symlink(world.outside("notyet"), world.at("draft.md")).unwrap();
    symlink(world.outside("dir"), world.at("d")).unwrap();
    symlink("../outside/victim", world.at("up.md")).unwrap();
    symlink("/proc/self/root", world.at("r")).unwrap();
    symlink("up.md", world.at("twice.md")).unwrap();
    for path in ["notes.md", "draft.md", "d/f", "up.md", "twice.md", "d/../f"] {
        let told = refused(world.write(json!({"path": path, "content": "X"})).await);
        let place =
            if path.starts_with("up") || path.starts_with("twice") { "../outside" } else { "/outside/" };
        assert!(told.contains(" is a link to ") && told.contains(place), "{told}");
        refused(world.edit(json!({"path": path, "old": "orig", "new": "X"})).await);
        refused(world.read(json!({"path": path})).await);
    }
    let told = refused(world.read(json!({"path": "r/etc/hostname"})).await);
    assert_eq!(told, "r/etc/hostname is refused: r is a link to /proc/self/root, outside the workspace");
    refused(world.ls(json!({"path": "d"})).await);
    assert_eq!(fs::read(world.outside("victim")).unwrap(), b"orig");
    assert_eq!(fs::read_dir(world.outside("dir")).unwrap().count(), 0);
    assert!(!world.outside("notyet").exists() && !world.outside("f").exists());
}

#[tokio::test]
async fn links_to_places_inside_work_relative_and_absolute() {
    let world = World::new();
    world.put("deep/real.txt", "word\n");
    symlink("deep/real.txt", world.at("relative")).unwrap();
    symlink(world.at("deep/real.txt"), world.at("absolute")).unwrap();
    symlink(world.at("deep"), world.at("dir")).unwrap();
    symlink("../relative", world.at("deep/up")).unwrap();
    for (n, path) in ["relative", "absolute", "dir/real.txt", "dir/up", "deep/../relative"].iter().enumerate()
    {
        said(world.read(json!({"path": path})).await);
        said(world.write(json!({"path": path, "content": format!("{n}\n")})).await);
        assert_eq!(world.bytes("deep/real.txt"), format!("{n}\n").as_bytes());
    }
    assert!(fs::symlink_metadata(world.at("relative")).unwrap().is_symlink());
    let listed = said(world.ls(json!({"path": "."})).await);
    assert!(listed.contains("      link  relative -> deep/real.txt\n"), "{listed}");
}

#[tokio::test]
async fn a_loop_of_links_is_refused() {
    let world = World::new();
    symlink("b", world.at("a")).unwrap();
    symlink("a", world.at("b")).unwrap();
    assert_eq!(refused(world.read(json!({"path": "a"})).await), "a leads through too many links");
}

#[tokio::test]
async fn hard_link_write_escape() {
    let world = World::new();
    fs::write(world.outside("o.txt"), "orig").unwrap();
    fs::hard_link(world.outside("o.txt"), world.at("in.txt")).unwrap();
    said(world.read(json!({"path": "in.txt"})).await);
    said(world.edit(json!({"path": "in.txt", "old": "orig", "new": "X"})).await);
    said(world.write(json!({"path": "in.txt", "content": "Y"})).await);
    assert_eq!(fs::read(world.outside("o.txt")).unwrap(), b"orig");
    assert_eq!(world.bytes("in.txt"), b"Y");
}

#[tokio::test]
async fn paths_out_of_the_workspace_are_refused_and_absolute_ones_in_it_work() {
    let world = World::new();
    world.put("a.txt", "a\n");
    fs::write(world.outside("x"), "secret").unwrap();
    let outside = world.outside("x");
    for path in
        ["../outside/x", "a/../../outside/x", outside.to_str().unwrap(), "~/.bashrc", "/etc/hostname", "/"]
    {
        for result in [
            world.read(json!({"path": path})).await,
            world.write(json!({"path": path, "content": "X"})).await,
            world.ls(json!({"path": path})).await,
        ] {
            let told = refused(result);
            assert!(told.contains("outside the workspace"), "{path}: {told}");
        }
    }
    let inside = world.at("a.txt");
    assert_eq!(said(world.read(json!({"path": inside})).await), "1\ta\n");
    assert_eq!(fs::read(world.outside("x")).unwrap(), b"secret");
    assert_eq!(world.names(), ["a.txt"]);
}

#[tokio::test]
async fn the_agents_own_directory_is_closed_where_it_lies_in_the_workspace() {
    let world = World::new();
    world.put("own/config.toml", "needle\n");
    world.put("owner", "needle\n");
    symlink("own/config.toml", world.at("link")).unwrap();
    let closed = world.other().closed_to(world.at("own"));
    for path in ["own/config.toml", "link", "own/../own/config.toml"] {
        let told = refused(call(&Read::new(closed.clone()), &json!({"path": path})).await);
        assert_eq!(told, format!("{path} is closed: it is the agent's own directory, or lies in it"));
        refused(call(&Write::new(closed.clone()), &json!({"path": path, "content": "x"})).await);
        refused(call(&Edit::new(closed.clone()), &json!({"path": path, "old": "needle", "new": "x"})).await);
    }
    refused(call(&Ls::new(closed.clone()), &json!({"path": "own"})).await);
    assert_eq!(said(call(&Glob::new(closed.clone()), &json!({"pattern": "**"})).await), "link\nowner\n");
    refused(call(&Glob::new(closed.clone()), &json!({"pattern": "own/*"})).await);
    let found = said(
        call(&Grep::new(closed, Withheld::default()), &json!({"pattern": "needle", "show": "counts"})).await,
    );
    assert_eq!(found, "       1  owner\n[1 files]\n");
    assert_eq!(world.bytes("own/config.toml"), b"needle\n");
}
