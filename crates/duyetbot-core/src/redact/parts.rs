//! Secrets in the parts of a message that comes from elsewhere.
use super::Redactor;
use crate::message::Part;

impl Redactor {
    /// Takes the secrets out of these parts; answers whether there were any. Reasoning that changed loses its signature:
    /// what was signed is no longer there.
    pub fn redact_parts(&self, parts: &mut [Part]) -> bool {
        let mut altered = false;
        for part in parts {
            altered |= match part {
                Part::Text { text, .. } | Part::Summary { text, .. } | Part::Unknown(text) => {
                    self.clean(text)
                }
                Part::Reasoning { text, signature, .. } => {
                    let altered = self.clean(text);
                    signature.take_if(|_| altered);
                    altered
                }
                Part::Tool(used) => {
                    let input = self.clean(&mut used.input);
                    self.clean(&mut used.result.output) || input
                }
                Part::Image { name, .. } | Part::File { name, .. } => {
                    name.as_mut().is_some_and(|name| self.clean(name))
                }
            };
        }
        altered
    }

    fn clean(&self, text: &mut String) -> bool {
        let clean = match self.redact(text) {
            std::borrow::Cow::Owned(clean) => clean,
            std::borrow::Cow::Borrowed(_) => return false,
        };
        *text = clean;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        id::CallId,
        message::{ToolResult, ToolUse},
    };

    fn parts(word: &str, signature: Option<&str>) -> Vec<Part> {
        vec![
            Part::text(word),
            Part::Reasoning { text: word.into(), signature: signature.map(str::to_owned), redacted: None },
            Part::Tool(ToolUse {
                call: CallId("c".into()),
                tool: "t".into(),
                input: format!("{{\"a\":\"{word}\"}}"),
                result: ToolResult::success(word),
                blob: None,
                extra: None,
            }),
            Part::Summary { text: word.into(), covers: Vec::new() },
            Part::Unknown(format!("{{\"type\":\"new\",\"text\":\"{word}\"}}")),
        ]
    }

    #[test]
    fn a_secret_is_taken_out_of_every_kind_of_part_and_nothing_else_changes() {
        let redactor = Redactor::new(&["correct-horse".to_owned()]);
        let mut with = parts("correct-horse", Some("proof"));
        assert!(redactor.redact_parts(&mut with));
        assert_eq!(with, parts("[redacted]", None));
        let mut without = parts("battery", Some("proof"));
        assert!(!redactor.redact_parts(&mut without));
        assert_eq!(without, parts("battery", Some("proof")));
    }
}
