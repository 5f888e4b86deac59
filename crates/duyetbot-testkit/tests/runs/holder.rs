//! A process that holds a run, driven by hand: its machine, what it still has to do, what it shows.
use duyetbot_core::{
    CallId, Commit, Content, DraftChunk, HeadMove, Limits, NewMessage, Origin, Parent, RunChange, RunId,
    RunState, Timestamp,
    run::{Checkpoint, Effect, Machine, Step, View},
};
use std::collections::VecDeque;

pub struct Holder {
    pub machine: Machine,
    pub epoch: u64,
    pub run: RunId,
    pub todo: VecDeque<Effect>,
    pub asking: bool,
    pub running: Vec<CallId>,
    pub unsaved: Vec<DraftChunk>,
    pub view: View,
}

impl Holder {
    pub fn new(run: RunId, epoch: u64, from: &Checkpoint, machine: Machine, effects: Vec<Effect>) -> Self {
        let view = View::of(from, epoch, RunState::Running);
        Holder {
            machine,
            epoch,
            run,
            todo: effects.into(),
            asking: false,
            running: Vec::new(),
            unsaved: Vec::new(),
            view,
        }
    }
    pub fn show(&mut self, checkpoint: &Checkpoint, state: RunState) {
        self.view = View::of(checkpoint, self.epoch, state);
    }
}

pub fn commit(run: RunId, epoch: u64, step: &Step) -> Commit {
    let messages = step.message.iter().map(|m| NewMessage {
        id: m.id,
        parent: Parent::Is(Some(m.parent)),
        role: m.role,
        content: Content::of(m.role, &m.parts).unwrap(),
        origin: Origin::Api,
        model: None,
        usage: None,
        cut: m.cut,
        created: Timestamp(0),
        context: String::new(),
        pieces: Vec::new(),
    });
    Commit {
        session: run.session,
        create: None,
        messages: messages.collect(),
        head: HeadMove::IfParent,
        run: Some(RunChange::Step {
            run,
            epoch,
            state: step.state,
            checkpoint: step.checkpoint.store().unwrap(),
            error: None,
        }),
        limits: Limits::NONE,
    }
}
