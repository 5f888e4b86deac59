//! One session with its holders and watchers, and everything that may happen to it.
use duyetbot_core::{
    CallId, Claim, ClaimOf, Claimed, Clock, Code, Commit, Content, Decision, HeadMove, Limits, MemoryStore,
    MessageId, ModelCall, ModelEvent, NewMessage, NewSession, Operator, Origin, Parent, Part, Role,
    RunChange, RunId, RunState, RunStore, Save, Scope, SessionId, SessionStore, StopReason, ToolResult,
    ToolStatus,
    run::{Checkpoint, Effect, Guards, Input, Machine, Policy, Successor, Verdict, View},
};
use duyetbot_testkit::SettableClock;
use futures::executor::block_on;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};
use uuid::Uuid;

use super::{
    holder::{Holder, commit},
    watcher::Watcher,
};

/// What is broken on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    None,
    NoFence,
    NoCheckpointBeforeTool,
    ResultsSavedTogether,
    NoEpochForWatchers,
    AsksAgainWithToolInFlight,
}

#[derive(Clone, Debug)]
pub enum Op {
    Perform(usize, bool),
    Say(usize, u8),
    Finish(usize, usize),
    Flush(usize),
    Stop(usize),
    Crash(usize),
    TakeOver(bool),
    Decide(usize, bool),
    Chat,
    Retry(usize),
    Look(usize, bool),
    Reconnect(usize),
}

/// `read` is free, `bash` asks, anything else is no tool.
struct Rules;

impl Policy for Rules {
    fn judge(&self, tool: &str, _input: &str) -> Verdict {
        match tool {
            "read" => Verdict::Allow,
            "bash" => Verdict::Ask("asks".into()),
            _ => Verdict::Invalid("no such tool".into()),
        }
    }
}

type CallAt = (RunId, u32, CallId);

pub struct World {
    fault: Fault,
    pub(super) store: MemoryStore,
    pub(super) clock: Arc<SettableClock>,
    pub(super) scope: Scope,
    pub(super) session: SessionId,
    pub(super) holders: Vec<Holder>,
    pub(super) watchers: Vec<Watcher>,
    pub(super) acked: Vec<Commit>,
    latest: BTreeMap<RunId, u64>,
    pub(super) ran: BTreeMap<CallAt, u32>,
    allowed: BTreeSet<CallAt>,
    pub(super) saved: BTreeMap<(MessageId, CallId), String>,
    counted: u64,
}

pub(super) const PLACE: &str = "here";
pub(super) const LEASE: Duration = Duration::from_secs(11);

impl World {
    pub fn new(fault: Fault) -> Self {
        let clock = Arc::new(SettableClock::default());
        let mut world = World {
            fault,
            store: MemoryStore::new(clock.clone()),
            clock,
            scope: Scope::vouched("o", "o"),
            session: Uuid::from_u64_pair(1, 1).into(),
            holders: Vec::new(),
            watchers: Vec::new(),
            acked: Vec::new(),
            latest: BTreeMap::new(),
            ran: BTreeMap::new(),
            allowed: BTreeSet::new(),
            saved: BTreeMap::new(),
            counted: 0,
        };
        world.chat();
        world
    }

    fn number(&mut self) -> u64 {
        self.counted += 1;
        self.counted
    }

