//! `RunStore` and the claims of `Operator`: each call is one list of statements.
use async_trait::async_trait;
use duyetbot_core::{
    Asked, CallId, Claim, ClaimOf, Claimed, Code, Decision, Error, ErrorKind, LEASE, Operator, Result, RunId,
    RunRow, RunState, RunStore, Save, Scope, SessionId, Swept, Usage, WAIT,
};
use serde_json::{Value, json};
use std::time::Duration;

use crate::{
    dialect::{Cell, Driver, runs},
    error::stale,
    record::{self, first, of},
    store::SqlStore,
};

#[async_trait]
impl<D: Driver> RunStore for SqlStore<D> {
    async fn run(&self, scope: &Scope, run: RunId) -> Result<RunRow> {
        let rows = self.driver.read(runs::RUN, vec![self.of_run(scope, run, json!({}))]).await?;
        rows.into_iter().next().map(record::run).unwrap_or_else(|| Err(Error::not_found("run")))
    }

    async fn current(&self, scope: &Scope, session: SessionId) -> Result<Option<RunId>> {
        let rows = self.driver.read(runs::CURRENT, vec![of(scope, json!({ "session": session }))]).await?;
        let Some(row) = rows.into_iter().next() else { return Ok(None) };
        Ok(Some(RunId { session, message: row.read().parsed()? }))
    }

    async fn spent_today(&self, scope: &Scope) -> Result<Usage> {
        let fields = json!({ "day": self.now().day() });
        record::spent(self.driver.read(runs::SPENT, vec![of(scope, fields)]).await?)
    }

    async fn waiting(&self, scope: &Scope, limit: u32) -> Result<Vec<RunRow>> {
        let fields = json!({ "now": self.now(), "limit": limit });
        let rows = self.driver.read(runs::WAITING, vec![of(scope, fields)]).await?;
        rows.into_iter().map(record::run).collect()
    }

    async fn save(&self, scope: &Scope, run: RunId, epoch: u64, save: &Save) -> Result<Asked> {
        let mut fields = json!({ "epoch": epoch, "lease": self.now().plus(LEASE) });
        let (statements, body) = match save {
            Save::Lease => (runs::SAVE_LEASE, Cell::Null),
            Save::Draft(chunks) => (runs::SAVE_DRAFT, record::text(chunks)?.into()),
            Save::Checkpoint(stored) | Save::Wait(stored) => {
                fields["counter"] = stored.counter.into();
                fields["pending"] = record::text(&stored.pending)?.into();
                fields["expires"] = json!(self.now().plus(WAIT));
                let waits = matches!(save, Save::Wait(_));
                let statements = if waits { runs::SAVE_WAIT } else { runs::SAVE_CHECKPOINT };
                (statements, stored.json.clone().into())
            }
        };
        let mut answers = self.driver.write(statements, vec![self.of_run(scope, run, fields), body]).await?;
        let rows = answers.drain(..).next().unwrap_or_default();
        if rows.is_empty() {
            return Err(stale());
        }
        let mut row = first(rows, "what was asked")?;
        Ok(Asked { stop: row.flag()?, watched: row.flag()? })
    }

    async fn decide(&self, scope: &Scope, run: RunId, call: &CallId, decision: Decision) -> Result<RunState> {
        let fields = json!({ "call": call, "decision": decision, "lease": self.now().plus(LEASE) });
        let mut row = self.written_run(runs::DECIDE, scope, run, fields).await?.read();
        let state = record::run_state(&row.text()?)?;
        let stands: Option<String> = row.maybe_text()?;
        if stands.is_some_and(|stands| json!(stands) == json!(decision)) {
            return Ok(state);
        }
        Err(Error::new(ErrorKind::Conflict, format!("the call {call} does not wait for this decision"))
            .with_code(Code::NotPending))
    }

    async fn ask_stop(&self, scope: &Scope, run: RunId) -> Result<RunState> {
        let row = self.written_run(runs::ASK_STOP, scope, run, json!({})).await?;
        record::run_state(&row.read().text()?)
    }

    async fn attend(&self, scope: &Scope, run: RunId, during: Duration) -> Result<()> {
        let fields = json!({ "until": self.now().plus(during) });
        self.written_run(runs::ATTEND, scope, run, fields).await.map(drop)
    }
}

#[async_trait]
impl<D: Driver> Operator for SqlStore<D> {
    async fn holders(&self, places: &[String]) -> Result<Vec<String>> {
        let fields = json!({ "places": places }).to_string();
        let rows = self.driver.read(runs::HOLDERS, vec![fields.into()]).await?;
        rows.into_iter().map(|row| row.read().text()).collect()
    }

    async fn claim(&self, claim: &Claim) -> Result<Option<Claimed>> {
        let now = self.now();
        let mut fields =
            json!({ "now": now, "lease": now.plus(LEASE), "holder": claim.holder, "gone": claim.gone });
        let (statements, fields) = match &claim.of {
            ClaimOf::Places(places) => {
                fields["places"] = json!(places);
                (runs::CLAIM_OF_PLACES, fields.to_string().into())
            }
            ClaimOf::Run(scope, run) => (runs::CLAIM_ONE, self.of_run(scope, *run, fields)),
        };
        let mut answers = self.driver.write(statements, vec![fields]).await?.into_iter();
        let Some((owner, was)) = record::owned_run(answers.next().unwrap_or_default())? else {
            return Ok(None);
        };
        let epoch = first(answers.next_back().unwrap_or_default(), "a claim")?.count()?;
        Ok(Some(Claimed {
            scope: Scope::stored(owner, was.actor),
            run: was.id,
            epoch,
            was: was.state,
            checkpoint: was.checkpoint,
            draft: was.draft,
            decisions: was.decisions,
        }))
    }

    async fn sweep(&self) -> Result<Swept> {
        self.sweep_all().await
    }

    async fn probe(&self) -> Result<()> {
        self.driver.write(runs::PROBE, Vec::new()).await.map(drop)
    }
}

impl<D: Driver> SqlStore<D> {
    fn of_run(&self, scope: &Scope, run: RunId, mut fields: Value) -> Cell {
        fields["session"] = json!(run.session);
        fields["message"] = json!(run.message);
        fields["now"] = json!(self.now());
        of(scope, fields)
    }

    /// Runs a list whose last statement answers one row of the run, or none where it is unknown.
    async fn written_run(
        &self,
        statements: &'static [&'static str],
        scope: &Scope,
        run: RunId,
        fields: Value,
    ) -> Result<crate::Row> {
        let mut answers = self.driver.write(statements, vec![self.of_run(scope, run, fields)]).await?;
        answers.pop().unwrap_or_default().into_iter().next().ok_or_else(|| Error::not_found("run"))
    }
}
