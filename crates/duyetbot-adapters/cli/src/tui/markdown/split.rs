//! Cuts Markdown that is still being written into what is finished and what may still change.
use std::mem::take;

/// Something finished, in the order of the document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    /// A block: a paragraph, a heading, an item of a list, a table.
    Block(Block),
    /// A fenced block of code begins.
    CodeBegins {
        /// The word behind the fence.
        language: String,
    },
    /// A line of it.
    CodeLine(String),
    /// It ends.
    CodeEnds,
}

/// A block's source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Block {
    pub(crate) source: String,
    /// The number of an ordered list's item, counted from the list's first.
    pub(crate) number: Option<u64>,
    pub(crate) gap: Gap,
}

/// Whether an empty line parts a block from the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gap {
    Line,
    None,
}

/// The splitter. However the text is cut when it comes, the pieces are the same.
#[derive(Debug, Default)]
pub(crate) struct Splitter {
    /// The line that has not ended.
    partial: String,
    open: Open,
    /// The number and mark of the ordered item before.
    counted: Option<(u64, char)>,
    /// What came last was an item of a list.
    after_item: bool,
    /// Empty lines since then.
    blank: bool,
}

#[derive(Clone, Debug, Default)]
enum Open {
    #[default]
    Nothing,
    Text(String),
    Item {
        block: Block,
        /// Columns that a line of the item is indented by at least.
        indent: usize,
        blank: usize,
    },
    Fence {
        mark: char,
        length: usize,
        indent: usize,
    },
}

/// How a line begins.
#[derive(Debug, PartialEq, Eq)]
enum Begin {
    Heading,
    Rule,
    Fence { mark: char, length: usize, language: String },
    Item { indent: usize, number: Option<(u64, char)>, empty: bool },
    Quote,
    Other,
}

impl Splitter {
    /// Takes more text, and answers what it finished.
    pub(crate) fn push(&mut self, text: &str) -> Vec<Piece> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((line, after)) = rest.split_once('\n') {
            self.partial.push_str(line);
            let line = take(&mut self.partial);
            self.line(line.strip_suffix('\r').unwrap_or(&line), &mut pieces);
            rest = after;
        }
        self.partial.push_str(rest);
        pieces
    }

    /// The text ends here.
    pub(crate) fn end(&mut self) -> Vec<Piece> {
        let mut pieces = Vec::new();
        let line = take(&mut self.partial);
        if !line.is_empty() {
            self.line(&line, &mut pieces);
        }
        match self.open {
            Open::Fence { .. } => pieces.push(Piece::CodeEnds),
            _ => self.finish(&mut pieces),
        }
        *self = Splitter::default();
        pieces
    }

    /// What is there of the piece that may still change.
    pub(crate) fn unfinished(&self) -> Option<Piece> {
        let joined = |source: &str| match source {
            "" => self.partial.clone(),
            source => format!("{source}\n{}", self.partial),
        };
        match &self.open {
            Open::Fence { .. } if self.partial.is_empty() => None,
            Open::Fence { .. } => Some(Piece::CodeLine(self.partial.clone())),
            Open::Item { block, .. } => {
                Some(Piece::Block(Block { source: joined(&block.source), ..block.clone() }))
            }
            Open::Nothing if self.partial.is_empty() => None,
            Open::Nothing => Some(text_block(joined(""))),
            Open::Text(source) => Some(text_block(joined(source))),
        }
    }

    fn line(&mut self, line: &str, pieces: &mut Vec<Piece>) {
        if let Open::Fence { mark, length, indent } = self.open {
            if closes(line, mark, length) {
                self.open = Open::Nothing;
                pieces.push(Piece::CodeEnds);
            } else {
                pieces.push(Piece::CodeLine(without_indent(line, indent).to_owned()));
            }
            return;
        }
        if line.trim().is_empty() {
            return self.blank_line(pieces);
        }
        let indent = columns_before(line);
        let begin = begin(line);
        match &mut self.open {
            Open::Item { block, indent: inside, blank } if indent >= *inside => {
                (0..=take(blank)).for_each(|_| block.source.push('\n'));
                block.source.push_str(line);
                return;
            }
            Open::Item { block, blank: 0, .. } if begin == Begin::Other => {
                block.source.push('\n');
                block.source.push_str(line);
                return;
            }
            Open::Text(source) if stays(source, line, &begin) => {
                source.push('\n');
                source.push_str(line);
                if is_underline(line) {
                    self.finish(pieces);
                }
                return;
            }
            _ => {}
        }
        self.finish(pieces);
        self.opens(line, begin, pieces);
    }

    fn blank_line(&mut self, pieces: &mut Vec<Piece>) {
        match &mut self.open {
            Open::Item { blank, .. } => *blank += 1,
            _ => self.finish(pieces),
        }
        self.blank = true;
    }

    /// A block begins with this line.
    fn opens(&mut self, line: &str, begin: Begin, pieces: &mut Vec<Piece>) {
        let gap = if self.after_item && !self.blank { Gap::None } else { Gap::Line };
        self.blank = false;
        if !matches!(begin, Begin::Item { .. }) {
            self.after_item = false;
            self.counted = None;
        }
        match begin {
            Begin::Heading | Begin::Rule => pieces.push(text_block(line.to_owned())),
            Begin::Fence { mark, length, language } => {
                self.open = Open::Fence { mark, length, indent: columns_before(line) };
                pieces.push(Piece::CodeBegins { language });
            }
            Begin::Item { indent, number, .. } => {
                let number = number.map(|(written, mark)| {
                    let before = self.counted.filter(|(_, before)| *before == mark);
                    (before.map_or(written, |(n, _)| n.saturating_add(1)), mark)
                });
                self.counted = number;
                self.after_item = true;
                let block = Block { source: line.to_owned(), number: number.map(|(n, _)| n), gap };
                self.open = Open::Item { block, indent, blank: 0 };
            }
            Begin::Quote | Begin::Other => self.open = Open::Text(line.to_owned()),
        }
    }

    fn finish(&mut self, pieces: &mut Vec<Piece>) {
        match take(&mut self.open) {
            Open::Nothing => {}
            Open::Text(source) => pieces.push(text_block(source)),
            Open::Item { block, .. } => pieces.push(Piece::Block(block)),
            open @ Open::Fence { .. } => self.open = open,
        }
    }
}

