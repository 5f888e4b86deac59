//! Performs a machine's effects: the only place where a run meets storage, models and tools.
use futures::{
    FutureExt, StreamExt,
    channel::mpsc,
    future::{BoxFuture, pending},
    stream::{BoxStream, FuturesUnordered},
};
use std::{
    collections::{BTreeMap, VecDeque},
    panic::AssertUnwindSafe,
    sync::Arc,
    time::Duration,
};

use super::{
    asking::{Asking, Heard},
    checkpoint::{Checkpoint, DraftCall},
    commits::{Maker, step_commit},
    effects::{Effect, Input, Step, UNKNOWN},
    following::Live,
    gather::Gather,
    live::{Told, View},
    machine::Machine,
};
use crate::{
    error::{Code, Error, Result},
    id::{CallId, MessageId, RunId},
    message::{ToolResult, text_of},
    model::{ModelCall, ModelEvent},
    redact::RedactedStream,
    run_row::{Asked, DraftChunk, RunState, Save},
    text,
    tool::ToolContext,
};

/// Text is flushed after this long.
const FLUSH: Duration = Duration::from_secs(1);
/// Text is flushed after this long while somebody watches from another process.
const FLUSH_WATCHED: Duration = Duration::from_millis(100);
/// Text is flushed once it is this long.
const FLUSH_BYTES: usize = 16 * 1024;
/// The lease is renewed at least this often.
const RENEW: Duration = Duration::from_secs(2);
/// Bytes of a tool's output that are kept; what is in the middle of a longer one is dropped.
const LARGEST_OUTPUT: usize = 4 * 1024 * 1024;

pub(super) struct Driver {
    pub(super) asking: Asking,
    pub(super) run: RunId,
    pub(super) epoch: u64,
    pub(super) live: Arc<Live>,
    /// The text of the message that the next one hangs under, where this process made it.
    pub(super) said: Option<(MessageId, String)>,
}

/// Tells watchers, whatever ends the driver, that nothing more comes from it.
struct Detach(Arc<Live>);

impl Drop for Detach {
    fn drop(&mut self) {
        self.0.detach();
    }
}

/// What a driver waits for.
enum Woken {
    Stop,
    Heard(Vec<Heard>),
    Tool(CallId, ToolResult),
    Tick,
}

type Running = FuturesUnordered<BoxFuture<'static, (CallId, ToolResult)>>;

struct Work {
    model: Option<Gather<BoxStream<'static, Heard>>>,
    running: Running,
    cancels: BTreeMap<CallId, futures::channel::oneshot::Sender<()>>,
    text: RedactedStream,
    reasoning: RedactedStream,
    unsaved: Vec<DraftChunk>,
    unsaved_bytes: usize,
    watched: bool,
    idle: Duration,
}

