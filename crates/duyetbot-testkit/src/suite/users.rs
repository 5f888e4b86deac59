//! What a person does with the own account.
use duyetbot_core::{Code, ErrorKind, LARGEST_SETTINGS, NewUser, User, UserChange};
use std::time::Duration;

use crate::{
    backend::Backend,
    fixture::{Ground, NOT_FOUND, conflict, guest, login, refusal},
};

fn named(name: &str) -> UserChange {
    UserChange { name: Some(name.into()), settings: None }
}

fn set(settings: &str) -> UserChange {
    UserChange { name: None, settings: Some(settings.into()) }
}

pub async fn a_person_without_an_account_is_not_found(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    at.session_of(&["a"]).await;
    assert_eq!(refusal(at.store.user(&at.mine).await), NOT_FOUND);
    assert_eq!(refusal(at.store.change_user(&at.mine, &named("Ada")).await), NOT_FOUND);
    assert_eq!(refusal(at.store.link(&at.mine, &login("github", "1")).await), NOT_FOUND);
    assert_eq!(refusal(at.store.tokens(&at.mine).await), NOT_FOUND);
}

pub async fn a_profile_changes_what_is_named_and_nothing_else(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let (ada, bob) = (at.person(1).await, at.person(2).await);
    at.clock.advance(Duration::from_secs(1));
    let now = at.clock_now();
    let changed = at.store.change_user(&ada.scope(), &named("Ada")).await.unwrap();
    assert_eq!(changed, User { name: Some("Ada".into()), updated: now, ..ada.clone() });
    at.clock.advance(Duration::from_secs(1));
    let settings = r#"{"theme":"dark","n":1.50}"#;
    let set = at.store.change_user(&ada.scope(), &set(settings)).await.unwrap();
    assert_eq!(set, User { settings: settings.into(), updated: at.clock_now(), ..changed });
    let cleared = at.store.change_user(&ada.scope(), &named("")).await.unwrap();
    assert_eq!(cleared, User { name: None, ..set });
    assert_eq!(at.store.user(&ada.scope()).await.unwrap(), cleared);
    assert_eq!(at.store.user(&bob.scope()).await.unwrap(), bob);
}

pub async fn the_same_profile_again_changes_nothing(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let ada = at.person(1).await;
    let changed = at.store.change_user(&ada.scope(), &named("Ada")).await.unwrap();
    at.clock.advance(Duration::from_secs(1));
    for change in [named("Ada"), set("{}"), UserChange::default()] {
        assert_eq!(at.store.change_user(&ada.scope(), &change).await.unwrap(), changed);
    }
}

pub async fn what_no_store_could_take_of_a_profile_is_invalid(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let ada = at.person(1).await;
    let large = format!("{{\"a\":{:?}}}", "a".repeat(LARGEST_SETTINGS));
    for change in [set("[]"), set("{"), set(""), set(&large), named("a\0"), named(&"a".repeat(1000))] {
        assert_eq!(refusal(at.store.change_user(&ada.scope(), &change).await).0, ErrorKind::Invalid);
    }
    assert_eq!(at.store.user(&ada.scope()).await.unwrap(), ada);
}

pub async fn a_login_is_linked_once_and_finds_its_person(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let new = NewUser { identity: Some(login("github", "1")), ..guest(1) };
    let ada = at.store.create_user(&new).await.unwrap();
    at.clock.advance(Duration::from_secs(1));
    let linked = at.store.link(&ada.scope(), &login("google", "9")).await.unwrap();
    assert_eq!(linked, User { updated: at.clock_now(), ..ada.clone() });
    at.clock.advance(Duration::from_secs(1));
    assert_eq!(at.store.link(&ada.scope(), &login("google", "9")).await.unwrap(), linked);
    for identity in [login("github", "1"), login("google", "9")] {
        assert_eq!(at.store.user_by_identity(&identity).await.unwrap(), Some(linked.clone()));
    }
}

pub async fn a_login_of_another_person_is_not_linked(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let (ada, bob) = (at.person(1).await, at.person(2).await);
    let theirs = at.store.link(&bob.scope(), &login("github", "2")).await.unwrap();
    let answer = at.store.link(&ada.scope(), &login("github", "2")).await;
    assert_eq!(refusal(answer), conflict(Code::IdentityTaken));
    assert_eq!(at.store.user_by_identity(&login("github", "2")).await.unwrap(), Some(theirs));
    assert_eq!(at.store.user(&ada.scope()).await.unwrap(), ada);
}

pub async fn the_first_login_of_an_invited_person_vouches_for_them_and_the_id_stays(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let invited = at.person(1).await;
    assert_eq!(invited.provider, "invited");
    let first = at.store.link(&invited.scope(), &login("google", "1")).await.unwrap();
    assert_eq!((first.id.clone(), first.provider.as_str()), (invited.id.clone(), "google"));
    let second = at.store.link(&invited.scope(), &login("github", "1")).await.unwrap();
    assert_eq!((second.id, second.provider.as_str()), (invited.id, "google"));
}
