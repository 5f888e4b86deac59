//! The seam to rules: what "always" would allow, and where that is kept.
use duyetbot_core::Result;

use crate::{app::App, deciding::allow_from_now_on};

/// Knows which rules would have let a call run, and keeps them.
pub(crate) trait Grants {
    /// The narrowest rules under which this call would have run, as they are written in the settings. None where no rule
    /// can grant it.
    fn narrowest(&self, tool: &str, input: &str) -> Vec<String>;
    /// Keeps the rules, for now and later.
    fn keep(&self, rules: &[String]) -> Result<()>;
}

/// The rules of the home's settings.
pub(crate) struct HomesRules<'a>(pub(crate) &'a App);

impl Grants for HomesRules<'_> {
    fn narrowest(&self, tool: &str, input: &str) -> Vec<String> {
        let rules = self.0.bot.toolbox().map(|toolbox| toolbox.narrowest(tool, input)).unwrap_or_default();
        rules.iter().map(ToString::to_string).collect()
    }
    fn keep(&self, rules: &[String]) -> Result<()> {
        allow_from_now_on(self.0, rules)
    }
}