impl Driver {
    /// Drives the run until it ends, waits, or is lost to another holder.
    pub(super) async fn drive(
        mut self,
        mut machine: Machine,
        effects: Vec<Effect>,
        mut stops: mpsc::Receiver<()>,
    ) {
        let _detach = Detach(self.live.clone());
        let mut work = Work {
            model: None,
            running: Running::new(),
            cancels: BTreeMap::new(),
            text: self.asking.parts.redactor.stream(),
            reasoning: self.asking.parts.redactor.stream(),
            unsaved: Vec::new(),
            unsaved_bytes: 0,
            watched: false,
            idle: Duration::ZERO,
        };
        let mut todo: VecDeque<Effect> = effects.into();
        let clock = self.asking.parts.clock.clone();
        let mut tick = clock.sleep(FLUSH).boxed();
        loop {
            while let Some(effect) = todo.pop_front() {
                // Boxed: it is large, and done with while the run waits for the model.
                match Box::pin(self.perform(effect, &machine, &mut work)).await {
                    Ok(true) => {}
                    Ok(false) => return,
                    Err(error) => return self.lost(error),
                }
            }
            let woken = {
                let Work { model, running, .. } = &mut work;
                let heard = async {
                    match model {
                        Some(stream) => stream.next().await,
                        None => pending().await,
                    }
                };
                let tool = async { if running.is_empty() { pending().await } else { running.next().await } };
                let (mut heard, mut tool) = (Box::pin(heard.fuse()), Box::pin(tool.fuse()));
                let mut timer = (&mut tick).fuse();
                futures::select_biased! {
                    stop = stops.next() => stop.map(|()| Woken::Stop),
                    () = timer => Some(Woken::Tick),
                    result = tool => result.map(|(call, result)| Woken::Tool(call, result)),
                    heard = heard => heard.map(Woken::Heard),
                }
            };
            let asked = match woken {
                Some(Woken::Stop) => {
                    self.flush_redaction(&mut machine, &mut work, &mut todo);
                    todo.extend(machine.handle(Input::Stop));
                    Ok(Asked::default())
                }
                Some(Woken::Tool(call, result)) => {
                    work.cancels.remove(&call);
                    todo.extend(machine.handle(Input::Tool { call, result }));
                    Ok(Asked::default())
                }
                Some(Woken::Heard(heard)) => {
                    for heard in heard {
                        self.hear(heard, &mut machine, &mut work, &mut todo);
                        // An answer's end is the last that is heard of it.
                        if work.model.is_none() {
                            break;
                        }
                    }
                    self.show_said(&mut todo, &mut work);
                    if work.unsaved_bytes >= FLUSH_BYTES {
                        self.save(&mut work).await
                    } else {
                        Ok(Asked::default())
                    }
                }
                Some(Woken::Tick) => {
                    let every = if work.watched { FLUSH_WATCHED } else { FLUSH };
                    tick = clock.sleep(every).boxed();
                    work.idle += every;
                    let due = !work.unsaved.is_empty() || work.idle >= RENEW;
                    if due { self.save(&mut work).await } else { Ok(Asked::default()) }
                }
                None => {
                    work.model = None;
                    Ok(Asked::default())
                }
            };
            match asked {
                Ok(asked) if asked.stop => {
                    self.flush_redaction(&mut machine, &mut work, &mut todo);
                    todo.extend(machine.handle(Input::Stop));
                }
                Ok(_) => {}
                Err(error) => return self.lost(error),
            }
        }
    }

    /// Another holder has the run, or storage fails: this process can only tell its own watchers.
    fn lost(&self, error: Error) {
        if error.is(Code::StaleEpoch) {
            return;
        }
        self.live.change(|view| view.lost = Some(error));
    }