fn text_block(source: String) -> Piece {
    Piece::Block(Block { source, number: None, gap: Gap::Line })
}

/// Does the line belong to the open text?
fn stays(source: &str, line: &str, begin: &Begin) -> bool {
    let quote = begins_quote(source);
    match begin {
        Begin::Other => true,
        Begin::Quote => quote,
        // A rule under a paragraph makes it a heading.
        Begin::Rule => !quote && is_underline(line),
        // Numbers other than one are more often a date or a sum than a list.
        Begin::Item { number, empty, .. } => *empty || number.is_some_and(|(n, _)| n != 1),
        Begin::Heading | Begin::Fence { .. } => false,
    }
}

fn begins_quote(source: &str) -> bool {
    source.trim_start().starts_with('>')
}

fn is_underline(line: &str) -> bool {
    let line = line.trim();
    !line.is_empty() && (line.bytes().all(|b| b == b'-') || line.bytes().all(|b| b == b'='))
}

fn begin(line: &str) -> Begin {
    let indent = columns_before(line);
    if indent > 3 {
        return Begin::Other;
    }
    let text = line.trim_start();
    let run = |mark: char| text.chars().take_while(|c| *c == mark).count();
    let hashes = run('#');
    if (1..=6).contains(&hashes) && text[hashes..].chars().next().is_none_or(char::is_whitespace) {
        return Begin::Heading;
    }
    for mark in ['`', '~'] {
        let length = run(mark);
        let info = &text[length * mark.len_utf8()..];
        if length >= 3 && !(mark == '`' && info.contains('`')) {
            let language = info.split_whitespace().next().unwrap_or_default().to_owned();
            return Begin::Fence { mark, length, language };
        }
    }
    if is_rule(text) {
        return Begin::Rule;
    }
    if text.starts_with('>') {
        return Begin::Quote;
    }
    item(text, indent).unwrap_or(Begin::Other)
}

fn is_rule(text: &str) -> bool {
    let mut marks = text.chars().filter(|c| !c.is_whitespace());
    let Some(mark) = marks.next().filter(|c| matches!(c, '-' | '*' | '_')) else { return false };
    let mut count = 1;
    marks.all(|c| {
        count += 1;
        c == mark
    }) && count >= 3
}

fn item(text: &str, indent: usize) -> Option<Begin> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let mark = text[digits..].chars().next()?;
    let number = match (digits, mark) {
        (0, '-' | '*' | '+') => None,
        (1..=9, '.' | ')') => Some((text[..digits].parse().ok()?, mark)),
        _ => return None,
    };
    let after = &text[digits + 1..];
    if after.chars().next().is_some_and(|c| c != ' ' && c != '\t') {
        return None;
    }
    let spaces = columns_before(after);
    let empty = after.trim().is_empty();
    // With five spaces or more the text behind the mark is code.
    let spaces = if empty || spaces > 4 { 1 } else { spaces };
    Some(Begin::Item { indent: indent + digits + 1 + spaces, number, empty })
}

