//! API tokens, by their hash.
use duyetbot_core::{
    ApiSecret, ApiToken, Code, ErrorKind, MOST_TOKENS, NewToken, Permission, SignedIn, TokenId, USE_STEP,
};
use futures::future::join_all;
use std::time::Duration;

use crate::{
    backend::Backend,
    fixture::{Ground, INVALID, NOT_FOUND, Refusal, conflict, over, refusal, token},
};

const REFUSED: Refusal = (ErrorKind::Unauthorized, None);
const MOMENT: Duration = Duration::from_millis(1);

pub async fn a_token_signs_its_person_in_as_what_it_is(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let (ada, bob) = (at.person(1).await, at.person(2).await);
    at.store.add_token(&bob.scope(), &token("theirs")).await.unwrap();
    let new = NewToken {
        permissions: [Permission::Read, Permission::Chat].into(),
        expires: Some(at.clock_now().plus(USE_STEP)),
        ..token("laptop")
    };
    let stored = ApiToken {
        id: new.id,
        name: "laptop".into(),
        permissions: new.permissions.clone(),
        created: at.clock_now(),
        expires: new.expires,
        used: None,
    };
    assert_eq!(at.store.add_token(&ada.scope(), &new).await.unwrap(), stored);
    let signed = SignedIn { scope: ada.scope(), token: stored.clone() };
    assert_eq!(at.store.authenticate(&new.hash).await.unwrap(), signed);
    assert_eq!(at.store.tokens(&ada.scope()).await.unwrap(), [stored]);
}

pub async fn an_unknown_a_revoked_and_an_expired_token_get_one_answer(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let ada = at.person(1).await;
    let expires = NewToken { expires: Some(at.clock_now().plus(MOMENT)), ..token("expires") };
    let revoked = token("revoked");
    for new in [&expires, &revoked] {
        at.store.add_token(&ada.scope(), new).await.unwrap();
        at.store.authenticate(&new.hash).await.unwrap();
    }
    at.store.revoke_token(&ada.scope(), revoked.id).await.unwrap();
    at.clock.advance(MOMENT);
    let mut answers = Vec::new();
    for new in [&expires, &revoked, &token("unknown")] {
        let error = at.store.authenticate(&new.hash).await.unwrap_err();
        answers.push((error.kind(), error.code(), error.message().to_owned()));
    }
    assert_eq!((answers[0].0, answers[0].1), REFUSED);
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
}

pub async fn a_token_expires_at_its_moment_and_not_before(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let ada = at.person(1).await;
    let expires = NewToken { expires: Some(at.clock_now().plus(USE_STEP)), ..token("expires") };
    at.store.add_token(&ada.scope(), &expires).await.unwrap();
    at.clock.advance(USE_STEP - MOMENT);
    at.store.authenticate(&expires.hash).await.unwrap();
    at.clock.advance(MOMENT);
    assert_eq!(refusal(at.store.authenticate(&expires.hash).await), REFUSED);
}

pub async fn the_same_token_again_answers_it_as_it_stands(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let ada = at.person(1).await;
    let new = NewToken { expires: Some(at.clock_now().plus(MOMENT)), ..token("first") };
    let first = at.store.add_token(&ada.scope(), &new).await.unwrap();
    at.store.note_use(&new.hash).await.unwrap();
    let used = ApiToken { used: Some(at.clock_now()), ..first };
    at.clock.advance(USE_STEP);
    let renamed = NewToken { name: "renamed".into(), ..new };
    assert_eq!(at.store.add_token(&ada.scope(), &renamed).await.unwrap(), used);
    assert_eq!(at.store.tokens(&ada.scope()).await.unwrap(), [used]);
}

pub async fn a_token_id_or_hash_that_is_stored_otherwise_is_a_conflict(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let (ada, bob) = (at.person(1).await, at.person(2).await);
    let first = token("first");
    let stored = at.store.add_token(&ada.scope(), &first).await.unwrap();
    let other_hash = NewToken { hash: ApiSecret::random().unwrap().hash(), ..first.clone() };
    let other_id = NewToken { id: TokenId::new(), ..first.clone() };
    for (scope, new) in [(ada.scope(), &other_hash), (ada.scope(), &other_id), (bob.scope(), &other_id)] {
        assert_eq!(refusal(at.store.add_token(&scope, new).await), conflict(Code::ContentDiffers));
    }
    // Ids are the owner's.
    at.store.add_token(&bob.scope(), &other_hash).await.unwrap();
    assert_eq!(at.store.tokens(&ada.scope()).await.unwrap(), [stored]);
}

