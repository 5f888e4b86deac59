//! A commit: what refuses it, in the contract's order, and what it writes.
use super::rows::{MessageRow, Moment, Owner, RunEntry, SessionRow, Stamps};
use crate::{
    error::{Code, Error, ErrorKind, Result},
    id::{MessageId, RunId, SessionId},
    limits::Limits,
    run_row::{RunRow, RunState},
    scope::Scope,
    session::{Session, SessionState},
    store::{Commit, Committed, HeadMove, LEASE, NewMessage, NewSession, Parent, PieceKey, RunChange},
    time_stamp::Timestamp,
};

impl Owner {
    pub(super) fn commit(
        &mut self,
        scope: &Scope,
        commit: &Commit,
        moment: Moment,
        erased: Result<()>,
    ) -> Result<Committed> {
        let new: Vec<&NewMessage> =
            commit.messages.iter().filter(|m| !self.messages.contains_key(&m.id)).collect();
        let differs = self.differs(commit);
        let repeat = !differs && self.repeats(commit, new.len());
        self.check_fence(commit, repeat)?;
        if differs {
            return Err(conflict(Code::ContentDiffers, "a message of this id is stored with other content"));
        }
        if !repeat {
            erased?;
            self.check_session(commit)?;
            self.check_limits(commit, &new)?;
            self.check_run(commit)?;
            let parents = self.parents(commit, &new)?;
            self.write_commit(scope, commit, &new, &parents, moment)?;
        }
        let session = &self.session(commit.session)?.session;
        let run = run_of(commit).and_then(|run| self.runs.get(&run)).map(|e| (e.row.state, e.row.epoch));
        Ok(Committed { seq: session.seq, head: session.head, fresh: !repeat, run })
    }

    fn differs(&self, commit: &Commit) -> bool {
        commit.messages.iter().any(|message| {
            self.messages.get(&message.id).is_some_and(|stored| {
                stored.session != commit.session || stored.content.hash() != message.content.hash()
            })
        })
    }

    fn repeats(&self, commit: &Commit, new: usize) -> bool {
        if !commit.messages.is_empty() {
            return new == 0;
        }
        match &commit.run {
            None => self.sessions.contains_key(&commit.session),
            Some(RunChange::Step { run, state, .. }) => {
                state.ended() && self.runs.get(run).is_some_and(|entry| entry.row.state == *state)
            }
            Some(RunChange::Open { .. }) => false,
        }
    }

    fn check_fence(&self, commit: &Commit, repeat: bool) -> Result<()> {
        let Some(RunChange::Step { run, epoch, .. }) = &commit.run else { return Ok(()) };
        match self.runs.get(run) {
            Some(entry) if entry.row.epoch == *epoch && (repeat || entry.row.state == RunState::Running) => {
                Ok(())
            }
            _ => Err(stale()),
        }
    }

    fn check_session(&self, commit: &Commit) -> Result<()> {
        if self.erased.contains(&commit.session) {
            return Err(conflict(Code::Erased, "the session was erased"));
        }
        if commit.create.is_none() && !self.sessions.contains_key(&commit.session) {
            return Err(Error::not_found("session"));
        }
        Ok(())
    }

    fn check_limits(&self, commit: &Commit, new: &[&NewMessage]) -> Result<()> {
        if matches!(commit.run, Some(RunChange::Step { .. })) {
            return Ok(());
        }
        let Limits { sessions, messages, bytes } = commit.limits;
        let known = self.sessions.get(&commit.session).map(|row| &row.session);
        let returns = known.filter(|session| session.deleted);
        let more_sessions = u64::from(known.is_none() || returns.is_some());
        let more_bytes = returns.map_or(0, |s| s.bytes) + bytes_of(new);
        if more_sessions > 0 && over(self.counters.sessions + more_sessions, sessions) {
            return Err(limit(Code::SessionLimit, "there are as many sessions as the limit allows"));
        }
        if over(known.map_or(0, |s| s.messages) + new.len() as u64, messages) {
            return Err(limit(Code::MessageLimit, "the session has as many messages as the limit allows"));
        }
        if over(self.counters.storage() + more_bytes, bytes) {
            return Err(storage_limit());
        }
        Ok(())
    }

