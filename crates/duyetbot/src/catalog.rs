//! Finds the model of a name, or the one that answers where none is named.
use async_trait::async_trait;
use duyetbot_core::{ChatModel, Code, Error, ErrorKind, Models, Result};
use std::sync::Arc;

use crate::recall::RecallModel;

/// What decides which model answers.
#[derive(Clone, Debug, Default)]
pub struct ModelSettings {
    /// The model, as `provider/name` or a provider alone; without it the built-in `recall`.
    pub model: Option<String>,
}

/// The models of these settings.
pub struct Catalog {
    settings: ModelSettings,
}

impl Catalog {
    /// A catalogue of these settings. Nothing is asked of anybody yet.
    pub fn new(settings: ModelSettings) -> Self {
        Catalog { settings }
    }

    /// The full name of the model that a name, or none, stands for.
    pub async fn choose(&self, name: Option<&str>) -> Result<String> {
        self.model(name).await.map(|model| model.info().id.clone())
    }
}

#[async_trait]
impl Models for Catalog {
    async fn model(&self, name: Option<&str>) -> Result<Arc<dyn ChatModel>> {
        match name.or(self.settings.model.as_deref()).unwrap_or("recall") {
            "recall" | "recall/recall" => Ok(Arc::new(RecallModel::new())),
            other => Err(Error::new(
                ErrorKind::NotFound,
                format!("there is no model {other:?} in this build; it has: recall"),
            )
            .with_code(Code::ModelUnknown)),
        }
    }
}
