//! Postings: where a term stands.
use duyetbot_core::{Change, IndexPiece, NewMessage, PieceKey, Postings, SessionId, Term};

use crate::{
    backend::{Backend, skips},
    fixture::{Ground, add, begin, said},
};

async fn declared(backend: &dyn Backend, check: &str) -> Option<Ground> {
    let at = Ground::of(backend).await;
    (!skips(at.store.capabilities().text_search, "text_search", check)).then_some(at)
}

fn piece(terms: &str, context: &str) -> IndexPiece {
    IndexPiece { terms: terms.into(), context: context.into() }
}

fn indexed(pieces: &[IndexPiece]) -> NewMessage {
    NewMessage { pieces: pieces.to_vec(), ..said("indexed") }
}

fn is(term: &str) -> Term {
    Term::Is(term.into())
}

fn begins(term: &str) -> Term {
    Term::Prefix(term.into())
}

fn key(seq: u64, piece: u32) -> PieceKey {
    PieceKey::new(seq, piece)
}

fn found(terms: &[PieceKey], context: &[PieceKey]) -> Postings {
    Postings { terms: terms.to_vec(), context: context.to_vec() }
}

/// A session with three messages of pieces, at the places 1 to 3.
async fn three(at: &Ground) -> SessionId {
    let session = SessionId::new();
    let messages = vec![
        indexed(&[piece("alpha beta", "day1"), piece("alphabet gamma", "")]),
        indexed(&[piece("beta beta beta", "day2 alpha")]),
        indexed(&[piece("alpha", "day2 beta"), piece("delta", ""), piece("alpha gamma", "")]),
    ];
    at.store.commit(&at.mine, &begin(session, messages)).await.unwrap();
    session
}

pub async fn a_term_is_found_in_pieces_and_in_contexts_newest_first(backend: &dyn Backend) {
    let check = "a_term_is_found_in_pieces_and_in_contexts_newest_first";
    let Some(at) = declared(backend, check).await else { return };
    three(&at).await;
    let terms = [is("alpha"), is("beta"), is("day2"), is("nowhere"), is("alp")];
    assert_eq!(
        at.store.postings(&at.mine, &terms, None, 9).await.unwrap(),
        [
            found(&[key(3, 2), key(3, 0), key(1, 0)], &[key(2, 0)]),
            found(&[key(2, 0), key(1, 0)], &[key(3, 0)]),
            found(&[], &[key(3, 0), key(2, 0)]),
            found(&[], &[]),
            found(&[], &[]),
        ]
    );
    assert_eq!(at.store.postings(&at.mine, &[], None, 9).await.unwrap(), []);
}

pub async fn a_prefix_finds_every_term_that_begins_so_each_piece_once(backend: &dyn Backend) {
    let check = "a_prefix_finds_every_term_that_begins_so_each_piece_once";
    let Some(at) = declared(backend, check).await else { return };
    three(&at).await;
    let terms = [begins("alp"), begins("alphabet"), begins("day"), begins("z")];
    assert_eq!(
        at.store.postings(&at.mine, &terms, None, 9).await.unwrap(),
        [
            found(&[key(3, 2), key(3, 0), key(1, 1), key(1, 0)], &[key(2, 0)]),
            found(&[key(1, 1)], &[]),
            found(&[], &[key(3, 0), key(2, 0), key(1, 0)]),
            found(&[], &[]),
        ]
    );
}

pub async fn at_most_so_many_pieces_a_column_the_newest(backend: &dyn Backend) {
    let check = "at_most_so_many_pieces_a_column_the_newest";
    let Some(at) = declared(backend, check).await else { return };
    three(&at).await;
    let postings = |term, limit| {
        let at = &at;
        async move { at.store.postings(&at.mine, &[term], None, limit).await.unwrap().remove(0) }
    };
    assert_eq!(postings(is("alpha"), 2).await, found(&[key(3, 2), key(3, 0)], &[key(2, 0)]));
    assert_eq!(postings(begins("alp"), 3).await, found(&[key(3, 2), key(3, 0), key(1, 1)], &[key(2, 0)]));
    assert_eq!(postings(is("day2"), 1).await, found(&[], &[key(3, 0)]));
    assert_eq!(postings(is("alpha"), 0).await, found(&[], &[]));
}

