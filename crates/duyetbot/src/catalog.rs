//! Finds the model of a name, or the one that answers where none is named.
use async_trait::async_trait;
use duyetbot_core::{ChatModel, Code, Error, ErrorKind, Models, Result};
use duyetbot_fetch::{Client, Pem, Proxies, Roots, Settings};
use duyetbot_models::{
    AnthropicModel, Endpoint, ModelName, OpenAiModel, Provider, USUAL_PORTS, list_models, newest_main,
    probe_local,
};
use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use crate::{
    recall::RecallModel,
    remembered::{Memory, Remembered},
};

/// Under which name the server of this machine is remembered.
const LOCAL: &str = "local";

/// A provider's key and address.
#[derive(Clone, Default)]
pub struct Access {
    /// The key.
    pub key: Option<String>,
    /// Another address than the provider's own: Anthropic's without `/v1`, OpenAI's with it.
    pub base_url: Option<String>,
}

impl Access {
    fn is_set(&self) -> bool {
        self.key.is_some() || self.base_url.is_some()
    }
}

/// The key is shown nowhere.
impl std::fmt::Debug for Access {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Access").field("key", &self.key.is_some()).field("base_url", &self.base_url).finish()
    }
}

/// What decides which model answers, and how its provider is reached.
#[derive(Clone, Debug, Default)]
pub struct ModelSettings {
    /// The model, as `provider/name` or a provider alone; without it the first of Anthropic's key, OpenAI's key, a server
    /// on this machine, and the built-in `recall`.
    pub model: Option<String>,
    /// Anthropic.
    pub anthropic: Access,
    /// OpenAI, or any server that speaks its chat completions.
    pub openai: Access,
    /// Tokens for Anthropic's reasoning; none without it.
    pub thinking_tokens: Option<u32>,
    /// The proxies for outbound calls.
    pub proxies: Proxies,
    /// Further certificate authorities, in a PEM file.
    pub roots: Option<PathBuf>,
    /// Where what was found is kept for a day; without it nothing is kept.
    pub remembered: Option<PathBuf>,
    /// Ports of this machine on which a server is looked for where no key is set.
    pub local: LocalPorts,
}

/// Where on this machine servers are looked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum LocalPorts {
    /// Nowhere.
    #[default]
    None,
    /// The usual ports of Ollama, llama.cpp and LM Studio.
    Usual,
    /// These.
    These(Vec<u16>),
}

impl ModelSettings {
    /// How outbound calls are made under these settings, to models and elsewhere.
    pub fn fetch(&self) -> Settings {
        Settings {
            proxies: self.proxies.clone(),
            roots: self.roots.clone().map_or(Roots::System, |path| Roots::And(Pem::File(path))),
            ..Settings::default()
        }
    }

    pub(crate) fn secrets(&self) -> impl Iterator<Item = String> + '_ {
        [&self.anthropic, &self.openai].into_iter().filter_map(|access| access.key.clone())
    }
}

/// The models of these settings.
pub struct Catalog {
    settings: ModelSettings,
    client: Client,
    memory: Memory,
    made: Mutex<BTreeMap<String, Arc<dyn ChatModel>>>,
}

impl Catalog {
    /// A catalogue of these settings. Nothing is asked of anybody yet.
    pub fn new(settings: ModelSettings) -> Self {
        let client = Client::new(settings.fetch());
        let memory = Memory::new(settings.remembered.clone());
        Catalog { settings, client, memory, made: Mutex::default() }
    }

    /// The full name of the model that a name, or none, stands for.
    pub async fn choose(&self, name: Option<&str>) -> Result<String> {
        self.model(name).await.map(|model| model.info().id.clone())
    }

    fn anthropic(&self) -> Endpoint {
        let Access { key, base_url } = self.settings.anthropic.clone();
        Endpoint::anthropic(self.client.clone(), base_url, key)
    }

    fn openai(&self, base_url: Option<String>) -> Endpoint {
        let access = self.settings.openai.clone();
        Endpoint::openai(self.client.clone(), base_url.or(access.base_url), access.key)
    }

    async fn named(&self, name: &ModelName) -> Result<Arc<dyn ChatModel>> {
        if !is_built(name.provider) {
            let provider = name.provider;
            return Err(Error::invalid(format!(
                "this build has no client for {provider}; add the feature `{provider}` of the crate duyetbot"
            )));
        }
        let endpoint = match name.provider {
            Provider::Recall if self.has_language_model() => return Ok(Arc::new(RecallModel::chosen())),
            Provider::Recall => return Ok(Arc::new(RecallModel::new())),
            Provider::Anthropic => self.anthropic(),
            Provider::OpenAi => self.openai(None),
        };
        endpoint.require_key()?;
        let model = match &name.name {
            Some(model) => model.clone(),
            None => self.newest(&endpoint).await?,
        };
        Ok(self.built(endpoint, &model))
    }

