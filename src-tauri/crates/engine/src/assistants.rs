//! Assistants: named ways to begin a conversation. One is copied into a conversation, which then goes its own way.

use crate::Engine;
use crate::error::named;
use domain::{Assistant, AssistantId, ConversationOptions, Fault};

/// The use cases about assistants. Made by [`Engine::assistants`].
#[derive(Clone)]
pub struct Assistants {
    pub(crate) engine: Engine,
}

impl Assistants {
    /// All of them, oldest first.
    ///
    /// # Errors
    /// The store's.
    pub async fn assistants(&self) -> Result<Vec<Assistant>, Fault> {
        self.engine.database().read(|shelf| Ok(shelf.disk.assistants()?)).await
    }

    /// Keeps an assistant: a new one, or in the place of `id`, which may also be one that was deleted.
    ///
    /// # Errors
    /// `InvalidInput` for an empty name; the store's.
    pub async fn save_assistant(
        &self,
        id: Option<AssistantId>,
        name: String,
        options: ConversationOptions,
    ) -> Result<Assistant, Fault> {
        let id = id.unwrap_or_else(|| self.engine.new_id());
        let assistant = Assistant { id, name: named(&name)?, options };
        let kept = assistant.clone();
        self.engine.database().write(move |shelf| Ok(shelf.disk.save_assistant(&kept)?)).await?;
        Ok(assistant)
    }

    /// Removes an assistant.
    ///
    /// # Errors
    /// The store's.
    pub async fn delete_assistant(&self, id: AssistantId) -> Result<(), Fault> {
        self.engine.database().write(move |shelf| Ok(shelf.disk.delete_assistant(&id)?)).await
    }
}
