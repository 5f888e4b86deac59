//! Many people of one storage: their tokens, their logins, what either may do, and how both end.
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use duyetbot::SystemClock;
use duyetbot_core::{Clock, Permission};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use std::time::Duration;

use duyetbot_server::http::{Access, routes};

use crate::{
    client::{Client, DEADLINE, Reply},
    place::{PREVIOUS, People, Place, SECRET, Wishes, id, token},
};

fn now() -> i64 {
    SystemClock.now().0 / 1000
}

/// What a login of Ada's would be given, but for this.
fn claims(change: Value) -> Value {
    let mut claims = json!({
        "sub": "test:ada", "email": "ada@example.org", "name": null, "picture": null, "provider": "test",
        "iat": now(), "exp": now() + 3600, "iss": "duyetbot", "aud": "duyetbot", "sid": "a login",
    });
    for (name, value) in change.as_object().unwrap() {
        claims[name] = value.clone();
    }
    claims
}

fn jwt(secret: &str, header: Value, claims: Value) -> String {
    let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(header), part(claims));
    let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap().chain_update(&signed);
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
}

fn login(change: Value) -> String {
    jwt(SECRET, json!({"alg": "HS256", "typ": "JWT"}), claims(change))
}

fn bearer(place: &Place, token: String) -> Client {
    Client { token: Some(token.leak()), ..place.nobody() }
}

async fn storage(folder: &tempfile::TempDir) -> Place {
    let storage = format!("sqlite:{}", folder.path().join("team.db").display());
    Place::with(Wishes { storage, people: People::Members, tools: true, ..Wishes::default() }).await
}

#[tokio::test]
async fn a_login_that_is_signed_with_either_secret_is_its_person() {
    let place = Place::of_members().await;
    for secret in [SECRET, PREVIOUS] {
        let ada = bearer(&place, jwt(secret, json!({"alg": "HS256"}), claims(json!({}))));
        let me = ada.get("/users/me").await.json();
        assert_eq!(
            [&me["id"], &me["email"], &me["provider"], &me["settings"]],
            [&json!("test:ada"), &json!("ada@example.org"), &json!("test"), &json!({})]
        );
        assert_eq!(me, place.ada().get("/users/me").await.json(), "as with an API token");
    }
}

/// The answer, without the id that each request has.
fn told(reply: &Reply) -> (u16, String, Option<&str>) {
    (reply.status, reply.text(), reply.header("www-authenticate"))
}

#[tokio::test]
async fn jwt_header_picks_algorithm() {
    let place = Place::of_members().await;
    let unknown = told(&bearer(&place, "nobody knows this".into()).get("/users/me").await).1;
    let valid = login(json!({}));
    let (signed, _) = valid.rsplit_once('.').unwrap();
    let with = |header: Value| jwt(SECRET, header, claims(json!({})));
    let mut refused = vec![
        format!("{signed}."),
        format!("{}.", with(json!({"alg": "none"})).rsplit_once('.').unwrap().0),
        with(json!({"alg": "HS256", "crit": ["b64"], "b64": false})),
        with(json!({"alg": "HS256", "typ": "refresh+jwt"})),
        jwt("-----BEGIN PUBLIC KEY----- of a provider", json!({"alg": "RS256"}), claims(json!({}))),
        jwt("-----BEGIN PUBLIC KEY----- of a provider", json!({"alg": "HS256"}), claims(json!({}))),
        jwt(
            "a secret that is not this server's",
            json!({"alg": "HS256", "kid": "../../dev/null"}),
            claims(json!({})),
        ),
        format!("dbt_{}", "0".repeat(64)),
        "dbt_' OR '1'='1".to_owned(),
        format!("{valid}.{}", "x".repeat(7_000)),
        "x".repeat(20_000),
    ];
    refused.extend(
        ["none", "None", "nOnE", "HS384", "HS512", "RS256", "ES256"].map(|alg| with(json!({"alg": alg}))),
    );
    for token in refused {
        let reply = bearer(&place, token.clone()).get("/users/me").await;
        assert_eq!(told(&reply), (401, unknown.clone(), Some("Bearer")), "{token:.200}");
    }
    for kid in ["../../dev/null", "' union select 'k"] {
        assert_eq!(
            bearer(&place, with(json!({"alg": "HS256", "kid": kid}))).get("/users/me").await.status,
            200
        );
    }
}