    /// Performs one effect; `false` where this holder is through.
    async fn perform(&mut self, effect: Effect, machine: &Machine, work: &mut Work) -> Result<bool> {
        match effect {
            Effect::Ask => {
                work.text = self.asking.parts.redactor.stream();
                work.reasoning = self.asking.parts.redactor.stream();
                let answer = self.asking.clone().answer(machine.checkpoint().clone());
                work.model = Some(Gather::new(answer));
            }
            Effect::Summarise(covers) => {
                let summary = self.asking.clone().summary(machine.checkpoint().clone(), covers);
                work.model = Some(Gather::new(summary));
                self.asking.over = Arc::default();
            }
            Effect::CloseModel => work.model = None,
            Effect::Said(chunk) => self.said(vec![chunk], work),
            Effect::Show(checkpoint) => self.see(&checkpoint, RunState::Running),
            Effect::RunTool(call) => self.run_tool(call, work),
            Effect::CancelTool(call) => {
                work.cancels.remove(&call);
            }
            Effect::Save(checkpoint) => {
                self.save(work).await?;
                self.store_save(&Save::Checkpoint(checkpoint.store()?)).await?;
            }
            Effect::Wait(checkpoint) => {
                self.save(work).await?;
                self.store_save(&Save::Wait(checkpoint.store()?)).await?;
                self.live.change(|view| view.state = RunState::Waiting);
                return Ok(false);
            }
            Effect::Commit(step) => {
                if step.state.ended() {
                    work.model = None;
                }
                work.unsaved.clear();
                work.unsaved_bytes = 0;
                work.idle = Duration::ZERO;
                let error = step.error.clone();
                let committed = self.commit(*step).await?;
                self.live.change(|view| {
                    view.error = error;
                    view.committed = committed;
                });
            }
            Effect::Finish(state) => {
                self.see(machine.checkpoint(), state);
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Shows what a checkpoint says, and keeps what this process alone knows.
    fn see(&self, checkpoint: &Checkpoint, state: RunState) {
        let epoch = self.epoch;
        self.live.change(|view| {
            let (recalled, committed) = (view.recalled.take(), view.committed.take());
            let error = view.error.take().filter(|_| state.ended());
            *view = View { error, recalled, committed, ..View::of(checkpoint, epoch, state) };
        });
    }

    /// Shows words, all at once: each change wakes whoever watches.
    fn said(&self, chunks: Vec<DraftChunk>, work: &mut Work) {
        self.live.change(|view| chunks.iter().for_each(|chunk| view.hear(chunk)));
        for chunk in chunks {
            let (DraftChunk::Text(words) | DraftChunk::Reasoning(words)) = &chunk;
            work.unsaved_bytes += words.len();
            match (work.unsaved.last_mut(), &chunk) {
                (Some(DraftChunk::Text(last)), DraftChunk::Text(words))
                | (Some(DraftChunk::Reasoning(last)), DraftChunk::Reasoning(words)) => last.push_str(words),
                _ => work.unsaved.push(chunk),
            }
        }
    }

    /// Words are shown at once, before anything that has to become durable.
    fn show_said(&self, todo: &mut VecDeque<Effect>, work: &mut Work) {
        let mut chunks = Vec::new();
        while let Some(effect) = todo.pop_front() {
            match effect {
                Effect::Said(chunk) => chunks.push(chunk),
                other => {
                    todo.push_front(other);
                    break;
                }
            }
        }
        if !chunks.is_empty() {
            self.said(chunks, work);
        }
    }

    fn hear(&mut self, heard: Heard, machine: &mut Machine, work: &mut Work, todo: &mut VecDeque<Effect>) {
        match heard {
            Heard::Recalled(found) => {
                self.asking.recalled = Some(found.clone());
                self.live.change(|view| view.recalled = Some(found));
            }
            Heard::Event(ModelEvent::Text(words)) => {
                self.flush_reasoning(machine, work, todo);
                let safe = work.text.push(&text::mend(&words));
                todo.extend(machine.handle(Input::Model(ModelEvent::Text(safe))));
            }
            Heard::Event(ModelEvent::Reasoning(words)) => {
                self.flush_text(machine, work, todo);
                let safe = work.reasoning.push(&text::mend(&words));
                todo.extend(machine.handle(Input::Model(ModelEvent::Reasoning(safe))));
            }
            Heard::Event(ModelEvent::ReasoningEnd { signature, redacted }) => {
                // Redacted words no longer are what was signed.
                let signature = signature.filter(|_| !work.reasoning.altered());
                self.flush_redaction(machine, work, todo);
                todo.extend(machine.handle(Input::Model(ModelEvent::ReasoningEnd { signature, redacted })));
            }
            Heard::Event(ModelEvent::Usage(usage)) => {
                todo.extend(machine.handle(Input::Model(ModelEvent::Usage(usage))));
            }
            Heard::Event(ModelEvent::Call(call)) => {
                self.flush_redaction(machine, work, todo);
                let input = self.clean_call(call);
                todo.extend(machine.handle(input));
            }
            Heard::Event(event @ ModelEvent::Stop(_)) => {
                work.model = None;
                self.flush_redaction(machine, work, todo);
                todo.extend(machine.handle(Input::Model(event)));
            }
            Heard::Failed(error) => {
                work.model = None;
                self.flush_redaction(machine, work, todo);
                let words = self.asking.parts.redactor.redact(error.message()).into_owned();
                todo.extend(machine.handle(Input::ModelFailed(error.with_message(words))));
            }
            Heard::Over(covers) => {
                work.model = None;
                let ids = covers.iter().map(|m| m.id).collect();
                self.asking.over = Arc::new(covers);
                todo.extend(machine.handle(Input::Over(ids)));
            }
            Heard::Summary { text: words, covers, usage } => {
                work.model = None;
                let text = self.asking.parts.redactor.redact(&text::mend(&words)).into_owned();
                todo.extend(machine.handle(Input::Summary { text, covers, usage }));
            }
            Heard::SummaryFailed => {
                work.model = None;
                todo.extend(machine.handle(Input::SummaryFailed));
            }
        }
    }

    fn flush_text(&self, machine: &mut Machine, work: &mut Work, todo: &mut VecDeque<Effect>) {
        let rest = std::mem::replace(&mut work.text, self.asking.parts.redactor.stream()).finish();
        todo.extend(machine.handle(Input::Model(ModelEvent::Text(rest))));
    }

    fn flush_reasoning(&self, machine: &mut Machine, work: &mut Work, todo: &mut VecDeque<Effect>) {
        let rest = std::mem::replace(&mut work.reasoning, self.asking.parts.redactor.stream()).finish();
        todo.extend(machine.handle(Input::Model(ModelEvent::Reasoning(rest))));
    }

    /// What was held back because it might have begun a secret, now that nothing follows it.
    fn flush_redaction(&self, machine: &mut Machine, work: &mut Work, todo: &mut VecDeque<Effect>) {
        self.flush_reasoning(machine, work, todo);
        self.flush_text(machine, work, todo);
    }

    /// A call that redaction would alter is refused, not run.
    fn clean_call(&self, call: ModelCall) -> Input {
        let input = text::mend_json(&call.input).into_owned();
        let redactor = &self.asking.parts.redactor;
        let clean = redactor.redact(&input).into_owned();
        let tool = text::mend(&redactor.redact(&call.tool)).into_owned();
        let refused = if clean != input {
            Some("the call holds a secret (a key, a token) and was refused; do it without".to_owned())
        } else if text::depth(&input) > text::DEEPEST {
            Some(format!("the input is nested deeper than {} levels", text::DEEPEST))
        } else {
            None
        };
        Input::Call { call: ModelCall { input: clean, tool, ..call }, refused }
    }

    fn run_tool(&self, call: DraftCall, work: &mut Work) {
        let parts = self.asking.parts.clone();
        let context =
            ToolContext { scope: self.asking.scope.clone(), run: self.run, call: call.call.clone() };
        let (cancel, cancelled) = futures::channel::oneshot::channel::<()>();
        work.cancels.insert(call.call.clone(), cancel);
        work.running.push(
            async move {
                let Some(tool) = parts.tools.iter().find(|t| t.spec().name == call.tool).cloned() else {
                    return (call.call, ToolResult::error(format!("there is no tool {:?} here", call.tool)));
                };
                let mut running = AssertUnwindSafe(tool.call(&context, &call.input)).catch_unwind().fuse();
                let result = futures::select! {
                    result = running => result.unwrap_or_else(|_| ToolResult::error("the tool failed (it panicked)")),
                    _ = cancelled.fuse() => ToolResult::interrupted(UNKNOWN),
                };
                let output = parts.redactor.redact(&text::mend(&bounded(result.output))).into_owned();
                (call.call, ToolResult { status: result.status, output })
            }
            .boxed(),
        );
    }

    async fn save(&mut self, work: &mut Work) -> Result<Asked> {
        let chunks = std::mem::take(&mut work.unsaved);
        work.unsaved_bytes = 0;
        work.idle = Duration::ZERO;
        let save = if chunks.is_empty() { Save::Lease } else { Save::Draft(chunks) };
        let asked = self.store_save(&save).await?;
        work.watched = asked.watched;
        Ok(asked)
    }

    async fn store_save(&self, save: &Save) -> Result<Asked> {
        self.asking.parts.store.save(&self.asking.scope, self.run, self.epoch, save).await
    }

    /// Commits a step, and answers what watchers are told of it.
    async fn commit(&mut self, step: Step) -> Result<Option<Arc<Told>>> {
        let Asking { parts, scope, model, origin, .. } = &self.asking;
        let maker = Maker { model: model.info().id.clone(), origin: *origin, before: self.said.take() };
        let message = step.message.as_ref();
        let committed = message.map(|m| Arc::new(Told { id: m.id, parts: m.parts.clone() }));
        let commit = step_commit(parts, scope, self.run, self.epoch, step, &maker).await?;
        parts.store.commit(scope, &commit).await?;
        self.said = committed.as_ref().map(|message| (message.id, text_of(&message.parts)));
        Ok(committed)
    }
}

/// An output of which the middle is dropped where it is too long.
fn bounded(output: String) -> String {
    if output.len() <= LARGEST_OUTPUT {
        return output;
    }
    let head = &output[..output.floor_char_boundary(LARGEST_OUTPUT / 2)];
    let tail = &output[output.ceil_char_boundary(output.len() - LARGEST_OUTPUT / 2)..];
    let dropped = output.len() - head.len() - tail.len();
    format!("{head}\n[{dropped} bytes dropped here]\n{tail}")
}
