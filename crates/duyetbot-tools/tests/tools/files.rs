//! What reading, writing and editing leave as it was.
use duyetbot_core::Tool;
use serde_json::json;
use std::{fs, process::Command};

use crate::world::{World, refused, said};

#[tokio::test]
async fn edit_crlf_file() {
    for all in [false, true] {
        let world = World::new();
        world.put("f", "a\r\nb\r\nc\r\n");
        let read = said(world.read(json!({"path": "f"})).await);
        assert_eq!(read, "1\ta\n2\tb\n3\tc\n[lines end with CR LF; `edit` keeps them so]\n");
        let input = json!({"path": "f", "old": "a\nb", "new": "A\nB", "replace_all": all});
        said(world.edit(input).await);
        assert_eq!(world.bytes("f"), b"A\r\nB\r\nc\r\n");
    }
}

#[tokio::test]
async fn edit_changes_untouched_line_ends() {
    let world = World::new();
    for (before, after) in [
        (
            &b"one\nword two\r\nthree\nprog 10%\rprog 20%\n"[..],
            &b"one\nWORD two\r\nthree\nprog 10%\rprog 20%\n"[..],
        ),
        (b"one\nword", b"one\nWORD"),
        (b"word\n\n\n\n", b"WORD\n\n\n\n"),
    ] {
        world.put("f", before);
        said(world.read(json!({"path": "f"})).await);
        said(world.edit(json!({"path": "f", "old": "word", "new": "WORD"})).await);
        assert_eq!(world.bytes("f"), after);
    }
}

#[tokio::test]
async fn edit_non_utf8_bytes() {
    let world = World::new();
    world.put("f", b"const x = 1;\n// caf\xe9\n");
    said(world.read(json!({"path": "f"})).await);
    said(world.edit(json!({"path": "f", "old": "const x = 1;", "new": "const x = 2;"})).await);
    assert_eq!(world.bytes("f"), b"const x = 2;\n// caf\xe9\n");
    refused(world.edit(json!({"path": "f", "old": "const x = 2;", "new": "é"})).await);
    refused(world.write(json!({"path": "f", "content": "caf\u{fffd}"})).await);
    assert_eq!(world.bytes("f"), b"const x = 2;\n// caf\xe9\n");
    let told = said(world.write(json!({"path": "f", "content": "é\n"})).await);
    assert_eq!(told, "wrote f (3 bytes, 21 before)\n[it was not UTF-8 before, and is now]");
    assert_eq!(world.bytes("f"), "é\n".as_bytes());
}

#[tokio::test]
async fn edit_keeps_bom() {
    let world = World::new();
    world.put("f", b"\xef\xbb\xbfline one\nline two\n");
    assert_eq!(said(world.read(json!({"path": "f"})).await), "1\tline one\n2\tline two\n");
    said(world.edit(json!({"path": "f", "old": "line one", "new": "LINE ONE"})).await);
    said(world.edit(json!({"path": "f", "old": "\u{feff}LINE", "new": "\u{feff}First"})).await);
    assert_eq!(world.bytes("f"), b"\xef\xbb\xbfFirst ONE\nline two\n");
}

#[tokio::test]
async fn edit_tabs_to_spaces() {
    let world = World::new();
    world.put("Makefile", "all:\n\t@echo hi\n");
    said(world.read(json!({"path": "Makefile"})).await);
    said(world.edit(json!({"path": "Makefile", "old": "echo hi", "new": "echo ho"})).await);
    let told = refused(world.edit(json!({"path": "Makefile", "old": "    @echo ho", "new": "x"})).await);
    let right = "`old` was not found in Makefile, which was left alone; nearly found at line 2, where the white space \
                 differs (→ is a tab):\n→@echo ho";
    assert_eq!(told, right);
    let make = Command::new("make").arg("-s").current_dir(world.at("")).output().unwrap();
    assert_eq!(String::from_utf8(make.stdout).unwrap(), "ho\n");
}

#[tokio::test]
async fn write_drops_mode_and_links() {
    let world = World::new();
    for (name, mode) in [("run.sh", 0o755), ("priv", 0o600), ("ro.txt", 0o444), ("real.txt", 0o644)] {
        world.put(name, "one word\n");
        world.set_mode(name, mode);
    }
    std::os::unix::fs::symlink("real.txt", world.at("link.txt")).unwrap();
    for name in ["run.sh", "priv", "link.txt"] {
        said(world.edit(json!({"path": name, "old": "word", "new": "WORD"})).await);
    }
    let told = refused(world.edit(json!({"path": "ro.txt", "old": "word", "new": "WORD"})).await);
    assert_eq!(told, "ro.txt is write-protected (mode 0444); ask the person before changing that");
    said(world.read(json!({"path": "ro.txt"})).await);
    refused(world.write(json!({"path": "ro.txt", "content": "x"})).await);
    assert_eq!([world.mode("run.sh"), world.mode("priv"), world.mode("ro.txt")], [0o755, 0o600, 0o444]);
    assert!(fs::symlink_metadata(world.at("link.txt")).unwrap().is_symlink());
    for name in ["run.sh", "priv", "real.txt"] {
        assert_eq!(world.bytes(name), b"one WORD\n");
    }
    assert_eq!(world.bytes("ro.txt"), b"one word\n");
    said(world.read(json!({"path": "priv"})).await);
    said(world.write(json!({"path": "priv", "content": "x"})).await);
    assert_eq!(world.mode("priv"), 0o600);
    assert_eq!(world.names(), ["link.txt", "priv", "real.txt", "ro.txt", "run.sh"]);
}

