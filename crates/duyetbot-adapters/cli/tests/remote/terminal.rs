//! Talking to a server in a terminal, a line at a time and in the full interface.
use crate::{pty::Pty, script::words, world::World};

#[test]
fn a_chat_a_line_at_a_time_goes_on_in_its_session() {
    let world = World::new([words("It is blue."), words("Still blue.")]);
    let mut pty = Pty::run(&world.interactive(&["--remote", "--plain"]));
    pty.wait("say something");
    pty.keys("which colour?\r");
    pty.wait("It is blue.");
    pty.keys("and now?\r");
    pty.wait("Still blue.");
    pty.keys("/quit\r");
    assert!(pty.ended().success());
    let said: Vec<String> = world.model.asked()[1].iter().map(|(_, text)| text.clone()).collect();
    assert_eq!(said, ["which colour?", "It is blue.", "and now?"]);
}

#[test]
fn the_full_interface_talks_opens_sessions_and_says_what_a_server_cannot() {
    let world = World::new([words("It is blue."), words("Still blue.")]);
    let mut pty = Pty::run(&world.interactive(&["--remote"]));
    pty.sees("say something");
    pty.keys("which colour?\r");
    pty.sees("It is blue.\n\n> ");
    pty.keys("and now?\r");
    pty.sees("Still blue.\n\n> ");
    pty.keys("/compact\r");
    pty.sees("sums a session up by itself");
    pty.keys("/model openai/other\r");
    pty.sees("openai/other answers from now on");
    pty.keys("/sessions\r");
    pty.sees("which colour?");
    pty.keys("\r");
    pty.settles();
    pty.keys("/quit\r");
    assert!(pty.ended().success());
    let said: Vec<String> = world.model.asked()[1].iter().map(|(_, text)| text.clone()).collect();
    assert_eq!(said, ["which colour?", "It is blue.", "and now?"]);
}
