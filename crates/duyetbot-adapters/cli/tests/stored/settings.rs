//! Settings as people keep and write them.
use std::{fs, os::unix::fs::symlink, path::PathBuf};

use crate::person::Person;

impl Person {
    /// The home's settings.
    fn settings(&self, content: &str) -> PathBuf {
        let home = self.home.path().join("home");
        fs::create_dir_all(&home).unwrap();
        let path = home.join("config.toml");
        fs::write(&path, content).unwrap();
        path
    }
}

#[test]
fn settings_that_are_a_link_stay_one_when_a_setting_is_changed() {
    let person = Person::new();
    let kept = person.file("dotfiles.toml", "recall = true # mine\n");
    let path = person.settings("");
    fs::remove_file(&path).unwrap();
    symlink(&kept, &path).unwrap();
    person.run(&["config", "set", "model", "recall"]).done();
    assert!(fs::symlink_metadata(&path).unwrap().is_symlink());
    assert_eq!(fs::read_to_string(&kept).unwrap(), "recall = true # mine\nmodel = \"recall\"\n");
}
