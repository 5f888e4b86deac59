//! Writes lines to the terminal: finished ones once, into the scrollback, and below them a few that are drawn again.
//!
//! Nothing asks where the cursor is or moves it to a fixed place: all movement is relative to the rows that were drawn, so
//! the terminal scrolls, keeps and copies finished lines as it does those of any program.
use ratatui_core::{
    style::{Color, Modifier, Style},
    text::{Line, Span},
};
use std::{
    fmt::Write as _,
    io::{self, Write},
};

use super::text::{line_width, width};
use crate::output::printable;

/// Whatever is between these two is shown at once, by terminals that know them.
const BEGIN: &str = "\x1b[?2026h\x1b[?25l";
const END: &str = "\x1b[?25h\x1b[?2026l";
const WRAP_OFF: &str = "\x1b[?7l";
const WRAP_ON: &str = "\x1b[?7h";
/// From here to the end of the screen.
const CLEAR: &str = "\r\x1b[J";

/// The rows that are drawn again, and where the cursor is in them.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Live {
    pub(crate) rows: Vec<Line<'static>>,
    /// The cursor's row.
    pub(crate) row: usize,
    /// The part of that row before the cursor.
    pub(crate) before: Line<'static>,
}

/// Whether colours are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Colours {
    Some,
    None,
}

/// What the terminal does with lines that a narrower window has no room for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reflow {
    /// It breaks them.
    Breaks,
    /// It cuts them.
    Cuts,
}

/// Draws on a terminal.
pub(crate) struct Painter<W> {
    out: W,
    colours: Colours,
    reflow: Reflow,
    drawn: Live,
    /// Rows of the screen above the cursor that are ours.
    above: usize,
}

impl<W: Write> Painter<W> {
    pub(crate) fn new(out: W, colours: Colours, reflow: Reflow) -> Self {
        Painter { out, colours, reflow, drawn: Live::default(), above: 0 }
    }

