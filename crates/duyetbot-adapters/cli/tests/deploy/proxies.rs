//! The samples for nginx and Caddy let streams through, and let through nothing that the server would believe or show.
use crate::{
    blocks::{Ends, Statement, block, read, rest},
    file, time,
};
use duyetbot_server::http::Settings;
use std::time::Duration;

/// Where a server listens that is told nothing else.
const USUAL: &str = "127.0.0.1:8787";
/// Headers in which a client can claim to be somebody else.
const CLAIMS: [&str; 3] = ["Forwarded", "X-Forwarded-For", "X-Real-IP"];
/// An answer that is no stream says nothing until its end, which may be that of a long run.
const LONG: Duration = Duration::from_secs(300);

/// The names of all statements, those of blocks included.
fn names(of: &[Statement]) -> Vec<&str> {
    of.iter()
        .flat_map(|statement| {
            let own = std::iter::once(statement.words[0].as_str());
            own.chain(statement.block.as_deref().map(names).unwrap_or_default())
        })
        .collect()
}

fn is_patient(text: &str) {
    let heartbeat = Settings::default().heartbeat;
    assert!(time(text) >= 2 * heartbeat && time(text) >= LONG, "{text} for a heartbeat of {heartbeat:?}");
}

/// Bytes, as both write them in MiB.
fn takes_the_largest_blob(text: &str) {
    let number = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = &text[number.len()..];
    assert!(["m", "MiB"].contains(&unit), "{text}");
    let bytes = number.parse::<usize>().unwrap() * 1024 * 1024;
    let largest = Settings::default().largest_blob;
    assert!(bytes >= largest && bytes < 2 * largest, "{text} for blobs of {largest} bytes");
}

/// Case: buffering-header-wrong-value
#[test]
fn nginx_hands_on_each_event_and_waits_longer_than_a_stream_is_silent() {
    let all = read(&file("nginx.conf"), Ends::Semicolon);
    let server = block(&all, &["server"]);
    let through = block(server, &["location", "/"]);
    assert_eq!(rest(through, &["proxy_buffering"]), ["off"]);
    assert_eq!(rest(through, &["proxy_cache"]), ["off"]);
    assert_eq!(rest(through, &["proxy_http_version"]), ["1.1"]);
    assert_eq!(rest(through, &["proxy_set_header", "Connection"]), [""]);
    is_patient(rest(through, &["proxy_read_timeout"])[0]);
    takes_the_largest_blob(rest(server, &["client_max_body_size"])[0]);
    assert_eq!(rest(through, &["proxy_pass"]), ["http://duyetbot"]);
    assert_eq!(rest(block(&all, &["upstream", "duyetbot"]), &["server"]), [USUAL]);
    // A run that was begun is begun once.
    assert_eq!(rest(through, &["proxy_next_upstream"]), ["off"]);
    assert!(!names(&all).iter().any(|name| ["gzip", "proxy_ignore_headers", "sub_filter"].contains(name)));
}

/// Case: forwarded-for-picks-rate-bucket
#[test]
fn nginx_hands_on_no_claim_of_a_client_and_shows_no_metrics() {
    let all = read(&file("nginx.conf"), Ends::Semicolon);
    let server = block(&all, &["server"]);
    let through = block(server, &["location", "/"]);
    for claim in CLAIMS {
        assert_eq!(rest(through, &["proxy_set_header", claim]), [""], "{claim}");
    }
    assert_eq!(rest(block(server, &["location", "=", "/metrics"]), &["return"]), ["404"]);
}

/// Case: buffering-header-wrong-value
#[test]
fn caddy_hands_on_each_event_and_waits_longer_than_a_stream_is_silent() {
    let all = read(&file("Caddyfile"), Ends::Line);
    let site = block(&all, &["bot.example.org"]);
    let through = block(site, &["reverse_proxy", USUAL]);
    assert_eq!(rest(through, &["flush_interval"]), ["-1"]);
    let transport = block(through, &["transport", "http"]);
    is_patient(rest(transport, &["read_timeout"])[0]);
    is_patient(rest(transport, &["response_header_timeout"])[0]);
    takes_the_largest_blob(rest(block(site, &["request_body"]), &["max_size"])[0]);
    assert!(!names(&all).iter().any(|name| ["encode", "response_buffers", "lb_retries"].contains(name)));
}

/// Case: forwarded-for-picks-rate-bucket
#[test]
fn caddy_hands_on_no_claim_of_a_client_and_shows_no_metrics() {
    let all = read(&file("Caddyfile"), Ends::Line);
    let site = block(&all, &["bot.example.org"]);
    let through = block(site, &["reverse_proxy", USUAL]);
    for claim in CLAIMS {
        assert_eq!(rest(through, &["header_up", &format!("-{claim}")]), Vec::<&str>::new());
    }
    assert_eq!(rest(site, &["respond", "/metrics"]), ["404"]);
}
