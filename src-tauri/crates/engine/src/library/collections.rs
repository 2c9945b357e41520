//! Collections: made, found, changed, thrown away. Other passages or another model are quoted before they hold.

use super::ingests::{self, Consent, Load};
use super::vectors::SpaceName;
use super::{Library, reading, watching};
use crate::error::{Error, invalid, not_found};
use crate::sink::Nowhere;
use domain::{Collection, CollectionSettings, ConversationId, Fault};
use std::sync::Arc;
use store::library::CollectionRow;

/// The collection that takes what is added without one.
pub const DEFAULT_COLLECTION: &str = "library";
/// Before the id of a conversation: its own documents.
pub(super) const OF_CONVERSATION: &str = "conversation:";
/// The palette of collections.
const COLOURS: &[&str] = &["blue", "green", "amber", "rose", "violet", "slate"];

/// The documents of one conversation only.
pub(crate) fn is_of_conversation(collection: &str) -> bool {
    collection.starts_with(OF_CONVERSATION)
}

impl Library {
    /// All collections but those of single conversations, by name.
    ///
    /// # Errors
    /// The store's.
    pub async fn collections(&self) -> Result<Vec<Collection>, Fault> {
        let rows = self.engine.database().read(|shelf| Ok(shelf.disk.collections()?)).await?;
        let rows = rows.into_iter().map(|row| self.shown(row.collection));
        Ok(rows.filter(|collection| !is_of_conversation(&collection.id)).collect())
    }

    /// Makes a collection.
    ///
    /// # Errors
    /// `InvalidInput` for a name or settings that cannot be used; the store's.
    pub async fn create_collection(
        &self,
        name: String,
        colour: String,
        settings: CollectionSettings,
    ) -> Result<Collection, Fault> {
        let (name, colour) = (checked_name(&name)?, checked_colour(&colour)?);
        check_settings(&settings)?;
        let (id, now): (String, _) = (self.engine.new_id(), self.engine.now());
        let row = self
            .engine
            .database()
            .write(move |shelf| Ok(shelf.disk.create_collection(&id, &name, &colour, &settings, now)?))
            .await?;
        self.tell([]);
        Ok(row.collection)
    }

    /// Changes a collection. Other passages or another model mean that its documents are cut or embedded anew, in the
    /// background and quoted first (see [`Library::active_ingests`]): until the quote is accepted such settings are only
    /// `wanted`, and until the work is done the former vectors serve.
    ///
    /// # Errors
    /// `NotFound`, `InvalidInput`; the store's.
    pub async fn update_collection(
        &self,
        collection: String,
        name: String,
        colour: String,
        settings: CollectionSettings,
    ) -> Result<Collection, Fault> {
        self.change_collection(collection, name, colour, settings, Consent::Asked).await
    }

    /// As [`Library::update_collection`], for callers who want no quote first: the settings hold at once, and the next run
    /// over the collection embeds what they need.
    ///
    /// # Errors
    /// As there.
    pub async fn update_collection_unasked(
        &self,
        collection: String,
        name: String,
        colour: String,
        settings: CollectionSettings,
    ) -> Result<Collection, Fault> {
        self.change_collection(collection, name, colour, settings, Consent::Given).await
    }

    async fn change_collection(
        &self,
        collection: String,
        name: String,
        colour: String,
        settings: CollectionSettings,
        consent: Consent,
    ) -> Result<Collection, Fault> {
        let (name, colour) = (checked_name(&name)?, checked_colour(&colour)?);
        check_settings(&settings)?;
        let wanted = settings.clone();
        let (row, waits) = self
            .engine
            .database()
            .write(move |shelf| {
                let before = shelf.disk.collection(&collection)?;
                let waits = consent == Consent::Asked
                    && !shelf.disk.documents_of(before.key)?.is_empty()
                    && is_costly(&before.collection.settings, &wanted);
                let now = if waits { searched_as(&before.collection.settings, &wanted) } else { wanted };
                Ok((shelf.disk.update_collection(&collection, &name, &colour, &now)?, waits))
            })
            .await?;
        // What was wanted before is not wanted any more.
        for ingest in self.engine.library_state().ingests.all() {
            if ingest.collection == row.collection.id && ingest.is_change() {
                ingest.stop();
            }
        }
        if waits {
            let load = Load::Settings(Box::new(settings));
            ingests::begin(&self.engine, &row, load, consent, None, Arc::new(Nowhere)).await?;
        }
        self.tell([]);
        self.row(&row.collection.id).await.map(|row| self.shown(row.collection))
    }

    /// Puts a collection into the trash, with its documents.
    ///
    /// # Errors
    /// `NotFound`; the store's.
    pub async fn delete_collection(&self, collection: String) -> Result<(), Fault> {
        let now = self.engine.now();
        self.engine.library_state().watching.forget(&collection);
        for ingest in self.engine.library_state().ingests.all() {
            if ingest.collection == collection {
                ingest.stop();
            }
        }
        self.engine
            .database()
            .write(move |shelf| Ok(shelf.disk.set_collection_deleted(&collection, Some(now))?))
            .await?;
        self.tell([]);
        Ok(())
    }

