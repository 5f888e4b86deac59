//! Erasing a session, and the sweep that erases what lay in the bin.
//!
//! The first write takes the session away and leaves a tombstone, marked as pending; its messages follow a few at a time. So
//! a big session blocks nobody for long, and what is cut off half-way is finished by the next sweep.
use duyetbot_core::{
    BIN, ErrorKind, IndexPiece, Result, Role, Scope, SessionId, Swept, Timestamp, UNNAMED, decode_parts,
    index,
};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

use crate::{
    dialect::{Driver, Row, erase},
    record::{self, digest, of},
    store::SqlStore,
};

/// An index entry as the statements take it: place in the feed, piece, terms, context.
type Entry = (u64, u64, String, String);

impl<D: Driver> SqlStore<D> {
    /// `before`: only where it lies in the bin since then.
    pub(crate) async fn erase_session(
        &self,
        scope: &Scope,
        session: SessionId,
        before: Option<Timestamp>,
    ) -> Result<()> {
        let fields = json!({ "session": session, "now": self.now(), "before": before });
        let checkpoints = self.driver.write(erase::BEGIN, vec![of(scope, fields)]).await?;
        let mut hashes = BTreeSet::new();
        for row in checkpoints.into_iter().flatten() {
            hashes.extend(record::hashes_in(&row.read().text()?).into_iter().map(str::to_owned));
        }
        while self.erase_some(scope, session).await? {}
        let end = vec![of(scope, json!({ "session": session })), record::text(&hashes)?.into()];
        self.driver.write(erase::END, end).await.map(drop)
    }

    /// Erases the next messages; false where there are none.
    async fn erase_some(&self, scope: &Scope, session: SessionId) -> Result<bool> {
        let rows = self.driver.read(erase::NEXT, vec![of(scope, json!({ "session": session }))]).await?;
        let doomed = rows.into_iter().map(Doomed::of_row).collect::<Result<Vec<_>>>()?;
        let (known, unknown): (Vec<&Doomed>, Vec<&Doomed>) = doomed.iter().partition(|m| m.is_known());
        let mut entries: Vec<Entry> = known.iter().flat_map(|m| m.entries()).collect();
        entries.extend(self.entries_in_index(scope, &unknown).await?);
        let seqs: Vec<u64> = doomed.iter().map(|m| m.seq).collect();
        if seqs.is_empty() {
            return Ok(false);
        }
        let arguments = vec![of(scope, json!({ "seqs": seqs })), record::text(&entries)?.into()];
        self.driver.write(erase::CHUNK, arguments).await?;
        Ok(true)
    }

    /// The entries of messages whose terms cannot be made again: they were made of more than is stored, or otherwise.
    async fn entries_in_index(&self, scope: &Scope, messages: &[&Doomed]) -> Result<Vec<Entry>> {
        if messages.is_empty() {
            return Ok(Vec::new());
        }
        let seqs: Vec<u64> = messages.iter().map(|m| m.seq).collect();
        let rows = self.driver.read(erase::TERMS, vec![of(scope, json!({ "seqs": seqs }))]).await?;
        let mut entries: BTreeMap<(u64, u64), (String, String)> = BTreeMap::new();
        for row in rows {
            let mut row = row.read();
            let entry = entries.entry((row.count()?, row.count()?)).or_default();
            match row.text()?.as_str() {
                "t" => entry.0 = row.text()?,
                _ => entry.1 = row.text()?,
            }
        }
        Ok(entries.into_iter().map(|((seq, n), (terms, context))| (seq, n, terms, context)).collect())
    }

    pub(crate) async fn sweep_all(&self) -> Result<Swept> {
        let now = self.now();
        let mut swept = Swept::default();
        loop {
            let fields = json!({ "before": now.minus(BIN) }).to_string();
            let due = self.driver.read(erase::DUE, vec![fields.into()]).await?;
            if due.is_empty() {
                break;
            }
            for row in due {
                let mut row = row.read();
                let owner = row.text()?;
                let (session, from_bin) = (row.parsed()?, row.flag()?);
                let scope = Scope::stored(owner.clone(), owner);
                match self.erase_session(&scope, session, Some(now.minus(BIN))).await {
                    Ok(()) => swept.sessions += u64::from(from_bin),
                    // Somebody took it out of the bin meanwhile, or erased it.
                    Err(e) if e.kind() == ErrorKind::NotFound => {}
                    Err(e) => return Err(e),
                }
            }
        }
        self.erase_leaving().await?;
        let fields = json!({ "unnamed": now.minus(UNNAMED) }).to_string();
        let dropped = self.driver.write(erase::UNNAMED, vec![fields.into()]).await?;
        swept.blobs = dropped.first().map_or(0, |rows| rows.len() as u64);
        self.driver.settle().await?;
        Ok(swept)
    }
}

/// A message that is to be erased.
struct Doomed {
    seq: u64,
    count: u64,
    indexed: Option<String>,
    pieces: Vec<IndexPiece>,
}

impl Doomed {
    fn of_row(row: Row) -> Result<Self> {
        let mut row = row.read();
        let (seq, role, count): (_, Role, _) = (row.count()?, row.word()?, row.count()?);
        let (indexed, context, parts) = (row.maybe_text()?, row.text()?, row.text()?);
        let pieces = match &indexed {
            Some(_) => index::pieces(&index::indexed_text(role, &decode_parts(&parts)?), &context),
            None => Vec::new(),
        };
        Ok(Doomed { seq, count, indexed, pieces })
    }

    /// Its entries, made again, are the ones that were stored.
    fn is_known(&self) -> bool {
        self.count == 0 || digest(&self.pieces) == self.indexed
    }

    fn entries(&self) -> impl Iterator<Item = Entry> + '_ {
        (0..).zip(&self.pieces).map(|(n, piece)| (self.seq, n, piece.terms.clone(), piece.context.clone()))
    }
}

#[cfg(all(test, feature = "driver"))]
mod tests {
    use super::*;
    use crate::{SqliteConfig, SqliteStore};
    use duyetbot_core::{Code, Commit, Operator, SessionStore, SettableClock};
    use duyetbot_testkit::{begin, open, said};
    use std::sync::Arc;

    #[tokio::test]
    async fn what_is_repeated_while_its_session_is_being_erased_is_refused_and_disturbs_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(SettableClock::new(Timestamp(1_764_000_000_000)));
        let store = SqliteStore::open(SqliteConfig::new(folder.path().join("a.db"), clock)).await.unwrap();
        let scope = Scope::vouched("ada", "ada");
        let (erased, other) = (SessionId::new(), SessionId::new());
        let commits =
            [begin(erased, vec![said("one"), said("two")]), open(erased, said("go")), begin(erased, vec![])];
        for commit in &commits[..2] {
            store.commit(&scope, commit).await.unwrap();
        }
        store.commit(&scope, &begin(other, vec![said("stays")])).await.unwrap();
        let fields = json!({ "session": erased, "now": 1_764_000_000_000_u64 });
        store.driver.write(erase::BEGIN, vec![of(&scope, fields)]).await.unwrap();

        let refused = async |commit: &Commit| store.commit(&scope, commit).await.unwrap_err().code();
        for commit in &commits {
            assert_eq!(refused(commit).await, Some(Code::Erased));
        }
        store.commit(&scope, &begin(SessionId::new(), vec![])).await.unwrap();
        store.commit(&scope, &open(other, said("goes on"))).await.unwrap();
        store.sweep().await.unwrap();
        assert_eq!(store.counters(&scope).await.unwrap().sessions, 2);
        for commit in &commits {
            assert_eq!(refused(commit).await, Some(Code::Erased));
        }
    }
}
