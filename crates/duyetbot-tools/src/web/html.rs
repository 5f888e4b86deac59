//! HTML as text: a walk over its tags, without a tree, so that no page can be too deep or take more time than its length.
use html5ever::{
    tendril::StrTendril,
    tokenizer::{BufferQueue, Tag, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, states::RawKind},
};
use std::cell::RefCell;
use url::Url;

/// Bytes that are walked over between two looks at whether to go on: a tag of endless attributes takes longer than others.
const PIECE: usize = 4 * 1024;
/// Bytes of text that are kept.
const LARGEST: usize = 5 * 1024 * 1024;
/// Bytes of one link's address.
const LONGEST_LINK: usize = 500;

/// The text of a page, its title first, headings, lists and links marked as in Markdown. `go_on` is asked now and then.
pub(super) fn text_of(html: &str, base: &Url, go_on: impl Fn() -> bool) -> String {
    let walk = Walk { base, page: RefCell::default() };
    let tokenizer = Tokenizer::new(walk, Default::default());
    let queue = BufferQueue::default();
    let mut rest = html;
    while !rest.is_empty() && go_on() {
        let (piece, after) = rest.split_at(rest.ceil_char_boundary(PIECE));
        rest = after;
        queue.push_back(StrTendril::from_slice(piece));
        // A script is only skipped; the walk goes on behind it.
        while !queue.is_empty() {
            let _ = tokenizer.feed(&queue);
        }
    }
    tokenizer.end();
    tokenizer.sink.page.into_inner().finish()
}

struct Walk<'a> {
    base: &'a Url,
    page: RefCell<Text>,
}

impl TokenSink for Walk<'_> {
    type Handle = ();

    fn process_token(&self, token: Token, _line: u64) -> TokenSinkResult<()> {
        let mut page = self.page.borrow_mut();
        match token {
            Token::CharacterTokens(text) => page.say(&text),
            Token::TagToken(tag) if tag.kind == TagKind::StartTag => return page.open(&tag, self.base),
            Token::TagToken(tag) => page.close(&tag.name),
            _ => {}
        }
        TokenSinkResult::Continue
    }
}

/// Where text goes.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Place {
    #[default]
    Body,
    Title,
    Nowhere,
}

#[derive(Default)]
struct Text {
    body: String,
    title: String,
    place: Place,
    /// White space came, which stands before the next word only.
    space: bool,
    preformatted: bool,
    /// Where the open link's words begin, and where it leads.
    link: Option<(usize, String)>,
}

impl Text {
    fn say(&mut self, text: &str) {
        match self.place {
            Place::Nowhere => {}
            Place::Title => self.title.push_str(text),
            Place::Body if self.body.len() > LARGEST => {}
            Place::Body if self.preformatted => self.body.push_str(text),
            Place::Body => {
                for c in text.chars() {
                    if c.is_whitespace() {
                        self.space = true;
                    } else {
                        self.flush_space();
                        self.body.push(c);
                    }
                }
            }
        }
    }

    fn flush_space(&mut self) {
        if std::mem::take(&mut self.space) && !self.body.is_empty() && !self.body.ends_with(['\n', ' ']) {
            self.body.push(' ');
        }
    }

    /// Ends the line; with two, an empty line follows.
    fn lines(&mut self, wanted: usize) {
        if wanted == 0 {
            return;
        }
        self.space = false;
        if self.body.is_empty() {
            return;
        }
        let there = self.body.bytes().rev().take(wanted).take_while(|byte| *byte == b'\n').count();
        self.body.extend(std::iter::repeat_n('\n', wanted - there));
    }

    fn open(&mut self, tag: &Tag, base: &Url) -> TokenSinkResult<()> {
        let name = &*tag.name;
        match name {
            "script" | "style" | "iframe" | "noframes" | "noembed" | "textarea" | "title" => {
                self.place =
                    if name == "title" && self.title.is_empty() { Place::Title } else { Place::Nowhere };
                return TokenSinkResult::RawData(match name {
                    "script" => RawKind::ScriptData,
                    "title" | "textarea" => RawKind::Rcdata,
                    _ => RawKind::Rawtext,
                });
            }
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => {
                self.lines(2);
                let level = name.bytes().last().map_or(1, |digit| usize::from(digit - b'0'));
                self.body.push_str(&"#".repeat(level));
                self.space = true;
            }
            "li" => {
                self.lines(1);
                self.body.push('-');
                self.space = true;
            }
            "td" | "th" if !self.body.is_empty() && !self.body.ends_with('\n') => self.say(" | "),
            "pre" => {
                self.lines(2);
                self.preformatted = true;
            }
            "img" => {
                if let Some(alt) = attribute(tag, "alt").filter(|alt| !alt.trim().is_empty()) {
                    self.say(&format!("[image: {alt}]"));
                }
            }
            "a" => {
                self.end_link();
                let href = attribute(tag, "href").filter(|href| !href.starts_with('#'));
                let target = href.and_then(|href| base.join(href).ok());
                let target = target.filter(|url| matches!(url.scheme(), "http" | "https" | "mailto"));
                if let Some(url) = target.filter(|url| url.as_str().len() <= LONGEST_LINK) {
                    self.flush_space();
                    self.link = Some((self.body.len(), url.into()));
                }
            }
            _ => self.lines(breaks(name)),
        }
        TokenSinkResult::Continue
    }

