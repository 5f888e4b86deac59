//! What reviewers forget to look at: each rule is a function over one file, run over the whole tree and over a planted fault.
#![allow(clippy::unwrap_used)]
#![allow(clippy::disallowed_methods, reason = "the machine's own paths are what one rule looks for")]

use std::{fs, path::Path};

/// A text file of the project, its path relative to the root and written with slashes.
struct File {
    path: String,
    text: String,
}

/// What is wrong with a file, a line each; nothing if all is well.
type Rule = fn(&File) -> Vec<String>;

const LINES: usize = 450;
const LINES_OF_TESTS: usize = 600;

/// Spelled in halves, so that this file does not hold them.
const UNFINISHED: [&str; 6] = [
    concat!("todo", "!("),
    concat!("unimplemented", "!("),
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("XX", "X:"),
    concat!("#[igno", "re"),
];

const READS_ENVIRONMENT: [&str; 6] =
    ["env::var", "env::args", "env::current_dir", "env::home_dir", "env::set_var", "env::remove_var"];

const SQL: [&str; 7] = [
    concat!("insert ", "into "),
    concat!("delete ", "from "),
    concat!("create ", "table "),
    concat!("create ", "index "),
    concat!("drop ", "table "),
    concat!("select ", "* "),
    concat!("\"select", " "),
];

#[test]
fn every_rust_file_begins_with_its_one_reason() {
    holds(begins_with_its_reason);
    catches(begins_with_its_reason, "crates/a/src/lib.rs", "use std::fs;\n");
}

#[test]
fn no_rust_file_is_too_long_to_be_one_room() {
    holds(is_short);
    catches(is_short, "crates/a/src/lib.rs", &"\n".repeat(LINES + 1));
    catches(is_short, "crates/a/tests/all.rs", &"\n".repeat(LINES_OF_TESTS + 1));
    passes(is_short, "crates/a/tests/all.rs", &"\n".repeat(LINES_OF_TESTS));
}

#[test]
fn nothing_is_marked_as_unfinished() {
    holds(is_finished);
    for mark in UNFINISHED {
        catches(is_finished, "crates/a/src/lib.rs", &format!("//! A.\n{mark}\n"));
    }
}

#[test]
fn only_adapters_read_the_environment() {
    holds(leaves_the_environment_alone);
    let reads = "//! A.\nlet home = std::env::var_os(\"HOME\");\n";
    catches(leaves_the_environment_alone, "crates/duyetbot-core/src/lib.rs", reads);
    passes(leaves_the_environment_alone, "crates/duyetbot-adapters/cli/src/home.rs", reads);
}

#[test]
fn sql_stands_in_the_storage_crates_alone() {
    holds(holds_no_sql);
    let sql = format!("//! A.\nlet statement = \"{}sessions values (?1)\";\n", SQL[0].to_uppercase());
    catches(holds_no_sql, "crates/duyetbot-core/src/lib.rs", &sql);
    passes(holds_no_sql, "crates/duyetbot-storage-sqlite/src/sessions.rs", &sql);
}

#[test]
fn no_file_names_a_path_of_this_machine() {
    holds(names_no_path_of_this_machine);
    let root = root();
    catches(names_no_path_of_this_machine, "README.md", &format!("See {}/README.md.\n", root.display()));
    passes(names_no_path_of_this_machine, "README.md", &format!("See a{}/README.md.\n", root.display()));
}

#[test]
fn every_script_and_make_target_that_a_document_names_exists() {
    holds(names_what_exists);
    catches(names_what_exists, "README.md", "Run `scripts/no-such-script`.\n");
    catches(names_what_exists, "README.md", "Run `make nothing`.\n");
    catches(names_what_exists, "README.md", "```sh\n$ make nothing\n```\n");
    passes(names_what_exists, "README.md", "They make nothing; run `make test`.\n");
}

#[test]
fn every_relative_link_of_a_document_leads_somewhere() {
    holds(links_lead_somewhere);
    catches(links_lead_somewhere, "README.md", "[x](no-such-file.md#part)\n");
    passes(links_lead_somewhere, "README.md", "[x](Makefile) [y](#part) [z](https://localhost/)\n");
}

fn begins_with_its_reason(file: &File) -> Vec<String> {
    let first = file.text.lines().next().unwrap_or_default();
    if !is_rust(file) || first.starts_with("//! ") {
        return Vec::new();
    }
    vec!["the first line is not `//! ` and the file's one reason".to_owned()]
}

fn is_short(file: &File) -> Vec<String> {
    let (lines, most) = (file.text.lines().count(), if is_test(file) { LINES_OF_TESTS } else { LINES });
    if !is_rust(file) || lines <= most {
        return Vec::new();
    }
    vec![format!("{lines} lines, and {most} are the most")]
}

fn is_finished(file: &File) -> Vec<String> {
    if !is_code(file) {
        return Vec::new();
    }
    lines_with(file, |line| UNFINISHED.iter().any(|mark| line.contains(mark)))
}

fn leaves_the_environment_alone(file: &File) -> Vec<String> {
    let may = file.path.starts_with("crates/duyetbot-adapters/") || is_test(file) || is_test_support(file);
    if !is_rust(file) || may {
        return Vec::new();
    }
    lines_with(file, |line| !is_comment(line) && READS_ENVIRONMENT.iter().any(|call| line.contains(call)))
}