pub async fn among_given_pieces_only_those_are_asked_about(backend: &dyn Backend) {
    let check = "among_given_pieces_only_those_are_asked_about";
    let Some(at) = declared(backend, check).await else { return };
    three(&at).await;
    let postings = |among: Vec<PieceKey>, limit| {
        let at = &at;
        async move {
            let terms = [is("alpha"), begins("be")];
            at.store.postings(&at.mine, &terms, Some(&among), limit).await.unwrap()
        }
    };
    assert_eq!(
        postings(vec![key(1, 0), key(2, 0), key(3, 1), key(77, 0), key(1, 0)], 9).await,
        [found(&[key(1, 0)], &[key(2, 0)]), found(&[key(2, 0), key(1, 0)], &[])]
    );
    assert_eq!(
        postings(vec![key(1, 0), key(3, 0)], 1).await,
        [found(&[key(3, 0)], &[]), found(&[key(1, 0)], &[key(3, 0)])]
    );
    assert_eq!(postings(vec![], 9).await, [found(&[], &[]), found(&[], &[])]);
}

pub async fn many_pieces_can_be_asked_about_at_once(backend: &dyn Backend) {
    let Some(at) = declared(backend, "many_pieces_can_be_asked_about_at_once").await else { return };
    three(&at).await;
    let among: Vec<PieceKey> = (0..5000).map(|n| key(n, 0)).collect();
    let terms: Vec<Term> = (0..40).map(|n| is(&format!("nothing{n}"))).chain([is("alpha")]).collect();
    let postings = at.store.postings(&at.mine, &terms, Some(&among), 9).await.unwrap();
    assert_eq!(postings.len(), 41);
    assert_eq!(postings[40], found(&[key(3, 0), key(1, 0)], &[key(2, 0)]));
    assert!(postings[..40].iter().all(|p| *p == Postings::default()));
}

pub async fn no_term_is_query_syntax(backend: &dyn Backend) {
    let Some(at) = declared(backend, "no_term_is_query_syntax").await else { return };
    three(&at).await;
    let odd = [
        "alp*",
        "*",
        "\"alpha\"",
        "\"",
        "'",
        "alpha OR beta",
        "alpha beta",
        "NOT alpha",
        "alpha AND beta",
        "NEAR(alpha beta)",
        "terms:alpha",
        "context : alpha",
        "^alpha",
        "-alpha",
        "+alpha",
        "(alpha",
        "alpha)",
        "{terms}",
        "",
        " ",
        "alpha ",
        "OR",
        "AND",
        "NOT",
        "NEAR",
        "%",
        "_lpha",
        "a\u{0301}",
        "\u{1F980}",
    ];
    for text in odd {
        let postings = at.store.postings(&at.mine, &[is(text)], None, 9).await.unwrap();
        assert_eq!(postings, [Postings::default()], "the term {text:?}");
    }
    for text in odd.into_iter().filter(|text| !text.is_empty()) {
        let postings = at.store.postings(&at.mine, &[begins(text)], None, 9).await.unwrap();
        assert_eq!(postings, [Postings::default()], "the prefix {text:?}");
    }
}

pub async fn words_of_the_query_language_are_terms_like_any_other(backend: &dyn Backend) {
    let check = "words_of_the_query_language_are_terms_like_any_other";
    let Some(at) = declared(backend, check).await else { return };
    let message = indexed(&[piece("or and not near", "rank")]);
    at.store.commit(&at.mine, &begin(SessionId::new(), vec![message])).await.unwrap();
    for term in ["or", "and", "not", "near"] {
        let postings = at.store.postings(&at.mine, &[is(term), begins(term)], None, 9).await.unwrap();
        assert_eq!(postings, vec![found(&[key(1, 0)], &[]); 2], "{term}");
    }
    let postings = at.store.postings(&at.mine, &[is("rank")], None, 9).await.unwrap();
    assert_eq!(postings, [found(&[], &[key(1, 0)])]);
}

