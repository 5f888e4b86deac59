//! Runs: what is saved, decided and asked inside a step, and who takes one over.
use std::collections::{BTreeMap, BTreeSet};

use super::{
    commit::stale,
    rows::{Owner, RunEntry},
};
use crate::{
    error::{Code, Error, ErrorKind, Result},
    id::{CallId, RunId},
    run_row::{Asked, Claim, ClaimOf, Claimed, Decision, RunRow, RunState, Save, StoredCheckpoint},
    scope::Scope,
    store::{LEASE, WAIT},
    time_stamp::Timestamp,
};

impl Owner {
    pub(super) fn run(&self, id: RunId, now: Timestamp) -> Result<RunRow> {
        self.runs.get(&id).map(|entry| entry.read(now)).ok_or_else(unknown)
    }

    pub(super) fn waiting(&self, limit: u32, now: Timestamp) -> Vec<RunRow> {
        let mut waiting: Vec<&RunEntry> =
            self.runs.values().filter(|entry| entry.row.state == RunState::Waiting).collect();
        waiting.sort_by_key(|entry| std::cmp::Reverse((entry.row.created, entry.row.id)));
        waiting.into_iter().take(limit as usize).map(|entry| entry.read(now)).collect()
    }

    pub(super) fn save(&mut self, id: RunId, epoch: u64, save: &Save, now: Timestamp) -> Result<Asked> {
        let entry = self
            .runs
            .get_mut(&id)
            .filter(|entry| entry.row.epoch == epoch && entry.row.state == RunState::Running)
            .ok_or_else(stale)?;
        entry.row.lease = now.plus(LEASE);
        match save {
            Save::Lease => {}
            Save::Draft(chunks) => entry.row.draft.extend(chunks.iter().cloned()),
            Save::Checkpoint(checkpoint) => entry.row.checkpoint = checkpoint.clone(),
            Save::Wait(checkpoint) => entry.wait(checkpoint, now),
        }
        Ok(Asked { stop: entry.row.stop_asked, watched: entry.watched > now })
    }

    pub(super) fn decide(
        &mut self,
        id: RunId,
        call: &CallId,
        decision: Decision,
        now: Timestamp,
    ) -> Result<RunState> {
        let row = &mut self.runs.get_mut(&id).ok_or_else(unknown)?.row;
        if let Some((_, decided)) = row.decisions.iter().find(|(decided, _)| decided == call) {
            return if *decided == decision { Ok(row.state) } else { Err(not_pending()) };
        }
        if row.state != RunState::Waiting || !row.checkpoint.pending.contains(call) {
            return Err(not_pending());
        }
        row.decisions.push((call.clone(), decision));
        let decided = |call: &CallId| row.decisions.iter().any(|(decided, _)| decided == call);
        if row.checkpoint.pending.iter().all(decided) {
            row.state = RunState::Queued;
            row.expires = None;
            row.lease = now.plus(LEASE);
        }
        Ok(row.state)
    }

    pub(super) fn ask_stop(&mut self, id: RunId) -> Result<RunState> {
        let row = &mut self.runs.get_mut(&id).ok_or_else(unknown)?.row;
        row.stop_asked |= !row.state.ended();
        Ok(row.state)
    }

    pub(super) fn attend(&mut self, id: RunId, until: Timestamp) -> Result<()> {
        let entry = self.runs.get_mut(&id).ok_or_else(unknown)?;
        entry.watched = entry.watched.max(until);
        Ok(())
    }
}

impl RunEntry {
    fn read(&self, now: Timestamp) -> RunRow {
        RunRow { expired: self.row.lease <= now, ..self.row.clone() }
    }

    fn wait(&mut self, checkpoint: &StoredCheckpoint, now: Timestamp) {
        self.row.checkpoint = checkpoint.clone();
        self.row.state = RunState::Waiting;
        self.row.decisions.clear();
        self.row.lease = now;
        self.row.expires = Some(now.plus(WAIT));
    }

    /// Whether nobody holds it any more: it is queued, or its holder is dead or silent.
    fn is_free(&self, gone: &[String], now: Timestamp) -> bool {
        match self.row.state {
            RunState::Queued => true,
            RunState::Running => self.row.lease <= now || gone.contains(&self.row.holder),
            _ => false,
        }
    }

    fn take(&mut self, owner: &str, holder: &str, now: Timestamp) -> Claimed {
        let row = &mut self.row;
        let was = row.state;
        row.epoch += 1;
        row.state = RunState::Running;
        holder.clone_into(&mut row.holder);
        row.lease = now.plus(LEASE);
        row.expires = None;
        Claimed {
            scope: Scope::stored(owner.to_owned(), row.actor.clone()),
            run: row.id,
            epoch: row.epoch,
            was,
            checkpoint: row.checkpoint.clone(),
            draft: std::mem::take(&mut row.draft),
            decisions: row.decisions.clone(),
        }
    }
}

pub(super) fn holders(owners: &BTreeMap<String, Owner>, places: &[String]) -> Vec<String> {
    let holders: BTreeSet<&String> = owners
        .values()
        .flat_map(|owner| owner.runs.values())
        .filter(|entry| entry.row.state == RunState::Running && places.contains(&entry.row.place))
        .map(|entry| &entry.row.holder)
        .collect();
    holders.into_iter().cloned().collect()
}

pub(super) fn claim(owners: &mut BTreeMap<String, Owner>, claim: &Claim, now: Timestamp) -> Option<Claimed> {
    let (owner, entry) = match &claim.of {
        ClaimOf::Places(places) => owners
            .iter_mut()
            .flat_map(|(owner, rows)| rows.runs.values_mut().map(move |entry| (owner, entry)))
            .filter(|(_, entry)| places.contains(&entry.row.place) && entry.is_free(&claim.gone, now))
            .min_by_key(|(_, entry)| (entry.row.created, entry.row.id))?,
        ClaimOf::Run(scope, run) => {
            let (owner, rows) = owners.iter_mut().find(|(owner, _)| *owner == scope.owner())?;
            let entry = rows.runs.get_mut(run)?;
            let free = entry.row.state == RunState::Waiting || entry.is_free(&claim.gone, now);
            (owner, Some(entry).filter(|_| free)?)
        }
    };
    Some(entry.take(owner, &claim.holder, now))
}

fn unknown() -> Error {
    Error::not_found("run")
}

fn not_pending() -> Error {
    Error::new(ErrorKind::Conflict, "the call does not wait for this decision").with_code(Code::NotPending)
}
