//! What is put before a model of a person's history, and above all what is not. A module is the case that it stands for.
#![allow(clippy::unwrap_used, clippy::expect_used)]
mod history;

use duyetbot_core::{
    Part, Role, ToolResult, ToolUse,
    index::{CommonTerms, RECALL_MODEL},
};
use history::History;

mod recall_costs_more_than_it_gives {
    use super::*;

    /// 2,000 notes of a life in which three are about cats.
    fn facts() -> History {
        const WHO: [&str; 8] = ["Mia", "Tom", "Lena", "Omar", "my boss", "my neighbour", "Noor", "the team"];
        const DOES: [&str; 10] = [
            "prefers the window seat in",
            "will test the new line of",
            "wants to fix a date for",
            "moved last year to",
            "failed an exam about",
            "keeps a file on",
            "ordered a book about",
            "likes to run through",
            "has an error in the bill for",
            "starts to build a house near",
        ];
        const WHAT: [&str; 25] = [
            "Oslo",
            "Lyon",
            "Porto",
            "physics",
            "opera",
            "pottery",
            "the garden",
            "the archive",
            "football",
            "chess",
            "the lake",
            "Turin",
            "jazz",
            "the office",
            "the museum",
            "Kyoto",
            "baking",
            "the harbour",
            "law",
            "the library",
            "maps",
            "the market",
            "rowing",
            "the bridge",
            "history",
        ];
        let mut history = History::new();
        let all =
            WHO.iter().flat_map(|who| DOES.iter().flat_map(move |d| WHAT.iter().map(move |w| (who, d, w))));
        for (n, (who, does, what)) in all.take(1_997).enumerate() {
            history.begin();
            history.say(&format!("Note {n}: {who} {does} {what}."));
            if n % 700 == 0 {
                history.say(&format!("My cat number {n} eats only salmon."));
            }
        }
        history
    }

    fn log() -> String {
        (0..2_500)
            .map(|n| {
                format!(
                    "2025-11-25T04:{:02}:{:02}Z ERROR worker-{n}: timeout after {n} ms in line {n}\n",
                    n / 60 % 60,
                    n % 60
                )
            })
            .collect()
    }

    #[test]
    fn only_what_fits_is_recalled_and_it_is_small() {
        let history = facts();
        let nothing: [&str; 8] = [
            "fix the failing test in foo.rs",
            "the",
            "please",
            "?!",
            "Wie heißt die Hauptstadt von Peru?",
            "Quelle est la capitale du Danemark?",
            "run the build and show me the errors",
            "write a haiku",
        ];
        for asked in nothing {
            assert_eq!(history.recalled_texts(asked), Vec::<String>::new(), "{asked}");
        }
        assert_eq!(history.recalled_texts(&log()), Vec::<String>::new());
        let cats = history.recalled("What do my cats eat?");
        assert_eq!(cats.len(), 3, "{cats:?}");
        assert!(cats.iter().all(|passage| passage.text.contains("cat") && passage.title == "Notes"));
        let many = history.recalled("Who moved to Oslo, and who likes to run through Kyoto?");
        assert!(!many.is_empty() && many.len() <= 8);
        assert!(many.iter().map(|passage| passage.text.len()).sum::<usize>() <= 2_000);
    }

    #[test]
    fn long_messages_are_cut_around_what_fits() {
        let mut history = History::new();
        for n in 0..40 {
            history.begin();
            history.say(&format!(
                "{} the zebra of keeper {n} {}",
                "hay ".repeat(2_000),
                "straw ".repeat(2_000)
            ));
        }
        let recalled = history.recalled("Which keeper has a zebra?");
        assert!((4..=8).contains(&recalled.len()), "{}", recalled.len());
        assert!(recalled.iter().all(|passage| passage.text.contains("zebra")));
        assert!(recalled.iter().map(|passage| passage.text.len()).sum::<usize>() <= 2_000);
    }
}

mod recalled_text_stored_again {
    use super::*;

    #[test]
    fn nothing_comes_from_recalled_text_from_tools_or_from_the_system() {
        let mut history = History::new();
        history.say("My dog is called Rex.");
        history.begin();
        history.say("What is my dog called?");
        history.answer("On 2025-11-25 you said: My dog is called Rex, your dog.", RECALL_MODEL);
        let call = ToolUse {
            call: "c".into(),
            tool: "read".to_owned(),
            input: "{}".to_owned(),
            result: ToolResult::success("the dog is called Fido"),
            blob: None,
            extra: None,
        };
        history.add(Role::Assistant, vec![Part::text("I looked."), Part::Tool(call)], None);
        let reasoning =
            Part::Reasoning { text: "The dog Bello?".to_owned(), signature: None, redacted: None };
        history.add(Role::Assistant, vec![reasoning, Part::text("Done.")], None);
        history.add(Role::System, vec![Part::text("The dog is called Waldi.")], None);
        assert_eq!(history.recalled_texts("what is my dog called?"), ["My dog is called Rex."]);
    }

    #[test]
    fn after_100_sessions_that_repeat_a_fact_it_is_recalled_once() {
        let mut history = History::new();
        for _ in 0..100 {
            history.begin();
            history.say("What is my dog called?");
            history.answer("Your dog is called Rex.", "test/model");
        }
        assert_eq!(history.recalled_texts("What is my dog called?"), ["Your dog is called Rex."]);
    }
}

#[test]
fn a_short_history_recalls_the_one_thing_that_was_said() {
    let mut history =
        History::of(&["My dog is called Rex.", "I use Postgres 17.", "The parser lives in src/parse.rs."]);
    history.begin();
    for (asked, recalled) in [
        ("What is my dog called?", "My dog is called Rex."),
        ("Is Rex my dog?", "My dog is called Rex."),
        ("Do you remember which database I use?", "I use Postgres 17."),
        ("Where does the parser live?", "The parser lives in src/parse.rs."),
    ] {
        assert_eq!(history.recalled_texts(asked), [recalled], "{asked}");
    }
    assert_eq!(history.recalled_texts("Translate this poem into French"), Vec::<String>::new());
}

#[test]
fn what_the_model_sees_anyway_is_left_out() {
    let mut history = History::new();
    let seen = history.say("My dog is called Rex.");
    let (common, seen) = (CommonTerms::default(), std::collections::BTreeSet::from([seen]));
    let recalled = duyetbot_core::index::recall(&history.store, &history.scope, &common, "my dog?", &seen, 8);
    assert_eq!(futures::executor::block_on(recalled).unwrap(), []);
}

#[test]
fn a_persons_words_come_before_the_agents() {
    let mut history = History::new();
    history.say("The zebra is in Oslo.");
    history.begin();
    history.answer("A zebra has stripes.", "test/model");
    assert_eq!(
        history.recalled_texts("Where is the zebra?"),
        ["The zebra is in Oslo.", "A zebra has stripes."]
    );
}
