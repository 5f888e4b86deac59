//! How a run of the binary ended.
#![allow(dead_code, reason = "each test program uses its part of it")]
use serde_json::Value;
use std::process::Output;

/// How a run of the binary ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ended {
    pub(crate) fn of(Output { status, stdout, stderr }: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Ended { code: status.code(), out: text(stdout), err: text(stderr) }
    }

    /// What it wrote, as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    /// The same, where it ended well.
    #[track_caller]
    pub(crate) fn well(self) -> Self {
        assert_eq!(self.code, Some(0), "{self:?}");
        self
    }

    /// What it wrote, where it ended well.
    #[track_caller]
    pub(crate) fn done(self) -> String {
        self.well().out
    }

    /// The one sentence on standard error.
    #[track_caller]
    pub(crate) fn sentence(&self) -> &str {
        let sentence = self.err.strip_prefix("duyetbot: ").and_then(|line| line.strip_suffix('\n'));
        sentence.filter(|line| !line.contains('\n')).unwrap_or_else(|| panic!("not one sentence: {self:?}"))
    }

    /// The one sentence of a refusal.
    #[track_caller]
    pub(crate) fn refused(&self, code: i32) -> &str {
        assert_eq!(self.code, Some(code), "{self:?}");
        assert_eq!(self.out, "", "{self:?}");
        self.sentence()
    }
}
