//! What commands cannot write, read or learn.
use duyetbot_tools::{Bash, Confinement, Environment, Sandbox, SandboxStatus};
use serde_json::json;
use std::{fs, path::PathBuf, process::Command};

use crate::world::{World, call, context, refused, said};

/// One whose temporary directory is not the one that the tests themselves stand in.
fn environment(world: &World) -> Environment {
    let temporary = world.outside("tmp");
    fs::create_dir_all(&temporary).unwrap();
    let vars = [("PATH", "/usr/bin:/bin".into()), ("TMPDIR", temporary.into_os_string())];
    Environment::from_vars(vars.map(|(name, value)| (name.into(), value)), &[])
}

fn confined(home: Option<PathBuf>, writable: Vec<PathBuf>) -> Sandbox {
    Sandbox::On(Confinement { home, writable })
}

/// Without a kernel that confines there is nothing to see here; `doctor` says so, and so does this.
fn holds(bash: &Bash) -> bool {
    match bash.sandbox() {
        SandboxStatus::None(why) => {
            let _ =
                std::io::Write::write_all(&mut std::io::stderr(), format!("not tested: {why}\n").as_bytes());
            false
        }
        _ => true,
    }
}

#[tokio::test]
async fn commands_write_beneath_the_workspace_and_the_temporary_directory_only() {
    let world = World::new();
    let (kept, cache) = (world.outside("kept"), world.outside("cache"));
    fs::create_dir(&kept).unwrap();
    fs::create_dir(&cache).unwrap();
    fs::write(kept.join("f"), "kept").unwrap();
    let environment = environment(&world);
    let bash = Bash::new(world.workspace.clone(), environment, confined(None, vec![cache.clone()]));
    if !holds(&bash) {
        return;
    }
    let run = async |command: String| call(&bash, &json!({"command": command})).await;
    let out = kept.display();
    for command in [
        format!("echo x > {out}/new"),
        format!("echo x >> {out}/f"),
        format!("truncate -s 0 {out}/f"),
        format!("rm {out}/f"),
        format!("mv {out}/f ."),
        format!("ln {out}/f hard"),
        format!("mkdir {out}/dir"),
        format!("ln -s {out} way; echo x > way/new"),
    ] {
        let told = refused(run(command.clone()).await);
        assert!(told.contains("Permission denied") || told.contains("cross-device"), "{command}: {told}");
    }
    assert_eq!(fs::read(kept.join("f")).unwrap(), b"kept");
    assert_eq!(fs::read_dir(&kept).unwrap().count(), 1);
    let told = refused(run(format!("echo x > {out}/new")).await);
    let (ws, temporary, cached) = (world.at(""), world.outside("tmp"), cache.display());
    let note = format!("only beneath {} and {} and {cached}]\n", ws.display(), temporary.display());
    assert!(told.ends_with(&note.replace("/ws/ ", "/ws ")), "{told}");
    let work = format!(
        "set -e; mkdir -p d; echo x > d/f; mv d/f g; ln g h; ln -s g i; rm h; t=$(mktemp); echo x > $t; rm $t; \
         echo x > /dev/null; cat {out}/f; echo x > {cached}/f"
    );
    assert_eq!(said(run(work).await), "kept\n");
}

#[tokio::test]
async fn commands_cannot_read_the_agents_own_directory_wherever_it_lies() {
    let world = World::new();
    let inside = world.at("own");
    for home in [world.outside("own"), inside.clone()] {
        fs::create_dir_all(&home).unwrap();
        fs::write(home.join("config.toml"), "CANARY").unwrap();
        fs::write(home.join("../beside"), "beside\n").unwrap();
        let sandbox = confined(Some(home.clone()), Vec::new());
        let bash = Bash::new(world.workspace.clone(), environment(&world), sandbox);
        if !holds(&bash) {
            return;
        }
        let run = async |command: String| call(&bash, &json!({"command": command})).await;
        let at = home.display();
        for command in [
            format!("cat {at}/config.toml"),
            format!("echo x > {at}/config.toml"),
            format!("echo x > {at}/new"),
            format!("rm {at}/config.toml"),
            format!("mv {at} {at}2"),
            format!("cd $TMPDIR; ln -s {at} link; cat link/config.toml; s=$?; rm link; exit $s"),
        ] {
            let told = refused(run(command.clone()).await);
            assert!(!told.contains("CANARY") && told.contains("Permission denied"), "{command}: {told}");
        }
        assert_eq!(said(run(format!("cat {at}/../beside; cat /etc/passwd > /dev/null")).await), "beside\n");
        assert_eq!(fs::read(home.join("config.toml")).unwrap(), b"CANARY");
    }
    let bash = Bash::new(world.workspace.clone(), environment(&world), confined(Some(inside), Vec::new()));
    let SandboxStatus::Partial(missing) = bash.sandbox() else { panic!("{:?}", bash.sandbox()) };
    assert!(missing.last().unwrap().contains("holds the agent's own directory"), "{missing:?}");
}

#[tokio::test]
async fn what_is_told_of_a_denial_is_true_where_the_agents_own_directory_lies_in_the_workspace() {
    let world = World::new();
    let home = world.at("own");
    fs::create_dir_all(&home).unwrap();
    let sandbox = confined(Some(home.clone()), Vec::new());
    let bash = Bash::new(world.workspace.clone(), environment(&world), sandbox);
    if !holds(&bash) {
        return;
    }
    let told = refused(call(&bash, &json!({"command": "echo x > new"})).await);
    let closed = format!(
        ", but not to {}, the agent's own directory, nor make new entries in those that hold it]\n",
        home.display()
    );
    assert!(told.ends_with(&closed), "{told}");
}

#[tokio::test]
async fn the_sandbox_can_be_turned_off_and_says_so() {
    let world = World::new();
    let bash = Bash::new(world.workspace.clone(), environment(&world), Sandbox::Off);
    assert_eq!(bash.sandbox().to_string(), "commands are not confined: the settings turn it off");
    let out = world.outside("new");
    said(call(&bash, &json!({"command": format!("echo x > {}", out.display())})).await);
    assert_eq!(fs::read(out).unwrap(), b"x\n");
}

const KEY: &str = "DUYETBOT_TEST_API_KEY";

/// Not a test by itself: an agent with a key in its environment, started by the test below.
#[tokio::test]
async fn looks_for_a_key_from_within() {
    if std::env::var_os(KEY).is_none() {
        return;
    }
    let world = World::new();
    let environment = Environment::from_vars(std::env::vars_os(), &[]);
    let bash = Bash::new(world.workspace.clone(), environment, Sandbox::default());
    for command in [
        "env",
        "cat /proc/self/environ | tr '\\0' '\\n'",
        "cat /proc/$PPID/environ",
        "cat /proc/$(cut -d' ' -f4 /proc/$PPID/stat)/environ",
        "ps eww",
        "cat /proc/[0-9]*/environ",
    ] {
        let result =
            duyetbot_core::Tool::call(&bash, &context(), &json!({"command": command}).to_string()).await;
        assert!(!result.output.contains("CANARYKEY"), "{command}: {}", result.output);
    }
}

#[tokio::test]
async fn keys_reach_child_processes() {
    let world = World::new();
    if !holds(&Bash::new(world.workspace.clone(), environment(&world), Sandbox::default())) {
        return;
    }
    let agent = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "sandbox::looks_for_a_key_from_within"])
        .env(KEY, "CANARYKEY")
        .output()
        .unwrap();
    assert!(agent.status.success(), "{}", String::from_utf8_lossy(&agent.stdout));
}
