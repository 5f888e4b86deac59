//! What a file may be when it is opened, and what is said of one that cannot be used.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

mod common;

use common::{Wall, back_to_the_second_schema, block_on, commit, folder, me, open, said, sql};
use duyetbot_core::{Code, Error, ErrorKind, Operator, RunStore, SessionId, SessionStore, Usage, index};
use duyetbot_storage_sqlite::{SqliteConfig, SqliteStore};
use std::{
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
};

fn refusal(path: &Path) -> Error {
    block_on(SqliteStore::open(SqliteConfig::new(path, Arc::new(Wall)))).expect_err("this must be refused")
}

#[test]
fn the_bundled_sqlite_has_no_wal_reset_bug() {
    let folder = folder();
    let version = block_on(sql(&folder.path().join("x?mode=memory"), "select sqlite_version()"));
    let numbers: Vec<u32> = version[0].split('.').map(|n| n.parse().unwrap()).collect();
    assert!(numbers >= vec![3, 51, 3], "{version:?}");
}

#[test]
fn a_new_file_and_its_folders_are_private() {
    let folder = folder();
    let path = folder.path().join("a/b/duyetbot.db");
    let store = block_on(open(&path));
    block_on(store.commit(&me(), &commit(SessionId::new(), vec![said("hello")]))).unwrap();
    let mode = |path: PathBuf| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let modes: Vec<u32> = ["a", "a/b", "a/b/duyetbot.db", "a/b/duyetbot.db-wal", "a/b/duyetbot.db-shm"]
        .iter()
        .map(|name| mode(folder.path().join(name)))
        .collect();
    assert_eq!(modes, [0o700, 0o700, 0o600, 0o600, 0o600]);
}

#[test]
fn what_was_stored_is_there_at_the_next_open() {
    let folder = folder();
    let path = folder.path().join("duyetbot.db");
    let session = SessionId::new();
    block_on(async {
        let store = open(&path).await;
        store.commit(&me(), &commit(session, vec![said("hello")])).await.unwrap();
        store.close().await.unwrap();
        let store = open(&path).await;
        assert_eq!(store.path(&me(), session, None, 9).await.unwrap()[0].text(), "hello");
    });
    assert_eq!(block_on(sql(&path, "pragma journal_mode")), ["wal"]);
    assert_eq!(block_on(sql(&path, "select terms from meta")), [index::TERMS_VERSION.to_string()]);
}

#[test]
fn a_closed_store_says_so() {
    let folder = folder();
    block_on(async {
        let store = open(&folder.path().join("duyetbot.db")).await;
        store.close().await.unwrap();
        let write = store.commit(&me(), &commit(SessionId::new(), vec![])).await.unwrap_err();
        let read = store.counters(&me()).await.unwrap_err();
        assert_eq!([write.kind(), read.kind()], [ErrorKind::Unavailable; 2]);
    });
}

#[test]
fn an_empty_file_is_set_up() {
    let folder = folder();
    let path = folder.path().join("duyetbot.db");
    std::fs::write(&path, "").unwrap();
    let store = block_on(open(&path));
    assert_eq!(block_on(store.counters(&me())).unwrap(), Default::default());
}

#[test]
fn a_text_file_is_refused_and_left_as_it_was() {
    let folder = folder();
    let path = folder.path().join("notes.txt");
    std::fs::write(&path, "milk, eggs, and a loaf of bread\n").unwrap();
    let error = refusal(&path);
    assert_eq!((error.kind(), error.code()), (ErrorKind::Invalid, Some(Code::NotADatabase)));
    assert_eq!(
        error.message(),
        format!(
            "{} is not a database; it was left as it is. Name another file, or move this one",
            path.display()
        )
    );
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "milk, eggs, and a loaf of bread\n");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_folder_is_refused() {
    let folder = folder();
    assert_eq!(refusal(folder.path()).code(), Some(Code::NotADatabase));
}

