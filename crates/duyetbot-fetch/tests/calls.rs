//! The client against a real socket: what it sends, what it makes of failures, and when it lets go.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use bytes::Bytes;
use duyetbot_core::{Code, ErrorKind, Retry};
use duyetbot_fetch::{Call, Client, Pem, Proxies, Roots, Settings};
use futures::StreamExt;
use std::time::Duration;
use tokio::io::AsyncWriteExt;

fn impatient() -> Client {
    Client::new(Settings { idle_timeout: Duration::from_millis(200), ..Settings::default() })
}

#[tokio::test]
async fn a_json_call_carries_its_headers_and_body_and_brings_status_headers_and_bytes() {
    let (listener, host) = support::listener().await;
    let server = tokio::spawn(async move {
        let (mut socket, seen) = support::request(&listener).await;
        support::answer(&mut socket, "418 Odd\r\nretry-after: 7", "short and stout").await;
        seen
    });
    let call = Call::post_json(format!("http://{host}/tea?x=1"), r#"{"a":1}"#).secret("x-api-key", "k-1");
    let response = Client::default().send(call).await.unwrap();
    assert_eq!((response.status(), response.is_success(), response.host()), (418, false, host.as_str()));
    assert_eq!((response.header("retry-after"), response.header("missing")), (Some("7"), None));
    assert_eq!(response.read(1024).await.unwrap(), Bytes::from_static(b"short and stout"));
    let seen = server.await.unwrap();
    assert!(seen.starts_with("POST /tea?x=1 HTTP/1.1\r\n"), "{seen}");
    for line in ["content-type: application/json", "x-api-key: k-1", "accept-encoding: identity"] {
        assert!(seen.contains(&format!("{line}\r\n")), "{line} is missing in {seen}");
    }
    assert!(seen.ends_with("\r\n\r\n{\"a\":1}"), "{seen}");
}

#[tokio::test]
async fn dropping_the_stream_closes_the_connection() {
    let (listener, host) = support::listener().await;
    let server = tokio::spawn(async move {
        let (mut socket, _) = support::request(&listener).await;
        support::begin(&mut socket, "one").await;
        support::closed(&mut socket).await;
    });
    let client = Client::default();
    let mut stream =
        client.send(Call::post_json(format!("http://{host}/"), "{}")).await.unwrap().into_stream();
    assert_eq!(stream.next().await.unwrap().unwrap(), Bytes::from_static(b"one"));
    drop(stream);
    server.await.unwrap();
}

#[tokio::test]
async fn dropping_a_call_that_still_waits_for_headers_closes_the_connection() {
    let (listener, host) = support::listener().await;
    let client = Client::default();
    let call = tokio::spawn(async move {
        client.send(Call::post_json(format!("http://{host}/"), "{}")).await.map(|_| ())
    });
    let (mut socket, _) = support::request(&listener).await;
    call.abort();
    support::closed(&mut socket).await;
}

#[tokio::test]
async fn a_server_that_says_nothing_is_given_up_before_and_within_the_body() {
    let (listener, host) = support::listener().await;
    let server = tokio::spawn(async move {
        let (_silent, _) = support::request(&listener).await;
        let (mut slow, _) = support::request(&listener).await;
        support::begin(&mut slow, "one").await;
        support::closed(&mut slow).await;
    });
    let client = impatient();
    let error = client.send(Call::get(format!("http://{host}/"))).await.unwrap_err();
    assert_eq!(error.message(), format!("{host} said nothing within the time limit"));
    let mut stream = client.send(Call::get(format!("http://{host}/"))).await.unwrap().into_stream();
    assert!(stream.next().await.unwrap().is_ok());
    let error = stream.next().await.unwrap().unwrap_err();
    assert_eq!(error.message(), format!("{host} said nothing within the time limit"));
    assert_eq!(
        (error.kind(), error.code(), error.retry()),
        (ErrorKind::Unavailable, Some(Code::Network), Retry::Now)
    );
    drop(stream);
    server.await.unwrap();
}

#[tokio::test]
async fn a_whole_call_can_be_bounded() {
    let (listener, host) = support::listener().await;
    let call = Call::get(format!("http://{host}/")).timeout(Duration::from_millis(100));
    let error = Client::default().send(call).await.unwrap_err();
    assert_eq!(error.message(), format!("{host} said nothing within the time limit"));
    drop(listener);
}

#[tokio::test]
async fn an_error_names_the_host_and_neither_path_nor_query_nor_credentials() {
    let (listener, host) = support::listener().await;
    drop(listener);
    let url = format!("http://person:pass-1@{host}/path-2?query-3=4");
    let error = Client::default().send(Call::get(url)).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.code(), error.retry()),
        (ErrorKind::Unavailable, Some(Code::Network), Retry::Now)
    );
    assert!(error.message().starts_with(&format!("cannot reach {host}: ")), "{error}");
    let all = format!("{error:?}");
    for secret in ["pass-1", "path-2", "query-3"] {
        assert!(!all.contains(secret), "{secret} stands in {all}");
    }
}

