//! Passages to vectors: batches sized to the model, several in flight, each stored with everything that says so.

use super::agreeing::{Agreed, copy_vectors, words_of};
use super::work::Work;
use crate::Engine;
use crate::error::Error;
use crate::library::embedding::Embedder;
use crate::library::vectors::SpaceName;
use domain::{Fault, FaultCode, IngestEvent};
use std::collections::{HashSet, VecDeque};
use std::time::Duration;
use store::library::{DocumentRow, Missing, embedded, still_missing};
use tokio::task::{JoinError, JoinSet};
use tokio::time::Instant;
use vector_table::Row;
use workers_ai::Side;

/// Requests for vectors in flight. Each has a part of the model's batch, so that a kill costs at most one batch again.
const IN_FLIGHT: usize = 4;
/// Progress is told at most so often.
const TOLD_EVERY: Duration = Duration::from_millis(200);

/// A batch that is stored.
struct Stored {
    documents: Vec<DocumentRow>,
    passages: u32,
    neurons: f64,
}

/// Embeds everything that is due; returns what it cost. Limits that pass are waited for.
pub(super) async fn embed_all(work: &Work, agreed: &Agreed) -> Result<f64, Fault> {
    let mut embedding = Embedding {
        work,
        agreed,
        passages: DuePassages::new(&work.engine, agreed),
        in_flight: JoinSet::new(),
        done: 0,
        neurons: 0.0,
        told: None,
        untold: false,
    };
    embedding.all().await.map(|()| embedding.neurons)
}

struct Embedding<'a> {
    work: &'a Work,
    agreed: &'a Agreed,
    passages: DuePassages,
    in_flight: JoinSet<Result<Stored, (Fault, Vec<Missing>)>>,
    done: u32,
    neurons: f64,
    told: Option<Instant>,
    /// Something was stored since.
    untold: bool,
}

impl Embedding<'_> {
    async fn all(&mut self) -> Result<(), Fault> {
        let ingest = &self.work.ingest;
        let (mut trouble, mut tries) = (None, 0);
        loop {
            // One request finds out whether a limit has passed.
            let width = if tries > 0 { 1 } else { IN_FLIGHT };
            while self.in_flight.len() < width
                && trouble.is_none()
                && !ingest.is_paused()
                && !ingest.is_stopped()
                && self.send_next().await?
            {}
            match self.next_stored().await {
                Some(Ok(Ok(stored))) => {
                    tries = 0;
                    self.take(stored).await;
                }
                // What is in flight beside it may still be stored.
                Some(Ok(Err((fault, batch)))) => {
                    self.passages.give_back(batch);
                    trouble = trouble.or(Some(fault));
                }
                Some(Err(error)) => {
                    let fault = Fault::new(FaultCode::Internal).with_detail(error.to_string());
                    trouble = trouble.or(Some(fault));
                }
                None => match trouble.take() {
                    Some(fault) if !ingest.is_stopped() => {
                        if !self.work.wait_out(&fault, &mut tries).await? {
                            return Err(fault);
                        }
                    }
                    _ => {
                        let paused = ingest.is_paused();
                        self.work.may_go_on().await?;
                        if !paused && self.passages.is_empty() {
                            return Ok(());
                        }
                    }
                },
            }
        }
    }

    /// The next batch that is done. What was not told of the ones before is told meanwhile.
    async fn next_stored(&mut self) -> Option<Result<Result<Stored, (Fault, Vec<Missing>)>, JoinError>> {
        if let Some(at) = self.told.filter(|_| self.untold) {
            tokio::select! {
                biased;
                stored = self.in_flight.join_next() => return stored,
                () = tokio::time::sleep_until(at + TOLD_EVERY) => self.tell_progress().await,
            }
        }
        self.in_flight.join_next().await
    }

    /// Sends the next batch; `false` when there is none.
    async fn send_next(&mut self) -> Result<bool, Fault> {
        let embedder = &self.agreed.embedder;
        let most = (embedder.batch() / IN_FLIGHT).max(1);
        let batch = self.passages.next(most, embedder.request_tokens()).await?;
        if batch.is_empty() {
            return Ok(false);
        }
        let (engine, embedder) = (self.work.engine.clone(), embedder.clone());
        self.in_flight.spawn(async move {
            let sent = embed_batch(&engine, &embedder, &batch).await;
            sent.map_err(|fault| (fault, batch))
        });
        Ok(true)
    }

    async fn take(&mut self, stored: Stored) {
        self.done += stored.passages;
        self.neurons += stored.neurons;
        for row in stored.documents {
            self.work.tell_document(row.document);
        }
        self.untold = true;
        if self.done >= self.agreed.due.passages || self.told.is_none_or(|at| at.elapsed() >= TOLD_EVERY) {
            self.tell_progress().await;
        }
    }

    async fn tell_progress(&mut self) {
        (self.told, self.untold) = (Some(Instant::now()), false);
        let passages = self.agreed.due.passages;
        let Ok(rows) = self.work.documents().await else { return };
        let ready = rows.iter().filter(|row| row.embedded >= row.document.passages).count();
        self.work.ingest.tell(IngestEvent::Progress {
            documents_done: u32::try_from(ready).unwrap_or(u32::MAX),
            documents: u32::try_from(rows.len()).unwrap_or(u32::MAX),
            passages_done: self.done.min(passages),
            passages,
        });
        self.work.engine.usage().tell_today().await;
    }
}

