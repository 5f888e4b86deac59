//! What proves to a server who calls. It is shown nowhere.
use std::fmt;

/// A bearer token: an API token, or that of a server for one person.
///
/// ```
/// let token = duyetbot_client::Token::from(" dbt_abc\n".to_owned());
/// assert_eq!(format!("{token:?}"), "Token(…)");
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// The token itself, for whoever stores it or sends it.
    pub fn secret(&self) -> &str {
        &self.0
    }
}

impl From<String> for Token {
    /// White space around a token is from a copy or a file's end, and no part of it.
    fn from(text: String) -> Self {
        Token(text.trim().to_owned())
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}
