//! What a line does beside its words: variables that it sets, files that it reaches by a glued option, commands in a string.
#![allow(clippy::unwrap_used, clippy::expect_used, unreachable_pub)]
mod common;

use common::{Decided, line, policy};

#[test]
fn a_variable_that_a_redirection_or_printf_sets_asks() {
    let policy = policy(&["bash(echo:*)", "bash(ls:*)", "bash(printf:*)", "bash(grep:*)"], &[], &[]);
    for (text, expected) in [
        ("echo {PATH}>/dev/null; ls", Decided::Asks),
        ("echo a {HOME}</dev/null; ls", Decided::Asks),
        ("echo {_x1}>>/dev/null", Decided::Asks),
        ("echo {PATH}>&1; ls", Decided::Asks),
        ("echo {PATH}<<< a; ls", Decided::Asks),
        ("echo {PATH}>/dev/null {x}; ls", Decided::Asks),
        ("{PATH}>/dev/null ls", Decided::Asks),
        ("if ls; then ls; fi {PATH}>/dev/null; ls", Decided::Asks),
        ("{ ls; } {PATH}>/dev/null; ls", Decided::Asks),
        ("printf '0123456789%n' PATH; ls", Decided::Asks),
        ("printf '%10s%n' '' HOME", Decided::Asks),
        ("printf -- '%-5.3ln' HOME", Decided::Asks),
        ("echo {} {a} >/dev/null b", Decided::Asks),
        ("echo {a} b >/dev/null", Decided::Runs),
        ("echo {} >/dev/null", Decided::Runs),
        ("printf '%s\\n' a; ls", Decided::Runs),
        ("printf '%d%%\\n' 3", Decided::Runs),
        ("printf '%% n'", Decided::Runs),
    ] {
        assert_eq!(line(&policy, text), expected, "{text}");
    }
}
