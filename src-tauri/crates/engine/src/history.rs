//! What was said: the sidebar, open conversations, versions, finding, drafts, the trash.

use crate::Engine;
use crate::error::{Error, invalid};
use crate::views;
use domain::{
    AppEvent, ConversationId, ConversationOptions, ConversationPage, ConversationSummary, Draft, Fault,
    HistoryHit, MessageId, MessageView, PathItem, Transcript,
};
use std::collections::HashSet;
use store::{NewConversation, Store, StoredMessage};

/// Bodies that come with a transcript: the last screenful.
const TAIL: usize = 20;
/// The longest title that a person can give.
const LONGEST_TITLE: usize = 200;

/// The use cases about what was said. Made by [`Engine::history`].
#[derive(Clone)]
pub struct History {
    pub(crate) engine: Engine,
}

impl History {
    /// A page of the sidebar. Temporary conversations come before the first page.
    ///
    /// # Errors
    /// The store's.
    pub async fn conversations(
        &self,
        offset: u32,
        limit: u32,
        archived: bool,
    ) -> Result<ConversationPage, Fault> {
        self.engine
            .database()
            .read(move |shelf| {
                let mut page = shelf.disk.conversations(offset, limit, archived)?;
                if offset == 0 {
                    let temporary = shelf.memory.conversations(0, limit, archived)?;
                    page.conversations.splice(0..0, temporary.conversations);
                }
                Ok(page)
            })
            .await
    }

    /// An open conversation: its path, and the bodies of its end.
    ///
    /// # Errors
    /// `NotFound`, or the store's.
    pub async fn transcript(&self, conversation: ConversationId) -> Result<Transcript, Fault> {
        let id = conversation;
        let (summary, options, path, tail, draft) = self
            .engine
            .database()
            .read(move |shelf| {
                let home = shelf.home(&id);
                let summary = home.conversation(&id)?;
                let path = home.path(&id, None)?;
                let tail = bodies(home, &path[path.len().saturating_sub(TAIL)..])?;
                Ok((summary, home.options(&id)?, path, tail, home.draft(Some(&id))?))
            })
            .await?;
        let tail = views::views(&self.engine, tail).await;
        Ok(Transcript { conversation: summary, options, path, tail, draft })
    }

    /// Bodies of messages, in the order asked for. Unknown ids are left out.
    ///
    /// # Errors
    /// The store's.
    pub async fn messages(&self, ids: Vec<MessageId>) -> Result<Vec<MessageView>, Fault> {
        let stored = self
            .engine
            .database()
            .read(move |shelf| match ids.first() {
                Some(first) => Ok(shelf.home_of(first).messages(&ids)?),
                None => Ok(Vec::new()),
            })
            .await?;
        Ok(views::views(&self.engine, stored).await)
    }

    /// Shows this version, and what was last shown below it.
    ///
    /// # Errors
    /// `NotFound`, or the store's.
    pub async fn select_version(&self, message: MessageId) -> Result<Transcript, Fault> {
        let conversation = self
            .engine
            .database()
            .write(move |shelf| Ok(shelf.home_of(&message).select_version(&message)?))
            .await?;
        self.transcript(conversation).await
    }

    /// Names a conversation. No title is made for it any more.
    ///
    /// # Errors
    /// `InvalidInput` for an empty title, `NotFound`, or the store's.
    pub async fn rename_conversation(
        &self,
        conversation: ConversationId,
        title: String,
    ) -> Result<ConversationSummary, Fault> {
        let title: String =
            title.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(LONGEST_TITLE).collect();
        if title.is_empty() {
            return Err(invalid("a title without letters"));
        }
        self.engine.titles().cancel(&conversation);
        self.change(conversation, move |home, id| home.rename_conversation(id, &title)).await
    }

    /// Keeps a conversation at the top, or no longer.
    ///
    /// # Errors
    /// `NotFound`, or the store's.
    pub async fn pin_conversation(
        &self,
        conversation: ConversationId,
        pinned: bool,
    ) -> Result<ConversationSummary, Fault> {
        self.change(conversation, move |home, id| home.set_pinned(id, pinned)).await
    }

    /// Puts a conversation away, or takes it back.
    ///
    /// # Errors
    /// `NotFound`, or the store's.
    pub async fn archive_conversation(
        &self,
        conversation: ConversationId,
        archived: bool,
    ) -> Result<ConversationSummary, Fault> {
        self.change(conversation, move |home, id| home.set_archived(id, archived)).await
    }

    /// Moves a conversation to the trash. What is being written in it is stopped first.
    ///
    /// # Errors
    /// `NotFound`, or the store's.
    pub async fn delete_conversation(&self, conversation: ConversationId) -> Result<(), Fault> {
        self.engine.titles().cancel(&conversation);
        self.engine.runs().stop_all_in(&conversation).await;
        let (id, now) = (conversation.clone(), self.engine.now());
        self.engine.database().write(move |shelf| Ok(shelf.home(&id).delete_conversation(&id, now)?)).await?;
        self.engine.news().tell(&AppEvent::ConversationRemoved { id: conversation });
        Ok(())
    }

