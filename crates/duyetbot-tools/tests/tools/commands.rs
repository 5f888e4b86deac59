//! Commands, and that nothing of them outlives their call.
use duyetbot_core::ToolResult;
use duyetbot_tools::{Bash, Environment, Sandbox};
use serde_json::{Value, json};
use std::{
    fs,
    os::unix::process::CommandExt,
    process::{Command, Stdio},
    time::Duration,
};

use crate::{
    odd::resident,
    world::{World, call, refused, said},
};

impl World {
    pub(crate) fn bash(&self) -> Bash {
        Bash::new(self.workspace.clone(), environment(), Sandbox::default())
    }
    pub(crate) async fn run(&self, input: Value) -> ToolResult {
        call(&self.bash(), &input).await
    }
}

fn environment() -> Environment {
    Environment::from_vars(std::env::vars_os(), &[])
}

/// The processes whose command line holds this, zombies too.
fn processes_with(mark: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let pid = entry.file_name().to_string_lossy().into_owned();
        if !pid.bytes().all(|b| b.is_ascii_digit()) {
            continue;
        }
        let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        if String::from_utf8_lossy(&line).replace('\0', " ").contains(mark) {
            found.push(pid);
        }
    }
    found
}

/// Children of this process that have ended and were not waited for.
fn zombies() -> usize {
    let stats = fs::read_dir("/proc").unwrap().flatten().map(|e| fs::read_to_string(e.path().join("stat")));
    let ours = format!(" Z {} ", std::process::id());
    stats.filter(|stat| stat.as_ref().is_ok_and(|stat| stat.contains(&ours))).count()
}

async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let wait = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), wait).await.unwrap_or_else(|_| panic!("{what}"));
}

#[tokio::test]
async fn a_command_answers_what_it_writes_and_how_it_ended() {
    let world = World::new();
    assert_eq!(
        said(world.run(json!({"command": "echo one; echo two >&2; echo three"})).await),
        "one\ntwo\nthree\n"
    );
    assert_eq!(said(world.run(json!({"command": "true"})).await), "[no output]\n");
    assert_eq!(refused(world.run(json!({"command": "printf x; exit 3"})).await), "x\n[exit code 3]\n");
    assert_eq!(
        refused(world.run(json!({"command": "kill -TERM $$"})).await),
        "[no output]\n[ended by signal 15]\n"
    );
    let pwd = format!("{}\n", world.workspace.path().display());
    assert_eq!(said(world.run(json!({"command": "pwd; cd /; X=1"})).await), pwd);
    assert_eq!(said(world.run(json!({"command": "pwd; echo $X"})).await), format!("{pwd}\n"));
    assert_eq!(said(world.run(json!({"command": "-n() { echo dash; }; -n"})).await), "dash\n");
    assert_eq!(said(world.run(json!({"command": "cat; tty"})).await.pipe_ok()), "not a tty\n");
    for (input, wrong) in [
        (json!({"command": "true", "timeout": 0}), "field `timeout`: 0 s is not between 1 and 600"),
        (json!({"command": "true", "timeout": 601}), "field `timeout`: 601 s is not between 1 and 600"),
        (json!({"command": "a\0b"}), "field `command`: it cannot hold a NUL character"),
    ] {
        assert_eq!(refused(world.run(input).await), wrong);
    }
    let told = refused(world.run(json!({"command": ":".repeat(3 << 20)})).await);
    assert_eq!(told, "the command is too long; put it into a script");
}

/// Takes a command that answers "no" for one that ran.
trait PipeOk {
    fn pipe_ok(self) -> Self;
}

impl PipeOk for ToolResult {
    fn pipe_ok(self) -> Self {
        match self.output.strip_suffix("[exit code 1]\n") {
            Some(output) => ToolResult::success(output),
            None => self,
        }
    }
}

#[tokio::test]
async fn a_command_has_no_terminal_and_asks_nothing() {
    let world = World::new();
    let told = refused(world.run(json!({"command": "echo x > /dev/tty"})).await);
    assert!(told.contains("/dev/tty"), "{told}");
    let told = refused(world.run(json!({"command": "read -r answer < /dev/tty"})).await);
    assert!(told.contains("No such device or address"), "{told}");
    let told = said(world.run(json!({"command": "echo $TERM $GIT_TERMINAL_PROMPT $GIT_PAGER"})).await);
    assert_eq!(told, "dumb 0 cat\n");
}