    fn chat(&mut self) {
        let n = self.number();
        let id: MessageId = Uuid::from_u64_pair(0x0190_0000_0000_7000 + n, 0x8000_0000_0000_0000 + n).into();
        let run = RunId { session: self.session, message: id };
        let checkpoint = Checkpoint::open(
            run,
            "m/m".into(),
            Origin::Api,
            Guards { steps: 6, repeats: 99, ..Guards::default() },
        );
        let parts = [Part::text(format!("u{n}"))];
        let commit = Commit {
            session: self.session,
            create: Some(NewSession {
                title: "t".into(),
                parent: None,
                place: None,
                metadata: "{}".into(),
                created: self.clock.now(),
            }),
            messages: vec![NewMessage {
                id,
                parent: Parent::Head,
                role: Role::User,
                content: Content::of(Role::User, &parts).unwrap(),
                origin: Origin::Api,
                model: None,
                usage: None,
                cut: false,
                created: self.clock.now(),
                context: String::new(),
                pieces: Vec::new(),
            }],
            head: HeadMove::IfParent,
            run: Some(RunChange::Open {
                message: id,
                place: PLACE.into(),
                holder: "h".into(),
                checkpoint: checkpoint.store().unwrap(),
            }),
            limits: Limits::NONE,
        };
        match block_on(self.store.commit(&self.scope, &commit)) {
            Ok(done) => {
                assert!(done.fresh);
                self.acked.push(commit);
                self.latest.insert(run, 1);
                let (machine, effects) = Machine::start(checkpoint.clone(), Arc::new(Rules));
                self.holders.push(Holder::new(run, 1, &checkpoint, machine, effects));
                self.watchers.extend([Watcher::new(run), Watcher::new(run)]);
            }
            Err(error) => {
                assert!(error.is(Code::RunActive), "{error:?}");
                let other = block_on(self.store.current(&self.scope, self.session)).unwrap().unwrap();
                if block_on(self.store.run(&self.scope, other)).unwrap().state == RunState::Waiting {
                    self.claim(ClaimOf::Run(self.scope.clone(), other), Successor::Denies);
                }
            }
        }
    }

    pub(super) fn claim(&mut self, of: ClaimOf, successor: Successor) {
        let claim = Claim { of, holder: "h2".into(), gone: Vec::new() };
        let Some(claimed) = block_on(self.store.claim(&claim)).unwrap() else { return };
        self.latest.insert(claimed.run, claimed.epoch);
        let checkpoint = Checkpoint::read(&claimed.checkpoint).unwrap();
        let (machine, effects) = self.resume(checkpoint.clone(), &claimed, successor);
        self.holders.push(Holder::new(claimed.run, claimed.epoch, &checkpoint, machine, effects));
    }

    fn resume(
        &self,
        mut checkpoint: Checkpoint,
        claimed: &Claimed,
        successor: Successor,
    ) -> (Machine, Vec<Effect>) {
        if self.fault == Fault::AsksAgainWithToolInFlight && successor == Successor::GoesOn {
            checkpoint.draft = Default::default();
            checkpoint.phase = duyetbot_core::run::Phase::Asking;
        }
        Machine::resume(checkpoint, claimed, successor, Arc::new(Rules))
    }

    /// Performs the next effect of a holder, perhaps twice, as a driver would that does not know whether it was done.
    fn perform(&mut self, i: usize, twice: bool) {
        let holder = &mut self.holders[i];
        let Some(effect) = holder.todo.pop_front() else { return };
        let (run, epoch) = (holder.run, holder.epoch);
        let current = self.latest[&run] == epoch;
        let step = holder.machine.checkpoint().step;
        match effect {
            Effect::Ask => holder.asking = true,
            Effect::CloseModel => holder.asking = false,
            Effect::Summarise(_) => unreachable!("nothing is too long here"),
            Effect::Said(chunk) => {
                match &chunk {
                    duyetbot_core::DraftChunk::Text(words) => holder.view.text.push_str(words),
                    duyetbot_core::DraftChunk::Reasoning(words) => holder.view.reasoning.push_str(words),
                }
                holder.unsaved.push(chunk);
            }
            Effect::Show(checkpoint) => holder.show(&checkpoint, RunState::Running),
            Effect::RunTool(call) => {
                holder.running.push(call.call.clone());
                let at = (run, step, call.call);
                *self.ran.entry(at.clone()).or_default() += 1;
                assert!(call.tool != "bash" || self.allowed.contains(&at), "ran without leave");
            }
            Effect::CancelTool(call) => holder.running.retain(|c| *c != call),
            Effect::Save(checkpoint) => {
                let before_tool = matches!(
                    holder.todo.iter().find(|e| !matches!(e, Effect::Show(_))),
                    Some(Effect::RunTool(_))
                );
                let left_out = match self.fault {
                    Fault::NoCheckpointBeforeTool => before_tool,
                    Fault::ResultsSavedTogether => !before_tool,
                    _ => false,
                };
                if !left_out {
                    self.save(i, current, twice, &Save::Checkpoint(checkpoint.store().unwrap()));
                }
                self.remember_results(run, &checkpoint, current);
            }
            Effect::Wait(checkpoint) => {
                self.save(i, current, false, &Save::Wait(checkpoint.store().unwrap()));
                self.remember_results(run, &checkpoint, current);
                self.drop_holder(run, epoch);
            }
            Effect::Commit(done) => {
                let commit = commit(run, self.epoch(run, epoch), &done);
                for round in 0..=usize::from(twice) {
                    match block_on(self.store.commit(&self.scope, &commit)) {
                        Ok(_) => {
                            assert!(current, "a dead holder committed");
                            if round == 0 {
                                self.acked.push(commit.clone());
                            }
                        }
                        Err(error) => {
                            assert!(error.is(Code::StaleEpoch), "{error:?}");
                            assert!(!current, "the holder was refused");
                            self.drop_holder(run, epoch);
                            return;
                        }
                    }
                }
                self.holders[i].unsaved.clear();
            }
            Effect::Finish(state) => {
                let last = holder.machine.checkpoint().clone();
                holder.show(&last, state);
                let view = holder.view.clone();
                for w in 0..self.watchers.len() {
                    if self.watchers[w].run == run && w % 2 == 0 {
                        self.look_at(w, &view);
                    }
                }
                self.drop_holder(run, epoch);
            }
        }
    }

