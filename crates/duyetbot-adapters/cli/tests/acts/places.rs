//! A session's tools work where the session was begun, from wherever it is gone on with.
use serde_json::{Value, json};
use std::{fs, path::Path};

use crate::{
    common::Place,
    script::{Model, call, words},
    world::{Ended, Result, results, statuses},
};

struct Two {
    place: Place,
    id: String,
}

impl Two {
    /// A session that was begun in `a`; `b` is beside it.
    fn new() -> Self {
        let place = Place::new();
        for folder in ["a", "b"] {
            fs::create_dir(place.at(folder)).unwrap();
        }
        place.file("a/a.txt", "of a");
        place.file("a/.duyetbot/config.toml", "[rules]\ndeny = [\"bash(touch:*)\"]\n");
        let mut begin = place.with(&Model::new([words("ok")]), &["ask", "begun", "--output-format", "json"]);
        let begun = Ended::of(begin.current_dir(place.at("a")).output().unwrap()).json();
        Two { id: begun["sessionId"].as_str().unwrap().to_owned(), place }
    }

    fn goes_on_from(&self, folder: &Path) -> (Vec<Result>, String) {
        let steps = [
            ("bash", json!({ "command": "pwd" })),
            ("bash", json!({ "command": "touch made" })),
            ("read", json!({ "path": "a.txt" })),
            ("write", json!({ "path": "new", "content": "x" })),
        ];
        let model = Model::new(steps.into_iter().map(|(tool, input): (_, Value)| call(tool, input)));
        let flags = ["--allow", "bash", "--allow", "write", "--output-format", "stream-json"];
        let args = [&["ask", "-r", &self.id, "go on"], &flags[..]].concat();
        let ended = Ended::of(self.place.with(&model, &args).current_dir(folder).output().unwrap());
        (results(&ended), ended.err)
    }
}

/// Case: resume-in-another-directory
#[test]
fn tools_work_in_the_session_s_directory_by_its_rules() {
    let two = Two::new();
    let a = two.place.at("a").canonicalize().unwrap();
    let (results, err) = two.goes_on_from(&two.place.at("b"));
    assert_eq!(statuses(&results), ["success", "denied", "success", "success"], "{results:?}");
    assert_eq!(results[0].output.lines().next(), a.to_str());
    assert!(results[2].output.contains("of a"), "{results:?}");
    assert_eq!((two.place.at("a/new").exists(), two.place.at("b/new").exists()), (true, false));
    assert!(err.contains(&format!("{}; its tools work there", a.display())), "{err}");
}

/// Case: resume-in-another-directory
#[test]
fn where_the_directory_is_gone_there_are_no_tools() {
    let two = Two::new();
    fs::rename(two.place.at("a"), two.place.at("renamed")).unwrap();
    let (results, err) = two.goes_on_from(&two.place.at("b"));
    assert!(results.iter().all(|result| result.output.contains("there are no tools")), "{results:?}");
    assert_eq!((two.place.at("renamed/new").exists(), two.place.at("b/new").exists()), (false, false));
    assert!(err.contains("which is not here; it goes on without tools"), "{err}");
}
