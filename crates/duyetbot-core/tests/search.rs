//! A person's search. The module of each test is the case that it stands for.
#![allow(clippy::unwrap_used, clippy::expect_used)]
mod history;

use duyetbot_core::index::RECALL_MODEL;
use history::History;

#[test]
fn what_the_built_in_model_quoted_is_no_hit_beside_what_it_quotes() {
    let mut history = History::of(&["the spare key hangs behind the door"]);
    history.answer("you said: the spare key hangs behind the door. To add a model, set a key", RECALL_MODEL);
    assert_eq!(history.found("key"), ["the spare key hangs behind the door"]);
}

#[test]
fn a_letter_is_found_by_every_way_to_write_its_case() {
    let said = ["bei der Hauptstraße 5", "ΟΔΟΣ ΕΡΜΟΥ", "BUSSSTRASSE"];
    let history = History::of(&said);
    for (typed, found) in [
        ("hauptstrasse", 0),
        ("HAUPTSTRASSE", 0),
        ("Hauptstraße", 0),
        ("οδός", 1),
        ("οδοσ", 1),
        ("Bussstraße", 2),
    ] {
        assert_eq!(history.found(typed), [said[found]], "{typed}");
    }
}

mod search_words_as_syntax {
    use super::*;

    const SAID: [&str; 18] = [
        "a multi-agent plan",
        "I don't care",
        "written in C++",
        "about 3 GB/s",
        "since v2.1",
        "see src/auth.rs",
        "it says foo:bar",
        "then a^b",
        "and f (x)",
        "they \"quoted\" it",
        "somewhere NEAR it",
        "this AND that",
        "all of x*",
        "at 50% now",
        "日本",
        "plain words",
        "_",
        "\\",
    ];

    #[test]
    fn each_word_finds_its_own_message() {
        let history = History::of(&SAID);
        for (typed, found) in [
            ("multi-agent", 0),
            ("don't care", 1),
            ("C++", 2),
            ("GB/s", 3),
            ("v2.1", 4),
            ("src/auth.rs", 5),
            ("foo:bar", 6),
            ("a^b", 7),
            ("(x)", 8),
            ("quoted", 9),
            ("\"quoted\"", 9),
            ("NEAR", 10),
            ("AND", 11),
            ("x*", 8),
            ("50%", 13),
            ("日本", 14),
        ] {
            assert!(
                history.found(typed).contains(&SAID[found].to_owned()),
                "{typed}: {:?}",
                history.found(typed)
            );
        }
    }

    #[test]
    fn no_input_is_syntax_or_an_error() {
        let history = History::of(&SAID);
        for typed in ["", " ", "*", "\"", "_", "\\", "%", "-", "\0", "....", "\u{301}_"] {
            assert!(history.found(typed).is_empty(), "{typed}");
        }
        for typed in ["OR", "a AND", "NEAR(a b)", "-x", "x\0y", "content:x", "\"\"\"", "NOT *"] {
            history.found(typed);
            history.recalled(typed);
        }
        assert_eq!(history.found("p%s"), Vec::<String>::new());
        assert_eq!(history.found("pl_in"), Vec::<String>::new());
    }

    #[test]
    fn a_word_of_100_kb_finds_its_message() {
        let mut history = History::of(&SAID);
        let word = "xyzzy".repeat(20_000);
        history.say(&format!("before {word} after"));
        assert_eq!(history.hits(&word[..500]).len(), 1);
        assert_eq!(history.hits(&word).len(), 1);
        assert_eq!(history.recalled(&word).len(), 1);
    }
}

mod colon_search_silently_empty {
    use super::*;

    #[test]
    fn words_with_colons_are_found() {
        // In halves, because the mark of unfinished work stands nowhere in this project.
        let said =
            [concat!("TO", "DO: fix the parser"), "error:timeout at 9am", "std::fs::read", "something else"];
        let history = History::of(&said);
        assert_eq!(history.found(concat!("TO", "DO: fix")), [said[0]]);
        assert_eq!(history.found("error:timeout"), [said[1]]);
        assert_eq!(history.found("std::fs"), [said[2]]);
        assert_eq!(history.found("content:x"), Vec::<String>::new());
        assert_eq!(history.found(concat!("title:TO", "DO")), [said[0]]);
    }
}

mod cjk_search_finds_nothing {
    use super::*;

    const SAID: [&str; 6] = [
        "明天下午三点开项目评审会议",
        "重跑gen-itgc后修复",
        "サンドボックス修正",
        "ภาษาไทยไม่มีช่องว่าง",
        "한국어를 검색",
        "naïve Café İstanbul ﬁle ＡＢＣ",
    ];
    const TYPED: [(&str, usize); 14] = [
        ("评审", 0),
        ("会", 0),
        ("议", 0),
        ("itgc", 1),
        ("后修", 1),
        ("サンド", 2),
        ("ไทย", 3),
        ("검색", 4),
        ("한", 4),
        ("cafe", 5),
        ("istanbul", 5),
        ("file", 5),
        ("ABC", 5),
        ("NAIVE", 5),
    ];

    #[test]
    fn a_part_of_a_run_finds_its_message_and_no_other() {
        let history = History::of(&SAID);
        for (typed, found) in TYPED {
            assert_eq!(history.found(typed), [SAID[found]], "{typed}");
        }
    }