pub async fn what_no_store_could_take_of_a_token_is_invalid(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let ada = at.person(1).await;
    let expired = NewToken { expires: Some(at.clock_now()), ..token("expired") };
    let powerless = NewToken { permissions: [].into(), ..token("powerless") };
    for new in [token(" "), expired, powerless] {
        assert_eq!(refusal(at.store.add_token(&ada.scope(), &new).await), INVALID);
    }
    let long = at.store.add_token(&ada.scope(), &token(&"a".repeat(1000))).await;
    assert_eq!(refusal(long).0, ErrorKind::Invalid);
    assert_eq!(at.store.tokens(&ada.scope()).await.unwrap(), []);
}

pub async fn of_fifty_tokens_at_once_as_many_as_are_left_are_made(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let (ada, bob) = (at.person(1).await, at.person(2).await);
    let first = token("first");
    at.store.add_token(&ada.scope(), &first).await.unwrap();
    for n in 1..MOST_TOKENS - 3 {
        at.store.add_token(&ada.scope(), &token(&n.to_string())).await.unwrap();
    }
    let (scope, new): (_, Vec<NewToken>) = (ada.scope(), (0..50).map(|n| token(&n.to_string())).collect());
    let answers = join_all(new.iter().map(|new| at.store.add_token(&scope, new))).await;
    let (made, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
    assert_eq!(made.len(), 3);
    for answer in refused {
        assert_eq!(refusal(answer), over(Code::ApiTokenLimit));
    }
    assert_eq!(at.store.tokens(&ada.scope()).await.unwrap().len() as u64, MOST_TOKENS);
    at.store.add_token(&ada.scope(), &first).await.unwrap();
    at.store.add_token(&bob.scope(), &token("theirs")).await.unwrap();
    at.store.revoke_token(&ada.scope(), first.id).await.unwrap();
    at.store.add_token(&ada.scope(), &token("room")).await.unwrap();
}

pub async fn tokens_come_the_newest_first(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let ada = at.person(1).await;
    let mut made = Vec::new();
    for n in 0..4 {
        made.push(at.store.add_token(&ada.scope(), &token(&n.to_string())).await.unwrap());
        at.clock.advance(MOMENT * (n % 2));
    }
    made.sort_by_key(|token| std::cmp::Reverse((token.created, token.id)));
    assert_eq!(at.store.tokens(&ada.scope()).await.unwrap(), made);
}

pub async fn another_persons_tokens_are_neither_seen_nor_revoked(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let (ada, bob) = (at.person(1).await, at.person(2).await);
    let theirs = token("theirs");
    at.store.add_token(&bob.scope(), &theirs).await.unwrap();
    assert_eq!(at.store.tokens(&ada.scope()).await.unwrap(), []);
    for id in [theirs.id, TokenId::new()] {
        assert_eq!(refusal(at.store.revoke_token(&ada.scope(), id).await), NOT_FOUND);
    }
    at.store.authenticate(&theirs.hash).await.unwrap();
    at.store.revoke_token(&bob.scope(), theirs.id).await.unwrap();
    assert_eq!(refusal(at.store.revoke_token(&bob.scope(), theirs.id).await), NOT_FOUND);
}

pub async fn a_use_is_noted_at_most_once_a_step_and_by_nothing_else(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let ada = at.person(1).await;
    let new = token("laptop");
    at.store.add_token(&ada.scope(), &new).await.unwrap();
    at.store.add_token(&ada.scope(), &token("other")).await.unwrap();
    let used = async || at.store.authenticate(&new.hash).await.unwrap().token.used;
    assert_eq!(used().await, None);
    at.store.note_use(&token("unknown").hash).await.unwrap();
    assert_eq!(used().await, None);
    at.store.note_use(&new.hash).await.unwrap();
    let first = at.clock_now();
    for (advance, noted) in [(USE_STEP - MOMENT, first), (MOMENT, first.plus(USE_STEP))] {
        at.clock.advance(advance);
        at.store.note_use(&new.hash).await.unwrap();
        assert_eq!(used().await, Some(noted));
    }
    let unused = at.store.tokens(&ada.scope()).await.unwrap().iter().filter(|t| t.used.is_none()).count();
    assert_eq!(unused, 1);
}
