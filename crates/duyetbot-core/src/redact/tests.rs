//! Secrets in whole texts and in texts that come in pieces.
use super::*;
use proptest::prelude::*;
use std::borrow::Cow;

fn redactor() -> Redactor {
    let values = ["hunter2-and-more", "short", "hunter2-and", "päßword\"quoted"];
    Redactor::new(&values.map(str::to_owned))
}

const KEY: &str = "-----BEGIN RSA PRIVATE KEY-----\nMIIabc\n-----END RSA PRIVATE KEY-----";

fn samples() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("sk-ant-api03-AbCdEf0123456789AbCdEf0123456789".to_owned()),
        Just("ghp_".to_owned() + &"a1B2".repeat(9)),
        Just("sk-".to_owned() + &"sk-".repeat(30)),
        Just("sk-".to_owned() + &"a1".repeat(600)),
        Just("AKIAIOSFODNN7EXAMPLE".to_owned()),
        Just("eyJhbGciOiJIUzI1NiJ9.".to_owned()),
        Just("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln".to_owned()),
        Just("hunter2-and-more".to_owned()),
        Just("hunter2-and".to_owned()),
        Just("hunter2-an".to_owned()),
        Just("päßword\"quoted".to_owned()),
        Just(KEY.to_owned()),
        Just("-----BEGIN PRIVATE KEY-----\nMIIabc".to_owned()),
        Just("-----BEGIN CERTIFICATE-----\nx\n".to_owned()),
        Just("-----END RSA ".to_owned()),
        Just("Authorization: Bearer abc.def-0123456789012345678901".to_owned()),
        Just("task-force and risk-".to_owned()),
        "[a-z \\n-]{0,12}",
        "\\PC{0,6}",
    ];
    prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn pieces_of_any_size_give_the_redacted_whole(text in samples(), sizes in prop::collection::vec(1..90_usize, 1..20)) {
        let whole = redactor().redact(&text).into_owned();
        let mut stream = redactor().stream();
        let mut shown = String::new();
        let mut chars = text.chars().peekable();
        let mut sizes = sizes.iter().cycle();
        while chars.peek().is_some() {
            let piece: String = chars.by_ref().take(*sizes.next().unwrap()).collect();
            shown.push_str(&stream.push(&piece));
        }
        shown.push_str(&stream.finish());
        prop_assert_eq!(&shown, &whole);
        prop_assert!(!whole.contains("hunter2-and"));
        prop_assert!(!whole.contains("MIIabc"));
    }
}

#[test]
fn a_key_that_begins_within_the_dashes_of_another_is_taken_out() {
    for more in 0..70 {
        let text = format!("-----BEGIN PRIVATE KEY-----\nMIIabc-----END {}{KEY} and on", "-".repeat(more));
        let mut stream = redactor().stream();
        let shown: String =
            text.chars().map(|c| stream.push(&c.to_string())).collect::<String>() + &stream.finish();
        assert!(!shown.contains("MIIabc") && shown.ends_with(" and on"), "{more}: {shown}");
        assert_eq!(shown, redactor().redact(&text), "{more}");
    }
}

