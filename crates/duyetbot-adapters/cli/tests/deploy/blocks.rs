//! Just enough of the languages of nginx and Caddy to hold a sample against the program: statements, and blocks of them.

/// A statement: its words, and the statements of its block where it has one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Statement {
    pub(crate) words: Vec<String>,
    pub(crate) block: Option<Vec<Statement>>,
}

impl Statement {
    fn is(&self, words: &[&str]) -> bool {
        self.words.iter().map(String::as_str).take(words.len()).eq(words.iter().copied())
    }
}

/// What ends a statement.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ends {
    /// A semicolon, as nginx has it.
    Semicolon,
    /// The line, as Caddy has it.
    Line,
}

/// Reads a whole text. What is no such text is a panic that says where.
pub(crate) fn read(text: &str, ends: Ends) -> Vec<Statement> {
    let mut open: Vec<(Vec<String>, Vec<Statement>)> = vec![(Vec::new(), Vec::new())];
    let mut words: Vec<String> = Vec::new();
    for (n, line) in text.lines().enumerate() {
        for word in words_of(line) {
            let at = || format!("line {}: {line:?}", n + 1);
            match word.as_str() {
                "{" => open.push((std::mem::take(&mut words), Vec::new())),
                "}" => {
                    assert!(words.is_empty(), "a statement has no end before {}", at());
                    let (head, block) = open.pop().unwrap();
                    let around = open.last_mut().unwrap_or_else(|| panic!("nothing is open at {}", at()));
                    around.1.push(Statement { words: head, block: Some(block) });
                }
                ";" => {
                    assert!(ends == Ends::Semicolon && !words.is_empty(), "{}", at());
                    let words = std::mem::take(&mut words);
                    open.last_mut().unwrap().1.push(Statement { words, block: None });
                }
                _ => words.push(word),
            }
        }
        if ends == Ends::Line && !words.is_empty() {
            let words = std::mem::take(&mut words);
            open.last_mut().unwrap().1.push(Statement { words, block: None });
        }
    }
    assert!(words.is_empty() && open.len() == 1, "something is open at the end");
    open.remove(0).1
}

/// The words of a line without its remark. A quoted word is one, without its quotes.
fn words_of(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quoted) = (Vec::new(), None::<String>, false);
    for c in line.chars() {
        match c {
            '"' => {
                quoted = !quoted;
                word.get_or_insert_default();
            }
            c if quoted => word.get_or_insert_default().push(c),
            '#' if word.is_none() => break,
            ';' | '{' | '}' => {
                words.extend(word.take());
                words.push(c.to_string());
            }
            c if c.is_whitespace() => words.extend(word.take()),
            c => word.get_or_insert_default().push(c),
        }
    }
    assert!(!quoted, "a quote has no end: {line:?}");
    words.extend(word);
    words
}

/// The one block that begins with these words.
#[track_caller]
pub(crate) fn block<'a>(of: &'a [Statement], words: &[&str]) -> &'a [Statement] {
    let mut found = of.iter().filter(|statement| statement.is(words) && statement.block.is_some());
    let block = found.next().and_then(|statement| statement.block.as_deref());
    assert!(found.next().is_none(), "{words:?} twice");
    block.unwrap_or_else(|| panic!("no block {words:?} in {of:#?}"))
}

/// The rest of the one statement that begins with these words.
#[track_caller]
pub(crate) fn rest<'a>(of: &'a [Statement], words: &[&str]) -> Vec<&'a str> {
    let mut found = of.iter().filter(|statement| statement.is(words) && statement.block.is_none());
    let statement = found.next().unwrap_or_else(|| panic!("no statement {words:?} in {of:#?}"));
    assert!(found.next().is_none(), "{words:?} twice");
    statement.words[words.len()..].iter().map(String::as_str).collect()
}

#[test]
fn a_text_is_read_as_its_statements_and_one_that_is_none_is_seen() {
    let plain =
        |words: &[&str]| Statement { words: words.iter().map(|w| (*w).to_owned()).collect(), block: None };
    let inner = Statement { block: Some(vec![plain(&["b", ""])]), ..plain(&["a", "x"]) };
    assert_eq!(read("a x { # remark\n b \"\";\n}\n", Ends::Semicolon), std::slice::from_ref(&inner));
    assert_eq!(read("a x {\n\tb \"\"\n}\n", Ends::Line), [inner]);
    for wrong in ["a {", "a }", "a b", "a { b }", ";", "a \"b;"] {
        assert!(std::panic::catch_unwind(|| read(wrong, Ends::Semicolon)).is_err(), "{wrong}");
    }
}
