//! The people of a storage, as its operator adds, lists and erases them.
use duyetbot::{
    Duyetbot,
    core::{ApiSecret, Result, Scope, Storage},
};
use serde_json::{Value, json};
use std::{fs, path::PathBuf, process::Command, sync::Arc};

use crate::person::{Ended, Person, end};

/// The operator of a storage in a folder of its own.
struct Operator {
    person: Person,
    url: String,
}

impl Operator {
    fn new() -> Self {
        let person = Person::new();
        let url = format!("sqlite:{}", person.home.path().join("team/team.db").display());
        Operator { person, url }
    }

    fn command(&self, args: &[&str]) -> Command {
        self.person.command(&[&["users"], args, &["--storage", &self.url]].concat())
    }

    fn run(&self, args: &[&str]) -> Ended {
        end(&mut self.command(args))
    }

    #[track_caller]
    fn json(&self, args: &[&str]) -> Value {
        serde_json::from_str(&self.run(&[args, &["--output-format", "json"]].concat()).done()).unwrap()
    }

    /// Adds a person, and answers their id and token.
    #[track_caller]
    fn add(&self, email: &str) -> (String, String) {
        let added = self.json(&["add", email]);
        let text = |field: &str| added[field].as_str().unwrap().to_owned();
        (text("id"), text("token"))
    }

    /// What the library finds in the same storage, beside the program.
    fn look<T>(&self, look: impl AsyncFnOnce(Arc<dyn Storage>) -> T) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let bot = Duyetbot::open(&self.url).await.unwrap();
            let found = look(bot.store().clone()).await;
            bot.close().await.unwrap();
            found
        })
    }

    fn signs_in(&self, token: &str) -> Result<Scope> {
        let hash = ApiSecret::presented(token).expect("a token").hash();
        self.look(async |store| store.authenticate(&hash).await.map(|signed| signed.scope))
    }

    /// What this person's agent is asked, each in a session of its own.
    fn asks(&self, id: &str, questions: &[String]) {
        let scope = Scope::vouched(id, id);
        self.look(async |store| {
            let bot = Duyetbot::builder().store(store).scope(scope).open().await.unwrap();
            for question in questions {
                bot.ask(question).await.unwrap();
            }
        });
    }

    /// The files of the storage that hold this word.
    fn files_with(&self, word: &str) -> Vec<PathBuf> {
        let files = fs::read_dir(self.person.home.path().join("team")).unwrap();
        let holds = |path: &PathBuf| {
            let bytes = fs::read(path).unwrap();
            bytes.windows(word.len()).any(|window| window.eq_ignore_ascii_case(word.as_bytes()))
        };
        files.map(|file| file.unwrap().path()).filter(holds).collect()
    }
}

#[test]
fn a_person_who_is_added_gets_an_id_and_a_token_that_signs_them_in() {
    let operator = Operator::new();
    let added = operator.run(&["add", "ada@example.org", "--name", "Ada"]);
    assert_eq!(added.err, "duyetbot: the token is shown this once; whoever has it acts as this person\n");
    let line = added.done();
    let (id, token) = line.trim_end().split_once("  ").unwrap();
    assert_eq!((id.len(), id.starts_with("invited:")), (44, true), "{line}");
    assert_eq!(operator.signs_in(token).unwrap(), Scope::vouched(id, id));

    let second = operator.json(&["add", " Bob@example.org"]);
    let fields: Vec<&String> = second.as_object().unwrap().keys().collect();
    assert_eq!(fields, ["id", "token", "tokenId"]);
    let bob = second["id"].as_str().unwrap();
    assert_eq!(operator.signs_in(second["token"].as_str().unwrap()).unwrap(), Scope::vouched(bob, bob));
}

#[test]
fn people_are_listed_the_latest_added_first() {
    let operator = Operator::new();
    assert_eq!(operator.json(&["ls"]), json!([]));
    let none = operator.run(&["ls"]);
    assert_eq!((none.code, none.out.as_str()), (Some(0), ""));
    assert_eq!(none.err, "duyetbot: nobody was added yet; `duyetbot users add EMAIL` adds a person\n");

    operator.run(&["add", "ada@example.org", "--name", "Ada"]).done();
    let (bob, _) = operator.add("Bob@example.org");
    let list = operator.json(&["ls"]);
    let created = list[0]["createdAt"].as_str().unwrap();
    let expected = json!({
        "id": bob, "email": "Bob@example.org", "name": null, "picture": null, "provider": "invited", "settings": {},
        "createdAt": created,
    });
    assert_eq!(list[0], expected);
    assert_eq!((list.as_array().unwrap().len(), &list[1]["name"]), (2, &json!("Ada")));
    let lines = operator.run(&["ls"]).done();
    let lines: Vec<&str> = lines.lines().collect();
    assert_eq!(lines[0], format!("{bob}  {}  Bob@example.org", &created[..10]));
    assert!(lines[1].ends_with("  ada@example.org  Ada"), "{lines:?}");
}

