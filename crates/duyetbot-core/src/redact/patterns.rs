//! What a secret looks like: a prefix, then a run of characters of a kind.

/// A secret by its beginning.
pub(super) struct Pattern {
    /// How it begins.
    pub(super) prefix: &'static str,
    /// Characters that must follow, at least.
    pub(super) least: usize,
    /// Characters that may follow.
    pub(super) dots: Dots,
}

/// Whether a token's run may hold dots.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Dots {
    /// Letters, digits, `-`, `_`.
    No,
    /// Those and dots: a JSON web token.
    Yes,
}

const fn token(prefix: &'static str, least: usize) -> Pattern {
    Pattern { prefix, least, dots: Dots::No }
}

/// Keys and tokens of widely used services, and our own.
pub(super) const PATTERNS: &[Pattern] = &[
    token("sk-ant-", 20),
    token("sk-proj-", 20),
    token("sk-or-", 20),
    token("sk-", 32),
    token("gsk_", 32),
    token("ghp_", 30),
    token("gho_", 30),
    token("ghu_", 30),
    token("ghs_", 30),
    token("ghr_", 30),
    token("github_pat_", 30),
    token("glpat-", 20),
    token("AKIA", 16),
    token("ASIA", 16),
    token("AIza", 30),
    token("xoxb-", 20),
    token("xoxp-", 20),
    token("xoxa-", 20),
    token("xapp-", 20),
    token("npm_", 30),
    token("pypi-", 40),
    token("hf_", 30),
    token("sk_live_", 20),
    token("rk_live_", 20),
    token("whsec_", 24),
    token("dbt_", 20),
    Pattern { prefix: "eyJ", least: 60, dots: Dots::Yes },
    Pattern { prefix: "Bearer ", least: 20, dots: Dots::Yes },
];

/// How a private key begins.
pub(super) const KEY_BEGINS: &str = "-----BEGIN ";
/// What stands around the lines of a private key.
pub(super) const KEY_DASHES: &str = "-----";
/// How the first line of a private key ends.
pub(super) const KEY_LINE: &str = "PRIVATE KEY-----";
/// How its last line begins.
pub(super) const KEY_ENDS: &str = "-----END ";

/// May this byte stand in a token?
pub(super) fn in_token(byte: u8, dots: Dots) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'-' | b'_')
        || (dots == Dots::Yes && matches!(byte, b'.' | b'+' | b'/' | b'='))
}
