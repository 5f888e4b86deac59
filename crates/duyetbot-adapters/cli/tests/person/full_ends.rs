//! However the full interface ends or pauses, the terminal is as it was; and while it waits it does nothing.
use rustix::process::{Signal, kill_process};
use std::time::Duration;

use crate::{full::open, idle::spent, model::Model, place::Place, restored::Shell};

/// Case: terminal-restored-after-crash
#[test]
fn whatever_signal_ends_it_the_terminal_is_as_it_was() {
    let mut shell = Shell::new();
    let modes = shell.modes();
    for (signal, code) in
        [(Signal::TERM, 130), (Signal::HUP, 130), (Signal::INT, 0), (Signal::QUIT, 131), (Signal::ABORT, 134)]
    {
        shell.pty.keys("\"$BOT\"; echo \"code $?\"\r");
        shell.pty.sees("say something");
        shell.pty.keys("dra");
        shell.pty.sees("> dra\nduyetbot");
        assert!(shell.pty.screen().bracketed_paste(), "nothing is switched on");
        let job = shell.pty.job();
        kill_process(job, signal).unwrap();
        if signal == Signal::INT {
            shell.pty.misses("> dra");
            kill_process(job, signal).unwrap();
            shell.pty.sees("Ctrl-C again");
            kill_process(job, signal).unwrap();
        }
        shell.pty.sees(&format!("code {code}"));
        shell.is_as_before(&modes, &format!("{signal:?}"));
        assert!(!shell.pty.screen().contents().contains("> dra"), "the input is left on the screen");
        shell.pty.keys("clear\r");
        shell.pty.misses("code");
    }
}

/// Case: terminal-restored-after-crash
#[test]
fn a_pause_gives_the_terminal_back_and_the_draft_goes_on_after_it() {
    let mut shell = Shell::new();
    let modes = shell.modes();
    shell.pty.keys("\"$BOT\"\r");
    shell.pty.sees("say something");
    shell.pty.keys("one ");
    shell.pty.sees("> one");
    for words in ["two ", "three "] {
        if words == "two " {
            kill_process(shell.pty.job(), Signal::TSTP).unwrap();
        } else {
            shell.pty.keys("\u{1a}");
        }
        shell.pty.sees("Stopped");
        shell.is_as_before(&modes, words);
        shell.pty.keys("clear; fg\r");
        shell.pty.sees("> one");
        assert!(shell.pty.screen().bracketed_paste(), "the terminal was not taken up again");
        shell.pty.keys(words);
        shell.pty.sees(words.trim());
    }
    shell.pty.keys("four\r");
    shell.pty.sees("memory");
    shell.pty.keys("/quit\r");
    shell.pty.sees("the-shell$ ");
    shell.is_as_before(&modes, "the end");
    assert_eq!(shell.place.asked(), "one two three four");
}

#[test]
fn keys_that_came_before_a_pause_are_drawn_once_the_terminal_is_taken_up_again() {
    let mut shell = Shell::new();
    shell.pty.keys("\"$BOT\"\r");
    shell.pty.sees("say something");
    // They are read at once, and each is drawn: most of them are there still when it is stopped.
    shell.pty.keys(&"x".repeat(400));
    shell.pty.sees("> xx");
    kill_process(shell.pty.job(), Signal::TSTP).unwrap();
    shell.pty.sees("Stopped");
    shell.pty.keys("clear; fg\r");
    shell.pty.sees("> xx");
    assert!(shell.pty.screen().bracketed_paste(), "it was drawn on a terminal that was given back");
}

/// Case: chat-without-terminal
#[test]
fn it_does_not_outlive_its_terminal_and_keeps_what_was_said() {
    let (place, model) = (Place::new(), Model::new());
    open(&place, &model, 24, 80).hang_up();
    let mut pty = open(&place, &model, 24, 80);
    pty.keys("hello\r");
    let mut request = model.next();
    request.begin();
    request.say("half of it");
    pty.sees("half of it");
    pty.hang_up();
    request.closed();
    assert_eq!(place.said()[1], ("assistant".to_owned(), "half of it".to_owned(), true));
}

/// Case: idle-costs-nothing
#[test]
fn at_the_prompt_it_neither_writes_nor_wakes() {
    let (place, model) = (Place::new(), Model::new());
    let mut pty = open(&place, &model, 24, 80);
    pty.keys("hello\r");
    model.answer("Well.");
    pty.sees("Well.");
    while pty.look(Duration::from_millis(500)) {}
    let id = pty.pid().as_raw_nonzero().get();
    let (ticks, waits) = spent(id);
    let wrote = pty.look(Duration::from_secs(2));
    let (ticks, waits) = (spent(id).0 - ticks, spent(id).1 - waits);
    assert!(!wrote, "it wrote to the terminal while it was idle");
    assert!(ticks <= 1, "{ticks} ticks in 2 s");
    assert!(waits <= 2, "its threads woke {waits} times in 2 s");
}
