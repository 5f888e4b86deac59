//! Sessions belong to the directory that they were begun in, and whoever goes on elsewhere is told.
use std::{fs, os::unix::fs::symlink, path::Path};

use crate::{
    chat::Chat,
    person::{Ended, Person, end},
    script::Model,
};

fn place(folder: &Path) -> String {
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    format!("{host}:{}", folder.display())
}

struct Two {
    person: Person,
    model: Model,
    a: std::path::PathBuf,
    b: std::path::PathBuf,
}

impl Two {
    fn new() -> Self {
        let person = Person::new();
        let folder = person.folder.path().canonicalize().unwrap();
        let (a, b) = (folder.join("a"), folder.join("b"));
        fs::create_dir(&a).unwrap();
        fs::create_dir(&b).unwrap();
        Two { person, model: Model::new([]), a, b }
    }

    #[track_caller]
    fn ask(&self, folder: &Path, args: &[&str]) -> Ended {
        let mut command = self.person.with_model(&self.model, &[&["ask"], args].concat());
        let ended = end(command.current_dir(folder));
        assert_eq!(ended.code, Some(0), "{ended:?}");
        ended
    }
}

/// Case: resume-in-another-directory
#[test]
fn going_on_takes_the_newest_session_of_this_directory_and_names_it() {
    let two = Two::new();
    two.ask(&two.b, &["first of b"]);
    let of_b = two.person.newest();
    two.ask(&two.a, &["first of a"]);
    let of_a = two.person.newest();
    let named = |title: &str, id: &str| format!("duyetbot: going on with {title} ({id})\n");
    assert_eq!(two.ask(&two.b, &["-c", "more"]).err, named("first of b", &of_b));
    assert_eq!(two.ask(&two.a, &["-c", "more"]).err, named("first of a", &of_a));

    let count = |id: &str| two.person.export(id)["messages"].as_array().unwrap().len();
    assert_eq!((count(&of_a), count(&of_b)), (4, 4));
    let here = end(two.person.command(&["sessions", "ls", "--here"]).current_dir(&two.b)).done();
    assert!(here.contains(&of_b) && !here.contains(&of_a), "{here}");
}

/// Case: resume-in-another-directory
#[test]
fn a_session_of_another_directory_says_which_one_it_belongs_to() {
    let two = Two::new();
    two.ask(&two.a, &["begun in a"]);
    let id = two.person.newest();
    let told = format!("duyetbot: this session was begun in {}; its tools work there\n", place(&two.a));
    assert_eq!(two.ask(&two.b, &["-r", &id, "from b"]).err, told);
    assert_eq!(two.ask(&two.a, &["-r", &id, "from a"]).err, "");

    let resume = ["sessions", "resume", &id];
    let mut command = two.person.with_model(&two.model, &resume);
    command.current_dir(&two.b);
    let chat = Chat::open(command);
    assert_eq!(chat.leave(), format!("{told}duyetbot: begun in a ({id})\n"));
    assert_eq!(two.person.export(&id)["session"]["workspace"], place(&two.a));
    // What was said from b does not make it b's.
    let new = two.ask(&two.b, &["-c", "mine"]);
    assert!(new.err.starts_with("duyetbot: no session was begun in this directory yet"), "{new:?}");
}

/// Case: resume-in-another-directory
#[test]
fn a_directory_is_the_same_through_a_link_and_another_under_a_new_name() {
    let two = Two::new();
    two.ask(&two.a, &["begun in a"]);
    let id = two.person.newest();
    let link = two.a.with_file_name("link");
    symlink(&two.a, &link).unwrap();
    assert_eq!(two.ask(&link, &["-c", "more"]).err, format!("duyetbot: going on with begun in a ({id})\n"));

    let renamed = two.a.with_file_name("renamed");
    fs::rename(&two.a, &renamed).unwrap();
    let told = format!(
        "duyetbot: this session was begun in {}, which is not here; it goes on without tools\n",
        place(&two.a)
    );
    assert_eq!(two.ask(&renamed, &["-r", &id, "more"]).err, told);
    fs::remove_dir(&renamed).unwrap();
    assert_eq!(two.ask(&two.b, &["-r", &id, "more"]).err, told);
}
