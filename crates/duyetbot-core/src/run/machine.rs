//! The run as a state machine: inputs in, effects out. No IO, no clock, no randomness.
use std::sync::Arc;

use super::{
    checkpoint::{CallState, Checkpoint, Draft, DraftCall, DraftPart, Phase},
    counting::{Answered, left},
    effects::{Effect, Input, NOT_RUN, Step, StepMessage, Successor, UNKNOWN},
    policy::{Policy, Verdict},
    said::{interrupted, part},
};
use crate::{
    error::{Code, Error, ErrorKind},
    id::{CallId, MessageId},
    message::{Part, Role, ToolResult, Usage},
    model::{ModelCall, ModelEvent, StopReason},
    run_row::{Claimed, DraftChunk, RunState},
};

/// The run of one holder.
pub struct Machine {
    pub(super) state: Checkpoint,
    policy: Arc<dyn Policy>,
    /// The calls that a person decided on, which are not judged again.
    decided: Vec<CallId>,
}

type Effects = Vec<Effect>;

impl Machine {
    /// A run that begins.
    pub fn start(checkpoint: Checkpoint, policy: Arc<dyn Policy>) -> (Self, Effects) {
        let mut machine = Machine { state: checkpoint, policy, decided: Vec::new() };
        let mut effects = Vec::new();
        match machine.state.guards.day(&machine.state.spent_before) {
            Some(used_up) => machine.end(RunState::Failed, Some(used_up), &mut effects),
            None => effects.push(Effect::Ask),
        }
        (machine, effects)
    }

    /// A run that is taken over from its checkpoint.
    pub fn resume(
        mut checkpoint: Checkpoint,
        claimed: &Claimed,
        successor: Successor,
        policy: Arc<dyn Policy>,
    ) -> (Self, Effects) {
        checkpoint.decide(&claimed.decisions);
        let decided = claimed.decisions.iter().map(|(call, _)| call.clone()).collect();
        let mut machine = Machine { state: checkpoint, policy, decided };
        let mut effects = vec![machine.shown()];
        let in_flight = machine.state.draft.calls().any(|c| c.state == CallState::Running);
        match (successor, in_flight) {
            (Successor::GoesOn, false) if machine.state.phase == Phase::Acting => {
                machine.proceed(&mut effects)
            }
            (Successor::GoesOn, false) => {
                let cut = left(&claimed.draft).usage;
                machine.state.waste(&cut);
                machine.state.draft = Draft::default();
                machine.state.phase = Phase::Asking;
                effects.push(Effect::Ask);
            }
            _ => {
                if machine.state.phase != Phase::Acting {
                    machine.state.draft = left(&claimed.draft);
                }
                machine.state.draft.cut = machine.state.phase != Phase::Acting;
                let (state, error) = if successor == Successor::Denies {
                    (RunState::Cancelled, None)
                } else {
                    (RunState::Interrupted, Some(interrupted()))
                };
                machine.end(state, error, &mut effects);
            }
        }
        (machine, effects)
    }

    /// What watchers may see at this point: what follows in the machine is not durable yet when this is performed.
    fn shown(&self) -> Effect {
        Effect::Show(Box::new(self.state.clone()))
    }

