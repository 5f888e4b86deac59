//! Files through the whole program: links, line ends, modes, and what changed meanwhile.
use serde_json::{Value, json};
use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::PathBuf,
    process::{Command, Output},
};

use crate::{
    common::Place,
    script::{Model, call, calls, words},
    world::{Ended, results, statuses},
};

const FREE: [&str; 4] = ["--allow", "write", "--allow", "edit"];

fn edit(path: &str, old: &str, new: &str) -> (&'static str, Value) {
    ("edit", json!({ "path": path, "old": old, "new": new }))
}

fn write(path: &str, content: &str) -> (&'static str, Value) {
    ("write", json!({ "path": path, "content": content }))
}

fn read(path: &str) -> (&'static str, Value) {
    ("read", json!({ "path": path }))
}

/// Case: write-through-last-symlink
#[test]
fn no_link_leads_out_of_the_workspace() {
    let (place, outside) = (Place::new(), tempfile::TempDir::new().unwrap());
    let victim = outside.path().join("victim");
    fs::write(&victim, "orig").unwrap();
    fs::create_dir(outside.path().join("outdir")).unwrap();
    symlink(&victim, place.at("notes.md")).unwrap();
    symlink(outside.path().join("notyet"), place.at("draft.md")).unwrap();
    symlink(outside.path().join("outdir"), place.at("d")).unwrap();
    symlink("/proc/self/root", place.at("r")).unwrap();
    place.file("real.txt", "orig");
    symlink("real.txt", place.at("inside.txt")).unwrap();
    let results = place.acts(
        &FREE,
        &[
            write("notes.md", "X"),
            edit("notes.md", "orig", "X"),
            write("draft.md", "X"),
            write("d/f", "X"),
            read("r/etc/hostname"),
            edit("inside.txt", "orig", "new"),
        ],
    );
    assert_eq!(statuses(&results), ["error", "error", "error", "error", "error", "success"], "{results:?}");
    assert!(results[0].output.contains(victim.to_str().unwrap()), "{results:?}");
    assert_eq!(fs::read_to_string(&victim).unwrap(), "orig");
    assert!(!outside.path().join("notyet").exists() && !outside.path().join("outdir/f").exists());
    assert_eq!(place.read("real.txt"), "new");
    assert!(place.at("inside.txt").is_symlink());
}

/// Case: hard-link-write-escape
#[test]
fn a_file_with_a_second_name_outside_keeps_its_bytes_there() {
    let place = Place::new();
    let outside = place.home.path().join("outside.txt");
    fs::write(&outside, "orig").unwrap();
    fs::hard_link(&outside, place.at("in.txt")).unwrap();
    place.acts(&FREE, &[edit("in.txt", "orig", "X")]);
    assert_eq!(fs::read_to_string(&outside).unwrap(), "orig");
}

/// Case: edit-crlf-file
#[test]
fn line_ends_stay_as_they_are() {
    let place = Place::new();
    place.file("f", "a\r\nb\r\nc\r\n");
    place.file("g", "one\nword two\r\nthree\nprog 10%\rprog 20%\n");
    let results = place.acts(&FREE, &[edit("f", "a\nb", "A\nB"), edit("g", "word", "WORD")]);
    assert_eq!(statuses(&results), ["success", "success"], "{results:?}");
    assert_eq!(place.read("f"), "A\r\nB\r\nc\r\n");
    assert_eq!(place.read("g"), "one\nWORD two\r\nthree\nprog 10%\rprog 20%\n");
}