#[tokio::test]
async fn id_token_iat_slightly_ahead() {
    let place = Place::of_members().await;
    let status = async |change: Value| bearer(&place, login(change)).get("/users/me").await.status;
    let soon = now() + 30;
    for taken in [
        json!({"iat": soon + 570}),
        json!({"nbf": soon}),
        json!({"exp": now() - 1}),
        json!({"exp": now() as f64 + 9.5}),
    ] {
        assert_eq!(status(taken.clone()).await, 200, "{taken}");
    }
    for refused in [
        json!({"exp": now() - 300}),
        json!({"exp": -1}),
        json!({"exp": 1e20}),
        json!({"exp": "2099"}),
        json!({"exp": null}),
        json!({"nbf": now() + 600}),
        json!({"nbf": "later"}),
        json!({"iss": "https://staging.example.org"}),
        json!({"iss": null}),
        json!({"aud": "another service"}),
        json!({"aud": null}),
        json!({"sid": null}),
        json!({"sub": null}),
        json!({"sub": "test:nobody"}),
        json!({"sub": "ada"}),
        json!({"sub": ["test:ada"]}),
    ] {
        assert_eq!(status(refused.clone()).await, 401, "{refused}");
    }
}

#[tokio::test]
async fn a_profile_is_read_changed_and_kept() {
    let place = Place::of_members().await;
    let ada = place.ada();
    let change = async |body: Value| ada.with_json("PATCH", "/users/me", body).await;
    let changed = change(json!({"name": " Ada L. ", "settings": {"theme": "dark", "n": 1.5}})).await.json();
    assert_eq!(
        [&changed["name"], &changed["settings"]],
        [&json!("Ada L."), &json!({"theme": "dark", "n": 1.5})]
    );
    assert_eq!(ada.get("/users/me").await.json(), changed);
    assert_eq!(change(json!({"name": ""})).await.json()["name"], json!(null));
    for (body, status) in [
        (json!({"email": "victim@example.org"}), 422),
        (json!({"id": "test:bob"}), 422),
        (json!({"name": "a\u{1b}[2Jb"}), 422),
        (json!({"name": "x".repeat(81)}), 422),
        (json!({"settings": []}), 422),
        (json!({"settings": {"a": "\u{0}"}}), 422),
        (json!({"settings": {"a": "x".repeat(70_000)}}), 422),
    ] {
        assert_eq!(change(body.clone()).await.status, status, "{body:.80}");
    }
    let after = ada.get("/users/me").await.json();
    assert_eq!((&after["settings"], &after["email"]), (&changed["settings"], &json!("ada@example.org")));
    assert_eq!(place.bob().get("/users/me").await.json()["settings"], json!({}));
}

#[tokio::test]
async fn a_token_is_shown_once_works_at_once_and_ends_at_once() {
    let place = Place::of_members().await;
    let ada = place.ada();
    let id = "01890000-0000-7000-8000-00000000000a";
    let wanted =
        json!({"id": id, "name": "a script", "scopes": ["read"], "expiresAt": "2099-01-01T00:00:00Z"});
    let made = ada.post("/users/me/tokens", wanted.clone()).await;
    let token = made.json()["token"].as_str().unwrap().to_owned();
    let created = made.json()["createdAt"].clone();
    let mut kept = json!({
        "id": id, "name": "a script", "scopes": ["read"], "createdAt": created, "lastUsedAt": null,
        "expiresAt": "2099-01-01T00:00:00.000Z",
    });
    let shown = {
        let mut shown = kept.clone();
        shown["token"] = json!(token);
        shown
    };
    assert_eq!((made.status, made.json()), (201, shown));
    assert_eq!(ada.post("/users/me/tokens", wanted).await.problem(), (409, "content_differs".into()));

    let script = bearer(&place, token.clone());
    assert_eq!(script.get("/users/me").await.json()["id"], json!("test:ada"));
    let listed = async || ada.get("/users/me/tokens").await;
    let used = async || {
        let tokens = listed().await.json()["tokens"].as_array().unwrap().clone();
        tokens.into_iter().find(|token| token["id"] == id).unwrap()
    };
    tokio::time::timeout(DEADLINE, async { while used().await["lastUsedAt"].is_null() {} }).await.unwrap();
    kept["lastUsedAt"] = used().await["lastUsedAt"].clone();
    assert_eq!(used().await, kept);
    assert!(!listed().await.text().contains(&token), "it is kept as its hash");
    let path = format!("/users/me/tokens/{id}");
    assert_eq!(place.bob().send("DELETE", &path, &[], b"").await.problem(), (404, "not_found".into()));
    assert_eq!(ada.send("DELETE", &path, &[], b"").await.status, 204);
    assert_eq!(script.get("/users/me").await.problem(), (401, "unauthorized".into()));
    assert_eq!(ada.send("DELETE", &path, &[], b"").await.status, 404);
}