    /// The state.
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.state
    }

    /// Takes an input; one that comes too late is ignored.
    pub fn handle(&mut self, input: Input) -> Effects {
        let mut effects = Vec::new();
        match (self.state.phase, input) {
            (Phase::Ended, _) => {}
            (Phase::Asking, Input::Model(event)) => self.hear(event, &mut effects),
            (Phase::Asking, Input::Call { call, refused }) => self.call(call, refused, &mut effects),
            (Phase::Asking, Input::ModelFailed(error)) => self.failed(error, &mut effects),
            (Phase::Asking, Input::Over(covers)) if covers.is_empty() => {
                self.state.trim = true;
                effects.push(Effect::Ask);
            }
            (Phase::Asking, Input::Over(covers)) => {
                self.state.phase = Phase::Compacting;
                effects.push(Effect::Summarise(covers));
            }
            (Phase::Asking | Phase::Compacting, Input::Stop) => {
                effects.push(Effect::CloseModel);
                self.state.draft.cut = true;
                self.state.draft.count(Answered::InPart);
                self.end(RunState::Cancelled, None, &mut effects);
            }
            (Phase::Compacting, Input::Summary { text, covers, usage }) => {
                self.summed_up(text, covers, usage, &mut effects);
            }
            (Phase::Compacting, Input::SummaryFailed) => {
                self.state.trim = true;
                self.state.phase = Phase::Asking;
                effects.push(Effect::Ask);
            }
            (Phase::Acting, Input::Tool { call, result }) => self.result(&call, result, &mut effects),
            (Phase::Acting, Input::Stop) => {
                for call in self.state.draft.calls().filter(|c| c.state == CallState::Running) {
                    effects.push(Effect::CancelTool(call.call.clone()));
                }
                self.end(RunState::Cancelled, None, &mut effects);
            }
            (Phase::Asking | Phase::Compacting | Phase::Acting, _) => {}
        }
        effects
    }

    fn hear(&mut self, event: ModelEvent, effects: &mut Effects) {
        let parts = &mut self.state.draft.parts;
        match event {
            ModelEvent::Text(words) if words.is_empty() => {}
            ModelEvent::Text(words) => {
                match parts.last_mut() {
                    Some(DraftPart::Text { text }) => text.push_str(&words),
                    _ => parts.push(DraftPart::Text { text: words.clone() }),
                }
                effects.push(Effect::Said(DraftChunk::Text(words)));
            }
            ModelEvent::Reasoning(words) if words.is_empty() => {}
            ModelEvent::Reasoning(words) => {
                match parts.last_mut() {
                    Some(DraftPart::Reasoning { text, closed: false, .. }) => text.push_str(&words),
                    _ => parts.push(DraftPart::Reasoning {
                        text: words.clone(),
                        signature: None,
                        redacted: None,
                        closed: false,
                    }),
                }
                effects.push(Effect::Said(DraftChunk::Reasoning(words)));
            }
            ModelEvent::ReasoningEnd { signature, redacted } => match parts.last_mut() {
                Some(DraftPart::Reasoning { signature: s, redacted: r, closed, .. }) if !*closed => {
                    (*s, *r, *closed) = (signature, redacted, true);
                }
                _ => parts.push(DraftPart::Reasoning {
                    text: String::new(),
                    signature,
                    redacted,
                    closed: true,
                }),
            },
            ModelEvent::Usage(usage) => self.state.draft.usage = usage,
            ModelEvent::Stop(reason) => self.stopped(reason, effects),
            ModelEvent::Call(call) => self.call(call, None, effects),
        }
    }

    fn call(&mut self, call: ModelCall, refused: Option<String>, effects: &mut Effects) {
        let taken = |id: &str| self.state.draft.calls().any(|c| c.call.0 == id);
        // A provider's ids may repeat between steps; inside one they must not.
        let mut id = if call.id.is_empty() { "call".to_owned() } else { call.id.clone() };
        let mut n = 1;
        while taken(&id) {
            n += 1;
            id = format!("{}_{n}", call.id);
        }
        let refused = if call.whole { refused } else { Some("the call was cut off and did not run".into()) };
        let state = match refused {
            Some(text) => CallState::Done { result: ToolResult::error(text) },
            None => CallState::New,
        };
        self.state.draft.parts.push(DraftPart::Tool(DraftCall {
            call: CallId(id),
            tool: call.tool,
            input: call.input,
            extra: call.extra,
            state,
        }));
        effects.push(self.shown());
    }

    fn stopped(&mut self, reason: StopReason, effects: &mut Effects) {
        self.state.answers += 1;
        self.state.draft.count(Answered::Wholly);
        self.state.draft.cut = matches!(reason, StopReason::MaxTokens | StopReason::Window);
        if self.state.draft.calls().next().is_some() {
            self.state.empty = 0;
            self.state.phase = Phase::Acting;
            self.judge(effects);
            return self.proceed(effects);
        }
        if reason == StopReason::Window {
            let error = Error::new(
                ErrorKind::Invalid,
                "the conversation filled the model's window; start a new session or choose a model with a larger one",
            )
            .with_code(Code::ContextLength);
            return self.end(RunState::Failed, Some(error), effects);
        }
        if self.state.draft.is_empty() {
            return self.empty(reason, effects);
        }
        self.end(RunState::Done, None, effects);
    }

    /// A model that says nothing is asked once more.
    fn empty(&mut self, reason: StopReason, effects: &mut Effects) {
        self.state.empty += 1;
        let usage = self.state.draft.usage;
        self.state.waste(&usage);
        if self.state.empty < 2 && reason == StopReason::End {
            self.state.draft = Draft::default();
            effects.push(self.shown());
            effects.push(Effect::Ask);
            return;
        }
        self.state.draft.usage = Usage::default();
        let words = match reason {
            StopReason::Refusal => "the model refused to answer and gave no reason; say it another way",
            StopReason::MaxTokens => "the model used all its tokens before the first word; allow it more",
            _ => "the model answered with nothing, twice; try again or choose another model",
        };
        let error = Error::new(ErrorKind::Unavailable, words).with_code(Code::EmptyAnswer);
        self.end(RunState::Failed, Some(error), effects);
    }

    fn failed(&mut self, error: Error, effects: &mut Effects) {
        if error.is(Code::ContextLength) && self.state.draft.parts.is_empty() && self.state.shrunk < 3 {
            self.state.shrunk += 1;
            effects.push(Effect::Ask);
            return;
        }
        self.state.draft.cut = true;
        self.state.draft.count(Answered::InPart);
        self.end(RunState::Failed, Some(error), effects);
    }

    fn judge(&mut self, effects: &mut Effects) {
        // Ids may repeat between steps.
        self.decided.clear();
        // What a call finds is known only where no call before it may still change it.
        let mut first = true;
        for call in self.state.draft.calls_mut() {
            if call.state == CallState::New {
                call.state = judged(self.policy.as_ref(), call);
            }
            if first
                && matches!(call.state, CallState::Asked { .. })
                && let Some(why) = self.policy.foresees(&call.tool, &call.input)
            {
                call.state = CallState::Done { result: ToolResult::error(why) };
            }
            first &= matches!(call.state, CallState::Done { .. });
        }
        let refused = self.state.draft.calls().all(|c| matches!(c.state, CallState::Done { .. }));
        self.state.refused = if refused { self.state.refused + 1 } else { 0 };
        effects.push(self.shown());
    }

    fn result(&mut self, id: &CallId, result: ToolResult, effects: &mut Effects) {
        let running = |c: &&mut DraftCall| c.call == *id && c.state == CallState::Running;
        let Some(call) = self.state.draft.calls_mut().find(running) else { return };
        call.state = CallState::Done { result };
        effects.push(self.shown());
        if self.state.draft.calls().any(|c| c.state == CallState::Running) {
            self.state.counter += 1;
            effects.push(Effect::Save(self.state.clone()));
        } else {
            self.proceed(effects);
        }
    }

    /// The calls that run next: all that are allowed, in their order up to one whose judgement depends on those before it.
    /// That one runs alone, and only where it is still allowed.
    fn next(&mut self) -> Vec<CallId> {
        let mut ready = Vec::new();
        for call in self.state.draft.calls_mut().filter(|c| c.state == CallState::Allowed) {
            if !self.policy.depends(&call.tool, &call.input) {
                ready.push(call.call.clone());
                continue;
            }
            if !ready.is_empty() {
                break;
            }
            if !self.decided.contains(&call.call) {
                call.state = judged(self.policy.as_ref(), call);
            }
            if call.state == CallState::Allowed {
                return vec![call.call.clone()];
            }
        }
        ready
    }

    /// Allowed calls run; then what needs a person waits, all at once; then the step is committed.
    fn proceed(&mut self, effects: &mut Effects) {
        let ready = self.next();
        if !ready.is_empty() {
            for call in self.state.draft.calls_mut().filter(|c| ready.contains(&c.call)) {
                call.state = CallState::Running;
            }
            self.state.counter += 1;
            effects.push(Effect::Save(self.state.clone()));
            effects.push(self.shown());
            let run = |c: &&DraftCall| ready.contains(&c.call);
            effects.extend(self.state.draft.calls().filter(run).cloned().map(Effect::RunTool));
        } else if !self.state.pending().is_empty() {
            self.state.counter += 1;
            effects.push(Effect::Wait(self.state.clone()));
            self.state.phase = Phase::Ended;
        } else if let Some(error) = self.guard() {
            self.end(RunState::Failed, Some(error), effects);
        } else {
            let message = self.message();
            self.advance(message, effects);
        }
    }

    /// Commits a step and asks for the next answer.
    fn advance(&mut self, message: Option<StepMessage>, effects: &mut Effects) {
        self.moved_on(message.as_ref());
        self.state.phase = Phase::Asking;
        let checkpoint = self.state.clone();
        effects.push(Effect::Commit(Box::new(Step {
            message,
            state: RunState::Running,
            checkpoint,
            error: None,
        })));
        effects.push(self.shown());
        effects.push(Effect::Ask);
    }

    fn moved_on(&mut self, message: Option<&StepMessage>) {
        let state = &mut self.state;
        state.counter += 1;
        if let Some(message) = message {
            state.spent = state.spent.plus(&message.usage);
            state.wasted = Usage::default();
            state.step += 1;
            state.parent = message.id;
            if message.role == Role::Assistant {
                state.last = Some(message.id);
            }
        }
        state.draft = Draft::default();
    }

    fn summed_up(&mut self, text: String, covers: Vec<MessageId>, usage: Usage, effects: &mut Effects) {
        let message = StepMessage {
            id: self.state.run.step(self.state.step),
            parent: self.state.parent,
            role: Role::System,
            parts: vec![Part::Summary { text, covers }],
            cut: false,
            usage: usage.plus(&self.state.wasted),
        };
        self.advance(Some(message), effects);
    }

    /// The open step as a message. Every call gets a result: one without cannot be stored.
    fn message(&self) -> Option<StepMessage> {
        let draft = &self.state.draft;
        let parts: Vec<Part> = draft.parts.iter().filter_map(part).collect();
        if draft.is_empty() && draft.reasoning().is_empty() {
            return None;
        }
        Some(StepMessage {
            id: self.state.run.step(self.state.step),
            parent: self.state.parent,
            role: Role::Assistant,
            parts,
            cut: draft.cut,
            usage: draft.usage.plus(&self.state.wasted),
        })
    }

    fn end(&mut self, state: RunState, error: Option<Error>, effects: &mut Effects) {
        for call in self.state.draft.calls_mut() {
            let result = match &call.state {
                CallState::Done { .. } => continue,
                CallState::Running => ToolResult::interrupted(UNKNOWN),
                CallState::Asked { .. } => ToolResult::denied("denied: the run ended before anybody decided"),
                CallState::New | CallState::Allowed => ToolResult::interrupted(NOT_RUN),
            };
            call.state = CallState::Done { result };
        }
        let message = self.message();
        if message.is_none() {
            self.state.spent = self.state.spent.plus(&self.state.draft.usage).plus(&self.state.wasted);
        }
        self.moved_on(message.as_ref());
        self.state.phase = Phase::Ended;
        let checkpoint = self.state.clone();
        effects.push(Effect::Commit(Box::new(Step { message, state, checkpoint, error })));
        effects.push(Effect::Finish(state));
    }
}

fn judged(policy: &dyn Policy, call: &DraftCall) -> CallState {
    match policy.judge(&call.tool, &call.input) {
        Verdict::Allow => CallState::Allowed,
        Verdict::Ask(reason) => CallState::Asked { reason },
        Verdict::Deny(text) => CallState::Done { result: ToolResult::denied(text) },
        Verdict::Invalid(text) => CallState::Done { result: ToolResult::error(text) },
    }
}
