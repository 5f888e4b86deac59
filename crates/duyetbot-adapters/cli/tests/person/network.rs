//! A network that hangs keeps nobody but who asks a model, and not for longer than that person wants.
use rustix::process::{Pid, Signal, kill_process};
use std::{io::ErrorKind, net::TcpListener, process::Command};

use crate::{
    place::{Place, err},
    pty::Pty,
};

/// An address that takes connections and never answers; providers and proxies of a command are there.
struct Hole(TcpListener);

impl Hole {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        Hole(listener)
    }

    fn command(&self, place: &Place, args: &[&str]) -> Command {
        let url = format!("http://{}", self.0.local_addr().unwrap());
        let mut command = place.command(args);
        for name in ["http_proxy", "HTTPS_PROXY", "ALL_PROXY", "ANTHROPIC_BASE_URL", "OPENAI_BASE_URL"] {
            command.env(name, &url);
        }
        command.env("ANTHROPIC_API_KEY", "a-key-of-this-test").env("DUYETBOT_MODEL", "anthropic");
        command
    }

    /// Nobody has knocked.
    fn is_untouched(&self) -> bool {
        self.0.accept().is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
    }
}

/// Case: start-without-network
#[test]
fn local_commands_and_the_start_of_a_chat_try_no_connection() {
    let (place, hole) = (Place::new(), Hole::new());
    assert!(place.run(&["ask", "hello"]).status.success());
    let id = place.newest();
    for args in [
        &["--version"][..],
        &["--help"],
        &["sessions", "ls"],
        &["sessions", "show", &id],
        &["sessions", "search", "hello"],
        &["sessions", "export", &id],
        &["sessions", "fork", &id],
        &["config"],
        &["completions", "bash"],
        &["ask", "--model", "recall", "hello again"],
    ] {
        let output = hole.command(&place, args).output().unwrap();
        assert!(output.status.success(), "{args:?}: {}", err(&output));
        assert!(hole.is_untouched(), "{args:?} tried a connection");
    }
    let mut pty = Pty::run(&hole.command(&place, &["--plain"]));
    pty.wait("> ");
    pty.keys("/help\r");
    pty.wait("> ");
    pty.keys("/quit\r");
    assert!(pty.ended().success());
    assert!(hole.is_untouched(), "the chat tried a connection before it was asked");
}

/// Case: start-without-network
#[test]
fn a_request_that_hangs_can_be_cancelled() {
    for args in [&["ask", "hello"][..], &["ask", "hello", "--model", "anthropic/claude-x"]] {
        let (place, hole) = (Place::new(), Hole::new());
        let child = hole.command(&place, args).spawn().unwrap();
        hole.0.set_nonblocking(false).unwrap();
        let (connection, _) = hole.0.accept().unwrap();
        kill_process(Pid::from_child(&child), Signal::INT).unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(130), "{args:?}: {}", err(&output));
        drop(connection);
    }
}