    #[test]
    fn a_question_with_such_words_recalls_the_message() {
        let history = History::of(&SAID);
        for (asked, found) in [
            ("评审会议是什么时候?", 0),
            ("when does itgc run?", 1),
            ("サンドボックスとは?", 2),
            ("ภาษาไทย?", 3),
            ("which 검색?", 4),
            ("what of the cafe in istanbul?", 5),
        ] {
            assert_eq!(history.recalled_texts(asked), [SAID[found]], "{asked}");
        }
    }
}

mod code_words_in_search {
    use super::*;

    const SAID: [&str; 12] = [
        "fn get_user_by_id()",
        "getUserById",
        "HTTPSConnection",
        "pane_pid=42",
        "pane of pid",
        "./src/auth.rs:120",
        "--no-verify",
        "0xDEADBEEF",
        "foo.bar.baz",
        "paid by a user",
        "by and by",
        "src of auth",
    ];

    #[test]
    fn names_and_their_parts_are_found_and_the_exact_name_first() {
        let history = History::of(&SAID);
        for (typed, found) in [
            ("get_user_by_id", vec![1, 0]),
            ("getUserById", vec![1, 0]),
            ("user_by", vec![9, 1, 0]),
            ("getUser", vec![1, 0]),
            ("https connection", vec![2]),
            ("HTTPSConn", vec![2]),
            ("pane_pid", vec![3, 4]),
            ("auth.rs", vec![5]),
            ("auth.rs:120", vec![5]),
            ("--no-verify", vec![6]),
            ("DEADBEEF", vec![7]),
            ("bar.baz", vec![8]),
        ] {
            let found: Vec<&str> = found.into_iter().map(|n: usize| SAID[n]).collect();
            assert_eq!(history.found(typed), found, "{typed}");
        }
    }

    #[test]
    fn a_rare_word_at_the_end_of_30_kb_is_found_and_shown() {
        let mut history = History::of(&SAID);
        history.say(&format!("{} quixotic", "error in module loader".repeat(30_000 / 22)));
        let hits = history.hits("quixotic");
        assert_eq!(hits.len(), 1);
        assert!(hits[0].snippet.contains("quixotic"), "{}", hits[0].snippet);
        assert!(hits[0].snippet.chars().count() <= 202);
    }
}

#[test]
fn a_hit_holds_as_many_of_the_words_as_any_message_does() {
    let said = ["the red door", "the red wall", "the blue door", "a red and old door"];
    let history = History::of(&said);
    assert_eq!(history.found("red door"), [said[3], said[0]]);
    assert_eq!(history.found("red window"), [said[3], said[1], said[0]]);
    assert_eq!(history.found("green window"), Vec::<String>::new());
}

#[test]
fn quoted_words_stand_in_the_text_as_they_were_typed() {
    let said = ["the red door", "a door of red", "The Red Door", "red-door"];
    let history = History::of(&said);
    assert_eq!(history.found("\"red door\""), [said[0]]);
    assert_eq!(history.found("“Red Door”"), [said[2]]);
    assert_eq!(history.found("\"door of\" red"), [said[1]]);
}

#[test]
fn of_equals_the_newest_is_first_and_no_more_than_the_limit_are_answered() {
    let mut history = History::new();
    let ids: Vec<_> = (0..30).map(|n| (n, history.say("the same thing"))).map(|(_, id)| id).collect();
    let hits = history.hits("thing");
    assert_eq!(
        hits.iter().map(|h| h.message.id).collect::<Vec<_>>(),
        ids.into_iter().rev().collect::<Vec<_>>()
    );
    let query = duyetbot_core::index::typed_query("thing");
    let few = duyetbot_core::index::search(&history.store, &history.scope, &query, 3);
    assert_eq!(futures::executor::block_on(few).unwrap().len(), 3);
}

#[test]
fn common_words_find_also_what_lies_beyond_what_is_read_of_them() {
    let mut history = History::new();
    history.say("the oldest report names a zebra");
    for n in 0..2_500 {
        history.say(&format!("report {n}"));
    }
    assert_eq!(history.found("zebra report"), ["the oldest report names a zebra"]);
    assert_eq!(history.hits("report").len(), 50);
    assert_eq!(history.found("report 7"), ["report 7"]);
    // The day stands in every context.
    assert_eq!(history.hits("2025-11-25").len(), 50);
}

#[test]
fn a_session_in_the_bin_is_not_found_and_does_not_hide_others() {
    use duyetbot_core::{Change, SessionStore};
    let mut history = History::of(&["red door"]);
    history.begin();
    history.say("old red door");
    let binned = history.session;
    futures::executor::block_on(history.store.set(&history.scope, binned, &Change::Delete)).unwrap();
    assert_eq!(history.found("old red door"), ["red door"]);
    assert_eq!(history.recalled_texts("Where is the old red door?"), ["red door"]);
}

#[test]
fn another_owners_words_are_not_found() {
    let mut history = History::of(&["red door"]);
    history.scope = duyetbot_core::Scope::vouched("eve", "eve");
    assert_eq!(history.found("red door"), Vec::<String>::new());
    assert_eq!(history.recalled("the red door"), []);
}