fn holds_no_sql(file: &File) -> Vec<String> {
    let may = file.path.starts_with("crates/duyetbot-storage-") || is_test(file) || is_test_support(file);
    if !is_rust(file) || may {
        return Vec::new();
    }
    lines_with(file, |line| {
        let line = line.to_lowercase();
        !is_comment(&line) && SQL.iter().any(|words| line.contains(words))
    })
}

fn names_no_path_of_this_machine(file: &File) -> Vec<String> {
    let places = places_of_this_machine();
    lines_with(file, |line| places.iter().any(|place| has_path_under(line, place)))
}

fn names_what_exists(file: &File) -> Vec<String> {
    if !is_document(file) {
        return Vec::new();
    }
    let makefile = fs::read_to_string(root().join("Makefile")).unwrap();
    let is_target =
        |word: &str| makefile.lines().any(|line| line.split_once(':').is_some_and(|(t, _)| t == word));
    let exists = |command: &str| {
        let mut words = command.split_whitespace();
        match (words.next(), words.next()) {
            (Some("make"), Some(target)) => is_target(target),
            (Some(script), _) if script.starts_with("scripts/") => root().join(script).exists(),
            _ => true,
        }
    };
    let mut fenced = false;
    lines_with(file, |line| {
        if line.starts_with("```") {
            fenced = !fenced;
            return false;
        }
        if fenced {
            return !exists(line.trim_start_matches("$ "));
        }
        line.split('`').skip(1).step_by(2).any(|command| !exists(command))
    })
}

fn links_lead_somewhere(file: &File) -> Vec<String> {
    if !is_document(file) {
        return Vec::new();
    }
    let here = root().join(&file.path);
    let leads = |link: &str| {
        let path = link.split('#').next().unwrap_or_default();
        path.is_empty() || path.contains(':') || here.with_file_name(path).exists()
    };
    lines_with(file, |line| {
        line.split("](").skip(1).filter_map(|rest| rest.split(')').next()).any(|link| !leads(link))
    })
}

fn is_rust(file: &File) -> bool {
    file.path.ends_with(".rs")
}

fn is_code(file: &File) -> bool {
    is_rust(file)
        || file.path.ends_with(".py")
        || file.path.starts_with("scripts/")
        || file.path.starts_with(".ci/")
}

fn is_document(file: &File) -> bool {
    file.path.ends_with(".md")
}

fn is_test(file: &File) -> bool {
    file.path.starts_with("tests/") || file.path.contains("/tests/") || file.path.ends_with("/tests.rs")
}

/// What is run by developers alone: it may look at the environment, and into a store's file.
fn is_test_support(file: &File) -> bool {
    ["bench/", "examples/", "crates/duyetbot-testkit/"].iter().any(|place| file.path.starts_with(place))
}

fn is_comment(line: &str) -> bool {
    line.trim_start().starts_with("//")
}

fn lines_with(file: &File, mut wrong: impl FnMut(&str) -> bool) -> Vec<String> {
    let numbered = file.text.lines().enumerate();
    numbered
        .filter(|(_, line)| wrong(line))
        .map(|(n, line)| format!("line {}: {}", n + 1, line.trim()))
        .collect()
}

/// Whether a line names something under an absolute path: what stands before it must not make it a part of a longer one.
fn has_path_under(line: &str, place: &str) -> bool {
    let part_of_longer = |c: char| c.is_alphanumeric() || "._-/}*~".contains(c);
    line.match_indices(place).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + place.len()..].chars().next();
        !before.is_some_and(part_of_longer) && after == Some('/')
    })
}

/// The checkout, the folder that it stands in, and the home: what a command that was copied out of a terminal would name.
fn places_of_this_machine() -> Vec<String> {
    let root = root();
    let home = std::env::home_dir();
    let places = [Some(root), root.parent(), home.as_deref()];
    let too_common = [Path::new("/"), &std::env::temp_dir()];
    let named = places.into_iter().flatten().filter(|place| !too_common.contains(place));
    named.map(|place| place.display().to_string()).collect()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap()
}

#[track_caller]
fn holds(rule: Rule) {
    let files = files();
    assert!(files.len() > 50, "only {} files were found", files.len());
    let wrong =
        files.iter().flat_map(|file| rule(file).into_iter().map(|what| format!("{}: {what}", file.path)));
    assert_eq!(wrong.collect::<Vec<_>>(), Vec::<String>::new());
}

#[track_caller]
fn catches(rule: Rule, path: &str, text: &str) {
    let file = File { path: path.to_owned(), text: text.to_owned() };
    assert_eq!(rule(&file).len(), 1, "the rule did not see the fault planted in {path}");
}

#[track_caller]
fn passes(rule: Rule, path: &str, text: &str) {
    let file = File { path: path.to_owned(), text: text.to_owned() };
    assert_eq!(rule(&file), Vec::<String>::new());
}

/// All text files of the project, without what is built, installed or recorded.
fn files() -> Vec<File> {
    let mut files = Vec::new();
    collect(root(), &mut files);
    files
}

fn collect(folder: &Path, files: &mut Vec<File>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            let hidden = name.starts_with('.') && !matches!(name.as_str(), ".ci" | ".cargo" | ".github");
            if !hidden && !matches!(name.as_str(), "target" | "node_modules") {
                collect(&path, files);
            }
        } else if let Ok(text) = fs::read_to_string(&path) {
            let relative = path.strip_prefix(root()).unwrap();
            let path =
                relative.components().map(|c| c.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/");
            files.push(File { path, text });
        }
    }
}