    /// Prints finished lines and draws the live ones below them.
    pub(crate) fn frame(&mut self, printed: &[Line<'_>], live: Live) -> io::Result<()> {
        if printed.is_empty() && live == self.drawn {
            return Ok(());
        }
        let mut text = format!("{BEGIN}{}", self.clear());
        for line in printed {
            self.line(&mut text, line);
            text.push_str("\r\n");
        }
        text.push_str(WRAP_OFF);
        for (n, row) in live.rows.iter().enumerate() {
            if n > 0 {
                text.push_str("\r\n");
            }
            self.line(&mut text, row);
        }
        let below = live.rows.len().saturating_sub(live.row + 1);
        text.push_str(&up(below));
        // The cursor goes where the terminal itself has it behind these characters, however wide it takes them to be.
        text.push('\r');
        self.line(&mut text, &live.before);
        text.push_str(WRAP_ON);
        text.push_str(END);
        self.above = live.row;
        self.drawn = live;
        self.out.write_all(text.as_bytes())?;
        self.out.flush()
    }

    /// What takes the live rows away and gives the terminal back.
    pub(crate) fn leaving(&self) -> String {
        format!("{}{WRAP_ON}{END}", self.clear())
    }

    /// What was drawn is no longer there; the next frame begins where the cursor is.
    pub(crate) fn forget(&mut self) {
        self.drawn = Live::default();
        self.above = 0;
    }

    /// The window has another width: what was drawn may take other rows now.
    pub(crate) fn resized(&mut self, columns: usize) {
        let columns = columns.max(1);
        if self.reflow == Reflow::Breaks {
            let rows = self.drawn.rows.iter().take(self.drawn.row);
            let before = width_of(&self.drawn.before).saturating_sub(1) / columns;
            self.above = rows.map(|row| line_width(row).div_ceil(columns).max(1)).sum::<usize>() + before;
        }
        // Whatever comes next is drawn anew.
        self.drawn.rows.clear();
    }

    fn clear(&self) -> String {
        format!("{}{CLEAR}", up(self.above))
    }

    fn line(&self, out: &mut String, line: &Line<'_>) {
        for span in &line.spans {
            self.span(out, span, line.style);
        }
    }

    /// The last place that text passes: no control character gets through, whoever forgot to take it out.
    fn span(&self, out: &mut String, span: &Span<'_>, below: Style) {
        let text = printable(&span.content);
        let text = if text.contains(['\n', '\t']) {
            text.replace('\n', "␊").replace('\t', " ")
        } else {
            text.into_owned()
        };
        let codes = codes(below.patch(span.style), self.colours);
        if codes.is_empty() {
            out.push_str(&text);
        } else {
            // Writing to a string cannot fail.
            let _ = write!(out, "\x1b[{codes}m{text}\x1b[0m");
        }
    }
}

fn width_of(line: &Line<'_>) -> usize {
    line.spans.iter().map(|span| width(&span.content)).sum()
}

fn up(rows: usize) -> String {
    if rows == 0 { String::new() } else { format!("\x1b[{rows}A") }
}

/// The numbers that switch a style on.
fn codes(style: Style, colours: Colours) -> String {
    let mut codes = Vec::new();
    let modifiers = [
        (Modifier::BOLD, "1"),
        (Modifier::DIM, "2"),
        (Modifier::ITALIC, "3"),
        (Modifier::UNDERLINED, "4"),
        (Modifier::REVERSED, "7"),
        (Modifier::CROSSED_OUT, "9"),
    ];
    codes
        .extend(modifiers.into_iter().filter(|(m, _)| style.add_modifier.contains(*m)).map(|(_, code)| code));
    if colours == Colours::Some
        && let Some(code) = style.fg.and_then(foreground)
    {
        codes.push(code);
    }
    codes.join(";")
}

fn foreground(colour: Color) -> Option<&'static str> {
    Some(match colour {
        Color::Red => "31",
        Color::Green => "32",
        Color::Yellow => "33",
        Color::Blue => "34",
        Color::Magenta => "35",
        Color::Cyan => "36",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::theme;
    use std::num::NonZeroU16;

    fn live(rows: &[&str], row: usize, before: &str) -> Live {
        let rows = rows.iter().map(|row| Line::raw((*row).to_owned())).collect();
        Live { rows, row, before: Line::raw(before.to_owned()) }
    }

    /// A terminal of 20 columns and 5 rows that keeps what scrolls out.
    struct Screen {
        parser: vt100::Parser,
        painter: Painter<Vec<u8>>,
    }

    impl Screen {
        fn new() -> Self {
            let size = |n| NonZeroU16::new(n).unwrap();
            Screen {
                parser: vt100::Parser::new(size(5), size(20), 100),
                painter: Painter::new(Vec::new(), Colours::Some, Reflow::Cuts),
            }
        }

        fn frame(&mut self, printed: &[&str], live: Live) {
            let printed: Vec<Line<'_>> = printed.iter().map(|line| Line::raw(*line)).collect();
            self.painter.frame(&printed, live).unwrap();
            self.parser.process(&std::mem::take(&mut self.painter.out));
        }

        fn contents(&self) -> String {
            self.parser.screen().contents()
        }
    }

    #[test]
    fn finished_lines_scroll_and_live_rows_stay_below_them() {
        let mut screen = Screen::new();
        screen.frame(&[], live(&["> ", "status"], 0, "> "));
        assert_eq!(screen.contents(), "> \nstatus");
        for n in 0..6 {
            screen.frame(&[&format!("line {n}")], live(&["open", "> a", "status"], 1, "> a"));
        }
        assert_eq!(screen.contents(), "line 4\nline 5\nopen\n> a\nstatus");
        assert_eq!(screen.parser.screen().cursor_position(), (3, 3));
        screen.parser.screen_mut().set_scrollback(4);
        assert!(screen.contents().starts_with("line 0\nline 1\nline 2\nline 3\n"));
    }

    #[test]
    fn fewer_rows_leave_nothing_behind() {
        let mut screen = Screen::new();
        screen.frame(&[], live(&["a", "b", "> ", "menu", "more"], 2, "> "));
        screen.frame(&["done"], live(&["> x"], 0, "> x"));
        assert_eq!(screen.contents(), "done\n> x");
    }

    #[test]
    fn the_same_again_writes_nothing() {
        let mut screen = Screen::new();
        screen.frame(&[], live(&["> "], 0, "> "));
        screen.painter.frame(&[], live(&["> "], 0, "> ")).unwrap();
        assert_eq!(screen.painter.out, b"");
    }

    #[test]
    fn a_line_that_was_forgotten_to_be_cleaned_controls_nothing() {
        let mut screen = Screen::new();
        screen
            .painter
            .frame(&[Line::from(Span::styled("a\x1b[2Jb\r\n\tc", theme::BAD))], live(&["\x07"], 0, ""))
            .unwrap();
        let text = String::from_utf8(screen.painter.out.clone()).unwrap();
        assert!(text.contains("\x1b[31ma␛[2Jb␍␊ c\x1b[0m\r\n") && text.contains('␇'), "{text:?}");
    }

    #[test]
    fn a_terminal_that_breaks_lines_has_more_rows_to_clear() {
        let mut painter = Painter::new(Vec::new(), Colours::None, Reflow::Breaks);
        painter.frame(&[], live(&["0123456789", "", "> ab"], 2, "> ab")).unwrap();
        painter.resized(5);
        assert_eq!(painter.above, 3);
        painter.out.clear();
        painter.frame(&[], live(&["> ab"], 0, "> ab")).unwrap();
        assert!(painter.out.starts_with(format!("{BEGIN}\x1b[3A{CLEAR}").as_bytes()));
    }

    #[test]
    fn without_colours_there_are_none() {
        assert_eq!(codes(theme::HEADING, Colours::Some), "1;34");
        assert_eq!(codes(theme::HEADING, Colours::None), "1");
        assert_eq!(codes(theme::PLAIN, Colours::Some), "");
    }
}
