//! Erasing a person and all that they have.
use duyetbot_core::{
    BlobRef, Claim, ClaimOf, Code, Commit, Content, Counters, Erasing, IndexPiece, LEASE, NewMessage,
    NewToken, NewUser, Operator, Role, RunId, RunState, Save, Scope, SessionId, User, UserChange, UserStore,
};

use crate::{
    backend::{Backend, skips},
    fixture::{
        Ground, NOT_FOUND, add, begin, checkpoint, claim, conflict, guest, login, names, open, refusal, said,
        step, token,
    },
};

/// What a person has when they go.
struct Belongings {
    user: User,
    token: NewToken,
    blob: BlobRef,
    /// A session that a run is open in.
    run: RunId,
}

/// A person who has something of everything, with this word in all of it.
async fn settled(at: &Ground, n: u128, word: &str) -> Belongings {
    let new = NewUser {
        email: Some(format!("{word}@example.org")),
        name: Some(format!("Dr {word}")),
        picture: Some(format!("https://pictures.example/{word}")),
        identity: Some(login("github", word)),
        ..guest(n)
    };
    let user = at.store.create_user(&new).await.unwrap();
    let scope = user.scope();
    let settings = UserChange { name: None, settings: Some(format!("{{\"motto\":\"{word}\"}}")) };
    let user = at.store.change_user(&scope, &settings).await.map(|_| user).unwrap();
    let token = token(&format!("{word}'s laptop"));
    at.store.add_token(&scope, &token).await.unwrap();
    let blob = at.store.put_blob(&scope, format!("a picture of {word}").as_bytes()).await.unwrap();
    at.store.put_blob(&scope, format!("an upload of {word} that nothing names").as_bytes()).await.unwrap();
    let piece = IndexPiece { terms: format!("{word} other"), context: format!("{word}ctx") };
    let content = |role| Content::of(role, &[duyetbot_core::Part::text(format!("on {word}"))]).unwrap();
    for _ in 0..3 {
        let spoken = NewMessage {
            content: content(Role::User),
            pieces: vec![piece.clone()],
            context: format!("{word}ctx"),
            ..said("")
        };
        let mut commit = begin(SessionId::new(), vec![spoken, names(&blob)]);
        if let Some(create) = commit.create.as_mut() {
            create.title = format!("About {word}");
            create.metadata = format!("{{\"for\":\"{word}\"}}");
        }
        at.store.commit(&scope, &commit).await.unwrap();
    }
    let commit = open(SessionId::new(), said("go"));
    let run = RunId { session: commit.session, message: commit.messages[0].id };
    at.store.commit(&scope, &commit).await.unwrap();
    Belongings { user, token, blob, run }
}

async fn erase(at: &Ground, scope: &Scope) {
    for _ in 0..1000 {
        if at.store.erase_user(scope).await.unwrap() == Erasing::Done {
            return;
        }
    }
    panic!("the erasing does not end");
}

/// Nothing of the person can be read by whoever still holds a scope.
async fn is_gone(at: &Ground, held: &Belongings) {
    let scope = held.user.scope();
    let RunId { session, message } = held.run;
    assert_eq!(refusal(at.store.user(&scope).await), NOT_FOUND);
    assert_eq!(refusal(at.store.tokens(&scope).await), NOT_FOUND);
    assert_eq!(
        refusal(at.store.authenticate(&held.token.hash).await),
        refusal(at.store.authenticate(&token("unknown").hash).await)
    );
    assert_eq!(refusal(at.store.session(&scope, session).await), NOT_FOUND);
    assert_eq!(refusal(at.store.message(&scope, session, message).await), NOT_FOUND);
    assert_eq!(refusal(at.store.run(&scope, held.run).await), NOT_FOUND);
    assert_eq!(refusal(at.store.blob(&scope, &held.blob.hash).await), NOT_FOUND);
    assert_eq!(at.snapshot(&scope).await.sessions, []);
    assert_eq!(at.store.counters(&scope).await.unwrap(), Counters::default());
    let all = 0..=at.clock_now().day();
    assert_eq!(at.store.usage(&scope, all).await.unwrap(), Default::default());
    assert_eq!(at.store.users_by_prefix(held.user.id.as_str()).await.unwrap(), []);
}

pub async fn an_erased_person_is_gone_at_once(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let held = settled(&at, 1, "ada").await;
    at.store.erase_user(&held.user.scope()).await.unwrap();
    is_gone(&at, &held).await;
}

pub async fn an_erasing_goes_on_until_it_is_done_and_then_nobody_is_found(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let held = settled(&at, 1, "ada").await;
    erase(&at, &held.user.scope()).await;
    is_gone(&at, &held).await;
    assert_eq!(refusal(at.store.erase_user(&held.user.scope()).await), NOT_FOUND);
}

pub async fn a_sweep_finishes_an_erasing_that_was_begun(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let held = settled(&at, 1, "ada").await;
    at.store.erase_user(&held.user.scope()).await.unwrap();
    at.store.sweep().await.unwrap();
    assert_eq!(refusal(at.store.erase_user(&held.user.scope()).await), NOT_FOUND);
    is_gone(&at, &held).await;
}