#[tokio::test]
async fn a_connection_that_breaks_within_the_body_is_an_error() {
    let (listener, host) = support::listener().await;
    tokio::spawn(async move {
        let (mut socket, _) = support::request(&listener).await;
        support::begin(&mut socket, "one").await;
        socket.shutdown().await.unwrap();
    });
    let mut stream =
        Client::default().send(Call::get(format!("http://{host}/"))).await.unwrap().into_stream();
    assert_eq!(stream.next().await.unwrap().unwrap(), Bytes::from_static(b"one"));
    let error = stream.next().await.unwrap().unwrap_err();
    assert!(error.message().starts_with(&format!("the connection to {host} broke: ")), "{error}");
    assert_eq!(error.retry(), Retry::Now);
}

#[tokio::test]
async fn a_redirect_comes_back_as_it_is() {
    let (listener, host) = support::listener().await;
    tokio::spawn(async move {
        let (mut socket, _) = support::request(&listener).await;
        support::answer(&mut socket, "307 Moved\r\nlocation: http://192.0.2.1/", "").await;
    });
    let response = Client::default().send(Call::get(format!("http://{host}/"))).await.unwrap();
    assert_eq!((response.status(), response.header("location")), (307, Some("http://192.0.2.1/")));
}

#[tokio::test]
async fn a_body_is_read_up_to_its_limit_only() {
    let (listener, host) = support::listener().await;
    tokio::spawn(async move {
        for _ in 0..2 {
            let (mut socket, _) = support::request(&listener).await;
            support::answer(&mut socket, "200 OK\r\nconnection: close", "0123456789").await;
        }
    });
    let client = Client::default();
    let error = client.send(Call::get(format!("http://{host}/"))).await.unwrap().read(9).await.unwrap_err();
    assert_eq!(error.code(), Some(Code::TooLarge));
    let head = client.send(Call::get(format!("http://{host}/"))).await.unwrap().read_head(4).await;
    assert_eq!(head, Bytes::from_static(b"0123"));
}

#[tokio::test]
async fn a_call_goes_through_the_proxy_and_one_to_this_machine_does_not() {
    let (proxy, proxy_host) = support::listener().await;
    let (direct, direct_host) = support::listener().await;
    let server = tokio::spawn(async move {
        let (mut socket, through) = support::request(&proxy).await;
        support::answer(&mut socket, "200 OK", "proxy").await;
        let (mut socket, _) = support::request(&direct).await;
        support::answer(&mut socket, "200 OK", "direct").await;
        through
    });
    let proxies = Proxies::all(format!("http://person:word@{proxy_host}"));
    let client = Client::new(Settings { proxies, ..Settings::default() });
    let far = client.send(Call::get("http://models.invalid/v1/models")).await.unwrap();
    assert_eq!(far.read(64).await.unwrap(), Bytes::from_static(b"proxy"));
    let near = client.send(Call::get(format!("http://{direct_host}/"))).await.unwrap();
    assert_eq!(near.read(64).await.unwrap(), Bytes::from_static(b"direct"));
    let through = server.await.unwrap();
    assert!(through.starts_with("GET http://models.invalid/v1/models HTTP/1.1\r\n"), "{through}");
    assert!(through.to_ascii_lowercase().contains("proxy-authorization: basic "), "{through}");
}

