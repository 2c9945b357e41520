//! What a run has still to embed, what that costs, and whether the person agrees.

use super::work::{Answer, Work};
use crate::error::Error;
use crate::library::embedding::Embedder;
use crate::library::vectors::SpaceName;
use domain::{CollectionSettings, DAILY_ALLOWANCE, Fault, IngestEvent, Quote};
use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, PoisonError};
use store::library::{CollectionRow, DocumentRow, Missing, Outcome, embedded, still_missing};
use vector_table::{Row, SpaceId};

/// What the passages without vectors amount to.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Due {
    pub(super) passages: u32,
    pub(super) tokens: u64,
}

/// What may be embedded now.
pub(super) struct Agreed {
    pub(super) embedder: Embedder,
    pub(super) documents: Vec<DocumentRow>,
    pub(super) due: Due,
}

impl Due {
    /// What was agreed to holds for this too.
    fn is_within(&self, agreed: &Self) -> bool {
        self.passages <= agreed.passages && self.tokens <= agreed.tokens
    }
}

impl Work {
    /// What is due, as soon as there is consent; `None` when nothing is, or the person declined. What others did meanwhile
    /// is looked at again after each wait: nothing is paid twice, and nothing beyond what was quoted.
    pub(super) async fn agree(&self) -> Result<Option<Agreed>, Fault> {
        let (mut quoted, mut accepted): (Option<Due>, Option<Due>) = (None, None);
        let beforehand = self.ingest.is_agreed_beforehand();
        if !beforehand {
            self.ingest.ask_again();
        }
        loop {
            let collection = self.collection().await?;
            let (documents, due) = self.due(&collection).await?;
            if due.passages == 0 {
                return Ok(None);
            }
            let embedder = self.embedder(&collection.collection.settings).await?;
            let agreed = accepted.is_some_and(|agreed| due.is_within(&agreed));
            if !agreed && quoted != Some(due) {
                if quoted.is_some() && !beforehand {
                    // An answer that came meanwhile was to another quote.
                    self.ingest.ask_again();
                }
                self.quote(&embedder, documents.len(), &due);
                quoted = Some(due);
            }
            if embedder.is_free() {
                self.ingest.answer(true);
            }
            if beforehand || agreed || embedder.is_free() {
                self.note_accepted().await;
                return Ok(Some(Agreed { embedder, documents, due }));
            }
            match self.answer().await? {
                Answer::Accepted => accepted = quoted,
                Answer::Declined => {
                    self.leave_rest(&Outcome::Paused(None)).await;
                    return Ok(None);
                }
                Answer::Outdated => accepted = None,
            }
        }
    }

    pub(super) async fn embedder(&self, settings: &CollectionSettings) -> Result<Embedder, Fault> {
        let ingest = Arc::clone(&self.ingest);
        Embedder::of(&self.engine, settings, move |wait| {
            let delay_ms = u64::try_from(wait.delay.as_millis()).unwrap_or(u64::MAX);
            ingest.tell(IngestEvent::Waiting { fault: wait.fault, delay_ms });
        })
        .await
    }

    /// What has to be embedded. Passages whose words have a vector already get a copy of it, free of charge.
    async fn due(&self, collection: &CollectionRow) -> Result<(Vec<DocumentRow>, Due), Fault> {
        let (run, engine) = (self.ingest.id.clone(), self.engine.clone());
        let (name, key) = (SpaceName::of(&collection.collection.settings), collection.key);
        let (documents, copied, due) = self
            .engine
            .database()
            .write(move |shelf| {
                let space = shelf.disk.read(|tx| name.find(tx))?;
                let mut documents = shelf.disk.documents_of_run(&run)?;
                let mut copied: HashSet<i64> = HashSet::new();
                let (mut due, mut seen) = (Due::default(), HashSet::new());
                for document in &documents {
                    let missing = shelf.disk.missing_passages(
                        document.key,
                        space.map(|space| space.0),
                        0,
                        usize::MAX,
                    )?;
                    let known: Vec<(i64, i64)> =
                        missing.iter().filter_map(|one| Some((one.key, one.known_as?))).collect();
                    if let Some(space) = space.filter(|_| !known.is_empty()) {
                        copy_vectors(&engine, &shelf.disk, space, key, &known)?;
                        copied.insert(document.key);
                    }
                    for one in missing.iter().filter(|one| one.known_as.is_none()) {
                        if seen.insert(words_of(one)) {
                            due.passages += 1;
                            due.tokens += u64::from(one.tokens);
                        }
                    }
                }
                if !copied.is_empty() {
                    documents = shelf.disk.documents_of_run(&run)?;
                }
                Ok((documents, copied, due))
            })
            .await?;
        for row in documents.iter().filter(|row| copied.contains(&row.key)) {
            self.tell_document(row.document.clone());
        }
        Ok((documents, due))
    }

