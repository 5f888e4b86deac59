//! Which web pages elsewhere may call.
use duyetbot_server::http::Settings;

use crate::{
    client::Reply,
    place::{Place, Wishes},
};

const PAGE: &str = "https://app.example.org";

async fn place_for(origins: &[&str]) -> Place {
    let origins = origins.iter().map(|origin| (*origin).to_owned()).collect();
    let api = Settings { origins, ..Wishes::default().api };
    Place::with(Wishes { api, ..Wishes::default() }).await
}

async fn preflight(place: &Place, origin: &str) -> Reply {
    let headers = [
        ("origin", origin),
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "authorization,content-type"),
    ];
    place.nobody().send("OPTIONS", "/agent/chat", &headers, b"").await
}

#[tokio::test]
async fn a_page_that_the_operator_named_may_call_with_a_token_and_never_with_cookies() {
    let place = place_for(&[PAGE, "http://localhost:5173"]).await;
    for origin in [PAGE, "http://localhost:5173"] {
        let asked = preflight(&place, origin).await;
        assert_eq!((asked.status, asked.header("access-control-allow-origin")), (200, Some(origin)));
        let headers = asked.header("access-control-allow-headers").unwrap();
        assert!(headers.contains("authorization") && headers.contains("last-event-id"), "{headers}");
        let listed = place.ada().send("GET", "/sessions", &[("origin", origin)], b"").await;
        assert_eq!((listed.status, listed.header("access-control-allow-origin")), (200, Some(origin)));
        assert!(listed.header("access-control-expose-headers").unwrap().contains("retry-after"));
        assert!(listed.header("vary").unwrap().contains("origin"));
        for reply in [asked, listed] {
            assert_eq!(reply.header("access-control-allow-credentials"), None);
        }
    }
    let refused = place.nobody().send("GET", "/sessions", &[("origin", PAGE)], b"").await;
    assert_eq!(refused.problem(), (401, "unauthorized".into()));
    assert_eq!(refused.header("access-control-allow-origin"), Some(PAGE), "a page may read a refusal");
}

/// Case: any-origin-with-credentials
#[tokio::test]
async fn any_origin_with_credentials() {
    let place = place_for(&[PAGE]).await;
    for origin in [
        "null",
        "https://app.example.org.evil.test",
        "https://evil-app.example.org",
        "http://app.example.org",
        "https://app.example.org:8443",
        "https://app.example.or",
    ] {
        assert_eq!(preflight(&place, origin).await.header("access-control-allow-origin"), None, "{origin}");
        let listed = place.ada().send("GET", "/sessions", &[("origin", origin)], b"").await;
        assert_eq!((listed.status, listed.header("access-control-allow-origin")), (200, None), "{origin}");
    }
    let nowhere = place_for(&[]).await;
    assert_eq!(preflight(&nowhere, PAGE).await.problem(), (405, "method_not_allowed".into()));
    let listed = nowhere.ada().send("GET", "/sessions", &[("origin", PAGE)], b"").await;
    assert_eq!((listed.status, listed.header("access-control-allow-origin")), (200, None));
}