#[test]
fn another_programs_database_is_refused_and_left_as_it_was() {
    let folder = folder();
    let path = folder.path().join("bookmarks.db");
    std::fs::write(&path, "").unwrap();
    block_on(sql(&path, "create table bookmarks(url text)"));
    let before = std::fs::read(&path).unwrap();
    let error = refusal(&path);
    assert_eq!((error.kind(), error.code()), (ErrorKind::Invalid, Some(Code::NotADatabase)));
    assert!(error.message().contains("a database of another program"), "{error}");
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[test]
fn a_file_of_a_newer_program_is_refused_with_both_numbers_and_left_as_it_was() {
    let folder = folder();
    let path = folder.path().join("duyetbot.db");
    block_on(async {
        open(&path).await.close().await.unwrap();
        sql(&path, "update meta set version = 9, min_reader = 7").await;
        sql(&path, "pragma user_version = 9").await;
    });
    let before = std::fs::read(&path).unwrap();
    let error = refusal(&path);
    assert_eq!((error.kind(), error.code()), (ErrorKind::Unsupported, Some(Code::NewerSchema)));
    assert_eq!(
        error.message(),
        format!(
            "{} was written by a newer duyetbot: it has schema 9 and needs a program that knows schema 7, this one \
             knows 3. It was left as it is. Update duyetbot, or name another file",
            path.display()
        )
    );
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[test]
fn a_file_of_an_older_program_is_brought_up_to_date_after_a_copy_by_one_of_many() {
    let folder = folder();
    let path = folder.path().join("duyetbot.db");
    let backup = folder.path().join("duyetbot.db.backup-v1");
    block_on(async {
        let store = open(&path).await;
        store.commit(&me(), &commit(SessionId::new(), vec![said("before the upgrade")])).await.unwrap();
        store.close().await.unwrap();
        back_to_the_second_schema(&path).await;
        for statement in [
            "drop table usage",
            "update meta set version = 1",
            "pragma user_version = 1",
            "pragma wal_checkpoint(truncate)",
        ] {
            sql(&path, statement).await;
        }
        let stores = futures::future::join_all((0..4).map(|_| open(&path))).await;
        for store in &stores {
            assert_eq!(store.spent_today(&me()).await.unwrap(), Usage::default());
            assert_eq!(store.counters(&me()).await.unwrap().pieces, 1);
        }
        assert_eq!(sql(&path, "select version from meta").await, ["3"]);
        assert_eq!(sql(&backup, "select version from meta").await, ["1"]);
        assert_eq!(sql(&backup, "select count(*) from messages").await, ["1"]);
        assert_eq!(
            sql(&backup, "select name from sqlite_schema where name = 'usage'").await,
            Vec::<String>::new()
        );
    });
    let others = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|e| e.unwrap().file_name())
        .filter(|name| name.to_string_lossy().contains("half"));
    assert_eq!(others.count(), 0, "half a copy is left");
}

#[test]
fn a_file_of_a_newer_program_that_allows_this_one_is_used() {
    let folder = folder();
    let path = folder.path().join("duyetbot.db");
    block_on(async {
        open(&path).await.close().await.unwrap();
        sql(&path, "update meta set version = 9").await;
        sql(&path, "pragma user_version = 9").await;
        let store = open(&path).await;
        store.commit(&me(), &commit(SessionId::new(), vec![said("hello")])).await.unwrap();
    });
    assert_eq!(block_on(sql(&path, "select version from meta")), ["9"]);
}

/// Case: old-binary-meets-newer-schema
#[test]
fn a_program_that_a_newer_one_overtakes_writes_no_more_unless_the_newer_schema_lets_it() {
    let folder = folder();
    let path = folder.path().join("duyetbot.db");
    block_on(async {
        let store = open(&path).await;
        let session = SessionId::new();
        store.commit(&me(), &commit(session, vec![said("before")])).await.unwrap();
        // A step that older programs may use the file after.
        sql(&path, "update meta set version = 8, min_reader = 3").await;
        sql(&path, "pragma user_version = 8").await;
        store.commit(&me(), &commit(session, vec![said("beside it")])).await.unwrap();
        // And one that they may not.
        sql(&path, "update meta set version = 9, min_reader = 8").await;
        sql(&path, "pragma user_version = 9").await;
        let before = sql(&path, "select count(*) from messages").await;
        for _ in 0..3 {
            let refused = store.commit(&me(), &commit(session, vec![said("after")])).await.unwrap_err();
            assert_eq!((refused.kind(), refused.code()), (ErrorKind::Unavailable, Some(Code::NewerSchema)));
            let versions = "brought to schema 9 by a newer duyetbot while this one used it; that needs a program that knows \
                            schema 8, and this one knows 3";
            assert!(refused.message().contains(versions), "{refused}");
            assert_eq!(store.probe().await.unwrap_err().code(), Some(Code::NewerSchema));
        }
        assert_eq!(sql(&path, "select count(*) from messages").await, before);
        assert_eq!(before, ["2"]);
        // What was rolled back is written to again.
        sql(&path, "update meta set version = 3, min_reader = 1").await;
        sql(&path, "pragma user_version = 3").await;
        store.commit(&me(), &commit(session, vec![said("again")])).await.unwrap();
    });
}

/// A file system of its own, which ends with the test.
struct Mounted(tempfile::TempDir);

impl Mounted {
    /// None where this process may not mount.
    fn new(options: &str) -> Option<Self> {
        let folder = folder();
        let mounted =
            Command::new("mount").args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(folder.path()).status();
        if !mounted.is_ok_and(|status| status.success()) {
            println!("skipped: this process may not mount a file system");
            return None;
        }
        Some(Mounted(folder))
    }
    fn remount(&self, options: &str) {
        let options = format!("remount,{options}");
        let status = Command::new("mount").args(["-o", &options]).arg(self.0.path()).status().unwrap();
        assert!(status.success());
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        // What stays mounted shows in the next line of the test's folder; there is nothing better to do with it here.
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

#[test]
fn a_full_disk_is_said_loses_nothing_and_passes() {
    let Some(disk) = Mounted::new("size=2m") else { return };
    let path = disk.0.path().join("duyetbot.db");
    block_on(async {
        let store = open(&path).await;
        let session = SessionId::new();
        let words = "room ".repeat(20_000);
        let mut stored = 0;
        let error = loop {
            match store.commit(&me(), &commit(session, vec![said(&words)])).await {
                Ok(_) => stored += 1,
                Err(error) => break error,
            }
        };
        assert_eq!((error.kind(), error.code()), (ErrorKind::Unavailable, Some(Code::DiskFull)));
        assert_eq!(
            error.message(),
            format!(
                "the disk that holds {} is full; what was stored before is safe. Make room and try again",
                path.display()
            )
        );
        assert!(stored > 0);
        assert_eq!(store.session(&me(), session).await.unwrap().messages, stored);
        disk.remount("size=20m");
        store.commit(&me(), &commit(session, vec![said(&words)])).await.unwrap();
        assert_eq!(store.session(&me(), session).await.unwrap().messages, stored + 1);
        store.close().await.unwrap();
    });
    assert_eq!(block_on(sql(&path, "pragma integrity_check")), ["ok"]);
}

#[test]
fn no_room_for_a_new_file_is_said() {
    let Some(disk) = Mounted::new("size=8k") else { return };
    assert_eq!(refusal(&disk.0.path().join("duyetbot.db")).code(), Some(Code::DiskFull));
}

#[test]
fn a_read_only_disk_is_said() {
    let Some(disk) = Mounted::new("size=4m") else { return };
    let path = disk.0.path().join("duyetbot.db");
    block_on(async { open(&path).await.close().await.unwrap() });
    disk.remount("ro");
    for path in [path, disk.0.path().join("new/duyetbot.db")] {
        let error = refusal(&path);
        assert_eq!((error.kind(), error.code()), (ErrorKind::Unavailable, Some(Code::ReadOnly)), "{error}");
        assert!(error.message().contains("cannot be written"), "{error}");
    }
}

#[test]
fn a_disk_that_becomes_read_only_is_said() {
    let Some(disk) = Mounted::new("size=4m") else { return };
    let path = disk.0.path().join("duyetbot.db");
    block_on(async {
        open(&path).await.close().await.unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o400)).unwrap();
    });
    // Who may do everything may write here too; for all others the file says no.
    match block_on(SqliteStore::open(SqliteConfig::new(&path, Arc::new(Wall)))) {
        Ok(_) => println!("skipped: this process may write what it may only read"),
        Err(error) => assert_eq!(error.code(), Some(Code::ReadOnly)),
    }
}

#[test]
fn many_who_make_a_new_file_at_once_leave_no_copy_of_it() {
    let folder = folder();
    let path = folder.path().join("duyetbot.db");
    block_on(async {
        for _ in 0..20 {
            let stores = futures::future::join_all((0..8).map(|_| open(&path))).await;
            for store in stores {
                store.close().await.unwrap();
            }
            let copies: Vec<_> = std::fs::read_dir(folder.path())
                .unwrap()
                .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                .filter(|name| name.contains("backup"))
                .collect();
            assert_eq!(copies, Vec::<String>::new());
            std::fs::remove_file(&path).unwrap();
        }
    });
}