/// Passages without a vector, document by document, read from the disk as they are needed.
struct DuePassages {
    engine: Engine,
    name: SpaceName,
    documents: VecDeque<(i64, i64)>,
    /// The last passage that was read of the first document.
    after: i64,
    read: VecDeque<Missing>,
    /// Words that are on their way already. Others of the same words get a copy afterwards.
    sent: HashSet<u64>,
}

impl DuePassages {
    fn new(engine: &Engine, agreed: &Agreed) -> Self {
        let documents = agreed.documents.iter().map(|row| (row.key, row.collection_key)).collect();
        Self {
            engine: engine.clone(),
            name: agreed.embedder.space(),
            documents,
            after: 0,
            read: VecDeque::new(),
            sent: HashSet::new(),
        }
    }

    fn is_empty(&self) -> bool {
        self.read.is_empty() && self.documents.is_empty()
    }

    /// Takes back what could not be sent.
    fn give_back(&mut self, batch: Vec<Missing>) {
        for one in batch.into_iter().rev() {
            self.read.push_front(one);
        }
    }

    /// The next ones, at most `most` and `tokens`; none when all are done.
    async fn next(&mut self, most: usize, tokens: u32) -> Result<Vec<Missing>, Fault> {
        while self.read.len() < most && !self.documents.is_empty() {
            self.read_more().await?;
        }
        let (mut batch, mut sum) = (Vec::new(), 0_u32);
        while batch.len() < most
            && let Some(next) = self.read.pop_front()
        {
            sum = sum.saturating_add(next.tokens);
            if sum > tokens && !batch.is_empty() {
                self.read.push_front(next);
                break;
            }
            batch.push(next);
        }
        Ok(batch)
    }

    async fn read_more(&mut self) -> Result<(), Fault> {
        const AT_ONCE: usize = 512;
        let Some((document, collection)) = self.documents.front().copied() else { return Ok(()) };
        let (name, after, engine) = (self.name.clone(), self.after, self.engine.clone());
        let more = self
            .engine
            .database()
            .write(move |shelf| {
                let space = shelf.disk.read(|tx| name.find(tx))?;
                let more =
                    shelf.disk.missing_passages(document, space.map(|space| space.0), after, AT_ONCE)?;
                // Another document may have brought the same words meanwhile.
                if let Some(space) = space {
                    let known: Vec<(i64, i64)> =
                        more.iter().filter_map(|one| Some((one.key, one.known_as?))).collect();
                    copy_vectors(&engine, &shelf.disk, space, collection, &known)?;
                }
                Ok(more)
            })
            .await?;
        match more.last() {
            Some(last) if more.len() == AT_ONCE => self.after = last.key,
            _ => {
                self.documents.pop_front();
                self.after = 0;
            }
        }
        for one in more.into_iter().filter(|one| one.known_as.is_none()) {
            if self.sent.insert(words_of(&one)) {
                self.read.push_back(one);
            }
        }
        Ok(())
    }
}

/// Embeds some passages and stores their vectors with everything that says so, in one transaction. Those that have one by
/// now are not paid for.
async fn embed_batch(engine: &Engine, embedder: &Embedder, batch: &[Missing]) -> Result<Stored, Fault> {
    let keys: Vec<i64> = batch.iter().map(|one| one.key).collect();
    let (name, asked) = (embedder.space(), keys.clone());
    let missing = engine
        .database()
        .read(move |shelf| {
            shelf.disk.read(|tx| {
                let space = name.find(tx)?.map_or(-1, |space| space.0);
                Ok::<_, Error>(still_missing(tx, space, &asked)?)
            })
        })
        .await?;
    let wanted = batch.iter().filter(|one| missing.contains(&one.key));
    let (keys, texts): (Vec<i64>, Vec<String>) = wanted.map(|one| (one.key, one.text.clone())).unzip();
    if texts.is_empty() {
        let passages = u32::try_from(batch.len()).unwrap_or(u32::MAX);
        return Ok(Stored { documents: Vec::new(), passages, neurons: 0.0 });
    }
    let answer = embedder.embed(texts, Side::Document).await?;
    let neurons = answer.usage.neurons.unwrap_or_default();
    let entry = embedder.entry(answer.usage.clone());
    let (name, tables) = (embedder.space(), engine.clone());
    let passages = u32::try_from(batch.len()).unwrap_or(u32::MAX);
    engine
        .database()
        .write(move |shelf| {
            shelf.disk.write(|tx| {
                let space = name.create(tx, answer.dimensions)?;
                let table = tables.tables().table(tx, &shelf.disk, space)?;
                let missing = still_missing(tx, space.0, &keys)?;
                let collections = store::library::collections_of(tx, &keys)?;
                let rows: Vec<Row<'_>> = keys
                    .iter()
                    .zip(&answer.vectors)
                    .filter(|(key, _)| missing.contains(key))
                    .filter_map(|(key, vector)| {
                        Some(Row { id: *key, collection: *collections.get(key)?, vector })
                    })
                    .collect();
                table.upsert(tx, &rows)?;
                let written: Vec<i64> = rows.iter().map(|row| row.id).collect();
                let documents = embedded(tx, space.0, &written, neurons, entry.as_ref())?;
                Ok::<_, Error>(Stored { documents, passages, neurons })
            })
        })
        .await
}
