//! The schema's versions.

/// A step from one version of the schema to the next.
#[derive(Clone, Copy, Debug)]
pub struct Migration {
    /// The version that it leads to.
    pub version: i64,
    /// The oldest program, by the version of the schema that it knows, that may use a file of this version.
    pub min_reader: i64,
    /// Its statements.
    pub sql: &'static str,
}

/// All steps, from an empty database to the present schema.
pub const MIGRATIONS: &[Migration] =
    &[Migration { version: 1, min_reader: 1, sql: include_str!("../migrations/0001.sql") }];
