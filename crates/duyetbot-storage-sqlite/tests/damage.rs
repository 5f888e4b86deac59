//! Damage is told apart, and repaired with as little change as it allows.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::{block_on, commit, folder, me, open, said, sql};
use duyetbot_core::{Code, PieceKey, SessionId, SessionStore, Term};
use duyetbot_storage_sqlite::{Health, MIGRATIONS, Repaired, check, repair};
use std::{
    fs::OpenOptions,
    io::{Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

/// A file with three sessions of 200 messages each; every message says its number.
fn filled(folder: &Path) -> (PathBuf, Vec<SessionId>) {
    let path = folder.join("duyetbot.db");
    let sessions: Vec<SessionId> = (0..3).map(|_| SessionId::new()).collect();
    block_on(async {
        let store = open(&path).await;
        for (n, session) in sessions.iter().enumerate() {
            let messages =
                (0..200).map(|i| said(&format!("word{n}x{i} and {}", "more ".repeat(50)))).collect();
            store.commit(&me(), &commit(*session, messages)).await.unwrap();
        }
        store.close().await.unwrap();
    });
    (path, sessions)
}

/// Overwrites pages of a table or index, the n-th of its leaves.
fn overwrite(path: &Path, name: &str, which: usize) {
    let pages = block_on(sql(
        path,
        &format!("select pageno from dbstat where name = '{name}' and pagetype = 'leaf' order by pageno"),
    ));
    let page: u64 = pages[which].parse().unwrap();
    let mut file = OpenOptions::new().write(true).open(path).unwrap();
    file.seek(SeekFrom::Start((page - 1) * 4096)).unwrap();
    file.write_all(&[0xa5; 4096]).unwrap();
}

async fn postings(path: &Path, word: &str) -> duyetbot_core::Result<Vec<PieceKey>> {
    let store = open(path).await;
    let found = store.postings(&me(), &[Term::Is(word.to_owned())], None, 9).await;
    store.close().await.unwrap();
    Ok(found?.remove(0).terms)
}

#[test]
fn a_sound_file_is_sound() {
    let folder = folder();
    let (path, _) = filled(folder.path());
    let report = block_on(check(&path)).unwrap();
    assert_eq!(
        (report.schema, report.messages, report.index, report.orphans),
        (MIGRATIONS[MIGRATIONS.len() - 1].version, Health::Sound, Health::Sound, 0)
    );
    assert_eq!(report.findings, Vec::<String>::new());
    assert_eq!(block_on(repair(&path)).unwrap(), Repaired::Nothing);
}

#[test]
fn a_damaged_index_is_told_from_damaged_messages_and_made_anew() {
    let folder = folder();
    let (path, sessions) = filled(folder.path());
    overwrite(&path, "pieces_data", 3);
    let error = block_on(postings(&path, "word1x7"))
        .or_else(|e| if e.is(Code::Damaged) { Ok(vec![]) } else { Err(e) });
    assert!(error.is_ok(), "{error:?}");
    let report = block_on(check(&path)).unwrap();
    assert_eq!((report.messages, report.index), (Health::Sound, Health::Damaged), "{report:?}");
    let repaired = block_on(repair(&path)).unwrap();
    let path = match repaired {
        Repaired::Index => path,
        Repaired::Salvaged { file, saved: 600, lost: 0 } => file,
        other => panic!("{other:?}"),
    };
    assert_eq!(block_on(check(&path)).unwrap().findings, Vec::<String>::new());
    assert_eq!(block_on(postings(&path, "word1x7")).unwrap(), [PieceKey::new(208, 0)]);
    let store = block_on(open(&path));
    assert_eq!(block_on(store.counters(&me())).unwrap().pieces, 600);
    assert_eq!(block_on(store.path(&me(), sessions[2], None, 500)).unwrap().len(), 200);
}

#[test]
fn an_index_whose_contents_make_no_sense_is_an_error_and_made_anew() {
    let folder = folder();
    let (path, _) = filled(folder.path());
    block_on(sql(
        &path,
        "update pieces_data set block = cast(replace(hex(zeroblob(40)), '0', char(255)) as blob) where id > 10",
    ));
    let error = block_on(postings(&path, "word1x7")).unwrap_err();
    assert_eq!(error.code(), Some(Code::Damaged));
    assert_eq!(
        error.message(),
        format!(
            "the search index in {} is damaged, the messages are not; `duyetbot doctor --repair` makes it anew",
            path.display()
        )
    );
    let report = block_on(check(&path)).unwrap();
    assert_eq!((report.messages, report.index), (Health::Sound, Health::Damaged));
    assert_eq!(block_on(repair(&path)).unwrap(), Repaired::Index);
    assert_eq!(block_on(postings(&path, "word1x7")).unwrap(), [PieceKey::new(208, 0)]);
    assert_eq!(block_on(repair(&path)).unwrap(), Repaired::Nothing);
}

#[test]
fn an_index_of_other_messages_is_found_out() {
    let folder = folder();
    let (path, _) = filled(folder.path());
    block_on(sql(&path, "insert into pieces(pieces) values ('delete-all')"));
    let report = block_on(check(&path)).unwrap();
    assert_eq!((report.messages, report.index), (Health::Sound, Health::Damaged));
    assert_eq!(report.findings, ["the index does not agree with 600 messages"]);
    assert_eq!(block_on(repair(&path)).unwrap(), Repaired::Index);
}

#[test]
fn damaged_messages_are_saved_into_a_new_file_and_the_old_one_is_kept() {
    let folder = folder();
    let (path, sessions) = filled(folder.path());
    overwrite(&path, "messages", 10);
    let before = std::fs::read(&path).unwrap();
    let report = block_on(check(&path)).unwrap();
    assert_eq!((report.messages, report.index), (Health::Damaged, Health::Sound), "{report:?}");
    let Repaired::Salvaged { file, saved, lost } = block_on(repair(&path)).unwrap() else { panic!() };
    assert_eq!(file, folder.path().join("duyetbot.db.salvaged"));
    assert_eq!(saved + lost, 600);
    assert!(0 < lost && lost < 20, "{lost}");
    assert_eq!(std::fs::read(&path).unwrap(), before);
    assert_eq!(block_on(check(&file)).unwrap().findings, Vec::<String>::new());
    let store = block_on(open(&file));
    let kept: usize =
        sessions.iter().map(|s| block_on(store.messages(&me(), *s, 0, 999)).unwrap().len()).sum();
    assert_eq!(kept as u64, saved);
    assert_eq!(block_on(store.counters(&me())).unwrap().sessions, 3);
    block_on(store.commit(&me(), &commit(sessions[0], vec![said("on we go")]))).unwrap();
}

#[test]
fn lost_sessions_come_back_from_their_messages() {
    let folder = folder();
    let (path, sessions) = filled(folder.path());
    overwrite(&path, "messages", 10);
    block_on(sql(&path, "delete from sessions"));
    let Repaired::Salvaged { file, saved, .. } = block_on(repair(&path)).unwrap() else { panic!() };
    let store = block_on(open(&file));
    let found: Vec<_> = sessions.iter().map(|s| block_on(store.session(&me(), *s)).unwrap()).collect();
    assert_eq!(found.iter().map(|s| s.messages).sum::<u64>(), saved);
    assert_eq!(found.iter().map(|s| s.title.as_str()).collect::<Vec<_>>(), ["Recovered"; 3]);
    assert!(found.iter().all(|s| s.head.is_some()));
    block_on(store.commit(&me(), &commit(sessions[0], vec![said("on we go")]))).unwrap();
}

#[test]
fn a_file_whose_first_page_is_gone_is_damaged() {
    let folder = folder();
    let (path, _) = filled(folder.path());
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[100..4096].fill(0xa5);
    std::fs::write(&path, bytes).unwrap();
    assert_eq!(block_on(check(&path)).unwrap().messages, Health::Damaged);
}

#[test]
fn a_message_that_makes_no_sense_is_found_and_left_out_of_what_is_saved() {
    for broken in ["'[{\"type\":'", "cast(x'5b22ff225d' as text)"] {
        let folder = folder();
        let (path, sessions) = filled(folder.path());
        block_on(sql(&path, &format!("update messages set parts = {broken} where rowid = 7 returning 1")));
        let report = block_on(check(&path)).unwrap();
        assert_eq!((report.messages, report.index), (Health::Damaged, Health::Sound), "{broken}");
        assert_eq!(report.findings, ["1 messages cannot be read"], "{broken}");
        let failure = block_on(async {
            let store = open(&path).await;
            let read = store.messages(&me(), sessions[0], 0, 200).await;
            store.close().await.unwrap();
            read.unwrap_err()
        });
        assert!(failure.is(Code::Damaged) && failure.message().contains("doctor"), "{failure}");
        let Repaired::Salvaged { file, saved, lost } = block_on(repair(&path)).unwrap() else {
            panic!("{broken} was not saved");
        };
        assert_eq!((saved, lost), (599, 1), "{broken}");
        assert_eq!(block_on(check(&file)).unwrap().findings, Vec::<String>::new());
    }
}

#[test]
fn a_file_without_its_own_row_is_damaged_and_is_saved() {
    let folder = folder();
    let (path, _) = filled(folder.path());
    block_on(sql(&path, "delete from meta returning 1"));
    let report = block_on(check(&path)).unwrap();
    assert_eq!(report.messages, Health::Damaged);
    let Repaired::Salvaged { file, saved, lost } = block_on(repair(&path)).unwrap() else { panic!() };
    assert_eq!((saved, lost), (600, 0));
    assert_eq!(block_on(check(&file)).unwrap().messages, Health::Sound);
}

#[test]
fn a_file_of_which_nothing_can_be_read_is_told_as_such_and_leaves_nothing_beside_it() {
    let folder = folder();
    let (path, _) = filled(folder.path());
    OpenOptions::new().write(true).open(&path).unwrap().set_len(20_000).unwrap();
    let report = block_on(check(&path)).unwrap();
    assert_eq!((report.messages, report.index), (Health::Damaged, Health::Damaged));
    assert_eq!(report.findings, ["it cannot be opened as a database"]);
    let failure = block_on(repair(&path)).unwrap_err();
    let words = format!(
        "nothing of {} can be read; bring it back from a backup, or move it away to begin anew",
        path.display()
    );
    assert_eq!(failure.message(), words);
    assert!(!folder.path().join("duyetbot.db.salvaged").exists());
}
