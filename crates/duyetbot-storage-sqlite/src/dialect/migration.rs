//! The schema's versions.

/// A step from one version of the schema to the next.
#[derive(Clone, Copy, Debug)]
pub struct Migration {
    /// The version that it leads to.
    pub version: i64,
    /// The oldest program, by the version of the schema that it knows, that may use a file of this version.
    pub min_reader: i64,
    /// Its statements, each ended by a semicolon at a line's end.
    pub sql: &'static str,
}

impl Migration {
    /// Its statements, one by one.
    pub fn statements(&self) -> impl Iterator<Item = &'static str> {
        self.sql.split(";\n").map(str::trim).filter(|statement| !statement.is_empty())
    }
}

/// All steps, from an empty database to the present schema.
pub const MIGRATIONS: &[Migration] = &[
    Migration { version: 1, min_reader: 1, sql: include_str!("../migrations/0001.sql") },
    Migration { version: 2, min_reader: 1, sql: include_str!("../migrations/0002.sql") },
    Migration { version: 3, min_reader: 1, sql: include_str!("../migrations/0003.sql") },
];

#[cfg(test)]
mod tests {
    use super::*;
    use sha2::{Digest, Sha256};

    #[test]
    fn a_migration_falls_into_whole_statements() {
        for migration in MIGRATIONS {
            for statement in migration.statements() {
                let code: Vec<&str> =
                    statement.lines().filter(|line| !line.is_empty() && !line.starts_with("--")).collect();
                let first = code[0].split(' ').next().unwrap();
                assert!(["alter", "create", "drop", "insert", "update"].contains(&first), "{statement}");
                // A trigger holds one statement, ended within its line.
                let inner = usize::from(code[0].starts_with("create trigger"));
                assert_eq!(code.join("\n").matches(';').count(), inner, "{statement}");
            }
        }
        assert_eq!(MIGRATIONS[0].statements().count(), 28);
    }

    /// Files of people have gone through these steps: a step that changes would leave them otherwise than new ones. What is to
    /// be different is a further step. Case: old-binary-meets-newer-schema
    #[test]
    fn a_migration_that_was_released_is_never_changed() {
        let digest = |migration: &Migration| -> String {
            Sha256::digest(migration.sql).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
        };
        let digests: Vec<String> = MIGRATIONS.iter().map(digest).collect();
        assert_eq!(digests, ["a5aaa20c07c4b8ae", "9f0a2cac0a8fcc34", "694f39fb2a27fb19"]);
    }

    #[test]
    fn versions_rise_by_one() {
        let versions: Vec<i64> = MIGRATIONS.iter().map(|m| m.version).collect();
        assert_eq!(versions, (1..=MIGRATIONS.len() as i64).collect::<Vec<_>>());
    }
}
