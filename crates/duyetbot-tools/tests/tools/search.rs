//! Finding files and lines.
use duyetbot_tools::{Glob, Grep, Withheld};
use serde_json::{Value, json};
use std::{fs, os::unix::fs::symlink, time::Duration};

use crate::{
    names::world_of_names,
    odd::{odd_world, resident},
    world::{World, call, refused, said},
};

impl World {
    async fn glob(&self, input: Value) -> String {
        said(call(&Glob::new(self.workspace.clone()), &input).await)
    }
    async fn grep(&self, input: Value) -> String {
        said(call(&Grep::new(self.workspace.clone(), Withheld::default()), &input).await)
    }
}

fn tree() -> World {
    let world = World::new();
    for (path, text) in [
        ("src/main.rs", "fn main() {\n    hello();\n}\n"),
        ("src/deep/hello.rs", "pub fn hello() {}\n// Hello again\n"),
        ("src/deep/notes.txt", "hello\n"),
        ("target/out.rs", "hello\n"),
        (".hidden.rs", "hello\n"),
        (".git/config.rs", "hello\n"),
        (".gitignore", "target/\n"),
    ] {
        world.put(path, text);
    }
    world
}

#[tokio::test]
async fn glob_finds_names_at_every_depth_and_leaves_out_what_git_ignores() {
    let world = tree();
    for (input, right) in [
        (json!({"pattern": "*.rs"}), ".hidden.rs\nsrc/deep/hello.rs\nsrc/main.rs\n"),
        (json!({"pattern": "src/*.rs"}), "src/main.rs\n"),
        (json!({"pattern": "./*.rs"}), ".hidden.rs\n"),
        (json!({"pattern": "**/*.{txt,md}"}), "src/deep/notes.txt\n"),
        (json!({"pattern": "*", "path": "src/deep"}), "src/deep/hello.rs\nsrc/deep/notes.txt\n"),
        (json!({"pattern": "src/deep"}), "src/deep/hello.rs\nsrc/deep/notes.txt\n"),
        (json!({"pattern": world.at("src/m*.rs")}), "src/main.rs\n"),
        (json!({"pattern": "out.rs", "include_ignored": true}), "target/out.rs\n"),
        (json!({"pattern": "src/main.rs"}), "src/main.rs\n"),
    ] {
        assert_eq!(world.glob(input.clone()).await, right, "{input}");
    }
    let none = world.glob(json!({"pattern": "*.py"})).await;
    assert_eq!(none, "[no file fits; files that git ignores are left out unless `include_ignored` is true]");
    let glob = Glob::new(world.workspace.clone());
    for wrong in ["", "a[", "../*", "/etc/*"] {
        let result = call(&glob, &json!({"pattern": wrong})).await;
        assert!(!result.output.contains("hostname"), "{}", result.output);
    }
    refused(call(&glob, &json!({"pattern": "*", "path": "nowhere"})).await);
    assert_eq!(
        refused(call(&glob, &json!({"pattern": "a["})).await),
        "the pattern `**/a[` is wrong: unclosed character class; missing ']'"
    );
}

#[tokio::test]
async fn paths_with_glob_characters_are_found() {
    let world = world_of_names();
    let all = "-n.txt\na b/c.txt\napp/[id]/(auth)/page.tsx\nbytes\\xff.txt\ne\u{301}.txt\nnew\\nline.txt\nstar*.txt\n{x}.txt\n~tilde.txt\n";
    assert_eq!(world.glob(json!({"pattern": "**/*"})).await, all);
    assert_eq!(world.glob(json!({"pattern": "app/[id]/**"})).await, "app/[id]/(auth)/page.tsx\n");
    assert_eq!(
        world.glob(json!({"pattern": "*.tsx", "path": "app/[id]"})).await,
        "app/[id]/(auth)/page.tsx\n"
    );
    world.put("star1.txt", "needle\n");
    assert_eq!(world.glob(json!({"pattern": "star*.txt"})).await, "star*.txt\n");
    let found = world.grep(json!({"pattern": "needle", "path": "app/[id]"})).await;
    assert_eq!(found, "app/[id]/(auth)/page.tsx\n1: needle\n[lines 1 to 1 of 1 that match, in 1 files]\n");
    let found = world.grep(json!({"pattern": "needle", "show": "counts"})).await;
    assert_eq!(found.lines().count(), 11, "{found}");
    assert!(found.contains("\n       1  new\\nline.txt\n"), "{found}");
}

