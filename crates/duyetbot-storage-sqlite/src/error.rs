//! The one place that maps an engine's words to the core's errors.
use duyetbot_core::{Code, Error, ErrorKind};

/// The refusal behind an engine's words, where a commit's precondition does not hold: the name of the violated check.
pub fn refusal(words: &str) -> Option<Error> {
    let (_, rest) = words.split_once("CHECK constraint failed: ")?;
    let name = rest.split(|c: char| !c.is_ascii_lowercase() && c != '_').next()?;
    let conflict = |code, message: &str| Error::new(ErrorKind::Conflict, message).with_code(code);
    let over = |code, message: &str| Error::new(ErrorKind::LimitReached, message).with_code(code);
    Some(match name {
        "stale_epoch" => conflict(Code::StaleEpoch, "another process has taken this run over, or it ended"),
        "content_differs" => {
            conflict(Code::ContentDiffers, "a message of this id is stored with other content")
        }
        "erased" => conflict(Code::Erased, "this session was erased; begin a new one"),
        "no_session" => Error::not_found("session"),
        "session_limit" => over(Code::SessionLimit, "there are as many sessions as allowed; erase one first"),
        "message_limit" => {
            over(Code::MessageLimit, "the session has as many messages as allowed; begin a new one")
        }
        "storage_limit" => over(Code::StorageLimit, "the storage allowed is used up; erase a session first"),
        "run_active" => {
            conflict(Code::RunActive, "another run of this session is active; wait for it or stop it")
        }
        "parent_missing" => {
            conflict(Code::ParentMissing, "the message that this one hangs under is not stored")
        }
        "user_erased" => conflict(Code::UserErased, "this person was erased; the id is not used again"),
        "user_differs" => {
            conflict(Code::ContentDiffers, "a person of this id is stored with another address or login")
        }
        "email_taken" => conflict(Code::EmailTaken, "another person has this address"),
        "identity_taken" => conflict(Code::IdentityTaken, "another person has this login"),
        "no_user" => Error::not_found("user"),
        "token_differs" => conflict(Code::ContentDiffers, "a token of this id is stored otherwise"),
        "token_expired" => Error::invalid("the token would have expired already; name a later moment"),
        "token_limit" => over(Code::ApiTokenLimit, "there are as many tokens as allowed; revoke one first"),
        "head_missing" => Error::invalid("the head must be a message of the session"),
        _ => return None,
    })
}

/// What a stored row cannot be read as.
pub(crate) fn unreadable(what: &str) -> Error {
    Error::new(
        ErrorKind::Internal,
        format!("the database holds a row that cannot be read ({what}); `duyetbot doctor` says more"),
    )
    .with_code(Code::Damaged)
}

pub(crate) fn stale() -> Error {
    refusal("CHECK constraint failed: stale_epoch").unwrap_or_else(|| Error::not_found("run"))
}

#[cfg(feature = "driver")]
pub(crate) use file::{newer, of_io, of_sqlite, other_program, overtaken, text_file};

#[cfg(feature = "driver")]
mod file {
    use super::refusal;
    use duyetbot_core::{Code, Error, ErrorKind, Retry};
    use std::{io, path::Path, time::Duration};

    /// Names the file that an error's sentence tells of, which is for the person whose file it is.
    const FILE: &str = "file";

    /// An engine's failure on this file.
    pub(crate) fn of_sqlite(failure: rusqlite::Error, path: &Path) -> Error {
        use rusqlite::Error as Failure;
        match failure {
            Failure::SqliteFailure(code, words) => {
                let words = words.unwrap_or_else(|| code.to_string());
                refusal(&words).unwrap_or_else(|| of_file(code.extended_code, &words, path))
            }
            Failure::SqlInputError { error, msg, .. } => of_file(error.extended_code, &msg, path),
            Failure::Utf8Error(..) => super::unreadable("its text is not valid").with_source(failure),
            failure => Error::new(
                ErrorKind::Unavailable,
                format!("the database {} cannot be used at present: {failure}", path.display()),
            )
            .with_source(failure)
            .with_context(FILE, path.display())
            .with_retry(Retry::Now),
        }
    }

    /// A failure by SQLite's (extended) result code.
    fn of_file(code: i32, words: &str, path: &Path) -> Error {
        let at = path.display();
        let error = match (code & 0xff, code) {
            (FULL, _) | (_, IOERR_SHMSIZE) => full(path),
            (READONLY, _) => read_only(path),
            (CANTOPEN, _) if !writable(path) => read_only(path),
            (CANTOPEN, _) => Error::new(
                ErrorKind::Unavailable,
                format!("the database {at} cannot be opened: see whether its folder is there and yours"),
            ),
            (_, CORRUPT_VTAB) => damaged(format!(
                "the search index in {at} is damaged, the messages are not; `duyetbot doctor --repair` makes it anew"
            )),
            (CORRUPT, _) => damaged(format!(
                "the database {at} is damaged; `duyetbot doctor` says what of it, `duyetbot doctor --repair` saves the rest"
            )),
            (NOTADB, _) => damaged(format!(
                "{at} begins like a database but is none; bring it back from a backup, or move it away to begin anew"
            )),
            (BUSY | LOCKED | PROTOCOL, _) => Error::new(
                ErrorKind::Unavailable,
                format!("another process holds the database {at}; try again when it is done"),
            )
            .with_retry(Retry::After(Duration::from_secs(1))),
            (IOERR, _) => Error::new(
                ErrorKind::Unavailable,
                format!("the disk under {at} failed ({words}); see the system's log"),
            ),
            _ => Error::new(ErrorKind::Internal, format!("the database {at} refused a statement: {words}")),
        };
        error.with_context("sqlite", format!("{code} {words}")).with_context(FILE, path.display())
    }