    fn close(&mut self, name: &str) {
        match name {
            "script" | "style" | "iframe" | "noframes" | "noembed" | "textarea" | "title" => {
                self.place = Place::Body
            }
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => self.lines(2),
            "pre" => {
                self.preformatted = false;
                self.lines(2);
            }
            "a" => self.end_link(),
            _ => self.lines(breaks(name)),
        }
    }

    fn end_link(&mut self) {
        let Some((start, url)) = self.link.take() else { return };
        let words = self.body.get(start..).unwrap_or_default();
        if !words.trim().is_empty() && self.body.len() <= LARGEST {
            let at = start + words.len() - words.trim_start().len();
            self.body.insert(at, '[');
            self.body.push_str(&format!("]({url})"));
        }
    }

    fn finish(mut self) -> String {
        self.end_link();
        let body: Vec<&str> = self.body.lines().map(str::trim_end).collect();
        let body = body.join("\n");
        let (title, body) = (self.title.split_whitespace().collect::<Vec<_>>().join(" "), body.trim());
        if title.is_empty() || body.trim_start_matches(['#', ' ']).starts_with(&title) {
            return body.to_owned();
        }
        format!("{title}\n\n{body}").trim_end().to_owned()
    }
}

fn attribute<'a>(tag: &'a Tag, name: &str) -> Option<&'a str> {
    tag.attrs.iter().find(|attribute| &*attribute.name.local == name).map(|attribute| &*attribute.value)
}

/// How many line ends stand around an element.
fn breaks(name: &str) -> usize {
    match name {
        "p" | "ul" | "ol" | "dl" | "table" | "blockquote" | "section" | "article" | "main" | "hr"
        | "figure" | "form" => 2,
        "div" | "br" | "tr" | "li" | "dt" | "dd" | "header" | "footer" | "nav" | "aside" | "option"
        | "caption" | "legend" | "figcaption" | "summary" | "details" | "body" => 1,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(html: &str) -> String {
        text_of(html, &Url::parse("https://example.org/a/b").unwrap(), || true)
    }

    #[test]
    fn a_page_becomes_text_without_scripts_and_with_links() {
        let html = "<!doctype html><html><head><TITLE>A &amp;  B</TITLE><style>p{}</style></head><body>\n<script>if (a < b) \
                    {'</p>'}</script><h1>Head</h1>\n<p>Some <b>words</b> and <a href='../x?y=1&amp;z'> a link</a>,\n  and \
                    <a href='#top'>none</a>.</p><ul>\n<li>one<li> two</ul><table><tr><td>1</td><td>2</td></tr><tr><td>3</table>\
                    <pre>a\n  b</pre><img alt='A cat' src=c.png><textarea>no</textarea>";
        let right = "A & B\n\n# Head\n\nSome words and [a link](https://example.org/x?y=1&z), and none.\n\n- one\n- two\n\n1 | \
                     2\n3\n\na\n  b\n\n[image: A cat]";
        assert_eq!(text(html), right);
    }

    #[test]
    fn a_title_that_the_page_begins_with_stands_there_once() {
        assert_eq!(text("<title>Tea</title><h1>Tea</h1>hot"), "# Tea\n\nhot");
        assert_eq!(text("<title>Tea</title>"), "Tea");
        assert_eq!(text(""), "");
    }

    #[test]
    fn links_that_lead_nowhere_are_words() {
        for link in ["javascript:x()", "data:text/html,x", "http://[", &format!("/{}", "x".repeat(600))] {
            assert_eq!(text(&format!("<a href=\"{link}\">words</a>")), "words", "{link}");
        }
        assert_eq!(text("<a href=/x><img></a><a href=/y>open"), "[open](https://example.org/y)");
    }

    #[test]
    fn a_page_is_walked_over_in_time_however_it_is_made() {
        let attributes: String = (0..50_000).map(|n| format!(" a{n}")).collect();
        for html in [
            "<div>".repeat(50_000),
            "<table><tr><td>".repeat(12_000),
            "<a href=/x>y".repeat(25_000),
            "<b><i>".repeat(25_000),
            "<a href='".repeat(25_000),
            "</p>".repeat(25_000),
            "&".repeat(25_000),
            "<script>".repeat(10_000),
        ] {
            text(&html);
        }
        let looks = std::cell::Cell::new(0);
        let go_on = || looks.replace(looks.get() + 1) < 20;
        text_of(&format!("<a{attributes}>"), &Url::parse("http://a/").unwrap(), go_on);
        assert_eq!(looks.get(), 21);
    }
}
