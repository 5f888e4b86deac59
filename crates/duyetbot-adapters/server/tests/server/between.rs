//! What stands between a client and the server, proxies and pages: what they claim counts for nothing, and they hold nothing
//! back. Reported failures, each by its id.
use duyetbot_core::{Limits, Permission, Rate};
use duyetbot_server::http::Settings;
use serde_json::json;

use crate::{
    client::{Answer, Client},
    place::{People, Place, Wishes, token},
    streams::speaking,
};

/// Headers in which whoever asks can claim to come from there.
fn claims(n: usize) -> [(&'static str, String); 8] {
    let from = format!("198.51.100.{n}");
    [
        ("x-forwarded-for", from.clone()),
        ("x-forwarded-for", format!("{from}, 10.0.0.1")),
        ("forwarded", format!("for={from};proto=https")),
        ("x-real-ip", from.clone()),
        ("cf-connecting-ip", from.clone()),
        ("true-client-ip", from.clone()),
        ("x-client-ip", from.clone()),
        ("fly-client-ip", from),
    ]
}

async fn place_of(people: People, requests: u32) -> Place {
    let api =
        Settings { limits: Limits::NONE, rate: Some(Rate::per_minute(requests)), ..Wishes::default().api };
    Place::with(Wishes { api, people, ..Wishes::default() }).await
}

async fn ask(client: &Client, claim: &(&'static str, String)) -> u16 {
    client.send("GET", "/sessions", &[(claim.0, claim.1.as_str())], b"").await.status
}

/// Case: forwarded-for-picks-rate-bucket
#[tokio::test]
async fn what_a_client_claims_of_its_address_gives_it_no_further_requests_and_takes_none_from_others() {
    let place = place_of(People::Vouched, 8).await;
    for claim in claims(1) {
        assert_eq!(ask(&place.ada(), &claim).await, 200, "{claim:?}");
    }
    for n in [1, 2, 3] {
        for claim in claims(n) {
            assert_eq!(ask(&place.ada(), &claim).await, 429, "{claim:?}");
        }
    }
    let refused = place.ada().get("/sessions").await;
    assert_eq!(refused.problem(), (429, "rate_limited".into()));
    assert!(refused.header("retry-after").is_some());
    // Another, from the very address that was claimed.
    for claim in claims(1) {
        assert_eq!(ask(&place.bob(), &claim).await, 200, "{claim:?}");
    }
    // Who is nobody is nobody from wherever, and uses up nothing.
    let place = place_of(People::Vouched, 8).await;
    for claim in claims(1).iter().chain(&claims(2)) {
        assert_eq!(ask(&place.nobody(), claim).await, 401, "{claim:?}");
    }
    assert_eq!(place.ada().get("/sessions").await.header("x-ratelimit-remaining"), Some("7"));
}

/// Case: forwarded-for-picks-rate-bucket
#[tokio::test]
async fn all_tokens_of_a_person_share_their_requests() {
    let place = place_of(People::Members, 6).await;
    let other = token(&place.bot, "ada", Permission::ALL).await;
    let ways = [place.ada(), Client { token: Some(other), ..place.nobody() }];
    for n in 0..6 {
        assert_eq!(ways[n % 2].get("/sessions").await.status, 200);
    }
    for way in &ways {
        assert_eq!(way.get("/sessions").await.problem(), (429, "rate_limited".into()));
    }
    assert_eq!(place.bob().get("/sessions").await.status, 200);
}

/// Case: forwarded-for-picks-rate-bucket
#[tokio::test]
async fn no_answer_holds_a_host_or_an_address_that_a_client_claimed() {
    let place = Place::new().await;
    let claimed = [
        ("x-forwarded-host", "evil.example"),
        ("x-forwarded-proto", "javascript"),
        ("x-forwarded-prefix", "/evil.example"),
        ("x-original-url", "/users/me"),
        ("x-rewrite-url", "/users/me"),
        ("forwarded", "host=evil.example"),
    ];
    for path in ["/", "/openapi.json", "/sessions", "/healthz", "/nothing"] {
        let plain = place.ada().get(path).await;
        let reply = place.ada().send("GET", path, &claimed, b"").await;
        let whole = format!("{:?}{}", reply.headers, reply.text());
        assert!(!whole.contains("evil.example") && !whole.contains("javascript"), "{path}: {whole}");
        assert_eq!(reply.status, plain.status, "{path}");
    }
}

/// The value of a header that is there once.
fn once<'a>(answer: &'a Answer, name: &str) -> Option<&'a str> {
    let mut found = answer.headers.iter().filter(|(own, _)| own == name).map(|(_, value)| value.as_str());
    let first = found.next();
    assert!(found.next().is_none(), "{name} twice");
    first
}

