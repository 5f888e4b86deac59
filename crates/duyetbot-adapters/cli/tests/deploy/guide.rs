//! `deploy/README.md`, followed from the first line to the last by somebody whose machine is a folder.
use rustix::process::Signal;
use std::{
    fs,
    net::TcpListener,
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};
use tempfile::TempDir;

use crate::{file, folder, served::Served, unit::of, variables::of_file};

/// Where the guide puts things, and where they lie in the folder.
const PLACES: [(&str, &str); 5] = [
    ("/usr/local/bin/", "bin/"),
    ("/var/lib/duyetbot", "state"),
    ("/var/backups/duyetbot", "backups"),
    ("/etc/duyetbot", "etc"),
    ("/etc/systemd/system", "units"),
];
/// What a folder has no others for.
const OWNERS: [&str; 2] = [" -o duyetbot", " -g duyetbot"];
/// What needs more than the program: a compiler, an account, a manager of services, a daemon.
const ELSEWHERE: [&str; 5] = [
    "cargo ",
    "sudo useradd ",
    "sudo systemctl daemon-reload",
    "docker compose -f deploy/compose.yaml up ",
    "docker compose -f deploy/compose.yaml cp ",
];
/// What runs a command in the container.
const INSIDE: &str = "docker compose -f deploy/compose.yaml exec -T duyetbot ";

/// The lines of all shell blocks, in their order.
fn lines() -> Vec<String> {
    let guide = file("README.md");
    let blocks = guide.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    blocks.flat_map(|block| block.lines().map(str::to_owned)).collect()
}

struct Machine {
    root: TempDir,
    /// Functions and variables of the operator's shell.
    shell: Vec<String>,
    served: Option<Served>,
    /// What was printed, line by line.
    said: Vec<(String, String)>,
}