#[tokio::test]
async fn write_over_newer_content() {
    let world = World::new();
    world.put("f", "one\ntwo\n");
    let told = refused(world.write(json!({"path": "f", "content": "new"})).await);
    assert_eq!(told, "f exists and was not read here; read it first, or use `edit`");
    said(world.read(json!({"path": "f"})).await);
    world.put("f", "one\ntwo\nthree\n");
    let changed = "f changed since it was read, and was left alone; read it again and redo the change";
    assert_eq!(refused(world.write(json!({"path": "f", "content": "new"})).await), changed);
    assert_eq!(refused(world.edit(json!({"path": "f", "old": "one", "new": "ONE"})).await), changed);
    assert_eq!(world.bytes("f"), b"one\ntwo\nthree\n");
    said(world.read(json!({"path": "f", "offset": 1, "limit": 1})).await);
    // Its own writes are known to it, and the same content again is the same file.
    said(world.edit(json!({"path": "f", "old": "one", "new": "ONE"})).await);
    world.put("f", "ONE\ntwo\nthree\n");
    said(world.write(json!({"path": "f", "content": "done\n"})).await);
    said(world.write(json!({"path": "f", "content": "done twice\n"})).await);
    assert_eq!(world.bytes("f"), b"done twice\n");
}

#[tokio::test]
async fn an_edit_says_where_it_matched_and_shows_the_diff() {
    let world = World::new();
    world.put("f", "a\nx\nb\nx\n");
    let told = refused(world.edit(json!({"path": "f", "old": "x", "new": "y"})).await);
    let right = "`old` stands 2 times in f, at lines 2, 4; nothing was changed: give more of the text around the one that \
                 is meant, or `replace_all`";
    assert_eq!(told, right);
    let told = said(world.edit(json!({"path": "f", "old": "x", "new": "y", "replace_all": true})).await);
    let right =
        "edited f in 2 places, at lines 2, 4\n--- a/f\n+++ b/f\n@@ -1,4 +1,4 @@\n a\n-x\n+y\n b\n-x\n+y\n";
    assert_eq!(told, right);
    for (old, new) in [("", "z"), ("y", "y"), ("nowhere", "z")] {
        refused(world.edit(json!({"path": "f", "old": old, "new": new})).await);
    }
    assert_eq!(world.bytes("f"), b"a\ny\nb\ny\n");
}

#[tokio::test]
async fn a_new_file_is_made_with_its_directories_and_not_over_one_that_appears() {
    let world = World::new();
    assert_eq!(
        said(world.write(json!({"path": "a/b/c.txt", "content": "x\n"})).await),
        "made a/b/c.txt (2 bytes)"
    );
    assert_eq!(world.bytes("a/b/c.txt"), b"x\n");
    for path in [".", "a", "a/b/c.txt/d", ""] {
        refused(world.write(json!({"path": path, "content": "x"})).await);
    }
    refused(world.edit(json!({"path": "none", "old": "a", "new": "b"})).await);
}

#[tokio::test]
async fn a_long_file_is_read_page_by_page() {
    let world = World::new();
    let lines: String = (1..=2500).map(|n| format!("line {n}\n")).collect();
    world.put("f", &lines);
    let first = said(world.read(json!({"path": "f"})).await);
    assert!(
        first.ends_with("2000\tline 2000\n[lines 1 to 2000; the file goes on at offset 2001]\n"),
        "{first}"
    );
    let last = said(world.read(json!({"path": "f", "offset": 2499})).await);
    assert_eq!(last, "2499\tline 2499\n2500\tline 2500\n");
    let beyond = refused(world.read(json!({"path": "f", "offset": 3000})).await);
    assert_eq!(beyond, "f has 2500 lines; offset 3000 is beyond its end");
    world.put("empty", "");
    assert_eq!(said(world.read(json!({"path": "empty"})).await), "[the file is empty]");
}

#[tokio::test]
async fn what_is_no_text_is_named_and_not_shown() {
    let world = World::new();
    for (name, head, kind) in [
        ("a.png", &b"\x89PNG\r\n\x1a\n\0\0"[..], "an image (image/png)"),
        ("a.jpg", b"\xff\xd8\xff\xe0", "an image (image/jpeg)"),
        ("a.webp", b"RIFF\x01\x02\x03\x04WEBPVP8 ", "an image (image/webp)"),
        ("a.pdf", b"%PDF-1.7\n", "a document (application/pdf)"),
        ("a.bin", b"ab\0cd", "binary (application/octet-stream)"),
        ("a.txt", b"\xff\xfea\0b\0", "text in UTF-16 (convert it with `iconv`)"),
    ] {
        world.put(name, head);
        let told = refused(world.read(json!({"path": name})).await);
        assert_eq!(told, format!("{name} is {kind}, not text, and is not shown"));
    }
}

#[tokio::test]
async fn wrong_input_is_answered_with_the_field_and_the_schema() {
    let world = World::new();
    let told = refused(world.read(json!({"path": "a", "start": 3})).await);
    assert!(told.starts_with("the input of `read` is wrong: field `start`: unknown field `start`"), "{told}");
    let read = duyetbot_tools::Read::new(world.workspace.clone());
    assert!(told.ends_with(&read.spec().input.to_string()), "{told}");
}

#[tokio::test]
async fn a_workspace_that_vanishes_is_told() {
    let world = World::new();
    fs::remove_dir(world.at("")).unwrap();
    let told = refused(world.read(json!({"path": "a"})).await);
    let path = world.workspace.path().display();
    assert_eq!(told, format!("the workspace {path} no longer exists; tell the person"));
    for result in [world.ls(json!({})).await, world.write(json!({"path": "a", "content": ""})).await] {
        refused(result);
    }
}
