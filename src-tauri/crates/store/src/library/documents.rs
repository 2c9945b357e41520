//! Documents: their rows and states, their originals, and the trash.

use super::marks;
use crate::error::{Error, Result};
use crate::files::{make_folder, put_in_place, sync_file, temporary_beside, write_bytes};
use crate::store::Store;
use crate::words::{json_list, read};
use domain::{Document, DocumentPage, DocumentQuery, DocumentState, Fault, RunId, Timestamp};
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params, params_from_iter};
use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

/// A document that is about to be read.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct NewDocument {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The path it comes from.
    pub source: Option<String>,
    /// The web page it comes from.
    pub address: Option<String>,
    /// Its original in `files/documents`, when it is kept already.
    pub hash: Option<String>,
    /// Its size in bytes.
    pub size: u64,
}

/// A document as the engine works on it.
#[derive(Debug, Clone, PartialEq)]
pub struct DocumentRow {
    /// Its key.
    pub key: i64,
    /// Its collection's key.
    pub collection_key: i64,
    /// The path it came from.
    pub source: Option<String>,
    /// Its original.
    pub hash: Option<String>,
    /// With which settings its passages were cut.
    pub cut: Option<String>,
    /// Passages with a vector.
    pub embedded: u32,
    /// In the trash.
    pub deleted: bool,
    /// As callers see it.
    pub document: Document,
}

/// What the bytes of an original say.
#[derive(Debug, Clone, PartialEq)]
pub struct Content {
    /// BLAKE3 of the bytes.
    pub hash: String,
    /// `pdf`, `docx`, ...
    pub format: String,
    /// The title that the text gives.
    pub title: Option<String>,
    /// Pages, for paged formats.
    pub pages: Option<u32>,
    /// Pages without text.
    pub empty_pages: Vec<u32>,
    /// The whole text.
    pub text: String,
    /// The rest of the reading, as JSON.
    pub reading: String,
    /// Where lines are drawn, by page; not read along ([`Store::placed_lines`] does), and kept where none are given.
    pub lines: Vec<PageLines>,
}

/// Where lines of a page are drawn: the characters from where the page begins in the text (from, to), then left, bottom,
/// width and height in tenths of a point, as PDF counts them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PageLines {
    /// The page, from 1.
    pub page: u32,
    /// The lines in the order of the text.
    pub lines: Vec<PageLine>,
}

/// See [`PageLines`].
pub type PageLine = (u32, u32, i32, i32, i32, i32);

/// Whether a run takes documents from another that has not ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    /// From one that still waits for its quote to be accepted.
    Firm,
    /// From none.
    Gentle,
}

/// How far a document came, without its counts.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// It waits its turn.
    Queued,
    /// Its text is being read.
    Reading,
    /// It can be searched as soon as its passages have vectors.
    Embedding,
    /// It can be searched.
    Ready,
    /// It waits; without a fault because the person paused it.
    Paused(Option<Fault>),
    /// It failed.
    Failed(Fault),
}

/// An original in `files/documents`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentFile {
    /// BLAKE3 of its bytes, in hexadecimal.
    pub hash: String,
    /// Bytes.
    pub size: u64,
}

const COLUMNS: &str =
    "d.key, d.collection, d.source, d.hash, d.cut, d.embedded, d.deleted_at, d.id, c.id, d.name, t.title,
    d.format, d.size, t.pages, d.passages, d.neurons, d.state, d.fault, t.empty_pages, d.address, d.added_at";
const FROM: &str =
    "document d JOIN collection c ON c.key = d.collection LEFT JOIN content t ON t.hash = d.hash";

