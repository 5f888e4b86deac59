//! Several servers by name, and which of them a command goes to.
use serde_json::json;

use crate::{script::words, world::World};

#[test]
fn each_profile_has_its_server_and_commands_go_to_the_one_that_is_meant() {
    let (one, other) = (World::new([words("one")]), World::strange([words("other")]));
    one.with_input(&["login", &other.url(), "--token", "--profile", "work"], &other.served.token).well();
    let ask = |args: &[&str]| one.run(&[&["ask", "who are you?"], args].concat()).done();
    assert_eq!(ask(&["--remote"]), "one\n");
    assert_eq!(ask(&["--remote", "--profile", "work"]), "other\n");
    assert_eq!(ask(&["--remote=work"]), "ok\n");
    assert_eq!(ask(&[&format!("--remote={}", other.url())]), "ok\n");
    assert_eq!((one.model.requests().len(), other.model.requests().len()), (1, 3));
    let config = std::fs::read_to_string(one.here.home.path().join("home/config.toml")).unwrap();
    assert_eq!(
        config,
        format!(
            "[profiles.default]\nurl = \"{}\"\n\n[profiles.work]\nurl = \"{}\"\n",
            one.url(),
            other.url()
        )
    );
    assert!(one.run(&["logout", "--profile", "work"]).done().contains(&other.url()));
    assert_eq!(one.run(&["whoami", "--profile", "work"]).code, Some(3));
    one.run(&["whoami"]).well();
}

#[test]
fn a_profile_can_be_where_commands_go_without_being_told() {
    let world = World::new([words("from afar")]);
    world.run(&["config", "set", "profiles.default.remote", "true"]).well();
    assert_eq!(world.run(&["ask", "hi"]).done(), "from afar\n");
    assert_eq!(world.run(&["sessions", "ls", "--output-format", "json"]).json().as_array().unwrap().len(), 1);
    assert!(!world.here.home.path().join("home/duyetbot.db").exists(), "nothing is kept here");
    // A variable says otherwise.
    let mut here = world.here.command(&["sessions", "ls", "--output-format", "json"]);
    here.env("DUYETBOT_PROFILES__DEFAULT__REMOTE", "false");
    assert_eq!(here.output().unwrap().stdout, b"[]\n");
}

#[test]
fn a_project_names_no_server() {
    let world = World::new([]);
    let file = world.here.folder.path().join(".duyetbot/config.toml");
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(
        &file,
        "profile = \"theirs\"\n[profiles.default]\nurl = \"https://theirs.example\"\nremote = true\n",
    )
    .unwrap();
    let ended = world.run(&["sessions", "ls", "--output-format", "json"]).well();
    assert_eq!(ended.json(), json!([]));
    assert!(ended.err.contains("profile, profiles ignored"), "{ended:?}");
    assert_eq!(world.run(&["whoami"]).done(), format!("local at {}\n", world.url()));
}

#[test]
fn what_is_of_this_machine_alone_says_so() {
    let world = World::new([]);
    for args in [
        &["doctor"][..],
        &["config"],
        &["serve"],
        &["users", "ls"],
        &["ask", "hi", "--storage", "memory:"],
        &["ask", "hi", "--ask", "bash"],
    ] {
        let refused = world.run(&[args, &["--remote"]].concat());
        assert_eq!(refused.code, Some(2), "{refused:?}");
        assert!(refused.err.contains("this machine"), "{refused:?}");
    }
}
