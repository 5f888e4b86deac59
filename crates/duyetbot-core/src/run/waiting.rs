//! Runs that wait for a person: which of their calls are open, and what becomes of those that nobody decided in time.
use super::{
    checkpoint::{CallState, Checkpoint},
    effects::Successor,
    local::LocalAgent,
};
use crate::{
    error::{Code, Error, ErrorKind, Result},
    id::{CallId, RunId, SessionId},
    run_row::{RunRow, RunState},
    scope::Scope,
    time_stamp::Timestamp,
};

/// Waiting runs that are looked at.
const MOST: u32 = 1_000;

/// A call that waits for a person's decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenCall {
    /// The run that waits.
    pub run: RunId,
    /// The call.
    pub call: CallId,
    /// The tool.
    pub tool: String,
    /// Its input, JSON text.
    pub input: String,
    /// Why it asks.
    pub reason: String,
    /// Committed steps of the run: the call belongs to the next.
    pub step: u32,
    /// Where it would run, as `host:/workspace`.
    pub place: String,
    /// When the run was opened.
    pub created: Timestamp,
    /// Until when it waits.
    pub expires: Option<Timestamp>,
}

impl LocalAgent {
    /// See [`crate::Agent::open_calls`].
    pub(super) async fn waiting_calls(&self, scope: &Scope) -> Result<Vec<OpenCall>> {
        let mut open = Vec::new();
        for row in self.parts.store.waiting(scope, MOST).await? {
            if !self.end_overdue(scope, &row).await? {
                open.extend(open_calls_of(&row));
            }
        }
        Ok(open)
    }

    /// The run of a session with which a person can go on here: one of this place that waits for their word, or that goes on
    /// in this process. What was decided elsewhere meanwhile is taken up first.
    pub(super) async fn unfinished_run(&self, scope: &Scope, session: SessionId) -> Result<Option<RunId>> {
        self.adopt_orphans().await?;
        let Some(run) = self.parts.store.current(scope, session).await? else { return Ok(None) };
        if self.runs.get(scope, run).is_some_and(|live| live.is_held()) {
            return Ok(Some(run));
        }
        let row = self.parts.store.run(scope, run).await?;
        let waits = row.state == RunState::Waiting && row.place == self.settings.place;
        Ok((waits && !self.end_overdue(scope, &row).await?).then_some(run))
    }

    /// Ends a run that waited too long, its open calls denied; answers whether it did.
    pub(super) async fn end_overdue(&self, scope: &Scope, row: &RunRow) -> Result<bool> {
        let overdue =
            row.state == RunState::Waiting && row.expires.is_some_and(|at| at <= self.parts.clock.now());
        Ok(overdue && self.take_and_end(scope, row, Successor::Denies).await?)
    }

    /// A decision that comes too late is refused, and the run ends. Where it would be gone on with here and no language model
    /// is to be had, it is refused too, and the run waits on.
    pub(super) async fn in_time(&self, scope: &Scope, run: RunId) -> Result<()> {
        let row = self.parts.store.run(scope, run).await?;
        if !self.end_overdue(scope, &row).await? {
            if let (RunState::Waiting, true, Ok(checkpoint)) =
                (row.state, row.place == self.settings.place, Checkpoint::read(&row.checkpoint))
            {
                let found = self.model_of(&checkpoint).await?;
                if found.info().memory_only {
                    self.parts.models.model(Some(&checkpoint.model)).await?;
                }
            }
            return Ok(());
        }
        let words = "the call waited for seven days and was denied; ask again";
        Err(Error::new(ErrorKind::Conflict, words).with_code(Code::NotPending))
    }
}

/// The calls of a waiting run that nobody has decided. A checkpoint of another version names none.
fn open_calls_of(row: &RunRow) -> Vec<OpenCall> {
    let Ok(checkpoint) = Checkpoint::read(&row.checkpoint) else { return Vec::new() };
    let decided = |call: &CallId| row.decisions.iter().any(|(decided, _)| decided == call);
    let calls = checkpoint.draft.calls().filter(|call| !decided(&call.call));
    calls
        .filter_map(|call| match &call.state {
            CallState::Asked { reason } => Some(OpenCall {
                run: row.id,
                call: call.call.clone(),
                tool: call.tool.clone(),
                input: call.input.clone(),
                reason: reason.clone(),
                step: checkpoint.step,
                place: row.place.clone(),
                created: row.created,
                expires: row.expires,
            }),
            _ => None,
        })
        .collect()
}