impl Store {
    /// A page of the list of documents.
    pub fn documents(&self, query: &DocumentQuery) -> Result<DocumentPage> {
        let mut condition = "d.deleted_at IS NULL AND c.deleted_at IS NULL".to_owned();
        let mut values: Vec<Value> = Vec::new();
        if let Some(collection) = &query.collection {
            condition.push_str(" AND c.id = ?");
            values.push(collection.clone().into());
        }
        if let Some(name) = query.name.as_deref().map(str::trim).filter(|name| !name.is_empty()) {
            condition.push_str(
                " AND (instr(lower(d.name), lower(?)) OR instr(lower(coalesce(t.title, '')), lower(?)))",
            );
            values.push(name.to_owned().into());
            values.push(name.to_owned().into());
        }
        let column = match query.sort.as_deref() {
            Some("name") => "d.name COLLATE NOCASE",
            Some("size") => "d.size",
            Some("passages") => "d.passages",
            Some("state") => "d.state",
            _ => "d.added_at",
        };
        let direction = if query.descending { "DESC" } else { "ASC" };
        let limit = if query.limit == 0 { 200 } else { query.limit };
        self.look(|tx| {
            let total = tx
                .prepare_cached(&format!("SELECT count(*) FROM {FROM} WHERE {condition}"))?
                .query_row(params_from_iter(&values), |row| row.get(0))?;
            let mut statement = tx.prepare_cached(&format!(
                "SELECT {COLUMNS} FROM {FROM} WHERE {condition} ORDER BY {column} {direction}, d.key {direction}
                 LIMIT {limit} OFFSET {}",
                query.offset
            ))?;
            let rows = statement.query_map(params_from_iter(&values), document)?;
            let documents = rows.map(|row| row.map(|row| row.document)).collect::<rusqlite::Result<_>>()?;
            Ok(DocumentPage { documents, total })
        })
    }

    /// A document by its id, in the trash or not.
    pub fn document(&self, id: &str) -> Result<DocumentRow> {
        self.look(|tx| one(tx, id))
    }

    /// Documents by id; those that are gone are left out.
    pub fn documents_by_id(&self, ids: &[String]) -> Result<Vec<DocumentRow>> {
        self.look(|tx| {
            ids.iter().filter_map(|id| one(tx, id).map(Some).or_else(absent).transpose()).collect()
        })
    }

