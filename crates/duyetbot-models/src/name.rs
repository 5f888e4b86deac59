//! How models are named.
use duyetbot_core::{Code, Error, ErrorKind, Result};
use std::{fmt, str::FromStr};

/// Who serves a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Provider {
    /// Anthropic's Messages API.
    Anthropic,
    /// OpenAI's chat completions, or any server that speaks them.
    OpenAi,
    /// The built-in model that only remembers.
    Recall,
}

impl Provider {
    /// The word that a model's name begins with.
    pub fn as_str(self) -> &'static str {
        match self {
            Provider::Anthropic => "anthropic",
            Provider::OpenAi => "openai",
            Provider::Recall => "recall",
        }
    }
}

impl fmt::Display for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A model's name: `anthropic/claude-…`, `openai/gpt-…`, or a provider alone for the newest of its main family.
///
/// ```
/// use duyetbot_models::{ModelName, Provider};
/// let name: ModelName = "openai/meta-llama/llama-3".parse()?;
/// assert_eq!((name.provider, name.name.as_deref()), (Provider::OpenAi, Some("meta-llama/llama-3")));
/// # Ok::<(), duyetbot_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ModelName {
    /// Who serves it.
    pub provider: Provider,
    /// The provider's own name for it.
    pub name: Option<String>,
}

impl FromStr for ModelName {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        let (provider, name) = match text.trim().split_once('/') {
            Some((provider, name)) => (provider, Some(name.trim()).filter(|name| !name.is_empty())),
            None => (text.trim(), None),
        };
        let provider = match provider.to_ascii_lowercase().as_str() {
            "anthropic" => Provider::Anthropic,
            "openai" => Provider::OpenAi,
            "recall" => Provider::Recall,
            _ => {
                let sentence = format!(
                    "there is no model {text:?}; a model is named as anthropic/NAME, openai/NAME or recall, and a \
                     provider alone means its newest"
                );
                return Err(Error::new(ErrorKind::NotFound, sentence).with_code(Code::ModelUnknown));
            }
        };
        Ok(ModelName { provider, name: name.map(str::to_owned) })
    }
}

impl fmt::Display for ModelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "{}/{name}", self.provider),
            None => write!(f, "{}", self.provider),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_provider_and_perhaps_a_model() {
        let of = |text: &str| text.parse::<ModelName>().map(|n| (n.provider, n.name));
        assert_eq!(of("anthropic").unwrap(), (Provider::Anthropic, None));
        assert_eq!(of("Anthropic/claude-x ").unwrap(), (Provider::Anthropic, Some("claude-x".to_owned())));
        assert_eq!(of("openai/").unwrap(), (Provider::OpenAi, None));
        assert_eq!(of("recall").unwrap(), (Provider::Recall, None));
        let error = of("gpt-5").unwrap_err();
        assert_eq!((error.kind(), error.code()), (ErrorKind::NotFound, Some(Code::ModelUnknown)));
        assert_eq!("openai/a/b".parse::<ModelName>().unwrap().to_string(), "openai/a/b");
    }
}
