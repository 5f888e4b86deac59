//! Redaction of a text that comes in pieces: an end that may begin a secret is held back, and what was shown never changes.
use super::{
    REDACTED, Redactor,
    scan::{End, Found},
};

/// A growing text without its secrets.
pub struct RedactedStream {
    redactor: Redactor,
    /// What was not shown yet, with the byte before it, on which it depends whether a token begins.
    held: String,
    /// Where in `held` the part begins that was not shown.
    from: usize,
    altered: bool,
}

impl RedactedStream {
    pub(super) fn new(redactor: Redactor) -> Self {
        RedactedStream { redactor, held: String::new(), from: 0, altered: false }
    }

    /// Takes more of the text and answers what can be shown.
    pub fn push(&mut self, text: &str) -> String {
        self.held.push_str(text);
        self.advance(End::Open)
    }

    /// The text is over: answers the rest.
    pub fn finish(mut self) -> String {
        self.advance(End::Known)
    }

    /// A secret was taken out.
    pub fn altered(&self) -> bool {
        self.altered
    }

    fn advance(&mut self, end: End) -> String {
        let mut out = String::new();
        loop {
            match self.redactor.scanner.next(&self.held, self.from, end) {
                Found::Secret(secret) => {
                    out.push_str(&self.held[self.from..secret.start]);
                    out.push_str(REDACTED);
                    self.altered = true;
                    self.from = secret.end;
                }
                Found::Perhaps(at) => {
                    out.push_str(&self.held[self.from..at]);
                    self.from = at;
                    break;
                }
                Found::Nothing => {
                    out.push_str(&self.held[self.from..]);
                    self.from = self.held.len();
                    break;
                }
            }
        }
        let before = self.held[..self.from].char_indices().next_back().map_or(0, |(i, _)| i);
        self.held.drain(..before);
        self.from -= before;
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn redactor() -> Redactor {
        Redactor::new(&["hunter2-and-more".to_owned(), "short".to_owned(), "hunter2-and".to_owned()])
    }

    fn samples() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            Just("sk-ant-api03-AbCdEf0123456789AbCdEf0123456789".to_owned()),
            Just("ghp_".to_owned() + &"a1B2".repeat(9)),
            Just("hunter2-and-more".to_owned()),
            Just("hunter2-and".to_owned()),
            Just("hunter2-an".to_owned()),
            Just("-----BEGIN RSA PRIVATE KEY-----\nMIIabc\n-----END RSA PRIVATE KEY-----".to_owned()),
            Just("-----BEGIN CERTIFICATE-----\nx\n".to_owned()),
            Just("Authorization: Bearer abc.def-0123456789012345678901".to_owned()),
            Just("task-force and risk-".to_owned()),
            "[a-z \\n-]{0,12}",
            "\\PC{0,6}",
        ];
        prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn pieces_of_any_size_give_the_redacted_whole(text in samples(), sizes in prop::collection::vec(1..9_usize, 1..20)) {
            let whole = redactor().redact(&text).into_owned();
            let mut stream = redactor().stream();
            let mut shown = String::new();
            let mut chars = text.chars().peekable();
            let mut sizes = sizes.iter().cycle();
            while chars.peek().is_some() {
                let piece: String = chars.by_ref().take(*sizes.next().unwrap()).collect();
                shown.push_str(&stream.push(&piece));
            }
            shown.push_str(&stream.finish());
            prop_assert_eq!(&shown, &whole);
            prop_assert!(!whole.contains("hunter2-and"));
            prop_assert!(!whole.contains("MIIabc"));
        }
    }

    #[test]
    fn keys_and_tokens_are_taken_out_wherever_a_word_may_begin() {
        for secret in [
            "sk-ant-api03-AbCdEf0123456789AbCdEf0123456789".to_owned(),
            "ghp_".to_owned() + &"a1B2".repeat(9),
            "AKIAIOSFODNN7EXAMPLE".to_owned(),
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJnaXRodWI6MTIzNDU2In0.c2lnbmF0dXJlLXNpZ25hdHVyZQ".to_owned(),
        ] {
            let text = format!("key={secret}, \"{secret}\"\n{secret}");
            assert_eq!(redactor().redact(&text), "key=[redacted], \"[redacted]\"\n[redacted]", "{secret}");
        }
    }

    #[test]
    fn words_are_no_secrets() {
        let text = "The task-force's risk-averse sk-learn-and-other-libraries-with-long-names, eyJ, Bearer of news, dbt_project_name_is_long_enough";
        assert_eq!(redactor().redact(text), text);
    }

    #[test]
    fn ordinary_text_is_shown_at_once() {
        let mut stream = redactor().stream();
        assert_eq!(stream.push("Hello, wor"), "Hello, wor");
        assert_eq!(stream.push("ld. ghp"), "ld. ");
        assert_eq!(stream.push("ost"), "ghpost");
    }
}