    fn check_run(&self, commit: &Commit) -> Result<()> {
        let Some(RunChange::Open { message, .. }) = &commit.run else { return Ok(()) };
        let active = self.sessions.get(&commit.session).and_then(|row| row.session.run);
        match active {
            Some(run) if run.message != *message => {
                Err(conflict(Code::RunActive, "another run of the session is active"))
            }
            _ => Ok(()),
        }
    }

    /// The parent of each new message.
    fn parents(&self, commit: &Commit, new: &[&NewMessage]) -> Result<Vec<Option<MessageId>>> {
        let head = self.sessions.get(&commit.session).and_then(|row| row.session.head);
        let mut before = head;
        let mut known: Vec<MessageId> = Vec::new();
        let mut parents = Vec::with_capacity(new.len());
        for message in &commit.messages {
            let parent = match message.parent {
                Parent::Head => before,
                Parent::Is(parent) => parent,
            };
            before = Some(message.id);
            if self.messages.contains_key(&message.id) {
                continue;
            }
            let stored = |id| known.contains(&id) || self.message(commit.session, id).is_ok();
            if parent.is_some_and(|id| !stored(id)) {
                return Err(conflict(Code::ParentMissing, "the parent is not stored in this session"));
            }
            known.push(message.id);
            parents.push(parent);
        }
        Ok(parents)
    }

    fn write_commit(
        &mut self,
        scope: &Scope,
        commit: &Commit,
        new: &[&NewMessage],
        parents: &[Option<MessageId>],
        moment: Moment,
    ) -> Result<()> {
        if let (Some(create), false) = (&commit.create, self.sessions.contains_key(&commit.session)) {
            self.sessions.insert(commit.session, new_session(commit.session, create, moment));
            self.counters.sessions += 1;
        }
        self.bring_back(commit.session, moment)?;
        let last = self.take_places((new.len() as u64).max(1));
        let first = last + 1 - (new.len() as u64).max(1);
        for ((message, parent), seq) in new.iter().zip(parents).zip(first..) {
            self.write_message(commit.session, message, *parent, seq);
        }
        if matches!(commit.run, Some(RunChange::Step { .. })) {
            let day = self.spent.entry(moment.now.day()).or_default();
            *day = new.iter().filter_map(|m| m.usage).fold(*day, |sum, usage| sum.plus(&usage));
        }
        let bytes = bytes_of(new);
        self.counters.bytes += bytes;
        let SessionRow { session, stamps, feed } = self.session_mut(commit.session)?;
        feed.extend(new.iter().map(|m| m.id).zip(first..).map(|(id, seq)| (seq, id)));
        session.messages += new.len() as u64;
        session.bytes += bytes;
        session.seq = last;
        session.updated = moment.now;
        if let (Some(parent), Some(tip)) = (parents.first(), new.last())
            && (commit.head == HeadMove::Always || session.head == *parent)
        {
            session.head = Some(tip.id);
            stamps.head = moment.after(stamps.head);
        }
        self.write_run(scope, commit, moment.now)
    }

    /// Out of the bin, and active again where it was completed.
    fn bring_back(&mut self, id: SessionId, moment: Moment) -> Result<()> {
        let SessionRow { session, stamps, .. } = self.session_mut(id)?;
        if session.state == SessionState::Completed {
            session.state = SessionState::Active;
            stamps.state = moment.after(stamps.state);
        }
        if session.deleted {
            session.deleted = false;
            stamps.deleted = moment.after(stamps.deleted);
            let bytes = session.bytes;
            self.counters.sessions += 1;
            self.counters.bytes += bytes;
        }
        Ok(())
    }

