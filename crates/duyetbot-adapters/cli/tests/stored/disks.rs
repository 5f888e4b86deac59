//! A disk that is full, and one that takes no writes: one sentence, and all that was stored is there.
use serde_json::Value;
use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::Command,
};
use tempfile::TempDir;

use crate::person::{Ended, Person, end, skipped};

/// A file system of its own, which ends with the test.
pub(crate) struct Disk(TempDir);

impl Disk {
    /// None where this process may not mount.
    pub(crate) fn new(options: &str) -> Option<Self> {
        let folder = TempDir::new().unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(folder.path());
        if !mount.output().is_ok_and(|output| output.status.success()) {
            skipped("this process may not mount a file system");
            return None;
        }
        Some(Disk(folder))
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn remount(&self, options: &str) {
        let options = format!("remount,{options}");
        let status = Command::new("mount").args(["-o", &options]).arg(self.0.path()).status().unwrap();
        assert!(status.success());
    }

    /// Takes all room that is left.
    pub(crate) fn fill(&self) {
        let mut ballast = fs::File::create(self.path("ballast")).unwrap();
        while ballast.write_all(&[0; 4096]).is_ok() {}
    }

    pub(crate) fn make_room(&self) {
        fs::remove_file(self.path("ballast")).unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // What stays mounted ends with the machine; there is nothing better to do with it here.
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

/// A person whose home is on this disk.
struct Owner<'a> {
    person: Person,
    disk: &'a Disk,
}

impl Owner<'_> {
    fn command(&self, args: &[&str]) -> Command {
        let mut command = self.person.command(args);
        command.env("DUYETBOT_HOME", self.disk.path("home"));
        command
    }

    fn run(&self, args: &[&str]) -> Ended {
        end(&mut self.command(args))
    }

    fn export(&self, id: &str) -> Value {
        serde_json::from_str(&self.run(&["sessions", "export", id]).done()).unwrap()
    }
}

fn full(path: &Path) -> String {
    format!(
        "the disk that holds {} is full; what was stored before is safe. Make room and try again",
        path.display()
    )
}

#[test]
fn a_full_disk_is_said_keeps_what_was_stored_and_passes() {
    let Some(disk) = Disk::new("size=8m") else { return };
    let owner = Owner { person: Person::new(), disk: &disk };
    owner.run(&["ask", "The spare key hangs behind the blue door."]).done();
    let id = owner.run(&["sessions", "ls"]).done()[..36].to_owned();
    let before = owner.export(&id);
    let talk = owner.person.file("talk.json", before.to_string().replace(&id[..8], "00000000"));
    disk.fill();

    let database = disk.path("home/duyetbot.db");
    let long = "more words ".repeat(8_000);
    let import = ["sessions", "import", talk.to_str().unwrap()];
    let rename = ["sessions", "rename", &id, "A title"];
    for args in [&["ask", &long][..], &import, &rename] {
        let refused = owner.run(args);
        assert_eq!(refused.refused(1).trim_start_matches(&format!("{}: ", talk.display())), full(&database));
    }
    let json = owner.run(&["ask", &long, "--output-format", "json"]);
    let problem: Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!(
        (json.code, &problem["type"], &problem["detail"]),
        (Some(1), &"urn:duyetbot:disk_full".into(), &full(&database).into())
    );
    let settings = disk.path("home/config.toml");
    let set = owner.run(&["config", "set", "model", "recall"]);
    assert_eq!(
        set.refused(1),
        format!("cannot write {}: the disk is full; free some space and try again", settings.display())
    );

    disk.make_room();
    assert_eq!(owner.export(&id), before);
    assert!(owner.run(&["doctor"]).out.contains("duyetbot.db is sound"));
    let answer = owner.run(&["ask", "-c", "Where is the spare key?"]).done();
    assert!(answer.contains("blue door"), "{answer}");
}

#[test]
fn a_long_import_that_a_full_disk_cuts_off_says_what_is_stored_and_is_completed_by_another() {
    let Some(disk) = Disk::new("size=4m") else { return };
    let owner = Owner { person: Person::new(), disk: &disk };
    let message =
        |n: usize| serde_json::json!({ "role": "user", "content": format!("{n} {}", "words ".repeat(300)) });
    let all: Vec<Value> = (0..1_000).map(message).collect();
    let path = owner.person.file("long.json", serde_json::json!({ "messages": all }).to_string());
    let import = ["sessions", "import", path.to_str().unwrap()];
    let cut = owner.run(&import);
    let sentence = cut.refused(1);
    let told =
        sentence.strip_prefix(&format!("{}: {} (", path.display(), full(&disk.path("home/duyetbot.db"))));
    let stored: usize = told.unwrap().split(' ').next().unwrap().parse().unwrap();
    assert!(stored > 0 && stored < 1_000, "{sentence}");

    disk.remount("size=40m");
    let id = owner.run(&["sessions", "ls"]).done()[..36].to_owned();
    assert!(
        sentence.ends_with(&format!(
            " messages of session {id} are stored; the same import again adds the rest)"
        ))
    );
    let messages = |export: &Value| export["messages"].as_array().unwrap().clone();
    let before = messages(&owner.export(&id));
    assert_eq!(before.len(), stored);
    owner.run(&import).done();
    let whole = messages(&owner.export(&id));
    assert_eq!((whole.len(), &whole[..stored]), (1_000, &before[..]));
}

#[test]
fn an_export_to_a_full_disk_leaves_the_file_that_was_there() {
    let Some(disk) = Disk::new("size=64k") else { return };
    let person = Person::new();
    person.run(&["ask", &"some words ".repeat(2_000)]).done();
    let target = disk.path("talk.json");
    fs::write(&target, "what was there").unwrap();
    disk.fill();
    let refused = person.run(&["sessions", "export", &person.newest(), "-o", target.to_str().unwrap()]);
    assert_eq!(
        refused.refused(1),
        format!("cannot write {}: the disk is full; free some space and try again", target.display())
    );
    disk.make_room();
    assert_eq!(fs::read_to_string(&target).unwrap(), "what was there");
    assert_eq!(fs::read_dir(disk.0.path()).unwrap().count(), 1, "a half-made file was left");
}

#[test]
fn no_room_for_a_first_database_is_said() {
    let Some(disk) = Disk::new("size=16k") else { return };
    let owner = Owner { person: Person::new(), disk: &disk };
    assert_eq!(owner.run(&["ask", "hi"]).refused(1), full(&disk.path("home/duyetbot.db")));
}

/// A process that may write files of a certain size only: what a quota does, for everybody.
#[test]
fn a_file_that_may_not_grow_is_said_and_keeps_what_was_stored() {
    let person = Person::new();
    person.run(&["ask", "The spare key hangs behind the blue door."]).done();
    let id = person.newest();
    let before = person.export(&id);
    let database = person.home.path().join("home/duyetbot.db");
    // Less than what the words need, which go to the log beside it first.
    let blocks = fs::metadata(&database).unwrap().len().div_ceil(2 * 512);
    let limited = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" ask -c \"$1\"");
    let mut command = Command::new("sh");
    command
        .args(["-c", &limited, env!("CARGO_BIN_EXE_duyetbot"), &"more words ".repeat(10_000)])
        .env_clear()
        .env("DUYETBOT_HOME", person.home.path().join("home"))
        .current_dir(person.folder.path());
    let ended = end(&mut command);
    let told: Vec<&str> = ended.err.lines().collect();
    assert_eq!((ended.code, ended.out.as_str(), told.len()), (Some(1), "", 2), "{ended:?}");
    assert!(told[0].contains("going on with"), "{ended:?}");
    assert!(told[1].contains(&database.display().to_string()), "{ended:?}");
    assert_eq!(person.export(&id), before);
    assert!(person.run(&["doctor"]).out.contains("duyetbot.db is sound"));
}

#[test]
fn a_read_only_disk_is_said_and_left_as_it_is() {
    let Some(disk) = Disk::new("size=8m") else { return };
    let owner = Owner { person: Person::new(), disk: &disk };
    owner.run(&["ask", "The spare key hangs behind the blue door."]).done();
    let database = disk.path("home/duyetbot.db");
    let before = fs::read(&database).unwrap();
    disk.remount("ro");
    let sentence = format!(
        "{} cannot be written; make the file and its folder writable, or name another file",
        database.display()
    );
    for args in [&["ask", "hi"][..], &["sessions", "ls"], &["sessions", "new", "one"]] {
        assert_eq!(owner.run(args).refused(1), sentence);
    }
    let set = owner.run(&["config", "set", "model", "recall"]);
    assert!(set.refused(1).contains("it may not be written"), "{set:?}");
    assert!(fs::read(&database).unwrap() == before);
}
