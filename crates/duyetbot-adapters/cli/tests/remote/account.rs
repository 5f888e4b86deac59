//! Signing in, being somebody, signing out; what is kept of it, and that the token is shown nowhere.
use serde_json::json;
use std::{
    fs,
    io::{Read, Write},
    net::TcpListener,
    os::unix::fs::PermissionsExt,
    thread,
};

use crate::{pty::Pty, world::World};

#[test]
fn a_person_signs_in_is_somebody_and_signs_out() {
    let world = World::strange([]);
    let before = world.run(&["whoami"]);
    assert_eq!(before.code, Some(3));
    assert!(before.err.contains("duyetbot login"), "{before:?}");

    let url = world.url();
    let signed = world.with_input(
        &["login", &url, "--token", "--output-format", "json"],
        &format!("{}\n", world.served.token),
    );
    let user = &signed.json()["user"];
    assert_eq!(signed.json(), json!({ "profile": "default", "url": url, "user": user }));
    assert_eq!(user["id"], "local");
    assert_eq!(world.run(&["whoami"]).done(), format!("local at {url}\n"));
    assert_eq!(&world.run(&["whoami", "--output-format", "json"]).json(), user);

    world.run(&["logout"]).well();
    let again = world.run(&["logout", "--output-format", "json"]);
    assert_eq!(again.json(), json!({ "profile": "default", "url": null, "signedOut": false }));
    assert_eq!(world.run(&["whoami"]).code, Some(3));
    assert!(!fs::read_to_string(world.credentials()).unwrap().contains(&world.served.token));
}

#[test]
fn a_token_comes_from_standard_input_a_flag_or_the_line_that_serve_prints() {
    let world = World::strange([]);
    let (url, token) = (world.url(), world.served.token.clone());
    let flag = format!("--token={token}");
    for args in [&["login", &url, &flag][..], &["login", &format!("{url}/?token={token}")]] {
        assert_eq!(world.run(args).done(), format!("signed in at {url} as local\n"));
        world.run(&["whoami"]).well();
        world.run(&["logout"]).well();
    }
    // The profile knows the server.
    world.with_input(&["login", "--token"], &token).well();
}

#[test]
fn a_terminal_does_not_show_the_token_that_is_typed() {
    let world = World::strange([]);
    let mut pty = Pty::run(&world.interactive(&["login", &world.url(), "--token"]));
    pty.wait("token: ");
    pty.keys(&format!("{}\n", world.served.token));
    pty.wait("signed in at");
    assert!(pty.ended().success());
    assert!(!String::from_utf8_lossy(pty.written()).contains(&world.served.token));
}

#[test]
fn a_wrong_token_and_what_is_no_server_keep_nothing() {
    let world = World::strange([]);
    let wrong = world.with_input(&["login", &world.url(), "--token"], "another-token-0123456789");
    assert_eq!(wrong.code, Some(3), "{wrong:?}");
    assert_eq!(world.with_input(&["login", &world.url(), "--token"], "").code, Some(2));
    assert_eq!(world.run(&["login", &world.url()]).code, Some(1), "no browser");
    assert_eq!(world.run(&["login", "--token=x"]).code, Some(2));
    let clear = world.run(&["login", "http://192.0.2.1", "--token=secret-of-mine"]);
    assert_eq!(clear.code, Some(2));
    assert!(clear.err.contains("in the clear"), "{clear:?}");
    assert!(!world.credentials().exists());
}

#[test]
fn the_token_lies_in_a_file_of_the_persons_own_and_is_shown_nowhere_else() {
    let world = World::new([]);
    let mode = fs::metadata(world.credentials()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let token = world.served.token.clone();
    let mut shown = String::new();
    for args in [
        &["whoami"][..],
        &["config"],
        &["config", "get", "token"],
        &["sessions", "ls", "--remote"],
        &["ask", "--remote", &format!("my token is {token}")],
        &["sessions", "ls", "--remote", "--output-format", "json"],
        &["ask", "--remote=nowhere", "hi"],
    ] {
        let ended = world.run(args);
        shown.push_str(&(ended.out + &ended.err));
    }
    for (_, text) in world.kept() {
        shown.push_str(&text);
    }
    // What a person says to a server is the server's to keep; its title quotes it.
    assert_eq!(shown.replace(&format!("my token is {token}"), "").matches(&token).count(), 0, "{shown}");
}

#[test]
fn credentials_that_others_can_read_are_not_used() {
    let world = World::new([]);
    fs::set_permissions(world.credentials(), fs::Permissions::from_mode(0o640)).unwrap();
    for args in
        [&["whoami"][..], &["ask", "--remote", "hi"], &["login", &world.url(), "--token=x"], &["logout"]]
    {
        let refused = world.run(args);
        assert_eq!(refused.code, Some(3), "{args:?} {refused:?}");
    }
    assert!(world.run(&["whoami"]).err.contains("chmod 600"));
    assert_eq!(world.model.requests().len(), 0);
    fs::set_permissions(world.credentials(), fs::Permissions::from_mode(0o600)).unwrap();
    world.run(&["whoami"]).well();
}

#[test]
fn a_token_goes_to_no_other_server_than_its_own() {
    let world = World::new([]);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let other = format!("http://{}", listener.local_addr().unwrap());
    let heard = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = [0; 4096];
        let read = stream.read(&mut request).unwrap();
        let _ = stream.write_all(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        String::from_utf8_lossy(&request[..read]).into_owned()
    });
    assert_eq!(world.run(&["sessions", "ls", &format!("--remote={other}")]).code, Some(3));
    world.run(&["config", "set", "profiles.default.url", &other]).well();
    assert_eq!(world.run(&["sessions", "ls", "--remote"]).code, Some(3));
    assert_eq!(world.run(&["whoami"]).code, Some(3));
    // Only a token that is meant for it is sent there.
    let mut given = world.here.command(&["sessions", "ls", "--remote"]);
    let ended = crate::world::Ended::of(given.env("DUYETBOT_TOKEN", "meant-for-it").output().unwrap());
    assert_eq!(ended.code, Some(1));
    assert!(ended.err.contains("does not answer like a duyetbot server"), "{ended:?}");
    let heard = heard.join().unwrap();
    assert!(heard.contains("Bearer meant-for-it") && !heard.contains(&world.served.token), "{heard}");
}