    /// Without the fence a dead holder writes under the epoch that is in force.
    fn epoch(&self, run: RunId, epoch: u64) -> u64 {
        if self.fault == Fault::NoFence { self.latest[&run] } else { epoch }
    }

    fn drop_holder(&mut self, run: RunId, epoch: u64) {
        self.holders.retain(|h| (h.run, h.epoch) != (run, epoch));
    }

    fn save(&mut self, i: usize, current: bool, twice: bool, save: &Save) {
        let (run, epoch) = (self.holders[i].run, self.holders[i].epoch);
        let written = self.epoch(run, epoch);
        for _ in 0..=usize::from(twice) {
            match block_on(self.store.save(&self.scope, run, written, save)) {
                Ok(_) => assert!(current, "a dead holder saved"),
                Err(error) => {
                    assert!(error.is(Code::StaleEpoch), "{error:?}");
                    assert!(!current, "the holder was refused");
                    return self.drop_holder(run, epoch);
                }
            }
        }
    }

    fn remember_results(&mut self, run: RunId, checkpoint: &Checkpoint, current: bool) {
        if !current {
            return;
        }
        for call in checkpoint.draft.calls() {
            if let duyetbot_core::run::CallState::Done { result } = &call.state
                && result.status == ToolStatus::Success
            {
                self.saved.insert((run.step(checkpoint.step), call.call.clone()), result.output.clone());
            }
        }
    }

    pub fn apply(&mut self, op: Op) {
        let n = self.holders.len();
        match op {
            Op::Perform(i, twice) if n > 0 => self.perform(i % n, twice),
            Op::Say(i, what) if n > 0 => self.say(i % n, what),
            Op::Finish(i, tool) if n > 0 => self.finish_tool(i % n, tool),
            Op::Flush(i) if n > 0 => self.flush(i % n),
            Op::Stop(i) if n > 0 => {
                let holder = &mut self.holders[i % n];
                if holder.todo.is_empty() {
                    holder.todo.extend(holder.machine.handle(Input::Stop));
                }
            }
            Op::Crash(i) if n > 0 => {
                self.holders.remove(i % n);
                self.clock.advance(LEASE);
            }
            Op::TakeOver(goes_on) => {
                self.clock.advance(LEASE);
                let successor = if goes_on { Successor::GoesOn } else { Successor::Ends };
                self.claim(ClaimOf::Places(vec![PLACE.into()]), successor);
            }
            Op::Decide(i, allow) => self.decide(i, allow),
            Op::Chat => self.chat(),
            Op::Retry(i) => self.retry(i),
            Op::Look(w, near) => self.look(w, near),
            Op::Reconnect(w) => {
                let n = self.watchers.len();
                self.watchers[n - 1 - w % n].reconnect();
            }
            _ => {}
        }
        self.check();
    }