    /// Takes a collection out of the trash.
    ///
    /// # Errors
    /// `NotFound`; the store's.
    pub async fn undelete_collection(&self, collection: String) -> Result<Collection, Fault> {
        let row = self
            .engine
            .database()
            .write(move |shelf| Ok(shelf.disk.set_collection_deleted(&collection, None)?))
            .await?;
        if watching::follow(&self.engine, &row.collection) {
            watching::look(&self.engine, &row.collection.id).await;
        }
        self.tell([]);
        Ok(self.shown(row.collection))
    }

    /// A collection by its name or id, for the command line; made when there is none of that name.
    ///
    /// # Errors
    /// The store's.
    pub async fn collection_named(&self, name: &str) -> Result<Collection, Fault> {
        match self.find_collection(name).await? {
            Some(known) => Ok(known),
            None => {
                self.create_collection(name.to_owned(), COLOURS[0].to_owned(), self.default_settings()).await
            }
        }
    }

    /// A collection by its name or id, when there is one.
    ///
    /// # Errors
    /// The store's.
    pub async fn find_collection(&self, name: &str) -> Result<Option<Collection>, Fault> {
        let known = self.collections().await?;
        let by_id = known.iter().position(|collection| collection.id == name);
        let folded = name.to_lowercase();
        let by_name = || known.iter().position(|collection| collection.name.to_lowercase() == folded);
        Ok(by_id.or_else(by_name).and_then(|place| known.into_iter().nth(place)))
    }

    /// The collection that takes what is added without one; made when it is missing.
    ///
    /// # Errors
    /// The store's.
    pub async fn default_collection(&self) -> Result<Collection, Fault> {
        self.resolve(None).await.map(|row| row.collection)
    }

    /// The collection that is meant. The default one, and that of a conversation, are made when they are missing; the
    /// latter is attached to its conversation.
    pub(super) async fn resolve(&self, collection: Option<String>) -> Result<CollectionRow, Fault> {
        let id = collection.unwrap_or_else(|| DEFAULT_COLLECTION.to_owned());
        let (settings, now) = (self.default_settings(), self.engine.now());
        let row = self
            .engine
            .database()
            .write(move |shelf| {
                if let Some(conversation) = id.strip_prefix(OF_CONVERSATION) {
                    let conversation = ConversationId::from(conversation);
                    let home = shelf.home(&conversation);
                    let mut options = home.options(&conversation)?;
                    if !options.collections.contains(&id) {
                        options.collections.push(id.clone());
                        home.set_options(&conversation, &options)?;
                    }
                    return Ok::<_, Error>(
                        shelf.disk.create_collection(&id, "", COLOURS[0], &settings, now)?,
                    );
                }
                if id == DEFAULT_COLLECTION {
                    return Ok(shelf.disk.create_collection(&id, "Library", COLOURS[0], &settings, now)?);
                }
                Ok(shelf.disk.collection(&id)?)
            })
            .await?;
        if row.deleted { Err(not_found("the collection")) } else { Ok(row) }
    }

    fn default_settings(&self) -> CollectionSettings {
        let settings = CollectionSettings::default();
        match self.engine.in_force().now().embedding_model {
            Some(embedding_model) => CollectionSettings { embedding_model, ..settings },
            None => settings,
        }
    }

    pub(super) async fn row(&self, collection: &str) -> Result<CollectionRow, Fault> {
        let id = collection.to_owned();
        self.engine.database().read(move |shelf| Ok(shelf.disk.collection(&id)?)).await
    }

    pub(super) async fn row_of(&self, document: &str) -> Result<CollectionRow, Fault> {
        let id = document.to_owned();
        self.engine.database().read(move |shelf| Ok(shelf.disk.collection_of(&id)?)).await
    }

    /// A collection as callers see it.
    pub(super) fn shown(&self, collection: Collection) -> Collection {
        self.engine.library_state().watching.shown(collection)
    }
}

/// Other passages or other vectors.
fn is_costly(before: &CollectionSettings, after: &CollectionSettings) -> bool {
    SpaceName::of(before) != SpaceName::of(after) || reading::cut_name(before) != reading::cut_name(after)
}

/// What costs something as it was, and the rest as it is wanted.
fn searched_as(before: &CollectionSettings, wanted: &CollectionSettings) -> CollectionSettings {
    CollectionSettings {
        embedding_model: before.embedding_model.clone(),
        provider_url: before.provider_url.clone(),
        passage_tokens: before.passage_tokens,
        overlap_tokens: before.overlap_tokens,
        ..wanted.clone()
    }
}

fn checked_name(name: &str) -> Result<String, Fault> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > 200 {
        return Err(invalid("a collection needs a name of at most 200 characters"));
    }
    Ok(name.to_owned())
}

fn checked_colour(colour: &str) -> Result<String, Fault> {
    match COLOURS.iter().find(|known| **known == colour) {
        Some(known) => Ok((*known).to_owned()),
        None => Err(invalid("no colour of the palette")),
    }
}

fn check_settings(settings: &CollectionSettings) -> Result<(), Fault> {
    if !(32..=8_192).contains(&settings.passage_tokens) {
        return Err(invalid("a passage has 32 to 8192 tokens"));
    }
    if settings.overlap_tokens * 2 > settings.passage_tokens {
        return Err(invalid("neighbours cannot share more than half of a passage"));
    }
    if settings.max_distance.is_some_and(|distance| !(0.0..=2.0).contains(&distance)) {
        return Err(invalid("a cosine distance lies between 0 and 2"));
    }
    if !(1..=100).contains(&settings.top_k) {
        return Err(invalid("1 to 100 passages"));
    }
    Ok(())
}