#[tokio::test]
async fn grep_shows_lines_with_numbers_context_and_counts() {
    let world = tree();
    let found = world.grep(json!({"pattern": "hello", "include": "*.rs"})).await;
    let right = ".hidden.rs\n1: hello\n\nsrc/deep/hello.rs\n1: pub fn hello() {}\n\nsrc/main.rs\n2:     hello();\n\
                 [lines 1 to 3 of 3 that match, in 3 files]\n";
    assert_eq!(found, right);
    let found = world
        .grep(json!({"pattern": "HELLO\\(", "path": "src/main.rs", "context": 1, "ignore_case": true}))
        .await;
    assert_eq!(
        found,
        "src/main.rs\n1- fn main() {\n2:     hello();\n3- }\n[lines 1 to 1 of 1 that match, in 1 files]\n"
    );
    let found = world.grep(json!({"pattern": "hello", "path": "src", "show": "counts"})).await;
    assert_eq!(
        found,
        "       1  src/deep/hello.rs\n       1  src/deep/notes.txt\n       1  src/main.rs\n[3 files]\n"
    );
    assert_eq!(world.grep(json!({"pattern": "absent", "path": "src"})).await, "[no line matches in 3 files]");
    assert!(world.grep(json!({"pattern": "hello(", "literal": true})).await.contains("2:     hello();"));
    let wrong = refused(
        call(&Grep::new(world.workspace.clone(), Withheld::default()), &json!({"pattern": "hello("})).await,
    );
    assert!(wrong.starts_with("the pattern is no regular expression for one line: "), "{wrong}");
}

#[tokio::test]
async fn one_endless_line_in_search() {
    let world = World::new();
    let long = format!("{}needle{}", "é".repeat(750_000), "長".repeat(500_000));
    world.put("f.min.js", &long);
    world.put("many.txt", "a needle here\n".repeat(20_000));
    world.put("program", b"\x7fELF\0needle\0");
    let first = world.grep(json!({"pattern": "needle"})).await;
    assert!(first.len() < 50_000 && !first.contains('\u{fffd}'));
    let line = first.lines().nth(1).unwrap();
    assert_eq!(
        line,
        format!("1: [1499880 bytes]…{}needle{}…[1499724 bytes]", "é".repeat(60), "長".repeat(92))
    );
    let notes: Vec<&str> = first.lines().rev().take(2).collect();
    let right = [
        "[long lines are cut; `read` with offset, limit 1 and column shows the rest of one]",
        "[lines 1 to 250 of 20001 that match, in 2 files; offset 251 shows the next; 1 binary files were left out]",
    ];
    assert_eq!(notes, right);
    let last = world.grep(json!({"pattern": "needle", "offset": 20_001})).await;
    let right = "many.txt\n20000: a needle here\n[lines 20001 to 20001 of 20001 that match, in 2 files; 1 binary files were left out]\n";
    assert_eq!(last, right);

    let read = said(world.read(json!({"path": "f.min.js"})).await);
    let right = format!(
        "1\t{}\n[lines are cut after 2000 characters; line 1 has 2996006 bytes more: offset 1, limit 1, column 2001 shows the next]\n",
        "é".repeat(2000)
    );
    assert_eq!(read, right);
    let read = said(world.read(json!({"path": "f.min.js", "column": 749_999})).await);
    assert!(read.starts_with(&format!("1\tééneedle{}\n", "長".repeat(1992))));
}

#[tokio::test]
async fn fifo_and_device_files_are_skipped_and_matches_elsewhere_found() {
    let (world, _listener) = odd_world();
    world.put("text", "x marks the spot\n");
    let before = resident();
    let all = async {
        let found = world.grep(json!({"pattern": "x"})).await;
        assert_eq!(
            found,
            "text\n1: x marks the spot\n[lines 1 to 1 of 1 that match, in 1 files; 1 binary files were left out]\n"
        );
        assert_eq!(world.glob(json!({"pattern": "**"})).await, "p\ns\nsparse\ntext\nz\n");
        refused(
            call(
                &Grep::new(world.workspace.clone(), Withheld::default()),
                &json!({"pattern": "x", "path": "p"}),
            )
            .await,
        );
    };
    tokio::time::timeout(Duration::from_secs(6), all).await.expect("a call waits");
    assert!(resident() < before + 64 * 1024);
}

#[tokio::test]
async fn a_search_does_not_follow_links_out_of_the_workspace() {
    let world = World::new();
    fs::write(world.outside("secret.txt"), "needle\n").unwrap();
    symlink(world.outside(""), world.at("d")).unwrap();
    symlink(world.outside("secret.txt"), world.at("f")).unwrap();
    assert_eq!(world.grep(json!({"pattern": "needle"})).await, "[no line matches in 0 files]");
    assert_eq!(world.glob(json!({"pattern": "**"})).await, "d\nf\n");
    let (glob, grep) =
        (Glob::new(world.workspace.clone()), Grep::new(world.workspace.clone(), Withheld::default()));
    for result in [
        call(&grep, &json!({"pattern": "needle", "path": "d"})).await,
        call(&grep, &json!({"pattern": "needle", "path": "f"})).await,
        call(&glob, &json!({"pattern": "d/*"})).await,
        call(&glob, &json!({"pattern": "*", "path": "d"})).await,
    ] {
        assert!(refused(result).contains("outside the workspace"));
    }
}
