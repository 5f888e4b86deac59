//! The core's storage traits over any driver of the dialect.
use duyetbot_core::{Clock, DeviceId, Timestamp};
use std::{fmt, sync::Arc};

/// Sessions, runs, search and blobs in a database that speaks SQLite's dialect. The traits of the core are its interface.
pub struct SqlStore<D> {
    pub(crate) driver: D,
    pub(crate) device: DeviceId,
    clock: Arc<dyn Clock>,
}

impl<D> SqlStore<D> {
    /// A store over this driver, whose database has the present schema. `device` is the id of the database: it stamps what
    /// is written here.
    pub fn over(driver: D, clock: Arc<dyn Clock>, device: DeviceId) -> Self {
        SqlStore { driver, device, clock }
    }

    /// The driver, and the id of its database: what [`SqlStore::over`] takes.
    pub fn into_driver(self) -> (D, DeviceId) {
        (self.driver, self.device)
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

impl<D> fmt::Debug for SqlStore<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqlStore").field("device", &self.device).finish_non_exhaustive()
    }
}