#[test]
fn another_token_is_made_by_an_id_that_may_be_cut() {
    let operator = Operator::new();
    let (ada, first) = operator.add("ada@example.org");
    let made = operator.json(&["token", &ada[..40], "--name", "laptop"]);
    assert_eq!(made["id"], json!(ada));
    for token in [&first, made["token"].as_str().unwrap()] {
        operator.signs_in(token).unwrap();
    }
    let names = operator.look(async |store| {
        let tokens = store.tokens(&Scope::vouched(&*ada, &*ada)).await.unwrap();
        tokens.into_iter().map(|token| token.name).collect::<Vec<_>>()
    });
    assert_eq!(names, ["laptop", "added by the operator"]);
    operator.add("bob@example.org");
    assert!(operator.run(&["token", "invited:"]).refused(2).starts_with("more than one user begins with"));
    let unknown = "there is no user \"invited:x\"; `duyetbot users ls` lists them";
    assert_eq!(operator.run(&["token", "invited:x"]).refused(1), unknown);
    let empty = operator.run(&["token", ""]);
    assert_eq!(empty.refused(2), "the user's id is empty; `duyetbot users ls` lists them");
}

#[test]
fn an_address_that_cannot_be_added_is_refused_and_says_why() {
    let operator = Operator::new();
    let (ada, _) = operator.add("ada@example.org");
    let again = operator.run(&["add", "ADA@example.org"]);
    let words = format!(
        "ADA@example.org is there already, as {ada}; `duyetbot users token {ada}` makes another token"
    );
    assert_eq!(again.refused(1), words);
    let problem = operator.run(&["add", "ADA@example.org", "--output-format", "json"]);
    let problem: Value = serde_json::from_str(&problem.out).unwrap();
    assert_eq!((&problem["type"], &problem["status"]), (&json!("urn:duyetbot:email_taken"), &json!(409)));
    let wrong = operator.run(&["add", "ada"]);
    assert_eq!(wrong.refused(2), "\"ada\" is no e-mail address; give one such as ada@example.org");
    let nowhere = operator.person.run(&["users", "ls", "--storage", "memory:"]);
    assert_eq!(nowhere.refused(2), "memory: keeps nobody; name the server's storage with --storage");
    assert_eq!(operator.json(&["ls"]).as_array().unwrap().len(), 1);
}

#[test]
fn a_person_who_is_removed_is_gone_from_the_files_and_nobody_else_is() {
    let operator = Operator::new();
    let ((ada, token), (bob, kept)) =
        (operator.add("canarybird@example.org"), operator.add("bob@example.org"));
    operator.asks(&ada, &["The spare key of the canarybird hangs behind the blue door.".to_owned()]);
    operator.asks(&bob, &["The heron stands by the pond.".to_owned()]);
    assert!(!operator.files_with("canarybird").is_empty());
    assert_eq!(operator.json(&["rm", &ada]), json!({ "id": ada, "erased": true }));
    assert_eq!(operator.files_with("canarybird"), Vec::<PathBuf>::new());
    assert!(operator.signs_in(&token).is_err());
    operator.signs_in(&kept).unwrap();
    assert!(!operator.files_with("heron").is_empty());
    let unknown = format!("there is no user {ada:?}; `duyetbot users ls` lists them");
    assert_eq!(operator.run(&["rm", &ada]).refused(1), unknown);
    assert_eq!(operator.run(&["rm", &bob[..43]]).done(), format!("{bob} is erased\n"));
    assert_eq!(operator.json(&["ls"]), json!([]));
}

#[test]
fn an_erasing_that_was_killed_goes_on_with_the_same_command() {
    let operator = Operator::new();
    let (ada, token) = operator.add("canarybird@example.org");
    let questions: Vec<String> = (0..150).map(|n| format!("What of the canarybird, number {n}?")).collect();
    operator.asks(&ada, &questions);
    let mut child = operator.command(&["rm", &ada]).spawn().unwrap();
    let gone = operator.look(async |store| {
        let scope = Scope::vouched(&*ada, &*ada);
        for _ in 0..20_000 {
            if store.user(&scope).await.is_err() {
                return true;
            }
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
        false
    });
    child.kill().unwrap();
    assert_eq!(child.wait().unwrap().code(), None, "it was done before it was killed: give it more to do");
    assert!(gone);
    assert!(!operator.files_with("canarybird").is_empty());
    assert!(operator.signs_in(&token).is_err());
    assert_eq!(operator.json(&["ls"]), json!([]));
    assert_eq!(operator.run(&["rm", &ada]).done(), format!("{ada} is erased\n"));
    assert_eq!(operator.files_with("canarybird"), Vec::<PathBuf>::new());
}

#[test]
fn the_person_of_a_home_has_no_account_and_stays() {
    let person = Person::new();
    person.run(&["ask", "The spare key hangs behind the blue door."]).done();
    assert_eq!(person.json(&["users", "ls"]), json!([]));
    let refused = person.run(&["users", "rm", "local"]);
    assert_eq!(refused.refused(1), "there is no user \"local\"; `duyetbot users ls` lists them");
    assert_eq!(person.json(&["sessions", "ls"]).as_array().unwrap().len(), 1);
}