#[tokio::test]
async fn what_a_token_may_not_do_is_refused_by_its_scopes_name() {
    let place = Place::with(Wishes { people: People::Members, tools: true, ..Wishes::default() }).await;
    for route in routes() {
        let Access::Signed(needs) = route.access else { continue };
        let path = route.path.replace("{id}", "x").replace("{hash}", "x");
        let others = Permission::ALL.into_iter().filter(|one| *one != needs);
        let others: Vec<Permission> = others.collect();
        let lacking = token(&place.bot, "ada", [others[0], others[1], others[2]]).await;
        let reply = bearer(&place, lacking.to_owned()).send(route.method, &path, &[], b"{").await;
        assert_eq!(reply.problem(), (403, "forbidden".into()), "{route:?}");
        let words = format!("this token lacks the scope {:?}; use one that has it", needs.as_str());
        assert_eq!(reply.json()["detail"], json!(words), "{route:?}");
        let enough = token(&place.bot, "bob", [needs]).await;
        if route.path != "/users/me" {
            let reply = bearer(&place, enough.to_owned()).send(route.method, &path, &[], b"{").await;
            assert!(![401, 403].contains(&reply.status), "{route:?} {}", reply.text());
        }
        let hash = duyetbot_core::ApiSecret::presented(lacking).unwrap().hash();
        let made = place.bot.store().authenticate(&hash).await.unwrap().token.id;
        place.bot.store().revoke_token(&id("ada").scope(), made).await.unwrap();
    }
}

