//! What each kind of text looks like, in the sixteen colours that a person has chosen for their terminal.
use ratatui_core::style::{Color, Modifier, Style};

const fn colour(colour: Color) -> Style {
    Style::new().fg(colour)
}

pub(crate) const PLAIN: Style = Style::new();
pub(crate) const DIM: Style = Style::new().add_modifier(Modifier::DIM);
pub(crate) const BOLD: Style = Style::new().add_modifier(Modifier::BOLD);
pub(crate) const ITALIC: Style = Style::new().add_modifier(Modifier::ITALIC);
pub(crate) const STRUCK: Style = Style::new().add_modifier(Modifier::CROSSED_OUT);
pub(crate) const HEADING: Style = colour(Color::Blue).add_modifier(Modifier::BOLD);
pub(crate) const CODE: Style = colour(Color::Cyan);
pub(crate) const LINK: Style = colour(Color::Blue).add_modifier(Modifier::UNDERLINED);
pub(crate) const PERSON: Style = colour(Color::Green).add_modifier(Modifier::BOLD);
pub(crate) const CHOSEN: Style = colour(Color::Cyan).add_modifier(Modifier::BOLD);
pub(crate) const GOOD: Style = colour(Color::Green);
pub(crate) const WARNING: Style = colour(Color::Yellow);
pub(crate) const BAD: Style = colour(Color::Red);
pub(crate) const ADDED: Style = colour(Color::Green);
pub(crate) const REMOVED: Style = colour(Color::Red);
pub(crate) const HUNK: Style = colour(Color::Cyan);
pub(crate) const KEYWORD: Style = colour(Color::Magenta);
pub(crate) const STRING: Style = colour(Color::Green);
pub(crate) const NUMBER: Style = colour(Color::Yellow);
pub(crate) const COMMENT: Style = DIM.add_modifier(Modifier::ITALIC);
pub(crate) const CALLED: Style = colour(Color::Blue);
