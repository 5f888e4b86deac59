//! A provider's failure is told on standard error with a code of its own, and the session goes on.
use serde_json::{Value, json};

use crate::{
    peer,
    person::{Ended, FORMATS, Format, Person, ended},
};

/// What a failing provider must lead to.
struct Case {
    /// The address, without `/v1`.
    base: String,
    /// The exit code.
    code: i32,
    /// What the answer had said before it failed.
    said: &'static str,
    /// The kind of the problem document.
    kind: &'static str,
    /// What the sentence holds, by format.
    words: [&'static str; 2],
}

fn of(case: &str, code: i32, kind: &'static str, words: [&'static str; 2]) -> Case {
    Case { base: format!("{}/{case}", peer::wiremock()), code, said: "", kind, words }
}

fn cases() -> Vec<Case> {
    let overloaded = |case: &str| of(case, 1, "overloaded", ["overloaded or failing"; 2]);
    let network = |case: &str| of(case, 1, "network", ["the connection to 127.0.0.1:"; 2]);
    let keys = ["ANTHROPIC_API_KEY", "OPENAI_API_KEY"];
    let html =
        json!({ "status": 200, "headers": { "Content-Type": "text/html" }, "body": "<html>Welcome</html>" });
    let error = json!({ "status": 200, "body": "{\"error\":{\"message\":\"Overloaded\"}}" });
    let hour = json!({ "status": 429, "headers": { "Retry-After": "3600" }, "body": "{}" });
    let plain = peer::wiremock().replace("http://", "https://");
    vec![
        of("status-401", 3, "key_refused", keys),
        of("status-403", 3, "key_refused", keys),
        of(
            "status-404",
            1,
            "model_unknown",
            ["see --model and ANTHROPIC_BASE_URL", "see --model and OPENAI_BASE_URL"],
        ),
        of("status-429", 1, "rate_limited", ["asks to slow down"; 2]),
        of(&peer::case(&[hour]), 1, "rate_limited", ["try again in 3600 s"; 2]),
        overloaded("status-500"),
        overloaded("status-529"),
        overloaded("error-at-start"),
        overloaded(&peer::case(&[error])),
        Case { said: "The words before the fault.", ..overloaded("error-in-stream") },
        Case { said: "The words before the end.", ..of("cut", 1, "protocol", ["was cut off"; 2]) },
        of(&peer::case(&[html]), 1, "protocol", ["the base URL is most likely not the API's"; 2]),
        of(&peer::case(&[json!({ "status": 200, "body": "" })]), 1, "protocol", ["was cut off"; 2]),
        of("empty", 1, "empty_answer", ["the model answered with nothing"; 2]),
        network("reset"),
        network("garbage"),
        // A server without TLS, and none at all.
        Case { base: plain, ..of("", 1, "network", ["cannot reach 127.0.0.1:"; 2]) },
        Case {
            base: "http://127.0.0.1:9".to_owned(),
            ..of("", 1, "network", ["cannot reach 127.0.0.1:9: "; 2])
        },
    ]
}

/// All cases in both formats, each of a person of its own, asked at once: some wait between their tries.
fn ask_all(args: &[&str]) -> Vec<(Case, Format, Person, Ended)> {
    let begin = |(case, format): (Case, Format)| {
        let person = Person::new();
        let child = person.begin(format, &case.base, args);
        (case, format, person, child)
    };
    let of_format = |format| cases().into_iter().map(move |case| (case, format));
    let asked: Vec<_> = FORMATS.into_iter().flat_map(of_format).map(begin).collect();
    asked.into_iter().map(|(case, format, person, child)| (case, format, person, ended(child))).collect()
}

/// The session holds what was said, and the next turn in it is answered.
fn goes_on(case: &Case, format: Format, person: &Person) {
    person.keeps_no_key();
    let next = person.ask_good(format, &["-c", "And now?"]);
    assert_eq!((next.code, next.out.as_str()), (Some(0), "It worked at last.\n"), "{next:?}");
    let line = |role: &str, text: &str, cut| (role.to_owned(), text.to_owned(), cut);
    let mut expected = vec![line("user", "Hello?", false)];
    if !case.said.is_empty() {
        expected.push(line("assistant", case.said, true));
    }
    expected.extend([line("user", "And now?", false), line("assistant", "It worked at last.", false)]);
    assert_eq!(person.said(), expected);
}

#[test]
fn api_error_printed_as_answer() {
    for (case, format, person, ended) in ask_all(&["Hello?"]) {
        assert_eq!(ended.code, Some(case.code), "{} {format:?}: {ended:?}", case.base);
        let printed = if case.said.is_empty() { String::new() } else { format!("{}\n", case.said) };
        assert_eq!(ended.out, printed, "{} {format:?}", case.base);
        let words = case.words[usize::from(format == Format::OpenAi)];
        assert!(ended.sentence().contains(words), "{} {format:?}: {}", case.base, ended.sentence());
        goes_on(&case, format, &person);
    }
}

#[test]
fn api_error_printed_as_answer_is_one_problem_where_json_is_asked_for() {
    for (case, format, person, ended) in ask_all(&["--output-format", "json", "Hello?"]) {
        assert_eq!(ended.code, Some(case.code), "{} {format:?}: {ended:?}", case.base);
        let problem: Value = serde_json::from_str(&ended.out).unwrap();
        let fields: Vec<&String> = problem.as_object().unwrap().keys().collect();
        assert_eq!(fields, ["detail", "status", "title", "type"]);
        assert_eq!(problem["type"], format!("urn:duyetbot:{}", case.kind));
        assert_eq!(problem["detail"], ended.sentence());
        goes_on(&case, format, &person);
    }
}

#[test]
fn api_error_printed_as_answer_is_the_last_event_of_a_stream() {
    for (case, said) in [("cut", "The words before the end."), ("status-401", "")] {
        let base = format!("{}/{case}", peer::wiremock());
        for format in FORMATS {
            let ended = Person::new().ask(format, &base, &["--output-format", "stream-json", "Hello?"]);
            let events: Vec<Value> =
                ended.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
            let content = events.iter().filter(|event| event["type"] == "content");
            assert_eq!(content.map(|event| event["content"].as_str().unwrap()).collect::<String>(), said);
            let last = events.last().unwrap();
            assert_eq!((&last["type"], &last["state"]), (&json!("error"), &json!("failed")));
            assert_eq!(last["error"]["detail"], ended.sentence());
            let ends = events.iter().filter(|event| event["type"] == "done" || event["type"] == "error");
            assert_eq!(ends.count(), 1);
        }
    }
}