#[tokio::test]
async fn a_token_makes_none_that_can_do_more_than_itself() {
    let place = Place::of_members().await;
    let narrow = token(&place.bot, "ada", [Permission::Read, Permission::Account]).await;
    let narrow = bearer(&place, narrow.to_owned());
    let make = async |of: &Client, body: Value| of.post("/users/me/tokens", body).await;
    let refused = make(&narrow, json!({"name": "more", "scopes": ["read", "write"]})).await;
    assert_eq!(refused.problem(), (403, "forbidden".into()));
    assert!(refused.json()["detail"].as_str().unwrap().contains("\"write\""), "{}", refused.text());
    let same = make(&narrow, json!({"name": "the same"})).await;
    assert_eq!((same.status, &same.json()["scopes"]), (201, &json!(["read", "account"])));

    let until = json!({"name": "short", "expiresAt": "2090-01-01T00:00:00Z"});
    let short = make(&place.ada(), until).await.json()["token"].as_str().unwrap().to_owned();
    let short = bearer(&place, short);
    let longer = make(&short, json!({"name": "longer", "expiresAt": "2090-01-01T00:00:01Z"})).await;
    assert_eq!(longer.problem(), (403, "forbidden".into()));
    let inherited = make(&short, json!({"name": "as long"})).await.json();
    assert_eq!(inherited["expiresAt"], json!("2090-01-01T00:00:00.000Z"));

    for body in [
        json!({}),
        json!({"name": ""}),
        json!({"name": "a", "scopes": []}),
        json!({"name": "a", "scopes": ["everything"]}),
        json!({"name": "a", "expiresAt": "tomorrow"}),
        json!({"name": "a", "expiresAt": "2020-01-01T00:00:00Z"}),
        json!({"name": "a", "id": "mine"}),
        json!({"name": "a", "owner": "test:bob"}),
    ] {
        assert_eq!(make(&place.ada(), body.clone()).await.status, 422, "{body}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_has_as_many_tokens_as_allowed_and_no_more_by_fifty_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let place = storage(&folder).await;
    for _ in 0..89 {
        token(&place.bot, "ada", [Permission::Read]).await;
    }
    let sent: Vec<_> = (0..50)
        .map(|_| {
            let ada = place.ada();
            tokio::spawn(async move { ada.post("/users/me/tokens", json!({"name": "one more"})).await })
        })
        .collect();
    let mut made = 0;
    for reply in sent {
        let reply = reply.await.unwrap();
        if reply.status == 201 {
            made += 1;
        } else {
            assert_eq!(
                (reply.problem(), &reply.json()["limit"]),
                ((403, "limit_reached".into()), &json!("api_tokens"))
            );
        }
    }
    assert_eq!(made, 10, "with the first one and the 89");
}

/// How long what is open may outlive its credentials, and room for a busy machine.
const BOUND: Duration = Duration::from_secs(2 + 8);

#[tokio::test]
async fn a_stream_ends_soon_after_its_token_and_its_run_goes_on() {
    let place = Place::of_members().await;
    let mouth = place.model.answer();
    mouth.say("half ");
    let script = token(&place.bot, "ada", Permission::ALL).await;
    let client = bearer(&place, script.to_owned());
    let mut stream = client.chat(json!({"message": "hi"})).await;
    let run = stream.until_event("content").await[0].1["runId"].as_str().unwrap().to_owned();
    let mut own = place.ada().watch(&run, None).await;
    own.until_event("content").await;

    let hash = duyetbot_core::ApiSecret::presented(script).unwrap().hash();
    let signed = place.bot.store().authenticate(&hash).await.unwrap();
    place.bot.store().revoke_token(&signed.scope, signed.token.id).await.unwrap();
    assert_eq!(client.watch(&run, None).await.status, 401, "at once");
    let rest = tokio::time::timeout(BOUND, stream.rest()).await.unwrap();
    assert!(rest.iter().all(|(_, event)| event["type"] != "done" && event["type"] != "error"), "{rest:?}");

    mouth.say("whole");
    mouth.end();
    let rest = own.rest().await;
    assert_eq!(rest.last().unwrap().1["state"], "done", "her other token watches on");
}

/// Case: erase-keeps-conversations.
#[tokio::test]
async fn jwt_outlives_logout_and_erase() {
    let folder = tempfile::tempdir().unwrap();
    let place = storage(&folder).await;
    let (ada, by_login) = (place.ada(), bearer(&place, login(json!({}))));
    let said = |what: &str| json!({"message": what, "stream": false});
    assert_eq!(ada.post("/agent/chat", said("the badger sleeps")).await.status, 200);
    place.bob().post("/agent/chat", said("the key lies under the stone")).await;
    let mouth = place.model.answer();
    mouth.say("half ");
    let mut stream = by_login.chat(json!({"message": "go on"})).await;
    stream.until_event("content").await;

    let erased = ada.send("DELETE", "/users/me", &[], b"").await;
    assert_eq!((erased.status, erased.text()), (202, String::new()));
    for client in [&ada, &by_login] {
        for route in routes().into_iter().filter(|route| route.access != Access::Open) {
            let path = route.path.replace("{id}", "x").replace("{hash}", "x");
            let reply = client.send(route.method, &path, &[], b"{").await;
            assert_eq!(reply.problem(), (401, "unauthorized".into()), "{route:?}");
        }
    }
    tokio::time::timeout(BOUND, stream.rest()).await.unwrap();
    tokio::time::timeout(BOUND, place.model.silent()).await.expect("the run's model is not asked on");
    let scope = id("ada").scope();
    let left = async || place.bot.store().counters(&scope).await.unwrap().storage();
    assert_eq!(left().await, 0);
    let files = ["team.db", "team.db-wal"].map(|name| folder.path().join(name));
    let words = || {
        let read = |file| std::fs::read(file).unwrap_or_default();
        files.iter().map(read).any(|bytes| bytes.windows(6).any(|found| found == b"badger"))
    };
    tokio::time::timeout(DEADLINE, async {
        while words() {
            tokio::task::yield_now().await;
        }
    })
    .await
    .expect("her words stay in the files");
    assert_eq!(place.bob().get("/search?q=stone").await.json()["results"].as_array().unwrap().len(), 1);
    assert_eq!(place.bot.store().user(&scope).await.unwrap_err().kind(), duyetbot_core::ErrorKind::NotFound);
}

#[tokio::test]
async fn the_person_of_a_local_server_has_no_account() {
    let place = Place::new().await;
    for (method, path, body) in [
        ("PATCH", "/users/me", json!({"name": "Ada"})),
        ("DELETE", "/users/me", json!({})),
        ("GET", "/users/me/tokens", json!({})),
        ("POST", "/users/me/tokens", json!({"name": "a"})),
        ("DELETE", "/users/me/tokens/01890000-0000-7000-8000-00000000000a", json!({})),
    ] {
        let reply = place.ada().with_json(method, path, body).await;
        assert_eq!(reply.problem(), (403, "unsupported".into()), "{method} {path}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_of_all_credentials_of_a_person_count_together_and_two_people_apart() {
    let api = duyetbot_server::http::Settings {
        rate: Some(duyetbot_core::Rate::per_minute(20)),
        ..Wishes::default().api
    };
    let place = Place::with(Wishes { api, people: People::Members, ..Wishes::default() }).await;
    let by_login = bearer(&place, login(json!({})));
    let sent: Vec<_> = (0..50)
        .map(|n| {
            let client = if n % 2 == 0 { place.ada() } else { by_login.clone() };
            tokio::spawn(async move { client.get("/sessions").await.status })
        })
        .collect();
    let mut granted = 0;
    for status in sent {
        granted += usize::from(status.await.unwrap() == 200);
    }
    assert_eq!(granted, 20);
    let refused = by_login.get("/sessions").await;
    assert_eq!(
        (refused.problem(), refused.header("x-ratelimit-limit")),
        ((429, "rate_limited".into()), Some("20"))
    );
    assert!(refused.header("retry-after").is_some());
    let usage = place.bob().get("/users/me/usage").await.json();
    assert_eq!(usage["requestsPerMinute"], json!({"limit": 20, "remaining": 19}));
}
