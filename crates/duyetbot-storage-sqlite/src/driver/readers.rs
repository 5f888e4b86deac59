//! Connections that read beside the one that writes: opened once somebody asks, and kept.
use duyetbot_core::Result;
use rusqlite::Connection;
use std::{
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::sync::Semaphore;

use super::{
    blocking, closed,
    connection::{Access, connect, fetch},
};
use crate::{
    dialect::{Cell, Row},
    error::of_sqlite,
};

/// The connections of one file. Cheap to clone.
#[derive(Clone)]
pub(super) struct Readers(Arc<Inner>);

struct Inner {
    path: PathBuf,
    busy: Duration,
    most: u32,
    places: Arc<Semaphore>,
    idle: Mutex<Vec<Connection>>,
}

impl Readers {
    /// At most so many at once; a further read waits.
    pub(super) fn new(path: PathBuf, busy: Duration, most: u32) -> Self {
        let most = most.max(1);
        let places = Arc::new(Semaphore::new(most as usize));
        Readers(Arc::new(Inner { path, busy, most, places, idle: Mutex::default() }))
    }

    /// Reads on a thread that may block.
    pub(super) async fn read(&self, statement: &'static str, cells: Vec<Cell>) -> Result<Vec<Row>> {
        let Ok(place) = self.0.places.clone().acquire_owned().await else {
            return Err(closed(&self.0.path));
        };
        let inner = self.0.clone();
        blocking(&self.0.path, move || {
            let rows = inner.read(statement, &cells).map_err(|failure| of_sqlite(failure, &inner.path));
            drop(place);
            rows
        })
        .await
    }

    /// Waits for what is read at present, and closes all of them.
    pub(super) async fn close(&self) {
        // An error says that they are closed already.
        if let Ok(places) = self.0.places.acquire_many(self.0.most).await {
            self.0.places.close();
            drop(places);
        }
        self.0.lock().clear();
    }
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read(&self, statement: &str, cells: &[Cell]) -> rusqlite::Result<Vec<Row>> {
        let idle = self.lock().pop();
        let connection = match idle {
            Some(connection) => connection,
            None => connect(&self.path, self.busy, Access::Read)?,
        };
        // After a failure the next read opens another: what this one saw may be the connection's own.
        let rows = fetch(&connection, statement, cells)?;
        self.lock().push(connection);
        Ok(rows)
    }
}
