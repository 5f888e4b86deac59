//! Standard input as a prompt or as context: used when it comes, never waited for in silence, and bounded.
use rustix::process::{Pid, Signal, kill_process};
use std::{
    fs,
    io::{BufRead, BufReader, PipeWriter, Write},
    process::{Child, Stdio},
    sync::atomic::Ordering,
};

use crate::{
    model::Model,
    place::{Place, err, line, out},
    pty::ended,
};

const ON_WITHOUT: &str =
    "duyetbot: nothing came on standard input within 1.5 s; going on without it (--stdin waits)\n";

/// Begins a command whose standard input is a pipe that stays open until the test lets go of its end.
fn begin(place: &Place, args: &[&str]) -> (Child, PipeWriter) {
    let (theirs, ours) = std::io::pipe().unwrap();
    (place.command(args).stdin(theirs).spawn().unwrap(), ours)
}

/// The next line on standard error.
fn notice(child: &mut Child) -> String {
    let mut line = String::new();
    BufReader::with_capacity(1, child.stderr.as_mut().unwrap()).read_line(&mut line).unwrap();
    line
}

/// Case: stdin-open-but-silent
#[test]
fn a_pipe_that_nobody_writes_to_is_left_alone() {
    let place = Place::new();
    let (child, held) = begin(&place, &["ask", "hi"]);
    let output = child.wait_with_output().unwrap();
    drop(held);
    assert!(output.status.success() && err(&output).starts_with(ON_WITHOUT), "{}", err(&output));
    assert_eq!(place.asked(), "hi");
}

/// Case: stdin-open-but-silent
#[test]
fn input_that_is_empty_or_closed_is_none() {
    for line in ["\"$0\" ask hi < /dev/null", "\"$0\" ask hi <&-"] {
        let place = Place::new();
        let output = place.shell(line).output().unwrap();
        assert!(output.status.success(), "{line}: {}", err(&output));
        assert!(!err(&output).contains("standard input"), "{line}: {}", err(&output));
        assert_eq!(place.asked(), "hi", "{line}");
    }
}

/// Case: stdin-open-but-silent
#[test]
fn input_beside_a_prompt_is_context() {
    for line in [
        "\"$0\" ask hi < file",
        "cat file | \"$0\" ask hi",
        "mkfifo fifo; cat file > fifo & \"$0\" ask hi < fifo",
    ] {
        let place = Place::new();
        place.file("file", "the context\n");
        let output = place.shell(line).output().unwrap();
        assert!(output.status.success(), "{line}: {}", err(&output));
        assert_eq!(place.asked(), "hi\n\n<context>\nthe context\n</context>", "{line}");
    }
}

/// Case: stdin-open-but-silent
#[test]
fn without_a_prompt_there_is_no_request() {
    let (model, requests) = Model::answering(|_, request| request.answer("Yes?"));
    for line in
        ["\"$0\" ask < /dev/null", "echo | \"$0\" ask", "\"$0\" ask <&-", "printf ' \\t\\n' | \"$0\" ask"]
    {
        let place = Place::new();
        let mut shell = place.shell(line);
        let asking = place.asking(&model, &[]);
        shell.envs(asking.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let output = shell.output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{line}: {}", err(&output));
        assert!(
            err(&output).contains("there is no prompt; give one as an argument"),
            "{line}: {}",
            err(&output)
        );
    }
    assert_eq!(requests.load(Ordering::SeqCst), 0);
}

/// Case: stdin-open-but-silent
#[test]
fn a_fifo_that_is_written_to_later_is_waited_for_and_says_so() {
    let place = Place::new();
    assert!(place.shell("mkfifo fifo").status().unwrap().success());
    let fifo = fs::OpenOptions::new().read(true).write(true).open(place.folder.path().join("fifo")).unwrap();
    let read = fs::File::open(place.folder.path().join("fifo")).unwrap();
    let mut child = place.command(&["ask"]).stdin(Stdio::from(read)).spawn().unwrap();
    assert_eq!(notice(&mut child), "duyetbot: waiting for the prompt on standard input (Ctrl-C ends this)\n");
    (&fifo).write_all(b"at last\n").unwrap();
    drop(fifo);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", err(&output));
    assert_eq!(place.asked(), "at last");
}

/// Case: stdin-open-but-silent
#[test]
fn context_that_is_asked_for_is_waited_for() {
    let place = Place::new();
    let (mut child, mut ours) = begin(&place, &["ask", "--stdin", "hi"]);
    assert_eq!(notice(&mut child), "duyetbot: waiting for the end on standard input (Ctrl-C ends this)\n");
    ours.write_all(b"slow words").unwrap();
    drop(ours);
    assert!(child.wait_with_output().unwrap().status.success());
    assert_eq!(place.asked(), "hi\n\n<context>\nslow words\n</context>");
}

/// Case: ctrl-c-in-each-phase
#[test]
fn a_wait_for_input_is_ended_by_an_interrupt() {
    let place = Place::new();
    let (mut child, _held) = begin(&place, &["ask"]);
    notice(&mut child);
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    assert_eq!(ended(&mut child).code(), Some(130));
    assert_eq!(place.json(&["sessions", "ls"]), serde_json::json!([]));
}

#[test]
fn bytes_that_are_no_text_are_mended_and_said_so() {
    let place = Place::new();
    let (mut child, mut ours) = begin(&place, &["ask"]);
    ours.write_all(b"r\xe9 \xed\xa0\x80 \xf0\x9f\x98").unwrap();
    drop(ours);
    assert!(notice(&mut child).contains("not valid UTF-8"));
    assert!(child.wait_with_output().unwrap().status.success());
    assert_eq!(place.said()[0], line("user", "r\u{fffd} \u{fffd}\u{fffd}\u{fffd} \u{fffd}", false));
}

#[test]
fn of_a_hundred_megabytes_no_more_is_read_than_is_taken() {
    for args in [&["ask"][..], &["ask", "explain"]] {
        let place = Place::new();
        let (child, mut ours) = begin(&place, args);
        let megabyte = vec![b'a'; 1 << 20];
        let written = (0..100).take_while(|_| ours.write_all(&megabyte).is_ok()).count();
        drop(ours);
        let output = child.wait_with_output().unwrap();
        assert_eq!((output.status.code(), out(&output).as_str()), (Some(2), ""));
        let sentence = "duyetbot: standard input has more than 10 MB; give a smaller part of it, for example through head or grep\n";
        assert_eq!(err(&output), sentence);
        assert!(written < 20, "{written} MB were read");
        assert_eq!(place.json(&["sessions", "ls"]), serde_json::json!([]));
    }
}