/// Commands that end only by force, with a mark in each of their command lines.
fn stubborn(mark: &str) -> Vec<String> {
    let python = format!(
        "python3 -c 'import os, time
for _ in range(2):
    if os.fork(): os._exit(0)
    os.setsid()
os.execvp(\"sleep\", [\"sleep\", \"{mark}\"])'; sleep {mark}"
    );
    vec![
        format!("echo begun; sleep {mark} | cat"),
        format!("echo begun; sh -c 'trap \"\" TERM INT HUP; sleep {mark}; : {mark}'"),
        format!("echo begun; for i in 1 2 3; do bash -c 'while :; do :; done' {mark} & done; wait"),
        format!("echo begun; {python}"),
        format!(
            "echo begun; setsid env -i sleep {mark} & disown; (setsid nohup sleep {mark} &) ; sleep {mark}"
        ),
    ]
}

#[tokio::test]
async fn timeout_kills_whole_tree() {
    let world = World::new();
    for (n, command) in stubborn("600.0012").iter().enumerate() {
        let result = world.run(json!({"command": command, "timeout": 1}));
        let result =
            tokio::time::timeout(Duration::from_secs(4), result).await.expect("the limit does not hold");
        let told = refused(result);
        assert_eq!(told, "begun\n[timed out after 1 s; everything that it started was ended]\n", "{n}");
        assert_eq!(processes_with("600.0012"), Vec::<String>::new(), "{n}");
        until("a zombie stays", || zombies() == 0).await;
    }
}

#[tokio::test]
async fn a_dropped_call_kills_its_whole_tree() {
    let world = World::new();
    for (n, command) in stubborn("600.0034").iter().enumerate() {
        let (bash, input) = (world.bash(), json!({"command": command}));
        let mut running = Box::pin(call(&bash, &input));
        let begun = until("it does not begin", || processes_with("600.0034").len() > 1);
        tokio::select! {
            result = &mut running => panic!("{n}: it ended by itself: {result:?}"),
            () = begun => {}
        }
        drop(running);
        until("it lives on", || processes_with("600.0034").is_empty()).await;
        until("a zombie stays", || zombies() == 0).await;
    }
}

const RUNS_IN: &str = "DUYETBOT_TEST_RUNS_IN";

/// Not a test by itself: runs a command until it is killed, where the test below starts it.
#[tokio::test]
async fn runs_a_command_until_it_is_killed() {
    let Some(path) = std::env::var_os(RUNS_IN) else { return };
    let bash = Bash::new(duyetbot_tools::Workspace::open(path).unwrap(), environment(), Sandbox::default());
    call(&bash, &json!({"command": stubborn("600.0056")[4]})).await;
}

#[tokio::test]
async fn an_agent_that_is_killed_takes_its_commands_along() {
    let world = World::new();
    for signal in ["KILL", "TERM"] {
        let mut agent = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "commands::runs_a_command_until_it_is_killed"])
            .env(RUNS_IN, world.at(""))
            .stdout(Stdio::null())
            .process_group(0)
            .spawn()
            .unwrap();
        until("it does not begin", || processes_with("600.0056").len() >= 3).await;
        Command::new("kill").args([format!("-{signal}"), agent.id().to_string()]).status().unwrap();
        agent.wait().unwrap();
        until("its commands live on", || processes_with("600.0056").is_empty()).await;
    }
}

#[tokio::test]
async fn a_child_that_keeps_the_pipe_open_neither_holds_the_call_nor_outlives_it() {
    let world = World::new();
    let command = "(setsid sleep 600.0078 &); sleep 600.0078 & echo done";
    let result = world.run(json!({"command": command}));
    let told = said(tokio::time::timeout(Duration::from_secs(3), result).await.expect("the call is held"));
    assert_eq!(told, "done\n[what it left running in the background was ended]\n");
    assert_eq!(processes_with("600.0078"), Vec::<String>::new());
}

#[tokio::test]
async fn a_command_cannot_reach_what_watches_over_it() {
    let world = World::new();
    let command = "kill -9 $PPID; kill -STOP $PPID; kill -9 0 & wait; sleep 600.0090";
    let result = world.run(json!({"command": command, "timeout": 2}));
    let told = refused(tokio::time::timeout(Duration::from_secs(5), result).await.unwrap());
    assert!(told.contains("Operation not permitted"), "{told}");
    assert_eq!(processes_with("600.0090"), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn gigabyte_output() {
    let world = World::new();
    for (command, is_endless) in [
        ("yes", true),
        ("yes >&2", true),
        ("head -c 300M /dev/zero", false),
        ("head -c 100M /dev/zero | tr '\\0' a", false),
        ("seq 1 3000000", false),
    ] {
        let before = resident();
        let result = world.run(json!({"command": command, "timeout": if is_endless { 1 } else { 30 }}));
        let result = tokio::time::timeout(Duration::from_secs(35), result).await.unwrap();
        assert!(resident() < before + 64 * 1024, "{command}: {before} kB grew to {} kB", resident());
        assert!(
            result.output.len() < 64 * 1024 * 3 && result.output.contains("bytes are left out here"),
            "{command}"
        );
        assert_eq!(result.output.ends_with("ended]\n"), is_endless, "{command}");
    }
    let told = said(world.run(json!({"command": "seq 1 300000"})).await);
    assert!(told.starts_with("1\n2\n3\n") && told.ends_with("\n299999\n300000\n"), "{told}");
}

#[tokio::test]
async fn many_commands_at_once_keep_their_output_apart() {
    let world = World::new();
    let bash = world.bash();
    let one = async |n: usize| {
        said(call(&bash, &json!({"command": format!("for i in 1 2 3; do echo {n}; done")})).await)
    };
    let all = futures::future::join_all((0..32).map(one)).await;
    let right: Vec<String> = (0..32).map(|n| format!("{n}\n").repeat(3)).collect();
    assert_eq!(all, right);
    until("a zombie stays", || zombies() == 0).await;
}

#[tokio::test]
async fn a_vanished_workspace_runs_nothing() {
    let world = World::new();
    fs::remove_dir(world.at("")).unwrap();
    assert!(refused(world.run(json!({"command": "true"})).await).contains("no longer exists"));
}