    fn say(&mut self, i: usize, what: u8) {
        let n = self.number();
        let holder = &mut self.holders[i];
        if !holder.todo.is_empty() || !holder.asking {
            return;
        }
        let call = |tool: &str| Input::Call {
            call: ModelCall {
                id: format!("c{}", n % 3),
                tool: tool.into(),
                input: "{}".into(),
                whole: !n.is_multiple_of(17),
                extra: None,
            },
            refused: None,
        };
        let input = match what % 9 {
            0 | 1 => Input::Model(ModelEvent::Text(format!("t{n}é "))),
            2 | 3 => call("read"),
            4 => call("bash"),
            5 => call("nosuch"),
            6 => Input::Model(ModelEvent::Reasoning(format!("r{n} "))),
            7 if what > 200 => {
                Input::ModelFailed(duyetbot_core::Error::new(duyetbot_core::ErrorKind::Unavailable, "broken"))
            }
            _ => Input::Model(ModelEvent::Stop(StopReason::End)),
        };
        if matches!(input, Input::Model(ModelEvent::Stop(_)) | Input::ModelFailed(_)) {
            holder.asking = false;
        }
        holder.todo.extend(holder.machine.handle(input));
    }

    fn finish_tool(&mut self, i: usize, tool: usize) {
        let n = self.number();
        let holder = &mut self.holders[i];
        if !holder.todo.is_empty() || holder.running.is_empty() {
            return;
        }
        let call = holder.running.remove(tool % holder.running.len());
        holder.todo.extend(
            holder.machine.handle(Input::Tool { call, result: ToolResult::success(format!("out{n}")) }),
        );
    }

    fn flush(&mut self, i: usize) {
        let holder = &mut self.holders[i];
        if !holder.todo.is_empty() || holder.unsaved.is_empty() {
            return;
        }
        let chunks = std::mem::take(&mut holder.unsaved);
        let current = self.latest[&holder.run] == holder.epoch;
        self.save(i, current, false, &Save::Draft(chunks));
    }

    pub(super) fn decide(&mut self, i: usize, allow: bool) {
        let Some(run) = block_on(self.store.current(&self.scope, self.session)).unwrap() else { return };
        let row = block_on(self.store.run(&self.scope, run)).unwrap();
        if row.state != RunState::Waiting {
            return;
        }
        let checkpoint = Checkpoint::read(&row.checkpoint).unwrap();
        let call = row.checkpoint.pending[i % row.checkpoint.pending.len()].clone();
        let decision = if allow { Decision::Allow } else { Decision::Deny };
        if block_on(self.store.decide(&self.scope, run, &call, decision)).is_ok() && allow {
            self.allowed.insert((run, checkpoint.step, call));
        }
    }

    fn retry(&mut self, i: usize) {
        let commit = self.acked[i % self.acked.len()].clone();
        if matches!(commit.run, Some(RunChange::Open { .. })) {
            let before = block_on(self.store.session(&self.scope, self.session)).unwrap();
            let again = block_on(self.store.commit(&self.scope, &commit)).unwrap();
            assert!(!again.fresh && again.run.is_some());
            assert_eq!(before, block_on(self.store.session(&self.scope, self.session)).unwrap());
        }
    }

    fn look(&mut self, w: usize, near: bool) {
        let n = self.watchers.len();
        let w = n - 1 - w % n;
        let run = self.watchers[w].run;
        let latest = self.latest[&run];
        let holder = self.holders.iter().find(|h| near && h.run == run && h.epoch == latest);
        let view = match holder {
            Some(holder) => holder.view.clone(),
            None => View::of_row(&block_on(self.store.run(&self.scope, run)).unwrap()),
        };
        self.look_at(w, &view);
    }

    pub(super) fn look_at(&mut self, w: usize, view: &View) {
        let mut view = view.clone();
        if self.fault == Fault::NoEpochForWatchers {
            view.epoch = 0;
        }
        let (store, scope, session) = (&self.store, &self.scope, self.session);
        self.watchers[w].look(&view, |id| block_on(store.message(scope, session, id)).unwrap());
    }
}
