//! Where the program writes a file that a person names: a link, a pipe and the rights of a file are left as they are.
use std::{
    fs::{self, Permissions},
    os::unix::fs::{FileTypeExt, PermissionsExt, symlink},
    process::Command,
    thread,
};

use crate::person::{Person, end, text};

/// A person with one session, and its id and export.
fn with_a_session() -> (Person, String, String) {
    let person = Person::new();
    person.run(&["ask", "hi"]).done();
    let id = person.newest();
    let export = person.run(&["sessions", "export", &id]).done();
    (person, id, export)
}

#[test]
fn an_export_into_a_link_goes_to_the_file_it_leads_to_and_keeps_its_rights() {
    let (person, id, export) = with_a_session();
    let file = person.file("talk.json", "old");
    fs::set_permissions(&file, Permissions::from_mode(0o640)).unwrap();
    let link = person.folder.path().join("link.json");
    symlink("talk.json", &link).unwrap();
    person.run(&["sessions", "export", &id, "-o", text(&link)]).done();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(fs::read_to_string(&file).unwrap(), export);
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o640);
    assert_eq!(fs::read_dir(person.folder.path()).unwrap().count(), 2);
}

#[test]
fn an_export_into_a_pipe_is_read_from_it_and_the_pipe_stays() {
    let (person, id, export) = with_a_session();
    let pipe = person.folder.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let place = pipe.clone();
    let reader = thread::spawn(move || fs::read_to_string(place).unwrap());
    person.run(&["sessions", "export", &id, "-o", text(&pipe)]).done();
    assert!(fs::symlink_metadata(&pipe).unwrap().file_type().is_fifo());
    assert_eq!(reader.join().unwrap(), export);
}

#[test]
fn an_export_into_a_dash_is_standard_output() {
    let (person, id, export) = with_a_session();
    assert_eq!(person.run(&["sessions", "export", &id, "-o", "-"]).done(), export);
    assert_eq!(fs::read_dir(person.folder.path()).unwrap().count(), 0);
}

#[test]
fn a_completion_script_that_cannot_be_written_is_told_in_a_sentence() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let person = Person::new();
        let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let ended = end(person.command(&["completions", shell]).stdout(full));
        let words = "cannot write to standard output: No space left on device (os error 28)";
        assert_eq!(ended.refused(1), words, "{shell}");
        assert!(person.run(&["completions", shell]).done().contains("duyetbot"));
    }
}