pub async fn nothing_is_written_under_the_id_of_an_erased_person_for_good(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let held = settled(&at, 1, "ada").await;
    let scope = held.user.scope();
    let erased = conflict(Code::UserErased);
    let writes = async || {
        let new = begin(SessionId::new(), vec![said("new")]);
        for commit in
            [&new, &begin(held.run.session, vec![said("more")]), &open(SessionId::new(), said("go"))]
        {
            assert_eq!(refusal(at.store.commit(&scope, commit).await), erased);
        }
        let unmade: Commit = add(held.run.session, vec![said("more")]);
        assert_eq!(refusal(at.store.commit(&scope, &unmade).await), erased);
        assert_eq!(refusal(at.store.put_blob(&scope, b"late").await), erased);
        assert_eq!(refusal(at.store.create_user(&guest(1)).await), erased);
        assert_eq!(refusal(at.store.add_token(&scope, &token("late")).await), NOT_FOUND);
        assert_eq!(refusal(at.store.change_user(&scope, &UserChange::default()).await), NOT_FOUND);
        assert_eq!(refusal(at.store.link(&scope, &login("google", "late")).await), NOT_FOUND);
    };
    at.store.erase_user(&scope).await.unwrap();
    writes().await;
    at.store.sweep().await.unwrap();
    writes().await;
    is_gone(&at, &held).await;
}

pub async fn the_run_of_an_erased_person_is_stale_and_nobody_takes_it_over(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let held = settled(&at, 1, "ada").await;
    let scope = held.user.scope();
    at.store.erase_user(&scope).await.unwrap();
    let stale = conflict(Code::StaleEpoch);
    let save = at.store.save(&scope, held.run, 1, &Save::Checkpoint(checkpoint(2, &[]))).await;
    assert_eq!(refusal(save), stale);
    let late = step(held.run, 1, 0, "late", RunState::Done);
    assert_eq!(refusal(at.store.commit(&scope, &late).await), stale);
    at.clock.advance(LEASE * 2);
    let places = ClaimOf::Places(vec!["host:/here".into()]);
    for claim in [claim(places), claim(ClaimOf::Run(scope, held.run))] {
        assert_eq!(taken(&*at.store, &claim).await, None);
    }
}

async fn taken(store: &(impl Operator + ?Sized), claim: &Claim) -> Option<RunId> {
    store.claim(claim).await.unwrap().map(|claimed| claimed.run)
}

pub async fn the_logins_and_the_address_of_an_erased_person_are_free(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let held = settled(&at, 1, "ada").await;
    at.store.erase_user(&held.user.scope()).await.unwrap();
    let again =
        NewUser { email: held.user.email.clone(), identity: Some(login("github", "ada")), ..guest(2) };
    let user = at.store.create_user(&again).await.unwrap();
    assert_eq!(at.store.user_by_identity(&login("github", "ada")).await.unwrap(), Some(user.clone()));
    assert_eq!(at.store.user_by_email("ada@example.org").await.unwrap(), Some(user.clone()));
    assert_eq!(at.store.counters(&user.scope()).await.unwrap(), Counters::default());
    at.store.sweep().await.unwrap();
    assert_eq!(at.store.user(&user.scope()).await.unwrap(), user);
}

pub async fn erasing_a_person_leaves_everybody_else(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    at.session_of(&["of somebody without an account"]).await;
    let (ada, bob) = (settled(&at, 1, "ada").await, settled(&at, 2, "bob").await);
    let kept = async || {
        let scope = bob.user.scope();
        let tokens = at.store.tokens(&scope).await.unwrap();
        let user = at.store.user(&scope).await.unwrap();
        let blob = at.store.blob(&scope, &bob.blob.hash).await.unwrap();
        (at.snapshot(&scope).await, at.snapshot(&at.mine).await, tokens, user, blob)
    };
    let before = kept().await;
    erase(&at, &ada.user.scope()).await;
    at.store.sweep().await.unwrap();
    assert_eq!(kept().await, before);
    at.store.authenticate(&bob.token.hash).await.unwrap();
}

pub async fn who_has_no_account_is_not_erased(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    at.session_of(&["a"]).await;
    let before = at.snapshot(&at.mine).await;
    assert_eq!(refusal(UserStore::erase_user(&*at.store, &at.mine).await), NOT_FOUND);
    assert_eq!(at.snapshot(&at.mine).await, before);
}

pub async fn no_word_of_an_erased_person_is_left_in_the_files_after_a_sweep(backend: &dyn Backend) {
    let at = Ground::of(backend).await;
    let declared = at.store.capabilities().secure_erase;
    if skips(declared, "secure_erase", "no_word_of_an_erased_person_is_left_in_the_files_after_a_sweep") {
        return;
    }
    let secret = "zirconwhistle";
    let held = settled(&at, 1, secret).await;
    settled(&at, 2, "somebody").await;
    let left = |files: Vec<Vec<u8>>, word: &str| {
        files.iter().filter(|file| file.windows(word.len()).any(|w| w == word.as_bytes())).count()
    };
    let hash = held.token.hash.as_str();
    for word in [secret, hash] {
        assert!(left(backend.files().await, word) > 0, "the word is not in the files at all");
    }
    erase(&at, &held.user.scope()).await;
    at.store.sweep().await.unwrap();
    for word in [secret, hash] {
        assert_eq!(left(backend.files().await, word), 0, "files that still hold {word}");
    }
    let kept = left(backend.files().await, held.user.id.as_str());
    assert!(kept > 0, "the id is kept, so that it is never given again");
}
