//! Tools beside the programs that people use for the same: `rg`, `fd`, `head`, `sh -c`.
use duyetbot_core::{CallId, MessageId, RunId, Scope, SessionId, Tool, ToolContext, ToolStatus};
use duyetbot_tools::{Bash, Environment, Glob, Grep, Read, Sandbox, Withheld, Workspace};
use serde_json::{Value, json};
use std::{
    fs::{self, File},
    io::{BufWriter, Write},
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use crate::{
    Result, Size,
    cost::{Stopwatch, middle, ratio},
    report::{Table, at_most, ms},
};

/// How much longer a search may take than the program for it.
const MOST: f64 = 1.3;

/// One line of the table: a call of a tool, the program that does the same, and the most that the ratio may be.
struct Pair<'a> {
    name: &'a str,
    tool: &'a dyn Tool,
    input: Value,
    program: &'a [&'a str],
    most: Option<f64>,
}

pub(crate) fn measure(size: Size) -> Result<Vec<Table>> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(measure_all(size))
}

async fn measure_all(size: Size) -> Result<Vec<Table>> {
    let (rounds, directories) = (size.of(11, 3), size.of(1_000, 4));
    let held = tempfile::tempdir()?;
    fill_tree(held.path(), directories)?;
    fill_large(&held.path().join("large/big.txt"), size.of(1 << 30, 1 << 20))?;
    let workspace = Workspace::open(held.path().join("tree"))?;
    let (grep, glob) = (Grep::new(workspace.clone(), Withheld::default()), Glob::new(workspace.clone()));
    let bash = Bash::new(workspace, Environment::default(), Sandbox::default());
    let read = Read::new(Workspace::open(held.path().join("large"))?);
    let pairs = [
        Pair {
            name: "grep, a rare word",
            tool: &grep,
            input: json!({"pattern": "needle"}),
            program: &["rg", "-n", "--hidden", "needle", "."],
            most: Some(MOST),
        },
        Pair {
            name: "grep, an expression in most files",
            tool: &grep,
            input: json!({"pattern": "fn [a-z]+_7\\b"}),
            program: &["rg", "-n", "--hidden", "fn [a-z]+_7\\b", "."],
            most: Some(MOST),
        },
        Pair {
            name: "glob, half of the files",
            tool: &glob,
            input: json!({"pattern": "**/*.rs"}),
            program: &["fd", "--hidden", "-t", "f", "-e", "rs"],
            most: Some(MOST),
        },
        Pair {
            name: "read, lines 10 to 20 of a large file",
            tool: &read,
            input: json!({"path": "big.txt", "offset": 10, "limit": 11}),
            program: &["head", "-n", "20", "../large/big.txt"],
            most: None,
        },
        Pair {
            name: "bash, `true` in the sandbox",
            tool: &bash,
            input: json!({"command": "true"}),
            program: &["sh", "-c", "true"],
            most: None,
        },
    ];
    let title = format!("Tools beside programs, a tree of {} files, median of {rounds}", directories * 100);
    let mut table = Table::new(&title, &["", "tool", "program", "ratio"]);
    for pair in &pairs {
        compare(&mut table, pair, &held.path().join("tree"), rounds).await?;
    }
    table.note(format!("Commands: {}.", bash.sandbox()));
    Ok(vec![table])
}

async fn compare(table: &mut Table, pair: &Pair<'_>, tree: &Path, rounds: usize) -> Result<()> {
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        ours.push(call(pair.tool, &pair.input).await?);
        theirs.extend(run(pair.program, tree)?);
    }
    let (ours, theirs) = (middle(ours.into_iter()), middle(theirs.into_iter()));
    let (program, verdict) = match (theirs.is_zero(), pair.most) {
        (true, _) => (format!("no {} here", pair.program[0]), String::new()),
        (false, Some(most)) => (ms(theirs), at_most(ratio(ours, theirs), most)),
        (false, None) => (ms(theirs), String::new()),
    };
    table.row([pair.name.to_owned(), ms(ours), program, verdict]);
    Ok(())
}

async fn call(tool: &dyn Tool, input: &Value) -> Result<Duration> {
    let context = ToolContext {
        scope: Scope::vouched("bench", "bench"),
        run: RunId { session: SessionId::new(), message: MessageId::new() },
        call: CallId("call".to_owned()),
    };
    let watch = Stopwatch::start();
    let result = tool.call(&context, &input.to_string()).await;
    let cost = watch.stop();
    match result.status {
        ToolStatus::Success => Ok(cost.wall),
        _ => Err(format!("{} failed: {}", tool.spec().name, result.output).into()),
    }
}

/// How long a program takes until all of its output is read; none where it is not installed.
fn run(program: &[&str], tree: &Path) -> Result<Option<Duration>> {
    let watch = Stopwatch::start();
    let run = Command::new(program[0])
        .args(&program[1..])
        .current_dir(tree)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output();
    let cost = watch.stop();
    match run {
        Ok(_) => Ok(Some(cost.wall)),
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(cause) => Err(cause.into()),
    }
}

/// Directories of a hundred files each, of one to forty lines.
fn fill_tree(place: &Path, directories: usize) -> Result<()> {
    for directory in 0..directories {
        let path = place.join(format!("tree/d{}/e{}", directory / 20, directory % 20));
        fs::create_dir_all(&path)?;
        for file in 0..100 {
            let lines = (0..=file % 40).map(|n| format!("fn name_{n}(x: u32) -> u32 {{ x + {n} }}\n"));
            let mut text: String = lines.collect();
            if directory % 50 == 0 && file == 7 {
                text.push_str("a needle\n");
            }
            fs::write(path.join(format!("f{file}.{}", if file % 2 == 0 { "txt" } else { "rs" })), text)?;
        }
    }
    Ok(())
}

fn fill_large(path: &Path, bytes: usize) -> Result<()> {
    fs::create_dir_all(path.with_file_name(""))?;
    let mut file = BufWriter::new(File::create(path)?);
    let line = "a line with some text in it that is to be read as it is\n";
    for _ in 0..bytes / line.len() {
        file.write_all(line.as_bytes())?;
    }
    file.flush()?;
    Ok(())
}