#[test]
fn keys_and_tokens_are_taken_out_wherever_a_word_may_begin() {
    let long = "a1B2".repeat(10);
    let prefixes = [
        "sk-",
        "sk-ant-api03-",
        "sk-proj-",
        "gsk_",
        "ghp_",
        "gho_",
        "ghu_",
        "ghs_",
        "ghr_",
        "github_pat_",
        "glpat-",
        "AIza",
        "xoxb-",
        "xoxp-",
        "npm_",
        "pypi-",
        "hf_",
        "sk_live_",
        "rk_live_",
        "dbt_",
    ];
    let mut secrets: Vec<String> = prefixes.iter().map(|prefix| format!("{prefix}{long}")).collect();
    secrets.push("AKIAIOSFODNN7EXAMPLE".to_owned());
    secrets.push("ASIAIOSFODNNAEXAMPLE".to_owned());
    secrets
        .push("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJnaXRodWI6MTIzNDU2In0.c2lnbmF0dXJlLXNpZ25hdHVyZQ".to_owned());
    secrets.push(KEY.to_owned());
    secrets.push("-----BEGIN PGP PRIVATE KEY BLOCK-----\nx\n-----END PGP PRIVATE KEY BLOCK-----".to_owned());
    for secret in secrets {
        let text = format!("key={secret}, \"{secret}\"\n{secret}");
        assert_eq!(redactor().redact(&text), "key=[redacted], \"[redacted]\"\n[redacted]", "{secret}");
        let input = serde_json::json!({ "content": format!("a line\n{secret}\n") }).to_string();
        assert_eq!(redactor().redact(&input), r#"{"content":"a line\n[redacted]\n"}"#, "{secret}");
        assert!(redactor().alters(&input));
    }
}

#[test]
fn a_known_value_is_taken_out_as_it_stands_and_within_json() {
    let text = "a päßword\"quoted b";
    assert_eq!(redactor().redact(text), "a [redacted] b");
    assert_eq!(redactor().redact(&serde_json::Value::from(text).to_string()), "\"a [redacted] b\"");
}

#[test]
fn of_a_header_the_name_stays() {
    let text = "curl -H 'Authorization: Bearer abc.def-0123456789012345678901' x";
    assert_eq!(redactor().redact(text), "curl -H 'Authorization: Bearer [redacted]' x");
    assert_eq!(redactor().redact("Authorization: Bearer $TOKEN"), "Authorization: Bearer $TOKEN");
}

#[test]
fn a_token_of_any_length_is_taken_out_whole() {
    let text = format!("x ghp_{} y", "a1B2".repeat(50_000));
    assert_eq!(redactor().redact(&text), "x [redacted] y");
}

#[test]
fn of_a_private_key_without_an_end_64_kib_are_taken_out() {
    let text = format!("x -----BEGIN PRIVATE KEY-----\n{}", "é".repeat(40_000));
    let clean = redactor().redact(&text).into_owned();
    assert!(clean.starts_with("x [redacted]é"), "{}", &clean[..40]);
    assert!(text.len() - clean.len() > 65_000 && text.len() - clean.len() < 65_536, "{}", clean.len());
    assert_eq!(redactor().redact("-----BEGIN PRIVATE KEY-----\nMII"), "[redacted]");
}

#[test]
fn words_are_no_secrets() {
    let text = "The task-force's risk-averse sk-learn-and-other-libraries-with-long-names, eyJ, \
        eyJzb21lIjoiYmFzZTY0In0=, Bearer of news, the bearer authentication-is-described-elsewhere, \
        dbt_project_name_is_long_enough, AKIA, -----BEGIN CERTIFICATE-----, --- a list ---, shorter";
    assert!(matches!(redactor().redact(text), Cow::Borrowed(_)));
    assert!(!redactor().alters(text));
}

#[test]
fn ordinary_text_is_shown_at_once() {
    let mut stream = redactor().stream();
    assert_eq!(stream.push("Hello, wor"), "Hello, wor");
    assert_eq!(stream.push("ld. ghp"), "ld. ");
    assert_eq!(stream.push("ost"), "ghpost");
    assert_eq!(stream.push(" hunter2-and"), " ");
    assert_eq!(stream.push("-less"), "[redacted]-less");
    assert!(stream.altered());
}

#[test]
fn what_is_held_back_is_bounded() {
    for begin in ["sk-", "ghp_", "eyJ", "Bearer ", "-----BEGIN ", "-----BEGIN PRIVATE KEY-----", "sk-a1b2"] {
        for more in ["a", "A1", "sk-", "eyJ-", "----", "\n", "é"] {
            let mut stream = redactor().stream();
            stream.push(begin);
            for _ in 0..3_000 {
                stream.push(more);
                assert!(stream.held() <= 1_100, "{begin}{more}: {}", stream.held());
            }
        }
    }
}

#[test]
fn what_only_begins_like_a_secret_stays() {
    for begin in ["sk-", "eyJ-", "-----BEGIN ", "Bearer ", "hunter2-an"] {
        let text = begin.repeat(100_000 / begin.len());
        assert_eq!(redactor().redact(&text), text);
    }
}
