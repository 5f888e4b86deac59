//! Adding people, and finding them before there is a scope.
use duyetbot_core::{Code, ErrorKind, Identity, NewUser, User, UserId};
use futures::future::join_all;
use std::{collections::BTreeSet, time::Duration};
use uuid::Uuid;

use crate::{
    backend::Backend,
    fixture::{Ground, INVALID, conflict, guest, login, refusal},
};

fn with_login(id: &str, email: Option<&str>, identity: Identity) -> NewUser {
    NewUser {
        id: id.parse().unwrap(),
        email: email.map(str::to_owned),
        name: Some("Ada".into()),
        picture: Some("https://pictures.example/ada".into()),
        identity: Some(identity),
    }
}

pub async fn a_person_is_added_once_with_all_that_was_said(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let new = with_login("github:1", Some("Ada@Example.org"), login("github", "1"));
    let user = User {
        id: new.id.clone(),
        email: new.email.clone(),
        name: new.name.clone(),
        picture: new.picture.clone(),
        provider: "github".into(),
        settings: "{}".into(),
        created: at.clock_now(),
        updated: at.clock_now(),
    };
    assert_eq!(at.store.create_user(&new).await.unwrap(), user);
    at.clock.advance(Duration::from_secs(1));
    assert_eq!(at.store.create_user(&new).await.unwrap(), user);
    assert_eq!(at.store.user(&user.scope()).await.unwrap(), user);
    let invited = at.store.create_user(&guest(2)).await.unwrap();
    assert_eq!((invited.provider.as_str(), invited.name, invited.picture), ("invited", None, None));
}

pub async fn the_same_id_with_another_address_or_login_is_a_conflict(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let new = with_login("github:1", Some("ada@example.org"), login("github", "1"));
    let user = at.store.create_user(&new).await.unwrap();
    for other in [
        NewUser { email: Some("bob@example.org".into()), ..new.clone() },
        NewUser { email: None, ..new.clone() },
        NewUser { identity: Some(login("google", "9")), ..new.clone() },
    ] {
        assert_eq!(refusal(at.store.create_user(&other).await), conflict(Code::ContentDiffers));
    }
    let same = NewUser { email: Some("ADA@example.org".into()), name: None, identity: None, ..new };
    assert_eq!(at.store.create_user(&same).await.unwrap(), user);
    assert_eq!(at.store.user_by_identity(&login("google", "9")).await.unwrap(), None);
}

pub async fn an_address_belongs_to_one_person_whatever_its_case(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let ada = at.store.create_user(&NewUser::invited(Uuid::from_u128(1), "Ada@example.org")).await.unwrap();
    let other = NewUser::invited(Uuid::from_u128(2), "ada@EXAMPLE.org");
    assert_eq!(refusal(at.store.create_user(&other).await), conflict(Code::EmailTaken));
    let nobody = NewUser { email: None, ..other };
    at.store.create_user(&nobody).await.unwrap();
    at.store.create_user(&NewUser { id: UserId::invited(Uuid::from_u128(3)), ..nobody }).await.unwrap();
    assert_eq!(at.store.user_by_email("ADA@example.ORG").await.unwrap(), Some(ada));
}

pub async fn a_login_belongs_to_one_person(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let ada = at.store.create_user(&with_login("github:1", None, login("github", "1"))).await.unwrap();
    let other = with_login("github:2", None, login("github", "1"));
    assert_eq!(refusal(at.store.create_user(&other).await), conflict(Code::IdentityTaken));
    let elsewhere = with_login("google:1", None, login("google", "1"));
    let google = at.store.create_user(&elsewhere).await.unwrap();
    assert_eq!(at.store.user_by_identity(&login("github", "1")).await.unwrap(), Some(ada));
    assert_eq!(at.store.user_by_identity(&login("google", "1")).await.unwrap(), Some(google));
}