    /// The documents that a run works on, in order.
    pub fn documents_of_run(&self, run: &RunId) -> Result<Vec<DocumentRow>> {
        self.look(|tx| {
            let mut statement = tx.prepare_cached(&format!(
                "SELECT {COLUMNS} FROM {FROM} WHERE d.run = ?1 AND d.deleted_at IS NULL ORDER BY d.key"
            ))?;
            let rows = statement.query_map([run.as_str()], document)?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }

    /// All documents of a collection, in order.
    pub fn documents_of(&self, collection: i64) -> Result<Vec<DocumentRow>> {
        self.look(|tx| {
            let mut statement = tx.prepare_cached(&format!(
                "SELECT {COLUMNS} FROM {FROM} WHERE d.collection = ?1 AND d.deleted_at IS NULL ORDER BY d.key"
            ))?;
            let rows = statement.query_map([collection], document)?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }

    /// Enters documents that are about to be read by a run. One of the same collection that came from the same path is
    /// that document again; it stays with the run that works on it when that was accepted, or when `claim` is gentle.
    /// Returns the ids of those that stayed.
    pub fn enter_documents(
        &self,
        collection: i64,
        run: &RunId,
        documents: &[NewDocument],
        claim: Claim,
        now: Timestamp,
    ) -> Result<Vec<String>> {
        self.change(|tx| enter(tx, collection, run, documents, claim, now))
    }

    /// Has a run work on documents that are there.
    pub fn give_to_run(&self, documents: &[String], run: &RunId) -> Result<()> {
        self.change(|tx| give(tx, documents, run))
    }

    /// Removes a document of which nothing was read.
    pub fn forget_unread(&self, id: &str) -> Result<()> {
        self.change(|tx| {
            tx.prepare_cached("DELETE FROM document WHERE id = ?1 AND cut IS NULL AND passages = 0")?
                .execute([id])?;
            Ok(())
        })
    }

    /// Notes that a document's file lies elsewhere now, or (`source` absent) that it stands for itself.
    pub fn set_document_source(&self, id: &str, name: &str, source: Option<&str>) -> Result<()> {
        self.change(|tx| {
            tx.prepare_cached("UPDATE document SET name = ?2, source = ?3 WHERE id = ?1")?
                .execute(params![id, name, source])?;
            Ok(())
        })
    }

    /// Notes how far a document came.
    pub fn set_document_state(&self, id: &str, outcome: &Outcome) -> Result<DocumentRow> {
        let fault = match outcome {
            Outcome::Failed(fault) | Outcome::Paused(Some(fault)) => Some(serde_json::to_string(fault)?),
            _ => None,
        };
        self.change(|tx| {
            tx.prepare_cached("UPDATE document SET state = ?2, fault = ?3 WHERE id = ?1")?
                .execute(params![id, outcome.name(), fault])?;
            one(tx, id)
        })
    }

    /// Notes which original a document has. One that another document of the collection has already is that document:
    /// this one goes, and the other's id is returned.
    pub fn set_original(&self, id: &str, file: &DocumentFile) -> Result<Option<String>> {
        self.change(|tx| {
            let twin: Option<String> = tx
                .prepare_cached(
                    "SELECT o.id FROM document o JOIN document d ON d.collection = o.collection AND d.key <> o.key
                     WHERE d.id = ?1 AND o.hash = ?2 AND o.deleted_at IS NULL LIMIT 1",
                )?
                .query_row(params![id, file.hash], |row| row.get(0))
                .optional()?;
            let is_new: bool = tx
                .prepare_cached("SELECT hash IS NULL AND passages = 0 FROM document WHERE id = ?1")?
                .query_row([id], |row| row.get(0))?;
            if let Some(twin) = twin.filter(|_| is_new) {
                tx.prepare_cached(
                    "UPDATE document SET run = (SELECT run FROM document WHERE id = ?1) WHERE id = ?2",
                )?
                .execute(params![id, twin])?;
                tx.prepare_cached("DELETE FROM document WHERE id = ?1")?.execute([id])?;
                return Ok(Some(twin));
            }
            // Other bytes are cut anew.
            tx.prepare_cached(
                "UPDATE document SET cut = CASE WHEN hash IS ?2 THEN cut END, hash = ?2, size = ?3 WHERE id = ?1",
            )?
            .execute(params![id, file.hash, i64::try_from(file.size).unwrap_or(i64::MAX)])?;
            Ok(None)
        })
    }

    /// What is known of the bytes with this hash.
    pub fn content(&self, hash: &str) -> Result<Option<Content>> {
        self.look(|tx| {
            let found = tx
                .prepare_cached(
                    "SELECT hash, format, title, pages, empty_pages, text, reading FROM content WHERE hash = ?1",
                )?
                .query_row([hash], |row| {
                    Ok(Content {
                        hash: row.get(0)?,
                        format: row.get(1)?,
                        title: row.get(2)?,
                        pages: row.get(3)?,
                        empty_pages: read(row.get::<_, Option<String>>(4)?.as_deref()),
                        text: row.get(5)?,
                        reading: row.get(6)?,
                        lines: Vec::new(),
                    })
                })
                .optional()?;
            Ok(found)
        })
    }

    /// Where the lines of a page are drawn, as far as that is known.
    pub fn placed_lines(&self, hash: &str, page: u32) -> Result<Vec<PageLine>> {
        self.look(|tx| {
            let found: Option<String> = tx
                .prepare_cached("SELECT lines FROM placed_lines WHERE hash = ?1 AND page = ?2")?
                .query_row(params![hash, page], |row| row.get(0))
                .optional()?;
            Ok(found.map(|lines| serde_json::from_str(&lines)).transpose()?.unwrap_or_default())
        })
    }

    /// Puts another reading of the same bytes in the place of what was known; documents that have them are cut anew.
    pub fn replace_content(&self, content: &Content) -> Result<()> {
        self.change(|tx| {
            put_content(tx, content)?;
            tx.execute("UPDATE document SET cut = NULL WHERE hash = ?1", [&content.hash])?;
            Ok(())
        })
    }

    /// Puts documents into another collection. What that means for their vectors, the caller knows.
    pub fn move_documents(tx: &Transaction<'_>, ids: &[String], collection: i64) -> Result<()> {
        for id in ids {
            tx.prepare_cached("UPDATE document SET collection = ?2 WHERE id = ?1")?
                .execute(params![id, collection])?;
        }
        Ok(())
    }

    /// Puts documents into the trash, or takes them out (`at` absent).
    pub fn set_documents_deleted(&self, ids: &[String], at: Option<Timestamp>) -> Result<()> {
        self.change(|tx| {
            for id in ids {
                tx.prepare_cached("UPDATE document SET deleted_at = ?2 WHERE id = ?1")?
                    .execute(params![id, at.map(|at| at.0)])?;
            }
            Ok(())
        })
    }

    /// Keeps the bytes of an original.
    pub fn keep_original(&self, bytes: &[u8]) -> Result<DocumentFile> {
        let hash = blake3::hash(bytes).to_hex().to_string();
        let folder = self.originals()?;
        make_folder(&folder)?;
        let target = folder.join(&hash);
        if !target.is_file() {
            write_bytes(&target, bytes)?;
        }
        Ok(DocumentFile { hash, size: bytes.len() as u64 })
    }

    /// Keeps a copy of a file, unless it is there. The copy is whole and named by the hash of what was copied, whatever
    /// happens to the file meanwhile; one that grows beyond `most` bytes while it is copied is refused.
    pub fn keep_original_file(&self, path: &Path, most: u64) -> Result<DocumentFile> {
        let folder = self.originals()?;
        let seen = hash_of(path, most, None)?;
        if folder.join(&seen.hash).is_file() {
            return Ok(seen);
        }
        make_folder(&folder)?;
        let temporary = temporary_beside(&folder.join("incoming"));
        let kept = copy_in(path, most, &temporary, &folder);
        if kept.is_err() {
            // The error that is returned matters more than one about a leftover.
            let _ = fs::remove_file(&temporary);
        }
        kept
    }

    /// Removes what other processes, now gone, were copying.
    pub fn remove_half_copied(&self) {
        let Ok(entries) = self.originals().map(fs::read_dir) else { return };
        let own = format!(".{}-", std::process::id());
        for entry in entries.into_iter().flatten().filter_map(std::result::Result::ok) {
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.starts_with('.') && name.ends_with(".tmp") && !name.contains(&own) {
                // It takes some space and does no other harm; the next start tries again.
                let _ = fs::remove_file(entry.path());
            }
        }
    }

    /// Where the original with this hash lies.
    pub fn original_path(&self, hash: &str) -> Result<PathBuf> {
        if hash.len() != 64 || !hash.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(Error::NotFound(format!("original {hash}")));
        }
        Ok(self.originals()?.join(hash))
    }

    fn originals(&self) -> Result<PathBuf> {
        Ok(self.on_disk()?.join("files").join("documents"))
    }

    /// Removes for good what has been in the trash since before `before`: rows and words. Returns the vectors that have
    /// to go with it (`delete_vectors` is told them within the same transaction, by space).
    pub fn purge_library<E: From<Error>>(
        &self,
        before: Timestamp,
        delete_vectors: impl FnOnce(&Transaction<'_>, &[(i64, i64)]) -> std::result::Result<(), E>,
    ) -> std::result::Result<usize, E> {
        let gone = self.write(|tx| {
            let keys = doomed(tx, before).map_err(E::from)?;
            let vectors = vectors_of(tx, &keys).map_err(E::from)?;
            delete_vectors(tx, &vectors)?;
            remove(tx, &keys, before).map_err(E::from)
        })?;
        for hash in &gone.1 {
            if let Ok(path) = self.original_path(hash) {
                // It is nobody's any more; the next purge does not meet it again, and it does no harm.
                let _ = fs::remove_file(path);
            }
        }
        Ok(gone.0)
    }
}

/// Enters documents within a transaction.
pub(super) fn enter(
    tx: &Transaction<'_>,
    collection: i64,
    run: &RunId,
    documents: &[NewDocument],
    claim: Claim,
    now: Timestamp,
) -> Result<Vec<String>> {
    let mut stayed = Vec::new();
    for new in documents {
        let known: Option<String> = tx
            .prepare_cached(
                "SELECT id FROM document WHERE source = ?1 AND collection = ?2 AND deleted_at IS NULL",
            )?
            .query_row(params![new.source, collection], |row| row.get(0))
            .optional()?;
        if let Some(id) = known {
            let taken = tx
                .prepare_cached(
                    "UPDATE document SET run = ?2 WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM ingest_run r
                    WHERE r.id = document.run AND r.id <> ?2 AND r.ended_at IS NULL AND (r.accepted OR ?3))",
                )?
                .execute(params![id, run.as_str(), claim == Claim::Gentle])?;
            if taken == 0 {
                stayed.push(id);
            }
            continue;
        }
        tx.prepare_cached(
            "INSERT INTO document (id, collection, name, source, address, hash, size, state, run, added_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 'queued', ?8, ?9)",
        )?
        .execute(params![
            new.id,
            collection,
            new.name,
            new.source,
            new.address,
            new.hash,
            i64::try_from(new.size).unwrap_or(i64::MAX),
            run.as_str(),
            now.0
        ])?;
    }
    Ok(stayed)
}

/// Gives documents to a run within a transaction.
pub(super) fn give(tx: &Transaction<'_>, documents: &[String], run: &RunId) -> Result<()> {
    for id in documents {
        tx.prepare_cached("UPDATE document SET run = ?2 WHERE id = ?1")?
            .execute(params![id, run.as_str()])?;
    }
    Ok(())
}

fn doomed(tx: &Transaction<'_>, before: Timestamp) -> Result<Vec<i64>> {
    let mut statement = tx.prepare_cached(
        "SELECT d.key FROM document d JOIN collection c ON c.key = d.collection
         WHERE d.deleted_at < ?1 OR c.deleted_at < ?1",
    )?;
    let rows = statement.query_map([before.0], |row| row.get(0))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

fn vectors_of(tx: &Transaction<'_>, documents: &[i64]) -> Result<Vec<(i64, i64)>> {
    let mut found = Vec::new();
    for key in documents {
        let mut statement = tx.prepare_cached(
            "SELECT v.space, v.id FROM vector_space s JOIN passage p JOIN vector_row v ON v.space = s.id AND v.id = p.key
             WHERE p.document = ?1",
        )?;
        let rows = statement.query_map([key], |row| Ok((row.get(0)?, row.get(1)?)))?;
        for row in rows {
            found.push(row?);
        }
    }
    Ok(found)
}

/// Removes documents with their words; how many, and the originals that nobody has any more.
fn remove(tx: &Transaction<'_>, documents: &[i64], before: Timestamp) -> Result<(usize, Vec<String>)> {
    let mut originals: Vec<String> = Vec::new();
    for key in documents {
        let hash: Option<String> = tx
            .prepare_cached("SELECT hash FROM document WHERE key = ?1")?
            .query_row([key], |row| row.get(0))?;
        originals.extend(hash);
        tx.prepare_cached(
            "DELETE FROM passage_words WHERE rowid IN (SELECT key FROM passage WHERE document = ?1)",
        )?
        .execute([key])?;
        tx.prepare_cached("DELETE FROM document WHERE key = ?1")?.execute([key])?;
    }
    tx.execute("DELETE FROM collection WHERE deleted_at < ?1", [before.0])?;
    let mut statement = tx.prepare_cached(
        "DELETE FROM content WHERE NOT EXISTS (SELECT 1 FROM document d WHERE d.hash = content.hash) RETURNING hash",
    )?;
    let rows = statement.query_map([], |row| row.get(0))?;
    let mut gone: Vec<String> = rows.collect::<rusqlite::Result<_>>()?;
    // Originals of which nothing could be read have no content.
    let mut held = tx.prepare_cached("SELECT 1 FROM document WHERE hash = ?1")?;
    for hash in originals {
        if !gone.contains(&hash) && !held.exists([&hash])? {
            gone.push(hash);
        }
    }
    Ok((documents.len(), gone))
}

impl Outcome {
    fn name(&self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Reading => "reading",
            Self::Embedding => "embedding",
            Self::Ready => "ready",
            Self::Paused(_) => "paused",
            Self::Failed(_) => "failed",
        }
    }
}

/// Hashes a file, and copies what it reads.
fn hash_of(path: &Path, most: u64, mut copy: Option<&mut File>) -> Result<DocumentFile> {
    let error = |source| Error::io("reading", path, source);
    let mut file = File::open(path).map_err(error)?;
    if !file.metadata().map_err(error)?.is_file() {
        return Err(error(std::io::Error::other("it is no regular file")));
    }
    let mut hasher = blake3::Hasher::new();
    let mut buffer = vec![0_u8; 1 << 16];
    let mut size = 0;
    loop {
        let read = file.read(&mut buffer).map_err(error)?;
        if read == 0 {
            return Ok(DocumentFile { hash: hasher.finalize().to_hex().to_string(), size });
        }
        hasher.update(&buffer[..read]);
        size += read as u64;
        if size > most {
            let grown = format!("it has more than {most} bytes");
            return Err(error(std::io::Error::new(std::io::ErrorKind::FileTooLarge, grown)));
        }
        if let Some(copy) = copy.as_mut() {
            copy.write_all(&buffer[..read]).map_err(|source| Error::io("writing", path, source))?;
        }
    }
}

fn copy_in(path: &Path, most: u64, temporary: &Path, folder: &Path) -> Result<DocumentFile> {
    let mut copy = File::create_new(temporary).map_err(|source| Error::io("writing", temporary, source))?;
    let kept = hash_of(path, most, Some(&mut copy))?;
    drop(copy);
    sync_file(temporary)?;
    put_in_place(temporary, &folder.join(&kept.hash))?;
    Ok(kept)
}

fn absent<T>(error: Error) -> Result<Option<T>> {
    match error {
        Error::NotFound(_) => Ok(None),
        other => Err(other),
    }
}

/// Reads a document's row within a transaction.
pub(super) fn one(tx: &Connection, id: &str) -> Result<DocumentRow> {
    tx.prepare_cached(&format!("SELECT {COLUMNS} FROM {FROM} WHERE d.id = ?1"))?
        .query_row([id], document)
        .optional()?
        .ok_or_else(|| Error::NotFound(format!("document {id}")))
}

/// Rows of documents by key.
pub(super) fn by_keys(tx: &Connection, keys: &[i64]) -> Result<Vec<DocumentRow>> {
    let mut statement = tx.prepare(&format!(
        "SELECT {COLUMNS} FROM {FROM} WHERE d.key IN ({}) ORDER BY d.key",
        marks(keys.len())
    ))?;
    let rows = statement.query_map(params_from_iter(keys), document)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Puts what was read of an original in the place of what was known of it.
pub(super) fn put_content(tx: &Transaction<'_>, content: &Content) -> Result<()> {
    tx.prepare_cached(
        "INSERT INTO content (hash, format, title, pages, empty_pages, text, reading) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         ON CONFLICT (hash) DO UPDATE SET format = excluded.format, title = excluded.title, pages = excluded.pages,
            empty_pages = excluded.empty_pages, text = excluded.text, reading = excluded.reading",
    )?
    .execute(params![
        content.hash,
        content.format,
        content.title,
        content.pages,
        json_list(&content.empty_pages)?,
        content.text,
        content.reading
    ])?;
    let mut placed =
        tx.prepare_cached("INSERT OR REPLACE INTO placed_lines (hash, page, lines) VALUES (?1, ?2, ?3)")?;
    for PageLines { page, lines } in &content.lines {
        placed.execute(params![content.hash, page, serde_json::to_string(lines)?])?;
    }
    Ok(())
}

fn document(row: &Row<'_>) -> rusqlite::Result<DocumentRow> {
    let (embedded, passages): (u32, u32) = (row.get(5)?, row.get(14)?);
    let pages: Option<u32> = row.get(13)?;
    let empty_pages: Vec<u32> = read(row.get::<_, Option<String>>(18)?.as_deref());
    let state = match row.get_ref(16)?.as_str().unwrap_or_default() {
        "reading" => DocumentState::Reading,
        "embedding" => DocumentState::Embedding { done: embedded, total: passages },
        "ready" if !empty_pages.is_empty() => {
            DocumentState::Partly { empty_pages, pages: pages.unwrap_or_default() }
        }
        "ready" => DocumentState::Ready,
        "paused" => DocumentState::Paused {
            fault: row.get_ref(17)?.as_str().ok().and_then(|json| serde_json::from_str(json).ok()),
        },
        "failed" => {
            let told: Option<Fault> =
                row.get_ref(17)?.as_str().ok().and_then(|json| serde_json::from_str(json).ok());
            DocumentState::Failed { fault: told.unwrap_or_else(|| Fault::new(domain::FaultCode::Internal)) }
        }
        _ => DocumentState::Queued,
    };
    Ok(DocumentRow {
        key: row.get(0)?,
        collection_key: row.get(1)?,
        source: row.get(2)?,
        hash: row.get(3)?,
        cut: row.get(4)?,
        embedded,
        deleted: row.get::<_, Option<i64>>(6)?.is_some(),
        document: Document {
            id: row.get(7)?,
            collection: row.get(8)?,
            name: row.get(9)?,
            title: row.get(10)?,
            format: row.get(11)?,
            size: u64::try_from(row.get::<_, i64>(12)?).unwrap_or_default(),
            pages,
            passages,
            neurons: row.get(15)?,
            state,
            address: row.get(19)?,
            added_at: Timestamp(row.get(20)?),
        },
    })
}
