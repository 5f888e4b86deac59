//! How a run is ended without being driven: what a dead process left, what waits in a new message's way.
use super::{
    checkpoint::{Checkpoint, Salvage},
    commits::{Maker, step_commit},
    effects::{Effect, Step, StepMessage, Successor},
    local::LocalAgent,
    machine::Machine,
    said,
};
use crate::{
    error::Result,
    id::RunId,
    message::{Origin, Role, Usage},
    run_row::{Claim, ClaimOf, Claimed, RunRow, RunState},
    scope::Scope,
};

impl LocalAgent {
    /// Ends a claimed run in this call: nothing is asked and nothing runs.
    pub(super) async fn end(
        &self,
        checkpoint: Checkpoint,
        claimed: &Claimed,
        successor: Successor,
    ) -> Result<()> {
        let model = checkpoint.model.clone();
        let origin = checkpoint.origin;
        let (_, effects) = Machine::resume(checkpoint, claimed, successor, self.parts.policy.clone());
        for effect in effects {
            if let Effect::Commit(step) = effect {
                let commit = step_commit(
                    &self.parts,
                    &claimed.scope,
                    claimed.run,
                    claimed.epoch,
                    *step,
                    &Maker { model, origin, before: None },
                )
                .await?;
                self.parts.store.commit(&claimed.scope, &commit).await?;
                return Ok(());
            }
        }
        Ok(())
    }

    /// The words of a checkpoint of another version are committed, and the run ends.
    pub(super) async fn end_unreadable(&self, claimed: Claimed, successor: Successor) -> Result<()> {
        let salvage = Salvage::read(&claimed.checkpoint);
        let mut parts = salvage.parts;
        if parts.is_empty() {
            parts = said::said_parts(&claimed.draft);
        }
        let run = claimed.run;
        let mut checkpoint = Checkpoint::open(run, String::new(), Origin::Api, self.settings.guards);
        checkpoint.counter = claimed.checkpoint.counter + 1;
        checkpoint.step = salvage.step;
        checkpoint.parent = salvage.parent.unwrap_or(run.message);
        let message = (!parts.is_empty()).then(|| StepMessage {
            id: run.step(salvage.step),
            parent: checkpoint.parent,
            role: Role::Assistant,
            parts,
            cut: true,
            usage: Usage::default(),
        });
        if let Some(message) = &message {
            checkpoint.step += 1;
            checkpoint.parent = message.id;
            checkpoint.last = Some(message.id);
        }
        let (state, error) = match successor {
            Successor::Denies => (RunState::Cancelled, None),
            _ => (RunState::Interrupted, Some(said::interrupted())),
        };
        let maker = Maker { model: String::new(), origin: checkpoint.origin, before: None };
        let step = Step { message, state, checkpoint, error };
        let commit = step_commit(&self.parts, &claimed.scope, run, claimed.epoch, step, &maker).await?;
        self.parts.store.commit(&claimed.scope, &commit).await.map(drop)
    }

    /// Ends what stands in the way of a new message: a run that waits, or whose holder is dead. A run that is alive stays.
    pub(super) async fn make_way(&self, scope: &Scope, run: RunId) -> Result<bool> {
        let row = self.parts.store.run(scope, run).await?;
        let Some(successor) = self.ending(&row) else { return Ok(false) };
        self.take_and_end(scope, &row, successor).await
    }

    /// How a run may be ended by a process that does not hold it.
    pub(super) fn ending(&self, row: &RunRow) -> Option<Successor> {
        let dead = row.expired || self.parts.host.is_gone(&row.holder);
        match row.state {
            RunState::Waiting => Some(Successor::Denies),
            RunState::Queued if row.expired => Some(Successor::Ends),
            RunState::Running if dead => Some(Successor::Ends),
            _ => None,
        }
    }

    pub(super) async fn take_and_end(
        &self,
        scope: &Scope,
        row: &RunRow,
        successor: Successor,
    ) -> Result<bool> {
        let claim = Claim {
            of: ClaimOf::Run(scope.clone(), row.id),
            holder: self.parts.host.holder(),
            gone: vec![row.holder.clone()].into_iter().filter(|h| self.parts.host.is_gone(h)).collect(),
        };
        let Some(claimed) = self.parts.store.claim(&claim).await? else { return Ok(false) };
        match Checkpoint::read(&claimed.checkpoint) {
            Ok(checkpoint) => self.end(checkpoint, &claimed, successor).await?,
            Err(_) => self.end_unreadable(claimed, successor).await?,
        }
        Ok(true)
    }
}