    fn write_message(&mut self, session: SessionId, new: &NewMessage, parent: Option<MessageId>, seq: u64) {
        for (key, piece) in (0..).map(|n| PieceKey::new(seq, n)).zip(&new.pieces) {
            self.index.add(key, piece);
        }
        self.counters.pieces += new.pieces.len() as u64;
        self.feed.insert(seq, new.id);
        let row = MessageRow {
            id: new.id,
            session,
            parent,
            role: new.role,
            content: new.content.clone(),
            origin: new.origin,
            model: new.model.clone(),
            usage: new.usage,
            cut: new.cut,
            created: new.created,
            seq,
            pieces: new.pieces.clone(),
        };
        self.messages.insert(new.id, row);
    }

    fn write_run(&mut self, scope: &Scope, commit: &Commit, now: Timestamp) -> Result<()> {
        match &commit.run {
            None => Ok(()),
            Some(RunChange::Open { message, place, holder, checkpoint }) => {
                let id = RunId { session: commit.session, message: *message };
                if self.runs.contains_key(&id) {
                    return Ok(());
                }
                let row = RunRow {
                    id,
                    state: RunState::Running,
                    place: place.clone(),
                    actor: scope.actor().to_owned(),
                    epoch: 1,
                    holder: holder.clone(),
                    lease: now.plus(LEASE),
                    expired: false,
                    checkpoint: checkpoint.clone(),
                    draft: Vec::new(),
                    decisions: Vec::new(),
                    stop_asked: false,
                    expires: None,
                    error: None,
                    created: now,
                };
                self.runs.insert(id, RunEntry { row, watched: now });
                self.session_mut(commit.session)?.session.run = Some(id);
                Ok(())
            }
            Some(RunChange::Step { run, state, checkpoint, error, .. }) => {
                let entry = self.runs.get_mut(run).ok_or_else(stale)?;
                entry.row.state = *state;
                entry.row.checkpoint = checkpoint.clone();
                entry.row.error = error.clone();
                entry.row.draft.clear();
                entry.row.decisions.clear();
                entry.row.stop_asked = false;
                entry.row.lease = if state.ended() { now } else { now.plus(LEASE) };
                if state.ended() {
                    self.session_mut(commit.session)?.session.run = None;
                }
                Ok(())
            }
        }
    }
}

fn new_session(id: SessionId, create: &NewSession, moment: Moment) -> SessionRow {
    let session = Session {
        id,
        state: SessionState::Active,
        title: create.title.clone(),
        head: None,
        parent: create.parent,
        place: create.place.clone(),
        metadata: create.metadata.clone(),
        deleted: false,
        created: create.created,
        updated: moment.now,
        seq: 0,
        messages: 0,
        bytes: 0,
        run: None,
    };
    let first = moment.first();
    let stamps = Stamps { title: first, state: first, head: first, metadata: first, deleted: first };
    SessionRow { session, stamps, feed: Default::default() }
}

fn run_of(commit: &Commit) -> Option<RunId> {
    match &commit.run {
        None => None,
        Some(RunChange::Open { message, .. }) => Some(RunId { session: commit.session, message: *message }),
        Some(RunChange::Step { run, .. }) => Some(*run),
    }
}

fn bytes_of(new: &[&NewMessage]) -> u64 {
    new.iter().map(|message| message.content.size()).sum()
}

pub(super) fn over(count: u64, limit: Option<u64>) -> bool {
    limit.is_some_and(|limit| count > limit)
}

fn conflict(code: Code, message: &str) -> Error {
    Error::new(ErrorKind::Conflict, message).with_code(code)
}

fn limit(code: Code, message: &str) -> Error {
    Error::new(ErrorKind::LimitReached, message).with_code(code)
}

pub(super) fn storage_limit() -> Error {
    limit(Code::StorageLimit, "the stored bytes are at the limit")
}

pub(super) fn stale() -> Error {
    conflict(Code::StaleEpoch, "the run is held by another process, or is not running")
}
