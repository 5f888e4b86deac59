//! What passes is waited out, and a person who stops waiting is not kept.
use serde_json::json;
use std::{io::Read, net::TcpListener};

use crate::{
    peer,
    person::{FORMATS, Format, Person, ended},
};

#[test]
fn a_failure_that_passes_leaves_one_question_and_one_answer() {
    let failing = [
        json!({ "status": 408, "body": "{}" }),
        json!({ "status": 429, "headers": { "Retry-After": "1" }, "body": "{}" }),
        json!({ "status": 500, "body": "{}" }),
        json!({ "status": 529, "body": "{}" }),
        json!({ "fault": "CONNECTION_RESET_BY_PEER" }),
        json!({ "fault": "RANDOM_DATA_THEN_CLOSE" }),
        json!({ "status": 200, "body": "data: {\"error\":{\"message\":\"overloaded\"}}\n\n" }),
    ];
    let begin = |format: Format| {
        let file = if format == Format::Anthropic { "anthropic/good.sse" } else { "openai/good.sse" };
        let good = json!({ "status": 200, "headers": { "Content-Type": "text/event-stream" }, "bodyFileName": file });
        let cases = failing.iter().map(move |failing| peer::case(&[failing.clone(), good.clone()]));
        cases.map(move |case| {
            let person = Person::new();
            let child = person.begin(format, &format!("{}/{case}", peer::wiremock()), &["Hello?"]);
            (person, child)
        })
    };
    let asked: Vec<_> = FORMATS.into_iter().flat_map(begin).collect();
    for (person, child) in asked {
        let ended = ended(child);
        assert_eq!((ended.code, ended.out.as_str()), (Some(0), "It worked at last.\n"), "{ended:?}");
        let line = |role: &str, text: &str| (role.to_owned(), text.to_owned(), false);
        assert_eq!(person.said(), [line("user", "Hello?"), line("assistant", "It worked at last.")]);
    }
}

#[test]
fn a_silent_provider_is_left_at_once_when_a_person_stops() {
    for format in FORMATS {
        let silent = TcpListener::bind("127.0.0.1:0").unwrap();
        let person = Person::new();
        let child = person.begin(format, &format!("http://{}", silent.local_addr().unwrap()), &["Hello?"]);
        let (mut connection, _) = silent.accept().unwrap();
        let mut some = [0; 1];
        connection.read_exact(&mut some).unwrap();
        rustix::process::kill_process(rustix::process::Pid::from_child(&child), rustix::process::Signal::INT)
            .unwrap();
        let mut rest = Vec::new();
        connection.read_to_end(&mut rest).unwrap();
        let ended = ended(child);
        assert_eq!((ended.code, ended.out.as_str()), (Some(130), ""), "{ended:?}");
        let next = person.ask_good(format, &["-c", "And now?"]);
        assert_eq!((next.code, next.out.as_str()), (Some(0), "It worked at last.\n"), "{next:?}");
    }
}
