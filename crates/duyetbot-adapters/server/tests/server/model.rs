//! A model that is found only once its door is open.
use async_trait::async_trait;
use duyetbot_core::{ChatModel, Models, OneModel, Result};
use duyetbot_testkit::SpokenModel;
use std::sync::Arc;
use tokio::sync::watch;

/// Finds the model, once the door is open: whoever begins a run waits so long.
pub struct Gate {
    pub model: Arc<SpokenModel>,
    pub open: watch::Receiver<bool>,
}

#[async_trait]
impl Models for Gate {
    async fn model(&self, name: Option<&str>) -> Result<Arc<dyn ChatModel>> {
        self.open.clone().wait_for(|open| *open).await.unwrap();
        OneModel(self.model.clone()).model(name).await
    }
}
