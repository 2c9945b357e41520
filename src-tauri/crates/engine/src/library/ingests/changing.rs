//! Other passages or another model for a whole collection. What that costs is counted on the texts as they would be cut;
//! nothing is changed before the person agrees, and nothing at all when not.

use super::agreeing::Due;
use super::work::{Answer, Work};
use crate::error::Error;
use crate::library::reading;
use crate::library::vectors::SpaceName;
use domain::{CollectionSettings, Fault};
use std::collections::HashSet;
use store::library::DocumentRow;

impl Work {
    /// Applies other settings when the person agrees to what they cost. `false` when not.
    pub(super) async fn change(&self, settings: &CollectionSettings) -> Result<bool, Fault> {
        let mut quoted = None;
        while !self.ingest.has_consent() {
            let documents = self.all_documents().await?;
            let due = self.preview(settings, &documents).await?;
            let embedder = self.embedder(settings).await?;
            if quoted != Some(due) && due.passages > 0 {
                self.quote(&embedder, documents.len(), &due);
                quoted = Some(due);
            }
            if embedder.is_free() || due.passages == 0 {
                self.ingest.answer(true);
            } else if self.answer().await? == Answer::Declined {
                return Ok(false);
            }
        }
        self.ingest.agree_beforehand();
        self.ingest.is_change.store(false, std::sync::atomic::Ordering::Relaxed);
        let (run, id, wanted) = (self.ingest.id.clone(), self.ingest.collection.clone(), settings.clone());
        self.engine.database().write(move |shelf| Ok(shelf.disk.apply_settings(&run, &id, &wanted)?)).await?;
        Ok(true)
    }

    async fn all_documents(&self) -> Result<Vec<DocumentRow>, Fault> {
        let key = self.collection().await?.key;
        self.engine.database().read(move |shelf| Ok(shelf.disk.documents_of(key)?)).await
    }

    /// What would have to be embedded, one document after the other so that nobody waits for the database.
    async fn preview(&self, settings: &CollectionSettings, documents: &[DocumentRow]) -> Result<Due, Fault> {
        let (mut due, mut seen) = (Due::default(), HashSet::new());
        for document in documents {
            let Some(hash) = document.hash.clone().filter(|_| document.cut.is_some()) else { continue };
            let (settings, name) = (settings.clone(), SpaceName::of(settings));
            let passages = self
                .engine
                .database()
                .read(move |shelf| {
                    let Some(content) = shelf.disk.content(&hash)? else { return Ok(Vec::new()) };
                    let passages = reading::passages(&reading::reading_of(&content)?, &settings);
                    let space = shelf.disk.read(|tx| name.find(tx))?.map(|space| space.0);
                    let mut missing = Vec::new();
                    for passage in passages {
                        if !shelf.disk.has_vector(&passage.hash, space)? {
                            missing.push((passage.hash, passage.tokens));
                        }
                    }
                    Ok::<_, Error>(missing)
                })
                .await?;
            for (hash, tokens) in passages {
                if seen.insert(hash) {
                    due.passages += 1;
                    due.tokens += u64::from(tokens);
                }
            }
        }
        Ok(due)
    }
}