impl Machine {
    fn new() -> Self {
        let machine =
            Machine { root: TempDir::new().unwrap(), shell: Vec::new(), served: None, said: Vec::new() };
        for made in ["bin", "units", "shims", "target/release", "deploy"] {
            fs::create_dir_all(machine.path(made)).unwrap();
        }
        for entry in fs::read_dir(folder()).unwrap() {
            let entry = entry.unwrap();
            fs::copy(entry.path(), machine.path("deploy").join(entry.file_name())).unwrap();
        }
        symlink(env!("CARGO_BIN_EXE_duyetbot"), machine.path("target/release/duyetbot")).unwrap();
        let sudo = machine.path("shims/sudo");
        fs::write(&sudo, "#!/bin/sh\n[ \"$1\" = -u ] && shift 2\nexec \"$@\"\n").unwrap();
        fs::set_permissions(&sudo, fs::Permissions::from_mode(0o755)).unwrap();
        machine
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// Text of the guide or the unit, for this machine.
    fn moved(&self, text: &str) -> String {
        let text = OWNERS.iter().fold(text.to_owned(), |text, owner| text.replace(owner, ""));
        let root = self.root.path().display();
        PLACES.iter().fold(text, |text, (there, here)| text.replace(there, &format!("{root}/{here}")))
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        let path = ["bin", "shims"].map(|name| self.path(name).display().to_string()).join(":");
        command.env_clear().env("PATH", format!("{path}:/usr/local/bin:/usr/bin:/bin"));
        command.env("HOME", self.root.path()).current_dir(self.root.path());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn follow(&mut self, line: &str) {
        if ELSEWHERE.iter().any(|begin| line.starts_with(begin)) {
            return;
        }
        if let Some(act) = line.strip_prefix("sudo systemctl ") {
            return self.manage(act);
        }
        let in_container = line.strip_prefix(INSIDE);
        let home = self.path("state");
        let ours = match in_container {
            Some(line) => format!("DUYETBOT_HOME={} {line}", home.display()),
            None => line.to_owned(),
        };
        let line = self.moved(&ours);
        let name = line.split_once('=').map_or("", |(name, _)| name);
        if line.starts_with("bot() ") || !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase()) {
            self.shell.push(line);
            return;
        }
        let script = [&self.shell[..], std::slice::from_ref(&line)].concat().join("\n");
        let output = self.command("bash").args(["-e", "-c", &script]).output().unwrap();
        let [out, err] = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
        assert!(output.status.success(), "{line}: {out}{err}");
        self.said.push((ours.clone(), out));
        if ours.starts_with("sudo sed ") {
            self.settle_on_a_port();
        }
    }

    /// The usual port may be another's on this machine.
    fn settle_on_a_port(&self) {
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let path = self.path("etc/duyetbot.env");
        let own = format!("DUYETBOT_SERVE__LISTEN={address}\nDUYETBOT_MODEL=recall\n");
        fs::write(&path, fs::read_to_string(&path).unwrap() + &own).unwrap();
    }

    /// Does what systemd does with the unit that is installed.
    fn manage(&mut self, act: &str) {
        let (stops, starts) = match act.split_whitespace().next().unwrap() {
            "stop" => (true, false),
            "restart" => (true, true),
            "start" | "enable" => (false, true),
            other => panic!("{other}"),
        };
        if stops {
            assert_eq!(self.served.take().unwrap().end(Signal::TERM).status.code(), Some(0));
        }
        if starts {
            assert!(self.served.is_none());
            let unit = self.moved(&fs::read_to_string(self.path("units/duyetbot.service")).unwrap());
            let mut words = of(&unit, "ExecStart")[0].split_whitespace();
            let mut command = self.command(words.next().unwrap());
            command.args(words).current_dir(of(&unit, "WorkingDirectory")[0]);
            command.envs(of(&unit, "Environment").into_iter().filter_map(|pair| pair.split_once('=')));
            command.envs(of_file(&fs::read_to_string(of(&unit, "EnvironmentFile")[0]).unwrap()));
            self.served = Some(Served::start(command));
        }
    }

    /// The token that was printed for this address.
    fn token(&self, email: &str) -> &str {
        let (_, out) =
            self.said.iter().find(|(line, _)| line.contains("users add") && line.contains(email)).unwrap();
        out.split_whitespace().last().unwrap()
    }

    fn me(&self, email: &str) -> String {
        self.served.as_ref().unwrap().ask("GET /users/me", self.token(email), "")
    }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn every_command_of_the_guide_works_and_at_its_end_the_server_serves_whom_it_served() {
    let mut machine = Machine::new();
    let lines = lines();
    for line in &lines {
        machine.follow(line);
    }
    for email in ["ada@example.org", "bob@example.org"] {
        let me = machine.me(email);
        assert!(me.starts_with("HTTP/1.1 200 ") && me.contains(email), "{me}");
    }
    assert_eq!((mode(&machine.path("state")), mode(&machine.path("etc/duyetbot.env"))), (0o700, 0o640));
    let run = |begin: &str| machine.said.iter().filter(|(line, _)| line.starts_with(begin)).count();
    assert_eq!((run("bot backup "), run("bot restore "), run("bot serve --check")), (2, 2, 2));
    assert_eq!(machine.served.take().unwrap().end(Signal::TERM).status.code(), Some(0));
}

#[test]
fn the_guide_names_no_file_and_no_setting_that_is_not_there() {
    let guide = file("README.md");
    let links = guide.split("](").skip(1).map(|rest| rest.split(')').next().unwrap());
    let missing: Vec<&str> = links.filter(|link| !folder().join(link).is_file()).collect();
    assert_eq!(missing, Vec::<&str>::new());
    let place = crate::common::Place::new();
    let listed = place.command(&["config", "--output-format", "json"]).output().unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    for span in guide.split('`').skip(1).step_by(2).filter(|span| span.starts_with("DUYETBOT_")) {
        assert!(listed.contains(&format!("\"{span}\"")), "{span}");
    }
}
