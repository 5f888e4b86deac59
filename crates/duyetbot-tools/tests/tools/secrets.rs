//! Files with secrets: what a model was not shown is not lost.
use duyetbot_core::redact::Redactor;
use duyetbot_tools::{Edit, Read, Withheld, Write};
use serde_json::json;

use crate::world::{World, call, refused, said};

const KEY: &str = "sk-proj-0123456789abcdefghijABCDEFGHIJ0123456789";

#[tokio::test]
async fn the_word_for_a_secret_is_not_written_in_its_place() {
    let world = World::new();
    let before = format!("KEY={KEY}\nDEBUG=0\n");
    world.put("env.txt", &before);
    said(world.read(json!({"path": "env.txt"})).await);
    let told = refused(world.write(json!({"path": "env.txt", "content": "KEY=[redacted]\nDEBUG=1\n"})).await);
    assert_eq!(
        told,
        "env.txt holds a secret that was shown as [redacted], and the new content holds that word: writing it would lose \
         the secret; use `edit` on the lines beside it, and leave its own as it is"
    );
    refused(world.edit(json!({"path": "env.txt", "old": "DEBUG=0", "new": "KEY=[redacted]"})).await);
    assert_eq!(world.bytes("env.txt"), before.as_bytes());
    said(world.edit(json!({"path": "env.txt", "old": "DEBUG=0", "new": "DEBUG=1"})).await);
    assert_eq!(world.bytes("env.txt"), format!("KEY={KEY}\nDEBUG=1\n").as_bytes());
}

#[tokio::test]
async fn the_word_is_text_like_any_other_where_there_is_no_secret() {
    let world = World::new();
    world.put("a.rs", "let mark = \"x\";\n");
    said(world.edit(json!({"path": "a.rs", "old": "\"x\"", "new": "\"[redacted]\""})).await);
    said(world.write(json!({"path": "b.rs", "content": "[redacted]"})).await);
    assert_eq!(world.bytes("a.rs"), b"let mark = \"[redacted]\";\n");
}

#[tokio::test]
async fn a_secret_of_the_settings_counts_as_one_that_looks_so() {
    let world = World::new();
    world.put("a", "word correct-horse\n");
    let workspace = world.other().redacted_by(Redactor::new(&["correct-horse".to_owned()]));
    said(call(&Read::new(workspace.clone()), &json!({"path": "a"})).await);
    refused(call(&Write::new(workspace), &json!({"path": "a", "content": "word [redacted]\n"})).await);
    assert_eq!(world.bytes("a"), b"word correct-horse\n");
}

#[tokio::test]
async fn an_edit_shows_no_line_of_a_file_that_is_withheld() {
    let world = World::new();
    world.put("kept", "TOP secret\nmode  = 1\n");
    let edit = Edit::new(world.other()).withholding(Withheld::by(|path| path == "kept"));
    let told = refused(call(&edit, &json!({"path": "kept", "old": "mode = 1", "new": "mode = 2"})).await);
    assert!(!told.contains("mode  = 1"), "{told}");
    let told = said(call(&edit, &json!({"path": "kept", "old": "1", "new": "2"})).await);
    assert_eq!(
        told,
        "edited kept at line 2\n[the diff is left out, as a rule keeps `read` from this file]\n"
    );
}
