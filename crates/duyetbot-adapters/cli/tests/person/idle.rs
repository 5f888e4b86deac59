//! A chat that waits for its person does nothing.
use std::{fs, time::Duration};

use crate::{place::Place, pty::Pty};

/// Ticks of processor time so far, and how often a thread gave the processor up to wait for something.
pub(crate) fn spent(id: i32) -> (u64, u64) {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap();
    let (_, fields) = stat.rsplit_once(") ").unwrap();
    let ticks = fields.split(' ').skip(11).take(2).map(|field| field.parse::<u64>().unwrap()).sum();
    let mut waits = 0;
    for thread in fs::read_dir(format!("/proc/{id}/task")).unwrap() {
        // A thread may end between the two looks.
        let status = fs::read_to_string(thread.unwrap().path().join("status")).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
        waits += line.map_or(0, |n| n.trim().parse::<u64>().unwrap());
    }
    (ticks, waits)
}

/// Case: idle-costs-nothing
#[test]
fn a_chat_at_the_prompt_neither_writes_nor_wakes() {
    let place = Place::new();
    let mut pty = Pty::run(&place.command(&["--plain"]));
    pty.wait("> ");
    pty.keys("hello\r");
    pty.wait("memory");
    pty.wait("> ");
    let id = pty.pid().as_raw_nonzero().get();
    // What follows a turn may take a moment more.
    while pty.look(Duration::from_millis(500)) {}
    let (ticks, waits) = spent(id);
    let wrote = pty.look(Duration::from_secs(2));
    let (ticks, waits) = (spent(id).0 - ticks, spent(id).1 - waits);
    assert!(!wrote, "it wrote to the terminal while it was idle");
    // A hundred ticks a second: one more or less is how they are counted.
    assert!(ticks <= 1, "{ticks} ticks in 2 s");
    assert!(waits <= 2, "its threads woke {waits} times in 2 s");
}
