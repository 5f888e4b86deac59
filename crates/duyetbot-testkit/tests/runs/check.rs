//! What must hold in the world of a run: after every step, and when everything has come to its end.
use duyetbot_core::{
    ClaimOf, Message, Part, Role, RunStore, SessionStore, ToolStatus,
    run::{NOT_RUN, Successor, UNKNOWN, View},
};
use futures::executor::block_on;
use std::collections::BTreeSet;

use super::world::{LEASE, Op, PLACE, World};

impl World {
    /// Holds after every step.
    pub fn check(&self) {
        for commit in &self.acked {
            for message in &commit.messages {
                let path =
                    block_on(self.store.path(&self.scope, self.session, Some(message.id), 10_000)).unwrap();
                assert_eq!(
                    path.last().unwrap().hash,
                    message.content.hash(),
                    "an acknowledged message changed"
                );
                well_formed(&path);
            }
        }
        for (at, times) in &self.ran {
            assert!(*times <= 1, "{at:?} ran twice");
        }
    }

    /// Lets everything come to its end, and checks what must be true then.
    pub fn finish(mut self) {
        self.holders.clear();
        for round in 0..200 {
            self.clock.advance(LEASE);
            if block_on(self.store.current(&self.scope, self.session)).unwrap().is_none() {
                break;
            }
            assert!(round < 199, "a run never ends");
            self.decide(round, false);
            self.claim(ClaimOf::Places(vec![PLACE.into()]), Successor::GoesOn);
            for _ in 0..60 {
                if self.holders.is_empty() {
                    break;
                }
                self.apply(Op::Perform(0, false));
                self.apply(Op::Say(0, 0));
                self.apply(Op::Perform(0, false));
                self.apply(Op::Say(0, 8));
                self.apply(Op::Finish(0, 0));
            }
            self.holders.clear();
        }
        for ((message, call), output) in &self.saved {
            let message = block_on(self.store.message(&self.scope, self.session, *message)).unwrap();
            let kept = message.parts.iter().any(
                |p| matches!(p, Part::Tool(used) if used.call == *call && used.result.output == *output),
            );
            assert!(kept, "a saved result was lost");
        }
        for (run, step, call) in self.ran.keys() {
            let message = block_on(self.store.message(&self.scope, self.session, run.step(*step)))
                .expect("a call that ran stands in no message");
            let stands = message.parts.iter().any(|p| {
                matches!(p, Part::Tool(used) if used.call == *call && used.result.output != NOT_RUN
                    && (used.result.status == ToolStatus::Success || used.result.output == UNKNOWN))
            });
            assert!(stands, "a call ran and the transcript does not say so: {call}");
        }
        self.check_watchers();
    }

    fn check_watchers(&mut self) {
        for w in 0..self.watchers.len() {
            let run = self.watchers[w].run;
            let view = View::of_row(&block_on(self.store.run(&self.scope, run)).unwrap());
            self.look_at(w, &view);
            let watcher = &self.watchers[w];
            assert_eq!(watcher.ends, 1, "a watch has one end");
            let steps: Vec<Message> = (0..view.step)
                .map(|n| block_on(self.store.message(&self.scope, self.session, run.step(n))).unwrap())
                .collect();
            assert_eq!(watcher.kept, steps.iter().map(|m| m.id).collect::<Vec<_>>());
            for message in steps {
                assert_eq!(watcher.texts[&message.id], message.text(), "a watcher ends with another text");
                for part in &message.parts {
                    let Part::Tool(used) = part else { continue };
                    let held = &watcher.results[&(message.id, used.call.clone())];
                    assert_eq!(*held, (used.result.status, used.result.output.clone()));
                }
            }
        }
    }
}

fn well_formed(path: &[Message]) {
    assert!(path[0].parent.is_none(), "the path has no beginning");
    assert_eq!(path[0].role, Role::User, "begins with the assistant");
    for pair in path.windows(2) {
        assert_eq!(pair[1].parent, Some(pair[0].id), "not a path");
    }
    for message in path {
        assert!(!message.parts.is_empty(), "an empty message");
        let mut calls = BTreeSet::new();
        for part in &message.parts {
            match part {
                Part::Tool(used) => {
                    assert_eq!(message.role, Role::Assistant, "a person's tool call");
                    assert!(calls.insert(&used.call), "two calls of one id");
                }
                Part::Text { text, .. } => assert!(!text.is_empty(), "an empty text"),
                _ => {}
            }
        }
    }
}
