//! The line below the input: which model answers, what it has cost, and how much room is left.
use duyetbot_core::Usage;

use super::text::{clean, cut, width};

/// What is known.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Status {
    /// The model, once it is known.
    pub(crate) model: Option<String>,
    /// Tokens that prompt and answer may have together.
    pub(crate) window: Option<u64>,
    /// Tokens of the last request and its answer.
    pub(crate) context: u64,
    /// Of the session, as far as this terminal has seen it.
    pub(crate) spent: Usage,
}

impl Status {
    /// A turn has cost this.
    pub(crate) fn spends(&mut self, usage: Usage) {
        self.spent = self.spent.plus(&usage);
    }

    /// The line. What does not fit is left out, the least important first.
    pub(crate) fn line(&self, columns: usize) -> String {
        let model = self.model.as_deref().map_or_else(|| "duyetbot".to_owned(), clean);
        let tokens = Some(self.spent.tokens()).filter(|n| *n > 0).map(|n| format!("{} tokens", short(n)));
        let cost = self.spent.cost.map(dollars);
        let left = self.window.filter(|window| *window > 0 && self.context > 0).map(|window| {
            let left = 100_u64.saturating_sub(self.context.saturating_mul(100) / window);
            format!("{left}% context left")
        });
        let join = |parts: &[&Option<String>]| {
            let parts = parts.iter().filter_map(|part| part.as_deref());
            std::iter::once(model.as_str()).chain(parts).collect::<Vec<_>>().join(" · ")
        };
        let lines = [join(&[&tokens, &cost, &left]), join(&[&cost, &left]), join(&[&left])];
        lines.into_iter().find(|line| width(line) <= columns).unwrap_or_else(|| cut(&model, columns))
    }
}

/// Cents, or as much of one as there is.
fn dollars(cost: f64) -> String {
    if cost >= 0.1 || cost == 0.0 { format!("${cost:.2}") } else { format!("${cost:.4}") }
}

fn short(n: u64) -> String {
    match n {
        0..1_000 => n.to_string(),
        1_000..1_000_000 => format!("{}.{}k", n / 1_000, n % 1_000 / 100),
        _ => format!("{}.{}M", n / 1_000_000, n % 1_000_000 / 100_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_says_what_is_known_as_far_as_it_fits() {
        let mut status = Status::default();
        assert_eq!(status.line(80), "duyetbot");
        status.model = Some("openai/gpt-5".to_owned());
        status.window = Some(10_000);
        status.context = 1_500;
        status.spends(Usage { input: 1_200, output: 300, cost: Some(0.125), ..Usage::default() });
        status.spends(Usage { input: 10, output: 5, ..Usage::default() });
        assert_eq!(status.line(80), "openai/gpt-5 · 1.5k tokens · $0.12 · 85% context left");
        assert_eq!(status.line(46), "openai/gpt-5 · $0.12 · 85% context left");
        assert_eq!(status.line(30), "openai/gpt-5");
        assert_eq!(status.line(8), "openai/…");
        assert_eq!(dollars(0.00471), "$0.0047");
    }
}
