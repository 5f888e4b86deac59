//! The built-in model that is no language model: it words what recall found in the person's own memory, and says so.
use async_trait::async_trait;
use duyetbot_core::{
    Answer, ChatModel, ModelEvent, ModelInfo, Part, Passage, Request, Result, Role, SessionLine, StopReason,
};
use futures::{StreamExt, stream};

/// Says what this is, and how to get a language model; the last words of every answer.
const HOW_TO: &str = "No language model is configured, so this is a search of your own memory. To add one, set \
    ANTHROPIC_API_KEY or OPENAI_API_KEY, or start Ollama, llama.cpp or LM Studio on this machine; --model chooses.";

/// The same where a person has chosen this.
const CHOSEN: &str = "This is a search of your own memory, as you chose: no language model was asked. --model, or /model in \
    the terminal, chooses one.";

/// Answers from the passages and the list of sessions that a request holds.
///
/// ```
/// # use duyetbot::core::ChatModel;
/// assert_eq!(duyetbot::RecallModel::new().info().id, "recall");
/// ```
pub struct RecallModel {
    info: ModelInfo,
    /// The last words of every answer.
    about: &'static str,
}

impl RecallModel {
    /// The model, where no other answers.
    pub fn new() -> Self {
        RecallModel {
            about: HOW_TO,
            info: ModelInfo {
                id: "recall".to_owned(),
                window: 4_000,
                max_output: 1_000,
                images: false,
                memory_only: true,
            },
        }
    }

    /// The model, chosen where a language model could answer.
    pub fn chosen() -> Self {
        RecallModel { about: CHOSEN, ..RecallModel::new() }
    }
}

impl Default for RecallModel {
    fn default() -> Self {
        RecallModel::new()
    }
}

#[async_trait]
impl ChatModel for RecallModel {
    fn info(&self) -> &ModelInfo {
        &self.info
    }

    async fn ask(&self, request: &Request) -> Result<Answer> {
        let asked = request
            .messages
            .iter()
            .rev()
            .find(|m| m.role == Role::User && m.parts.iter().any(|p| matches!(p, Part::Text { .. })))
            .map(|m| m.text())
            .unwrap_or_default();
        let mut paragraphs = if asks_for_sessions(&asked) {
            vec![sessions(&request.sessions)]
        } else {
            passages(&request.recalled)
        };
        paragraphs.push(self.about.to_owned());
        let text = paragraphs.join("\n\n");
        let words: Vec<String> = text.split_inclusive(' ').map(str::to_owned).collect();
        let events = words.into_iter().map(ModelEvent::Text).chain([ModelEvent::Stop(StopReason::End)]);
        Ok(stream::iter(events.map(Ok).collect::<Vec<_>>()).boxed())
    }
}

/// "What are my recent sessions?" and its like.
fn asks_for_sessions(text: &str) -> bool {
    const WHICH: [&str; 9] = ["recent", "latest", "last", "my", "list", "show", "all", "which", "what"];
    let words: Vec<String> =
        text.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).map(str::to_lowercase).collect();
    let named = words.iter().any(|w| matches!(w.as_str(), "sessions" | "conversations" | "chats"));
    named && words.len() <= 10 && words.iter().any(|w| WHICH.contains(&w.as_str()))
}

fn sessions(lines: &[SessionLine]) -> String {
    if lines.is_empty() {
        return "You have no sessions yet.".to_owned();
    }
    let mut out = vec!["Your recent sessions, the latest first:".to_owned()];
    for line in lines {
        let count =
            if line.messages == 1 { "1 message".to_owned() } else { format!("{} messages", line.messages) };
        out.push(format!("- {}: {} ({count}, {})", line.updated.date(), line.title, line.id));
    }
    out.join("\n")
}

fn passages(found: &[Passage]) -> Vec<String> {
    // An answer of this model only quotes what a person said; quoting it again tells nothing new.
    let mut said: Vec<&Passage> =
        found.iter().filter(|p| !p.text.contains(HOW_TO) && !p.text.contains(CHOSEN)).collect();
    said.retain(|p| p.role == Role::User || !p.text.contains("search of your own memory"));
    if said.is_empty() {
        return vec!["I found nothing about this in what you told me; I have kept what you said.".to_owned()];
    }
    let mut out = vec!["This is what I found in your memory:".to_owned()];
    for passage in said {
        let who = if passage.role == Role::User { "you said" } else { "I said" };
        let quoted = passage.text.lines().map(|l| format!("> {l}")).collect::<Vec<_>>().join("\n");
        out.push(format!("On {}, in \"{}\", {who}:\n{quoted}", passage.created.date(), passage.title));
    }
    out
}