    pub(super) fn quote(&self, embedder: &Embedder, documents: usize, due: &Due) {
        let neurons = embedder.neurons(due.tokens);
        let skipped = self.skipped.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let quote = Quote {
            id: self.ingest.id.to_string(),
            documents: u32::try_from(documents).unwrap_or(u32::MAX),
            skipped,
            passages: due.passages,
            tokens: due.tokens,
            neurons,
            share_of_day: neurons.map(|neurons| neurons / DAILY_ALLOWANCE),
        };
        self.ingest.tell(IngestEvent::Quoted { quote });
    }

    pub(super) async fn note_accepted(&self) {
        let run = self.ingest.id.clone();
        let noted = self.engine.database().write(move |shelf| Ok(shelf.disk.accept_ingest(&run)?)).await;
        if let Err(fault) = noted {
            tracing::warn!(code = ?fault.code, "that a quote was accepted could not be stored");
        }
    }

    /// Has searches use the vectors of the collection's model as soon as every passage has one, and lets the others go.
    pub(super) async fn swap(&self) -> Result<(), Fault> {
        let collection = self.collection().await?;
        let (engine, key, serving) = (self.engine.clone(), collection.key, collection.space);
        let name = SpaceName::of(&collection.collection.settings);
        let swapped = self
            .engine
            .database()
            .write(move |shelf| {
                shelf.disk.write(|tx| {
                    let Some(target) = name.find(tx)? else { return Ok::<_, Error>(false) };
                    if serving == Some(target.0) || CollectionRow::missing_in(tx, key, target.0)? > 0 {
                        return Ok(false);
                    }
                    CollectionRow::use_space(tx, key, target.0)?;
                    let outdated = CollectionRow::outdated_vectors(tx, key, target.0)?;
                    engine.tables().delete(tx, &shelf.disk, &outdated)?;
                    Ok(true)
                })
            })
            .await?;
        if swapped {
            for row in self.documents().await? {
                self.tell_document(row.document);
            }
        }
        Ok(())
    }
}

/// Stands for the words of a passage: equal words are embedded once. Different words that happened to have the same number
/// would be embedded one after the other.
pub(super) fn words_of(passage: &Missing) -> u64 {
    let mut hasher = DefaultHasher::new();
    passage.text.hash(&mut hasher);
    hasher.finish()
}

/// Gives passages the vectors of others of the same words.
pub(super) fn copy_vectors(
    engine: &crate::Engine,
    store: &store::Store,
    space: SpaceId,
    collection: i64,
    pairs: &[(i64, i64)],
) -> Result<(), Error> {
    if pairs.is_empty() {
        return Ok(());
    }
    store.write(|tx| {
        let table = engine.tables().table(tx, store, space)?;
        let keys: Vec<i64> = pairs.iter().map(|(key, _)| *key).collect();
        let missing = still_missing(tx, space.0, &keys)?;
        let mut written = Vec::with_capacity(pairs.len());
        for (key, known_as) in pairs.iter().filter(|(key, _)| missing.contains(key)) {
            if let Some(known) = table.get(tx, *known_as)? {
                table.upsert(tx, &[Row { id: *key, collection, vector: &known.vector }])?;
                written.push(*key);
            }
        }
        embedded(tx, space.0, &written, 0.0, None)?;
        Ok(())
    })
}