    /// The operating system's failure on this file.
    pub(crate) fn of_io(failure: io::Error, path: &Path) -> Error {
        let error = match failure.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => full(path),
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => read_only(path),
            io::ErrorKind::IsADirectory => text_file(path),
            _ => Error::new(
                ErrorKind::Unavailable,
                format!("the file {} cannot be used: {failure}", path.display()),
            ),
        };
        error.with_source(failure).with_context(FILE, path.display())
    }

    /// The file is something else.
    pub(crate) fn text_file(path: &Path) -> Error {
        Error::new(
            ErrorKind::Invalid,
            format!(
                "{} is not a database; it was left as it is. Name another file, or move this one",
                path.display()
            ),
        )
        .with_code(Code::NotADatabase)
    }

    /// The file is another program's database.
    pub(crate) fn other_program(path: &Path) -> Error {
        Error::new(
            ErrorKind::Invalid,
            format!(
                "{} is a database of another program; it was left as it is. Name another file",
                path.display()
            ),
        )
        .with_code(Code::NotADatabase)
    }

    /// The file needs a newer program.
    pub(crate) fn newer(path: &Path, version: i64, min_reader: i64, known: i64) -> Error {
        Error::new(
            ErrorKind::Unsupported,
            format!(
                "{} was written by a newer duyetbot: it has schema {version} and needs a program that knows schema \
                 {min_reader}, this one knows {known}. It was left as it is. Update duyetbot, or name another file",
                path.display()
            ),
        )
        .with_code(Code::NewerSchema)
    }

    /// A newer program took the file over while this one used it.
    pub(crate) fn overtaken(path: &Path, version: i64, min_reader: i64, known: i64) -> Error {
        Error::new(
            ErrorKind::Unavailable,
            format!(
                "{} was brought to schema {version} by a newer duyetbot while this one used it; that needs a program that \
                 knows schema {min_reader}, and this one knows {known}. It writes no more; update duyetbot",
                path.display()
            ),
        )
        .with_code(Code::NewerSchema)
        .with_context(FILE, path.display())
    }

    fn full(path: &Path) -> Error {
        Error::new(
            ErrorKind::Unavailable,
            format!(
                "the disk that holds {} is full; what was stored before is safe. Make room and try again",
                path.display()
            ),
        )
        .with_code(Code::DiskFull)
    }

    fn read_only(path: &Path) -> Error {
        Error::new(
            ErrorKind::Unavailable,
            format!(
                "{} cannot be written; make the file and its folder writable, or name another file",
                path.display()
            ),
        )
        .with_code(Code::ReadOnly)
    }

    fn damaged(message: String) -> Error {
        Error::new(ErrorKind::Internal, message).with_code(Code::Damaged)
    }

    /// Whether the file and its folder take writes: SQLite says only that it cannot open.
    fn writable(path: &Path) -> bool {
        let refused = |failure: io::Error| {
            matches!(failure.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem)
        };
        let file = std::fs::OpenOptions::new().write(true).open(path).map(drop);
        let folder = path.parent().map_or(Ok(()), |folder| {
            let probe = folder.join(format!(".duyetbot-{}", std::process::id()));
            std::fs::File::create(&probe).map(drop).and_then(|()| std::fs::remove_file(&probe))
        });
        !file.is_err_and(refused) && !folder.is_err_and(refused)
    }

    // SQLite's result codes, as https://www.sqlite.org/rescode.html lists them.
    const BUSY: i32 = 5;
    const LOCKED: i32 = 6;
    const READONLY: i32 = 8;
    const IOERR: i32 = 10;
    const CORRUPT: i32 = 11;
    const FULL: i32 = 13;
    const CANTOPEN: i32 = 14;
    const PROTOCOL: i32 = 15;
    const NOTADB: i32 = 26;
    const CORRUPT_VTAB: i32 = CORRUPT | 1 << 8;
    const IOERR_SHMSIZE: i32 = IOERR | 19 << 8;
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn a_check_is_known_by_its_name_in_the_words_of_every_engine() {
        let of = |words| refusal(words).map(|e| (e.kind(), e.code()));
        let stale = Some((ErrorKind::Conflict, Some(Code::StaleEpoch)));
        assert_eq!(of("CHECK constraint failed: stale_epoch"), stale);
        assert_eq!(of("D1_ERROR: CHECK constraint failed: stale_epoch: SQLITE_CONSTRAINT"), stale);
        assert_eq!(of("CHECK constraint failed: one = 1"), None);
        assert_eq!(of("UNIQUE constraint failed: runs.owner"), None);
    }

    #[test]
    fn every_check_of_the_schema_has_its_error() {
        let schemas = crate::MIGRATIONS.iter().map(|migration| migration.sql).collect::<Vec<_>>().concat();
        let names: BTreeSet<&str> = schemas
            .lines()
            .filter_map(|line| line.trim().strip_prefix("constraint ")?.split(' ').next())
            .collect();
        assert_eq!(names.len(), 18);
        for name in names {
            assert!(refusal(&format!("CHECK constraint failed: {name}")).is_some(), "{name}");
        }
    }
}
