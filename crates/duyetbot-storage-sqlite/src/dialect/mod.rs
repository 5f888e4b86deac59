//! What SQLite and its relatives share: the schema, and each operation as a fixed list of statements.
//!
//! A statement reads its arguments from `?1`, a small JSON object that always names the owner, and from a few large values
//! after it. Nothing is read in between, so a list fits one batch where a backend knows no interactive transaction.
pub(crate) mod blobs;
pub(crate) mod commit;
pub(crate) mod departures;
mod driver;
pub(crate) mod erase;
mod migration;
#[cfg(all(test, feature = "driver"))]
mod plans;
pub(crate) mod runs;
pub(crate) mod search;
pub(crate) mod sessions;
pub(crate) mod users;

pub use driver::{Cell, Driver, Row, parameters};
pub use migration::{MIGRATIONS, Migration};

/// The number of the owner that `?1` names.
macro_rules! owner {
    () => {
        "(select number from owners where id = ?1->>'owner')"
    };
}
/// The columns that make a session, as `record` reads them. A column costs a driver more than what it holds, so the small
/// ones come as one array.
macro_rules! session_columns {
    () => {
        "json_array(s.id, s.state, s.title, s.head, s.parent, s.place, s.deleted, s.created, s.updated, s.seq, s.messages, \
         s.bytes, s.run), s.metadata"
    };
}
/// The columns that make a message, as `record` reads them: the small ones as one array.
macro_rules! message_columns {
    () => {
        "json_array(m.id, m.session, m.parent, m.role, m.origin, m.model, m.usage, m.cut, m.created, m.seq, m.hash), m.parts"
    };
}
pub(crate) use {message_columns, owner, session_columns};