pub async fn terms_of_any_script_are_found(backend: &dyn Backend) {
    let Some(at) = declared(backend, "terms_of_any_script_are_found").await else { return };
    let message = indexed(&[piece("東京 京都 都 тест 42 ß", "2025 τέλος")]);
    at.store.commit(&at.mine, &begin(SessionId::new(), vec![message])).await.unwrap();
    for term in [is("東京"), is("都"), begins("京"), is("тест"), begins("те"), is("42"), is("ß")] {
        let postings = at.store.postings(&at.mine, std::slice::from_ref(&term), None, 9).await.unwrap();
        assert_eq!(postings, [found(&[key(1, 0)], &[])], "{term:?}");
    }
    for term in [is("東"), is("京"), is("те"), is("ss")] {
        let postings = at.store.postings(&at.mine, std::slice::from_ref(&term), None, 9).await.unwrap();
        assert_eq!(postings, [Postings::default()], "{term:?}");
    }
    let postings = at.store.postings(&at.mine, &[is("τέλος")], None, 9).await.unwrap();
    assert_eq!(postings, [found(&[], &[key(1, 0)])]);
}

pub async fn the_bin_is_not_left_out_of_postings(backend: &dyn Backend) {
    let Some(at) = declared(backend, "the_bin_is_not_left_out_of_postings").await else { return };
    let session = three(&at).await;
    let before = at.store.postings(&at.mine, &[is("beta")], None, 9).await.unwrap();
    at.store.set(&at.mine, session, &Change::Delete).await.unwrap();
    assert_eq!(at.store.postings(&at.mine, &[is("beta")], None, 9).await.unwrap(), before);
    assert_eq!(at.store.counters(&at.mine).await.unwrap().pieces, 6);
}

pub async fn a_message_is_indexed_in_its_own_commit_and_once(backend: &dyn Backend) {
    let Some(at) = declared(backend, "a_message_is_indexed_in_its_own_commit_and_once").await else { return };
    let (session, _) = at.session_of(&["without pieces"]).await;
    let commit = add(session, vec![indexed(&[piece("alpha", "")])]);
    for _ in 0..2 {
        at.store.commit(&at.mine, &commit).await.unwrap();
        let postings = at.store.postings(&at.mine, &[is("alpha")], None, 9).await.unwrap();
        assert_eq!(postings, [found(&[key(2, 0)], &[])]);
        assert_eq!(at.store.counters(&at.mine).await.unwrap().pieces, 1);
    }
}

pub async fn sixty_four_pieces_of_a_message_are_told_apart(backend: &dyn Backend) {
    let Some(at) = declared(backend, "sixty_four_pieces_of_a_message_are_told_apart").await else { return };
    let pieces: Vec<IndexPiece> = (0..64).map(|n| piece(&format!("all word{n}"), "")).collect();
    let messages = vec![indexed(&[piece("all", "")]), indexed(&pieces), indexed(&[piece("all", "")])];
    at.store.commit(&at.mine, &begin(SessionId::new(), messages)).await.unwrap();
    let terms = [is("all"), is("word0"), is("word63")];
    let mut all: Vec<PieceKey> = (0..64).map(|n| key(2, n)).chain([key(1, 0), key(3, 0)]).collect();
    all.sort_by_key(|key| std::cmp::Reverse(*key));
    assert_eq!(
        at.store.postings(&at.mine, &terms, None, 99).await.unwrap(),
        [found(&all, &[]), found(&[key(2, 0)], &[]), found(&[key(2, 63)], &[])]
    );
    assert_eq!(at.store.counters(&at.mine).await.unwrap().pieces, 66);
}
