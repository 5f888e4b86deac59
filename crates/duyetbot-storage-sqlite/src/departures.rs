//! Erasing a person: in one write they are gone for everybody, then what they had goes piece by piece.
//!
//! The first write gives what the person had to an owner whose name nobody has, so that each later one is an ordinary erasing
//! of that owner's sessions; what is cut off half-way is finished by the next call, or by the sweep.
use duyetbot_core::{Erasing, ErrorKind, Result, Scope};
use serde_json::json;

use crate::{
    dialect::{Driver, Row, departures},
    record::{first, of},
    store::SqlStore,
};

/// An owner that is being erased.
struct Leaving {
    scope: Scope,
    number: u64,
}

impl Leaving {
    fn of_row(row: Row) -> Result<Self> {
        let mut row = row.read();
        let name = row.text()?;
        Ok(Leaving { scope: Scope::stored(name.clone(), name), number: row.count()? })
    }
}

impl<D: Driver> SqlStore<D> {
    pub(crate) async fn erase_person(&self, scope: &Scope) -> Result<Erasing> {
        let person = Scope::stored(scope.actor().to_owned(), scope.actor().to_owned());
        let fields = of(&person, json!({ "now": self.now() }));
        let mut answers = self.driver.write(departures::BEGIN, vec![fields]).await?;
        match answers.pop().unwrap_or_default().into_iter().next() {
            Some(row) => self.erase_piece(&Leaving::of_row(row)?).await,
            None => Ok(Erasing::Done),
        }
    }

    /// Erases all of those whose erasing was begun.
    pub(crate) async fn erase_leaving(&self) -> Result<()> {
        loop {
            let due = self.driver.read(departures::DUE, vec![json!({}).to_string().into()]).await?;
            if due.is_empty() {
                return Ok(());
            }
            for row in due {
                let leaving = Leaving::of_row(row)?;
                while self.erase_piece(&leaving).await? == Erasing::Begun {}
            }
        }
    }

    /// Erases a session, or a part of what no session holds.
    async fn erase_piece(&self, leaving: &Leaving) -> Result<Erasing> {
        let next = self.driver.read(departures::NEXT_SESSION, vec![of(&leaving.scope, json!({}))]).await?;
        if !next.is_empty() {
            let session = first(next, "a session")?.parsed()?;
            return match self.erase_session(&leaving.scope, session, None).await {
                Ok(()) => Ok(Erasing::Begun),
                // Another process was faster.
                Err(e) if e.kind() == ErrorKind::NotFound => Ok(Erasing::Begun),
                Err(e) => Err(e),
            };
        }
        let fields = of(&leaving.scope, json!({ "number": leaving.number }));
        let left = self.driver.write(departures::REST, vec![fields]).await?.pop().unwrap_or_default();
        Ok(if left.is_empty() { Erasing::Done } else { Erasing::Begun })
    }
}