pub async fn what_no_store_could_take_of_a_person_is_invalid(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let invited = |email: &str| NewUser::invited(Uuid::from_u128(1), email);
    for email in ["", "ada", "@", "ada @example.org", "ada@exam\0ple.org"] {
        assert_eq!(refusal(at.store.create_user(&invited(email)).await), INVALID, "{email:?}");
    }
    let long = NewUser { name: Some("a".repeat(1000)), ..guest(1) };
    assert_eq!(refusal(at.store.create_user(&long).await).0, ErrorKind::Invalid);
    let broken = NewUser { name: Some("a\0".into()), ..guest(1) };
    assert_eq!(refusal(at.store.create_user(&broken).await), (ErrorKind::Invalid, Some(Code::TextRule)));
    let empty = NewUser { identity: Some(login("github", "")), ..guest(1) };
    assert_eq!(refusal(at.store.create_user(&empty).await), INVALID);
    assert_eq!(at.store.users(None, 9).await.unwrap(), []);
}

pub async fn a_refused_person_leaves_nothing_behind(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let ada = at.store.create_user(&with_login("github:1", None, login("github", "1"))).await.unwrap();
    let refused = with_login("github:2", Some("bob@example.org"), login("github", "1"));
    at.store.create_user(&refused).await.unwrap_err();
    assert_eq!(at.store.users(None, 9).await.unwrap(), [ada]);
    assert_eq!(at.store.user_by_email("bob@example.org").await.unwrap(), None);
    at.store.create_user(&NewUser::invited(Uuid::from_u128(2), "bob@example.org")).await.unwrap();
}

pub async fn of_fifty_who_take_one_address_at_once_one_gets_it(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let people: Vec<NewUser> =
        (0..50).map(|n| NewUser::invited(Uuid::from_u128(n), "ada@example.org")).collect();
    let answers = join_all(people.iter().map(|new| at.store.create_user(new))).await;
    let (added, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
    assert_eq!(added.len(), 1);
    for answer in refused {
        assert_eq!(refusal(answer), conflict(Code::EmailTaken));
    }
    assert_eq!(at.store.users(None, 99).await.unwrap().len(), 1);
}

pub async fn walking_the_pages_of_people_gives_everybody_once_the_latest_first(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    for n in 0..7 {
        at.store.create_user(&guest(n)).await.unwrap();
        // Some of one moment.
        at.clock.advance(Duration::from_secs(u64::from(n % 3 == 0)));
    }
    for limit in [1, 2, 7, 9] {
        let mut walked: Vec<User> = Vec::new();
        loop {
            let after = walked.last().map(User::cursor);
            let page = at.store.users(after.as_ref(), limit).await.unwrap();
            if page.is_empty() {
                break;
            }
            assert!(page.len() <= limit as usize);
            walked.extend(page);
        }
        assert!(walked.windows(2).all(|w| (w[0].created, &w[0].id) > (w[1].created, &w[1].id)));
        let ids: BTreeSet<&UserId> = walked.iter().map(|user| &user.id).collect();
        assert_eq!((walked.len(), ids.len()), (7, 7));
    }
}

pub async fn the_beginning_of_an_id_finds_at_most_two_people(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    for id in ["github:1", "github:12", "github:123", "google:1"] {
        at.store.create_user(&NewUser { id: id.parse().unwrap(), email: None, ..guest(1) }).await.unwrap();
    }
    let found = async |prefix: &str| -> Vec<String> {
        let people = at.store.users_by_prefix(prefix).await.unwrap();
        people.iter().map(|user| user.id.to_string()).collect()
    };
    assert_eq!(found("github:12").await, ["github:12", "github:123"]);
    assert_eq!(found("github:").await, ["github:1", "github:12"]);
    assert_eq!(found("goo").await, ["google:1"]);
    for nothing in ["%", "_", "github:2", "GITHUB", "*"] {
        assert_eq!(found(nothing).await, Vec::<String>::new(), "{nothing:?}");
    }
}