fn columns_before(line: &str) -> usize {
    line.chars()
        .take_while(|c| *c == ' ' || *c == '\t')
        .fold(0, |columns, c| if c == '\t' { columns / 4 * 4 + 4 } else { columns + 1 })
}

fn without_indent(line: &str, indent: usize) -> &str {
    let spaces = line.bytes().take(indent).take_while(|b| *b == b' ').count();
    &line[spaces..]
}

fn closes(line: &str, mark: char, length: usize) -> bool {
    let text = line.trim();
    columns_before(line) <= 3 && text.chars().count() >= length && text.chars().all(|c| c == mark)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pieces(text: &str) -> Vec<Piece> {
        let mut splitter = Splitter::default();
        let mut pieces = splitter.push(text);
        pieces.extend(splitter.end());
        pieces
    }

    /// Each piece in a line: `+` where an empty line stands before it.
    fn told(text: &str) -> Vec<String> {
        let tell = |piece: Piece| match piece {
            Piece::Block(Block { source, number, gap }) => {
                let mark = if gap == Gap::Line { "+" } else { "" };
                let number = number.map(|n| format!("{n}:")).unwrap_or_default();
                format!("{mark}{number}{}", source.replace('\n', "|"))
            }
            Piece::CodeBegins { language } => format!("<{language}"),
            Piece::CodeLine(line) => format!("={line}"),
            Piece::CodeEnds => ">".to_owned(),
        };
        pieces(text).into_iter().map(tell).collect()
    }

    #[test]
    fn paragraphs_headings_and_rules_are_blocks_of_their_own() {
        assert_eq!(
            told("# A\none\ntwo\n\n---\nthree\n***\nfour"),
            ["+# A", "+one|two", "+---", "+three", "+***", "+four"]
        );
        assert_eq!(told("Title\n===\ntext\nOther\n---\n"), ["+Title|===", "+text|Other|---"]);
    }

    #[test]
    fn code_is_finished_by_the_line() {
        assert_eq!(
            told("Say:\n```rust\nfn a() {}\n\n# no heading\n```\nand\n~~~\n```\n~~~"),
            ["+Say:", "<rust", "=fn a() {}", "=", "=# no heading", ">", "+and", "<", "=```", ">"]
        );
        assert_eq!(told("```\nnever closed"), ["<", "=never closed", ">"]);
        assert_eq!(told("```not code```"), ["+```not code```"]);
    }

    #[test]
    fn items_keep_what_belongs_to_them() {
        assert_eq!(
            told("text:\n- a\n  more\n  - b\n- c\nlazy\n\nend"),
            ["+text:", "+- a|  more|  - b", "- c|lazy", "+end"]
        );
        assert_eq!(
            told("1. a\n\n   ```sh\n   x\n   ```\n1. b\n\n1. c"),
            ["+1:1. a||   ```sh|   x|   ```", "+2:1. b", "+3:1. c"]
        );
        assert_eq!(told("in\n1999. a year"), ["+in|1999. a year"]);
        assert_eq!(told("- a\n# B"), ["+- a", "+# B"]);
    }

    #[test]
    fn quotes_and_tables_are_whole() {
        assert_eq!(told("> a\n> b\nlazy\n\n| a |\n|---|\n| b |\n"), ["+> a|> b|lazy", "+| a |||---||| b |"]);
    }

    #[test]
    fn what_may_still_change_can_be_looked_at() {
        let mut splitter = Splitter::default();
        assert_eq!(splitter.unfinished(), None);
        splitter.push("one\ntw");
        assert_eq!(splitter.unfinished(), Some(text_block("one\ntw".to_owned())));
        splitter.push("o\n```\nco");
        assert_eq!(splitter.unfinished(), Some(Piece::CodeLine("co".to_owned())));
    }

    proptest! {
        #[test]
        fn the_pieces_are_the_same_however_the_text_comes(
            lines in prop::collection::vec("(# |- |  - |1[.] |> |```|```rs|~~~|---|\\| a \\||\t|    )?[a-z界* ]{0,6}\r?", 0..30),
            cuts in prop::collection::vec(0_usize..400, 0..12),
        ) {
            let text = lines.join("\n");
            let mut splitter = Splitter::default();
            let mut got = Vec::new();
            let mut places: Vec<usize> = cuts.into_iter().filter(|at| text.is_char_boundary(*at)).collect();
            places.sort_unstable();
            let mut from = 0;
            for at in places.into_iter().chain([text.len()]) {
                got.extend(splitter.push(&text[from..at]));
                from = at;
            }
            got.extend(splitter.end());
            prop_assert_eq!(got, pieces(&text));
        }
    }
}
