//! What `duyetbot doctor` says of a database, and what its repair does.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::Place;
use std::{
    fs,
    os::unix::fs::FileExt,
    process::{Command, Output},
};

fn said(command: &mut Command) -> (Option<i32>, String) {
    let Output { status, stdout, stderr } = command.output().unwrap();
    (status.code(), String::from_utf8(stdout).unwrap() + &String::from_utf8(stderr).unwrap())
}

#[test]
fn a_sound_database_is_left_as_it_is() {
    let place = Place::new();
    said(&mut place.command(&["ask", "The spare key hangs behind the blue door."]));
    let (code, words) = said(&mut place.command(&["doctor"]));
    assert!(code == Some(0) && words.contains("duyetbot.db is sound"), "{code:?} {words}");
    let (code, words) = said(&mut place.command(&["doctor", "--repair"]));
    assert!(code == Some(0) && words.contains("nothing was changed"), "{code:?} {words}");
}

#[test]
fn a_damaged_database_is_told_and_what_can_be_read_is_saved_beside_it() {
    let place = Place::new();
    for n in 0..40 {
        said(&mut place.command(&["ask", &format!("fact{n} {}", "and more words ".repeat(60))]));
    }
    let path = place.home.path().join("home/duyetbot.db");
    let size = fs::metadata(&path).unwrap().len();
    let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
    // One page in three from the middle on; the first pages hold the schema.
    for page in (size / 4096 / 2..size / 4096).step_by(3) {
        file.write_all_at(&[0xa5; 4096], page * 4096).unwrap();
    }
    let before = fs::read(&path).unwrap();
    let (code, words) = said(&mut place.command(&["doctor"]));
    assert!(code == Some(1) && words.contains("duyetbot doctor --repair"), "{code:?} {words}");
    let (code, words) = said(&mut place.command(&["doctor", "--repair"]));
    assert!(code == Some(0) && words.contains("messages were saved into"), "{code:?} {words}");
    assert!(fs::read(&path).unwrap() == before, "the damaged file was changed");
}

#[test]
fn a_storage_that_does_not_exist_is_no_finding_that_holds() {
    let place = Place::new();
    let (code, words) = said(place.command(&["doctor"]).env("DUYETBOT_STORAGE", "elsewhere:talk"));
    assert!(code == Some(1) && words.contains("use sqlite:PATH or memory:"), "{code:?} {words}");
    let (code, words) = said(place.command(&["doctor"]).env("DUYETBOT_STORAGE", "sqlite://talk.db"));
    assert!(code == Some(0) && words.contains("talk.db is made at the first use"), "{code:?} {words}");
}

#[test]
fn a_home_that_is_no_folder_and_a_database_that_is_a_broken_link_are_told_as_what_they_are() {
    let place = Place::new();
    let home = place.home.path().join("home");
    fs::write(&home, "x").unwrap();
    let (code, words) = said(&mut place.command(&["doctor"]));
    let sentence = format!("{} is not a folder; move it away or set DUYETBOT_HOME", home.display());
    assert!(code == Some(1) && words.contains(&sentence), "{code:?} {words}");
    fs::remove_file(&home).unwrap();
    fs::create_dir(&home).unwrap();
    std::os::unix::fs::symlink("/nowhere/at.db", home.join("duyetbot.db")).unwrap();
    let (code, words) = said(&mut place.command(&["doctor"]));
    assert!(
        code == Some(1) && words.contains("duyetbot.db is a link that leads nowhere"),
        "{code:?} {words}"
    );
}
