//! Sessions from afar: every command that works here works there, or says why not.
use serde_json::{Value, json};

use crate::{script::words, world::World};

/// The JSON of a command there.
#[track_caller]
fn there(world: &World, args: &[&str]) -> Value {
    world.run(&[args, &["--remote", "--output-format", "json"]].concat()).well().json()
}

#[test]
fn sessions_are_made_listed_shown_changed_exported_and_removed() {
    let world = World::new([words("It hangs behind the blue door.")]);
    let asked = there(&world, &["ask", "where is the spare key?"]);
    let session = asked["sessionId"].as_str().unwrap().to_owned();
    let made = there(&world, &["sessions", "new", "The", "parser"]);
    let listed = there(&world, &["sessions", "ls", "--here"]);
    assert_eq!(listed.as_array().unwrap().len(), 2);
    assert_eq!((&listed[0], &listed[1]["id"]), (&made, &asked["sessionId"]));
    assert_eq!(there(&world, &["sessions", "ls", "--title", "PARSER"]), json!([made]));

    let export = there(&world, &["sessions", "export", &session]);
    assert_eq!(export["messages"].as_array().unwrap().len(), 2);
    assert_eq!(export["messages"][1], asked["message"]);
    assert_eq!(export["messages"][0]["origin"], "cli");
    assert_eq!(there(&world, &["sessions", "show", &session[..13]]), export);
    let ends = there(&world, &["sessions", "show", &session, "--branches"]);
    assert_eq!(ends, json!([{ "message": asked["message"], "head": true }]));

    let found = there(&world, &["sessions", "search", "blue door"]);
    assert_eq!((found.as_array().unwrap().len(), &found[0]["messageId"]), (1, &asked["message"]["id"]));

    let renamed = there(&world, &["sessions", "rename", &session, "The key", "--state", "completed"]);
    assert_eq!((&renamed["title"], &renamed["state"]), (&json!("The key"), &json!("completed")));
    assert_eq!(there(&world, &["sessions", "ls"]), json!([made]));
    there(&world, &["sessions", "rm", &session]);
    assert_eq!(there(&world, &["sessions", "ls", "--deleted"])[0]["id"], session.as_str());
    there(&world, &["sessions", "rm", &session, "--undo"]);
    let erased = there(&world, &["sessions", "rm", &session, "--erase"]);
    assert_eq!(erased, json!({ "id": session, "erased": true }));
    assert_eq!(world.run(&["sessions", "show", &session, "--remote"]).code, Some(1));
}

#[test]
fn a_copy_goes_to_no_server_and_an_export_of_one_comes_in_here() {
    let world = World::new([words("Yes.")]);
    let session = there(&world, &["ask", "is it?"])["sessionId"].as_str().unwrap().to_owned();
    let fork = world.run(&["sessions", "fork", &session, "--remote"]);
    assert_eq!(fork.code, Some(1));
    assert!(fork.err.contains("takes no copied messages"), "{fork:?}");
    let export = world.run(&["sessions", "export", &session, "--remote"]).done();
    let file = |name: &str, text: &str| std::fs::write(world.here.folder.path().join(name), text).unwrap();
    file("talk.json", &export);
    file("other.json", &export.replace(&session, "01890000-0000-7000-8000-000000000001"));
    let other = world.run(&["sessions", "import", "other.json", "--remote"]);
    assert_eq!(other.code, Some(1), "{other:?}");
    // What is there already is there.
    world.run(&["sessions", "import", "talk.json", "--remote"]).well();
    assert_eq!(there(&world, &["sessions", "ls"]).as_array().unwrap().len(), 1);
    world.run(&["sessions", "import", "talk.json"]).well();
    assert_eq!(world.run(&["sessions", "export", &session]).done(), export);
}