/// Case: write-drops-mode-and-links
#[test]
fn the_mode_of_a_file_stays() {
    let place = Place::new();
    for (name, mode) in [("run.sh", 0o755), ("ro.txt", 0o444), ("priv", 0o600)] {
        let path = place.file(name, "word\n");
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }
    let made = ["run.sh", "ro.txt", "priv"].map(|name| edit(name, "word", "other"));
    let results = place.acts(&FREE, &made);
    assert_eq!(statuses(&results), ["success", "error", "success"], "{results:?}");
    let mode = |name: &str| fs::metadata(place.at(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!(["run.sh", "ro.txt", "priv"].map(mode), [0o755, 0o444, 0o600]);
}

/// Case: write-over-newer-content
#[test]
fn what_changed_since_it_was_read_is_not_written_over() {
    let place = Place::new();
    place.file("f", "one\n");
    place.file("never-read", "one\n");
    let add = ("bash", json!({ "command": "printf 'two\\n' >> f" }));
    let (tool, input) = read("f");
    let steps = [(tool, input), add, write("f", "mine\n"), write("never-read", "mine\n")];
    let answers = steps.into_iter().map(|(tool, input)| call(tool, input)).collect();
    let results = place.acts_in_steps(&[&FREE[..], &["--allow", "bash"]].concat(), answers);
    assert_eq!(statuses(&results), ["success", "success", "error", "error"], "{results:?}");
    assert!(results[2].output.contains("read it again"), "{results:?}");
    assert_eq!((place.read("f"), place.read("never-read")), ("one\ntwo\n".into(), "one\n".into()));
}

/// Case: fifo-and-device-files
#[test]
fn pipes_and_devices_are_refused_at_once() {
    let place = Place::new();
    place.prepare("mkfifo p; ln -s /dev/zero z; echo needle > a.txt");
    let made = [
        read("p"),
        read("z"),
        write("p", "x"),
        ("grep", json!({ "pattern": "needle" })),
        ("glob", json!({ "pattern": "**" })),
    ];
    let results = place.acts(&FREE, &made);
    assert_eq!(statuses(&results), ["error", "error", "error", "success", "success"], "{results:?}");
    assert!(results[3].output.contains("a.txt"), "{results:?}");
}

/// Case: timeout-kills-whole-tree
#[test]
fn a_command_that_takes_too_long_ends_with_all_that_it_started() {
    let place = Place::new();
    let mark = format!("60{}", std::process::id());
    let line = format!("echo begun; (setsid sleep {mark} &) ; sh -c 'trap \"\" TERM; sleep {mark}'");
    let made = [("bash", json!({ "command": line, "timeout": 1 }))];
    let results = place.acts(&["--allow", "bash"], &made);
    assert!(results[0].output.contains("begun") && results[0].output.contains("timed out"), "{results:?}");
    let running = fs::read_dir("/proc").unwrap().flatten().any(|entry| {
        fs::read(entry.path().join("cmdline"))
            .is_ok_and(|line| line.ends_with(format!("{mark}\0").as_bytes()))
    });
    assert!(!running, "something of the call still runs");
}

/// Case: gigabyte-output
#[test]
fn a_flood_keeps_its_head_and_its_tail() {
    let place = Place::new();
    let made = [("bash", json!({ "command": "seq 1 3000000" }))];
    let results = place.acts(&["--allow", "bash"], &made);
    let output = &results[0].output;
    assert!(output.len() < 60_000, "{}", output.len());
    assert!(output.starts_with("1\n2\n3\n") && output.contains("2999999\n3000000\n"), "{output}");
}

#[test]
fn what_tools_make_has_the_rights_that_the_persons_umask_leaves_and_the_home_is_theirs_alone() {
    let place = Place::new();
    let model = Model::new([
        calls([write("dir/new.sh", "x"), ("bash", json!({"command": "touch made; umask"}))]),
        words("done"),
    ]);
    let output = under(&place, &model, "umask 022", &["ask", "act", "--allow", "write", "--allow", "bash"]);
    assert!(output.status.success(), "{output:?}");
    let mode = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(["dir", "dir/new.sh", "made"].map(|path| mode(place.at(path))), [0o755, 0o644, 0o644]);
    for entry in fs::read_dir(place.config().parent().unwrap()).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(path.clone()) & 0o077, 0, "{path:?}");
    }
}

#[test]
fn a_write_beyond_the_size_that_a_file_may_have_is_an_error_for_the_model() {
    let place = Place::new();
    // What the model says is small: the database has the same limit.
    place.file("big.txt", format!("{}\nend\n", "x".repeat(3_000_000)));
    let change = json!({ "path": "big.txt", "old": "\nend\n", "new": "\nthe end\n" });
    let model = Model::new([calls([("edit", change)]), words("It is too large.")]);
    let args = ["ask", "--output-format", "stream-json", "act", "--allow", "edit"];
    let ended = Ended::of(under(&place, &model, "ulimit -f 2000", &args));
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let results = results(&ended);
    let told = "big.txt cannot be written: the file would be larger than the system or this process's limit (ulimit -f) \
                allows";
    assert_eq!(results.len(), 1);
    assert_eq!((results[0].status.as_str(), results[0].output.as_str()), ("error", told));
    assert!(place.read("big.txt").ends_with("\nend\n"));
}

/// Runs the binary behind a line of the shell that sets a limit.
fn under(place: &Place, model: &Model, line: &str, args: &[&str]) -> Output {
    let binary = place.with(model, args);
    let mut shell = Command::new("bash");
    shell
        .args(["-c", &format!("{line}; exec \"$@\""), "x"])
        .arg(binary.get_program())
        .args(binary.get_args());
    shell.env_clear().current_dir(place.at(""));
    shell.envs(binary.get_envs().filter_map(|(name, value)| Some((name, value?))));
    shell.output().unwrap()
}