/// Case: buffering-header-wrong-value
#[tokio::test]
async fn a_stream_says_so_to_every_proxy_also_where_its_run_has_ended_or_failed_or_is_not_there() {
    let place = Place::with(Wishes { tools: true, ..Wishes::default() }).await;
    let (run, stream, mouth) = speaking(&place, "a").await;
    mouth.end();
    stream.rest().await;
    let ended = place.ada().watch(&run, None).await;
    let resumed = place.ada().watch(&run, Some(&format!("{run}:1"))).await;
    // The same call again and again is stopped by a guard.
    for n in 0..4 {
        let mouth = place.model.answer();
        mouth.call(&format!("c{n}"), "look", "{}");
        mouth.end();
    }
    let failed = place.ada().chat(json!({"message": "look"})).await;
    for (answer, last) in [(ended, "done"), (resumed, "done"), (failed, "error")] {
        assert_eq!(answer.status, 200);
        assert_eq!(once(&answer, "x-accel-buffering"), Some("no"));
        assert_eq!(once(&answer, "content-type"), Some("text/event-stream"));
        assert_eq!(once(&answer, "cache-control"), Some("no-cache, no-store, no-transform"));
        assert_eq!((once(&answer, "content-length"), once(&answer, "content-encoding")), (None, None));
        assert_eq!(answer.rest().await.last().unwrap().1["type"], last);
    }
    let unknown = place.ada().watch("00000000-0000-7000-8000-000000000000.x", None).await;
    assert_ne!(once(&unknown, "content-type"), Some("text/event-stream"), "what is refused is no stream");
}

/// Case: buffering-header-wrong-value
#[tokio::test]
async fn an_older_proxy_gets_each_event_as_it_comes() {
    let place = Place::new().await;
    let mouth = place.model.answer();
    let body = br#"{"message":"hi"}"#;
    // As nginx asks unless it is told otherwise.
    let head = format!(
        "POST /agent/chat HTTP/1.0\r\nhost: duyetbot\r\nconnection: close\r\nauthorization: Bearer ada-token\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let mut stream = place.nobody().raw(&[head.as_bytes(), body].concat()).await;
    assert_eq!((stream.status, once(&stream, "transfer-encoding")), (200, None), "it knows no chunks");
    assert_eq!(once(&stream, "x-accel-buffering"), Some("no"));
    for word in ["one ", "two ", "three"] {
        mouth.say(word);
        let event = stream.until_event("content").await;
        assert_eq!(event.last().unwrap().1["content"], word, "each comes before the next is said");
    }
    mouth.end();
    assert_eq!(stream.rest().await.last().unwrap().1["type"], "done");
}

/// Case: any-origin-with-credentials
#[tokio::test]
async fn a_cookie_signs_nobody_in_whatever_page_it_comes_from() {
    let page = "https://app.example.org";
    let api = Settings { origins: vec![page.to_owned()], ..Wishes::default().api };
    let place = Place::with(Wishes { api, ..Wishes::default() }).await;
    let before = place.ada().get("/sessions").await.text();
    for origin in [page, "https://evil.example", "null"] {
        for cookie in ["token=ada-token", "authorization=Bearer ada-token", "__Host-session=ada-token"] {
            for (method, path, kind) in [
                ("GET", "/users/me", ""),
                ("POST", "/sessions", "application/json"),
                ("POST", "/sessions", "text/plain"),
                ("POST", "/agent/chat", "application/x-www-form-urlencoded"),
                ("DELETE", "/users/me", "application/json"),
            ] {
                let headers =
                    [("origin", origin), ("cookie", cookie), ("content-type", kind), ("referer", page)];
                let reply = place.nobody().send(method, path, &headers, b"{}").await;
                assert_eq!(reply.problem(), (401, "unauthorized".into()), "{method} {path} {origin}");
                let allowed = (origin == page).then_some(page);
                assert_eq!(reply.header("access-control-allow-origin"), allowed);
                assert_eq!(reply.header("access-control-allow-credentials"), None);
                assert_eq!(reply.header("set-cookie"), None);
            }
        }
    }
    assert_eq!(place.ada().get("/sessions").await.text(), before);
}

/// Case: metric-label-from-raw-path
#[tokio::test]
async fn what_people_send_makes_no_series_and_stands_in_no_label() {
    let place = Place::of_members().await;
    let send = async |n: usize| {
        let ada = place.ada();
        ada.post("/agent/chat", json!({"message": format!("badger{n}"), "model": format!("badger/{n}")}))
            .await;
        ada.post("/sessions", json!({"title": format!("badger{n}"), format!("badger{n}"): n})).await;
        ada.get(&format!("/search?q=badger{n}&badger{n}=1")).await;
        ada.with_json("PATCH", &format!("/sessions/badger{n}"), json!({})).await;
        ada.watch(&format!("badger{n}"), Some(&format!("badger{n}:1"))).await;
        let token = Client { token: Some(format!("badger{n}").leak()), ..place.nobody() };
        token.send("GET", "/users/me", &[("host", &format!("badger{n}"))], b"").await;
        ada.send("GET", "/nothing", &[("x-request-id", &format!("badger{n}"))], b"").await;
    };
    let series = async || {
        let text = place.nobody().get("/metrics").await.text();
        for hidden in ["badger", "ada", "example.org"] {
            assert!(!text.contains(hidden), "{hidden}: {text}");
        }
        text.lines().map(|line| line.rsplit_once(' ').unwrap().0.to_owned()).collect::<Vec<_>>()
    };
    send(0).await;
    // What is asked for the first time is a series of its own: the metrics' own route.
    series().await;
    let few = series().await;
    for n in 1..60 {
        send(n).await;
    }
    assert_eq!(series().await, few);
}
