//! What a secret looks like: a prefix, then a run of characters of a class.

/// Characters of which a secret's run may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// Capitals and digits.
    Capitals,
    /// Letters, digits, `-`, `_`.
    Token,
    /// Those and dots: a JSON web token.
    Dotted,
    /// What a header may carry as a bearer token.
    Header,
}

impl Class {
    pub(super) fn holds(self, byte: u8) -> bool {
        match self {
            Class::Capitals => byte.is_ascii_uppercase() || byte.is_ascii_digit(),
            Class::Token => byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'),
            Class::Dotted => Class::Token.holds(byte) || byte == b'.',
            Class::Header => Class::Dotted.holds(byte) || matches!(byte, b'~' | b'+' | b'/' | b'='),
        }
    }
}

/// A secret by its beginning.
pub(super) struct Pattern {
    /// How it begins. Unless it stays, its characters are of the class.
    pub(super) prefix: &'static str,
    /// Characters that must follow, at least. Never more than [`DECIDES`].
    pub(super) least: usize,
    /// What they are.
    pub(super) class: Class,
    /// The prefix tells what follows, and stays.
    pub(super) prefix_stays: bool,
}

/// Characters of a run that show whether it is a secret.
pub(super) const DECIDES: usize = 64;

const fn token(prefix: &'static str, least: usize) -> Pattern {
    Pattern { prefix, least, class: Class::Token, prefix_stays: false }
}
const fn bearer(prefix: &'static str) -> Pattern {
    Pattern { prefix, least: 20, class: Class::Header, prefix_stays: true }
}
const fn aws(prefix: &'static str) -> Pattern {
    Pattern { prefix, least: 16, class: Class::Capitals, prefix_stays: false }
}

/// Keys and tokens of widely used services, and our own.
pub(super) const PATTERNS: &[Pattern] = &[
    token("sk-", 20),
    token("gsk_", 32),
    token("ghp_", 30),
    token("gho_", 30),
    token("ghu_", 30),
    token("ghs_", 30),
    token("ghr_", 30),
    token("github_pat_", 30),
    token("glpat-", 20),
    aws("AKIA"),
    aws("ASIA"),
    token("AIza", 30),
    token("xoxa-", 20),
    token("xoxb-", 20),
    token("xoxe-", 20),
    token("xoxo-", 20),
    token("xoxp-", 20),
    token("xoxr-", 20),
    token("xoxs-", 20),
    token("xapp-", 20),
    token("npm_", 30),
    token("pypi-", 40),
    token("hf_", 30),
    token("sk_live_", 20),
    token("rk_live_", 20),
    token("whsec_", 24),
    token("dbt_", 20),
    bearer("Bearer "),
    bearer("bearer "),
];

/// How a JSON web token begins: an object in base 64.
pub(super) const WEB_TOKEN: &str = "eyJ";
/// Characters that the first part of a web token has at least and at most.
pub(super) const WEB_TOKEN_HEAD: std::ops::RangeInclusive<usize> = 14..=1024;

/// How a private key begins.
pub(super) const KEY_BEGINS: &str = "-----BEGIN ";
/// What its first line says.
pub(super) const KEY_SAYS: &str = "PRIVATE KEY";
/// What stands around the words of its first and last line.
pub(super) const KEY_DASHES: &str = "-----";
/// How its last line begins.
pub(super) const KEY_ENDS: &str = "-----END ";
/// Bytes that the words of its first and last line have at most.
pub(super) const KEY_WORDS: usize = 64;
/// Bytes of a private key; one without an end is taken out as far.
pub(super) const LONGEST_KEY: usize = 64 * 1024;