    /// Could a language model be asked? A server on this machine counts once it was found.
    fn has_language_model(&self) -> bool {
        let provided =
            [(&self.settings.anthropic, Provider::Anthropic), (&self.settings.openai, Provider::OpenAi)];
        provided.iter().any(|(access, provider)| access.is_set() && is_built(*provider))
            || self.memory.recall(LOCAL).is_some()
    }

    fn built(&self, endpoint: Endpoint, model: &str) -> Arc<dyn ChatModel> {
        match endpoint.provider {
            Provider::Anthropic => {
                Arc::new(AnthropicModel::new(endpoint, model).with_thinking(self.settings.thinking_tokens))
            }
            _ => Arc::new(OpenAiModel::new(endpoint, model)),
        }
    }

    /// The newest model of the provider's main family, as its own list says, remembered for a day.
    async fn newest(&self, endpoint: &Endpoint) -> Result<String> {
        if let Some(found) = self.memory.recall(&endpoint.base_url) {
            return Ok(found.model);
        }
        let names = list_models(endpoint).await?;
        let model = newest_main(endpoint.provider, &names).ok_or_else(|| {
            let words = format!(
                "{} lists no model; name one with --model {}/NAME",
                endpoint.provider, endpoint.provider
            );
            Error::new(ErrorKind::NotFound, words).with_code(Code::ModelUnknown)
        })?;
        self.memory.remember(&endpoint.base_url, Remembered { model: model.clone(), base_url: None });
        Ok(model)
    }

    /// The first of a key, a server on this machine, and the memory.
    async fn first(&self) -> Result<Arc<dyn ChatModel>> {
        for (access, provider) in
            [(&self.settings.anthropic, Provider::Anthropic), (&self.settings.openai, Provider::OpenAi)]
        {
            if access.is_set() && is_built(provider) {
                return self.named(&ModelName { provider, name: None }).await;
            }
        }
        let ports: &[u16] = match &self.settings.local {
            LocalPorts::None => &[],
            LocalPorts::Usual => &USUAL_PORTS,
            LocalPorts::These(ports) => ports,
        };
        if ports.is_empty() || !is_built(Provider::OpenAi) {
            return Ok(Arc::new(RecallModel::new()));
        }
        let found = match self.memory.recall(LOCAL) {
            Some(Remembered { model, base_url: Some(base_url) }) => Some((base_url, model)),
            _ => probe_local(&self.client, ports).await.map(|server| (server.base_url, server.model)),
        };
        let Some((base_url, model)) = found else { return Ok(Arc::new(RecallModel::new())) };
        self.memory.remember(LOCAL, Remembered { model: model.clone(), base_url: Some(base_url.clone()) });
        Ok(self.built(self.openai(Some(base_url)), &model))
    }
}

/// Does this build speak to the provider?
fn is_built(provider: Provider) -> bool {
    match provider {
        Provider::Recall => true,
        Provider::Anthropic => cfg!(feature = "anthropic"),
        Provider::OpenAi => cfg!(feature = "openai"),
    }
}

#[async_trait]
impl Models for Catalog {
    async fn model(&self, name: Option<&str>) -> Result<Arc<dyn ChatModel>> {
        let name = name.or(self.settings.model.as_deref());
        let key = name.unwrap_or_default().to_owned();
        let made = self.made.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        if let Some(model) = made {
            return Ok(model);
        }
        let model = match name {
            Some(name) => self.named(&name.parse()?).await?,
            None => self.first().await?,
        };
        self.made.lock().unwrap_or_else(PoisonError::into_inner).insert(key, model.clone());
        Ok(model)
    }

    /// What the providers that are set up list, each the newest first, and the built-in `recall`. One that does not answer is
    /// left out, unless none does.
    async fn list(&self) -> Result<Vec<String>> {
        let mut listed = Vec::new();
        let mut failed = None;
        for (access, endpoint) in
            [(&self.settings.anthropic, self.anthropic()), (&self.settings.openai, self.openai(None))]
        {
            if !access.is_set() || !is_built(endpoint.provider) {
                continue;
            }
            match list_models(&endpoint).await {
                Ok(names) => listed.extend(names.iter().map(|name| format!("{}/{name}", endpoint.provider))),
                Err(error) => failed = Some(error),
            }
        }
        match failed {
            Some(error) if listed.is_empty() => Err(error),
            _ => {
                listed.push(RecallModel::new().info().id.clone());
                Ok(listed)
            }
        }
    }
}
