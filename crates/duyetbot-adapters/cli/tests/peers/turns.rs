//! A session over several processes: each goes on from what the ones before it stored.
use crate::{
    peer,
    person::{FORMATS, Format, Person, ended},
};

#[test]
fn three_turns_with_a_real_model_are_six_messages_of_one_session() {
    let person = Person::new();
    let base = format!("{}/v1", peer::llm());
    let ask = |args: &[&str]| {
        let mut command = person.command(&[&["ask"], args].concat());
        let command =
            command.env("OPENAI_BASE_URL", &base).env("DUYETBOT_SYSTEM", "Answer in one short sentence.");
        let ended = ended(command.spawn().unwrap());
        assert_eq!(ended.code, Some(0), "{ended:?}");
        assert!(!ended.out.trim().is_empty(), "{ended:?}");
        ended.out
    };
    let one = ask(&["What is the capital of France?"]);
    let two = ask(&["-c", "And of Italy?"]);
    let session = person.session();
    let three = ask(&["-r", &session, "Thank you."]);

    let said = person.said();
    let roles: Vec<&str> = said.iter().map(|(role, ..)| role.as_str()).collect();
    assert_eq!(roles, ["user", "assistant", "user", "assistant", "user", "assistant"]);
    let expected = ["What is the capital of France?", &one, "And of Italy?", &two, "Thank you.", &three];
    let texts: Vec<&str> = said.iter().map(|(_, text, _)| text.trim_end()).collect();
    assert_eq!(texts, expected.map(str::trim_end));
    for answer in person.messages().iter().filter(|message| message["role"] == "assistant") {
        assert_eq!(answer["model"], "openai/smollm2-135m");
        assert!(answer["usage"]["output"].as_u64().unwrap() > 0, "{answer}");
    }
}

const HELLO: &str = "Hello! I am the scripted model, and I answer in several pieces.";

fn line(role: &str, text: &str) -> (String, String) {
    (role.to_owned(), text.to_owned())
}

#[test]
fn the_second_process_sends_the_turns_of_the_first() {
    for format in FORMATS {
        let (person, word) = (Person::new(), peer::word());
        let first = format!("say hello, {word}");
        let ended = person.ask(format, &peer::aimock(), &[&first]);
        assert_eq!((ended.code, ended.out), (Some(0), format!("{HELLO}\n")));
        let ended = person.ask(format, &peer::aimock(), &["-c", "count the tokens"]);
        assert_eq!((ended.code, ended.out.as_str()), (Some(0), "Counted.\n"));

        let one = vec![line("user", &first)];
        let two = [one.clone(), vec![line("assistant", HELLO), line("user", "count the tokens")]].concat();
        assert_eq!(peer::journal(&word), [one, two]);
        let usage = person.messages()[3]["usage"].clone();
        assert_eq!(
            (&usage["input"], &usage["output"], &usage["tokens"]),
            (&123.into(), &45.into(), &168.into())
        );
    }
}

#[test]
fn a_session_moves_to_another_provider_and_back() {
    let (person, word) = (Person::new(), peer::word());
    let first = format!("think first, {word}");
    for (format, words) in [
        (Format::Anthropic, vec![first.as_str()]),
        (Format::OpenAi, vec!["-c", "say hello"]),
        (Format::Anthropic, vec!["-c", "count the tokens"]),
    ] {
        let ended = person.ask(format, &peer::aimock(), &words);
        assert_eq!(ended.code, Some(0), "{ended:?}");
    }
    let all = [
        line("user", &first),
        line("assistant", "The answer is 42."),
        line("user", "say hello"),
        line("assistant", HELLO),
        line("user", "count the tokens"),
    ];
    assert_eq!(peer::journal(&word), [all[..1].to_vec(), all[..3].to_vec(), all.to_vec()]);
    let models: Vec<String> =
        person.messages().iter().map(|m| m["model"].as_str().unwrap_or("").to_owned()).collect();
    let (claude, gpt) = (Format::Anthropic.model(), Format::OpenAi.model());
    assert_eq!(models, ["", claude, "", gpt, "", claude]);
}