#[tokio::test]
async fn what_cannot_be_right_is_invalid_and_never_sent() {
    let client = Client::default();
    for url in ["", "models", "ftp://host/", "http://"] {
        let error = client.send(Call::get(url)).await.unwrap_err();
        assert_eq!((error.kind(), error.retry()), (ErrorKind::Invalid, Retry::Never), "{url:?}");
    }
    let error = client.send(Call::get("http://127.0.0.1:1/").secret("x-api-key", "a\nb")).await.unwrap_err();
    assert_eq!(
        error.message(),
        "the value for the header x-api-key holds characters that no header can carry"
    );
    let proxies = Proxies::all("::: pass-1");
    let settings = Settings { proxies, ..Settings::default() };
    let error = Client::new(settings).send(Call::get("http://models.invalid/")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(!format!("{error:?}").contains("pass-1"), "{error:?}");
}

#[tokio::test]
async fn certificates_that_are_not_there_are_named_at_the_first_call_that_needs_them() {
    let (listener, host) = support::listener().await;
    tokio::spawn(async move {
        let (mut socket, _) = support::request(&listener).await;
        support::answer(&mut socket, "200 OK", "plain").await;
    });
    let roots = Roots::And(Pem::File("/nowhere/roots.pem".into()));
    let client = Client::new(Settings { roots, ..Settings::default() });
    assert!(client.send(Call::get(format!("http://{host}/"))).await.is_ok());
    let error = client.send(Call::get("https://models.invalid/")).await.unwrap_err();
    assert!(
        error.message().starts_with("the certificates in /nowhere/roots.pem cannot be read: "),
        "{error}"
    );
    let roots = Roots::Only(Pem::Text(b"nothing".to_vec()));
    let client = Client::new(Settings { roots, ..Settings::default() });
    let error = client.send(Call::get("https://models.invalid/")).await.unwrap_err();
    assert_eq!(error.message(), "no certificate stands in the setting");
}

/// The handshake is reached, so a client was made: its certificates were there.
#[tokio::test]
async fn a_secure_call_to_a_plain_server_fails_in_the_handshake() {
    let (listener, host) = support::listener().await;
    tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        socket.write_all(b"HTTP/1.1 400 Bad\r\n\r\n").await.unwrap();
        socket.shutdown().await.unwrap();
    });
    let error = Client::default().send(Call::get(format!("https://{host}/"))).await.unwrap_err();
    assert_eq!(error.code(), Some(Code::Network));
    assert!(error.message().starts_with(&format!("cannot reach {host}: ")), "{error}");
    assert!(error.message().contains("corrupt message"), "{error}");
}

#[test]
fn a_machine_without_certificates_makes_secure_calls_all_the_same() {
    let test = "a_secure_call_to_a_plain_server_fails_in_the_handshake";
    let done = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test])
        .env("SSL_CERT_FILE", "/nowhere/roots.pem")
        .env("SSL_CERT_DIR", "/nowhere")
        .output()
        .unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stdout));
}

#[tokio::test]
async fn a_call_that_others_may_steer_reaches_no_address_of_this_machine_under_any_name() {
    let (listener, host) = support::listener().await;
    let port = host.rsplit(':').next().unwrap();
    let client = Client::new(Settings { reach: duyetbot_fetch::Reach::Public, ..Settings::default() });
    for host in ["127.0.0.1", "127.1", "[::ffff:127.0.0.1]", "localhost", "localhost.", "good.test@127.0.0.1"]
    {
        let error = client.send(Call::get(format!("http://{host}:{port}/"))).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Forbidden, "{host}: {error}");
    }
    let nobody = tokio::time::timeout(Duration::from_millis(50), listener.accept()).await;
    assert!(nobody.is_err(), "somebody connected");
}