    /// Takes a conversation back from the trash.
    ///
    /// # Errors
    /// `NotFound`, or the store's.
    pub async fn undelete_conversation(
        &self,
        conversation: ConversationId,
    ) -> Result<ConversationSummary, Fault> {
        let summary = self
            .engine
            .database()
            .write(move |shelf| {
                // One in the trash has no row that says where it lies: memory is asked first.
                let in_memory = shelf.memory.restore_conversation(&conversation);
                Ok(in_memory.or_else(|_| shelf.disk.restore_conversation(&conversation))?)
            })
            .await?;
        self.engine.news().tell(&AppEvent::ConversationChanged { conversation: summary.clone() });
        Ok(summary)
    }

    /// Copies the path that ends at `message` into a new conversation, which lies where the old one does.
    ///
    /// # Errors
    /// `NotFound`, or the store's.
    pub async fn fork_conversation(&self, message: MessageId) -> Result<ConversationSummary, Fault> {
        let (id, now, engine) = (self.engine.new_id(), self.engine.now(), self.engine.clone());
        let summary = self
            .engine
            .database()
            .write(move |shelf| {
                let home = shelf.home_of(&message);
                let origin = home.message(&message)?.message.conversation;
                let title = home.conversation(&origin)?.title;
                let new = NewConversation {
                    id,
                    options: home.options(&origin)?,
                    temporary: home.conversation(&origin)?.temporary,
                    created_at: now,
                };
                Ok(home.fork_conversation(&message, &new, &title, &mut || engine.new_id())?)
            })
            .await?;
        self.engine.news().tell(&AppEvent::ConversationChanged { conversation: summary.clone() });
        Ok(summary)
    }

    /// Changes a conversation's settings; they hold from the next answer on.
    ///
    /// # Errors
    /// `NotFound`, or the store's.
    pub async fn set_conversation_options(
        &self,
        conversation: ConversationId,
        options: ConversationOptions,
    ) -> Result<ConversationOptions, Fault> {
        let stored = options.clone();
        self.change(conversation, move |home, id| {
            home.set_options(id, &stored)?;
            home.conversation(id)
        })
        .await?;
        Ok(options)
    }

    /// Keeps what was typed and not sent, with its files, of a conversation or of the one that is not begun yet. Files
    /// that the draft let go of are removed unless something else uses them.
    ///
    /// # Errors
    /// The store's.
    pub async fn save_draft(&self, conversation: Option<ConversationId>, draft: Draft) -> Result<(), Fault> {
        let at = self.engine.now();
        self.engine
            .database()
            .write(move |shelf| {
                let home = conversation.as_ref().map_or(&shelf.disk, |id| shelf.home(id));
                let before = home.draft(conversation.as_ref())?;
                for file in draft.files() {
                    // A file that cannot be kept must not cost the words beside it.
                    if let Err(error) = shelf.bring(file, home, at) {
                        tracing::warn!(%error, "a draft's file could not be kept");
                    }
                }
                home.set_draft(conversation.as_ref(), &draft)?;
                let kept: HashSet<_> = draft.files().collect();
                for gone in before.files().filter(|file| !kept.contains(file)) {
                    home.remove_if_unused(gone)?;
                }
                Ok(())
            })
            .await
    }

    /// What was typed and not sent; empty when there is none.
    ///
    /// # Errors
    /// The store's.
    pub async fn draft(&self, conversation: Option<ConversationId>) -> Result<Draft, Fault> {
        self.engine
            .database()
            .read(move |shelf| {
                let home = conversation.as_ref().map_or(&shelf.disk, |id| shelf.home(id));
                Ok(home.draft(conversation.as_ref())?)
            })
            .await
    }

    /// Messages and titles that hold every word of `query`. Temporary conversations are not found.
    ///
    /// # Errors
    /// The store's.
    pub async fn search_history(&self, query: String, limit: u32) -> Result<Vec<HistoryHit>, Fault> {
        self.engine.database().read(move |shelf| Ok(shelf.disk.search(&query, limit)?)).await
    }

    /// One change of a conversation's row, and the news of it.
    async fn change(
        &self,
        conversation: ConversationId,
        change: impl FnOnce(&Store, &ConversationId) -> store::Result<ConversationSummary> + Send + 'static,
    ) -> Result<ConversationSummary, Fault> {
        let summary = self
            .engine
            .database()
            .write(move |shelf| Ok(change(shelf.home(&conversation), &conversation)?))
            .await?;
        self.engine.news().tell(&AppEvent::ConversationChanged { conversation: summary.clone() });
        Ok(summary)
    }
}

fn bodies(home: &Store, items: &[PathItem]) -> Result<Vec<StoredMessage>, Error> {
    let ids: Vec<MessageId> = items.iter().map(|item| item.id.clone()).collect();
    Ok(home.messages(&ids)?)
}
