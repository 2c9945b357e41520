//! Passages: what a document was cut into, and which of them have vectors. The rows of the vector table are the truth
//! of the latter; `document.embedded` counts them and is written in the same transaction.

use super::documents::{Content, DocumentRow, by_keys, one, put_content};
use super::words;
use crate::error::Result;
use crate::ledger;
use crate::store::Store;
use crate::words::{json_list, read};
use domain::{LedgerEntry, Passage};
use rusqlite::{OptionalExtension, Row, Transaction, params};
use std::collections::{BTreeMap, HashMap, HashSet};

/// A passage as it was cut.
#[derive(Debug, Clone, PartialEq)]
pub struct NewPassage {
    /// Its text.
    pub text: String,
    /// The header of the table that it continues.
    pub header: Option<String>,
    /// Headings above it.
    pub headings: Vec<String>,
    /// The page, from 1.
    pub page: Option<u32>,
    /// Characters of the content's text: from, to (exclusive).
    pub range: (u32, u32),
    /// Estimated tokens of what is embedded.
    pub tokens: u32,
    /// BLAKE3 of what is embedded.
    pub hash: [u8; 32],
}

/// A passage without a vector.
#[derive(Debug, Clone, PartialEq)]
pub struct Missing {
    /// Its key, and the id of its vector.
    pub key: i64,
    /// What is embedded: headings, header, text.
    pub text: String,
    /// Estimated tokens.
    pub tokens: u32,
    /// A passage of the same words that has a vector in the space.
    pub known_as: Option<i64>,
}

impl Store {
    /// Replaces a document's passages, in one transaction with what was read of it. Passages of the same words keep
    /// their rows, and so their vectors. Those that go are told to `delete_vectors` as `(space, id)`.
    pub fn set_passages<E: From<crate::Error>>(
        &self,
        id: &str,
        content: Option<&Content>,
        cut: &str,
        passages: &[NewPassage],
        delete_vectors: impl FnOnce(&Transaction<'_>, &[(i64, i64)]) -> Result<(), E>,
    ) -> Result<DocumentRow, E> {
        self.write(|tx| {
            if let Some(content) = content {
                put_content(tx, content)?;
            }
            let document = one(tx, id)?;
            let gone = reconcile(tx, document.key, passages)?;
            let vectors = vectors_of(tx, &gone)?;
            delete_vectors(tx, &vectors)?;
            forget(tx, &gone)?;
            Ok(finish_cut(tx, &document, cut, passages.len())?)
        })
    }

    /// Passages of documents that have no vector in a space (all, when there is no space yet), in order, after `after`.
    pub fn missing_passages(
        &self,
        document: i64,
        space: Option<i64>,
        after: i64,
        limit: usize,
    ) -> Result<Vec<Missing>> {
        self.look(|tx| {
            let mut statement = tx.prepare_cached(
                "SELECT p.key, p.headings, p.header, p.text, p.tokens,
                    (SELECT v.id FROM passage q JOIN vector_row v ON v.space = ?2 AND v.id = q.key
                     WHERE q.hash = p.hash AND q.key <> p.key LIMIT 1)
                 FROM passage p
                 WHERE p.document = ?1 AND p.key > ?3
                   AND NOT EXISTS (SELECT 1 FROM vector_row v WHERE v.space = ?2 AND v.id = p.key)
                 ORDER BY p.key LIMIT ?4",
            )?;
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            let rows = statement.query_map(params![document, space.unwrap_or(-1), after, limit], missing)?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }

    /// Words of this hash have a vector in a space.
    pub fn has_vector(&self, hash: &[u8; 32], space: Option<i64>) -> Result<bool> {
        let Some(space) = space else { return Ok(false) };
        self.look(|tx| {
            Ok(tx
                .prepare_cached(
                    "SELECT 1 FROM passage p JOIN vector_row v ON v.space = ?2 AND v.id = p.key WHERE p.hash = ?1",
                )?
                .exists(params![hash.as_slice(), space])?)
        })
    }

    /// Passages of a document, from `offset` on.
    pub fn passages(&self, document: &str, offset: u32, limit: u32) -> Result<Vec<Passage>> {
        self.look(|tx| {
            let mut statement = tx.prepare_cached(
                "SELECT d.id, p.ordinal, p.text, p.headings, p.page, p.start, p.stop, p.tokens,
                    EXISTS (SELECT 1 FROM vector_row v WHERE v.space = c.space AND v.id = p.key)
                 FROM passage p JOIN document d ON d.key = p.document JOIN collection c ON c.key = d.collection
                 WHERE d.id = ?1 ORDER BY p.ordinal LIMIT ?2 OFFSET ?3",
            )?;
            let rows = statement.query_map(params![document, limit, offset], passage)?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }

    /// Keys of a document's passages.
    pub fn passage_keys(&self, document: i64) -> Result<Vec<i64>> {
        self.look(|tx| {
            let mut statement =
                tx.prepare_cached("SELECT key FROM passage WHERE document = ?1 ORDER BY key")?;
            let rows = statement.query_map([document], |row| row.get(0))?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }

    /// Estimated tokens of all passages of documents together.
    pub fn tokens_of(&self, documents: &[i64]) -> Result<u64> {
        self.look(|tx| {
            let mut sum = 0;
            for key in documents {
                sum += tx
                    .prepare_cached("SELECT coalesce(sum(tokens), 0) FROM passage WHERE document = ?1")?
                    .query_row([key], |row| row.get::<_, i64>(0))?;
            }
            Ok(u64::try_from(sum).unwrap_or_default())
        })
    }
}

/// Of these passages those that are there and have no vector in a space, within the transaction that writes them.
pub fn still_missing(tx: &Transaction<'_>, space: i64, keys: &[i64]) -> Result<HashSet<i64>> {
    let mut statement = tx.prepare_cached(
        "SELECT 1 FROM passage p WHERE p.key = ?1
         AND NOT EXISTS (SELECT 1 FROM vector_row v WHERE v.space = ?2 AND v.id = p.key)",
    )?;
    let mut found = HashSet::new();
    for key in keys {
        if statement.exists([*key, space])? {
            found.insert(*key);
        }
    }
    Ok(found)
}

/// The collections that passages lie in, by passage.
pub fn collections_of(tx: &Transaction<'_>, keys: &[i64]) -> Result<HashMap<i64, i64>> {
    let mut statement = tx.prepare_cached(
        "SELECT d.collection FROM passage p JOIN document d ON d.key = p.document WHERE p.key = ?1",
    )?;
    let mut found = HashMap::with_capacity(keys.len());
    for key in keys {
        if let Some(collection) = statement.query_row([key], |row| row.get(0)).optional()? {
            found.insert(*key, collection);
        }
    }
    Ok(found)
}

/// Notes that passages got vectors in a space, within the transaction that writes these: counts, states, neurons by
/// share, and the line of the ledger. The first space of a collection is the one that searches use.
pub fn embedded(
    tx: &Transaction<'_>,
    space: i64,
    keys: &[i64],
    neurons: f64,
    entry: Option<&LedgerEntry>,
) -> Result<Vec<DocumentRow>> {
    let mut shares: BTreeMap<i64, u32> = BTreeMap::new();
    for key in keys {
        let document: Option<i64> = tx
            .prepare_cached("SELECT document FROM passage WHERE key = ?1")?
            .query_row([key], |row| row.get(0))
            .optional()?;
        if let Some(document) = document {
            *shares.entry(document).or_default() += 1;
        }
    }
    let all: u32 = shares.values().sum();
    for (document, share) in &shares {
        tx.prepare_cached(
            "UPDATE collection SET space = ?2 WHERE space IS NULL AND key = (SELECT collection FROM document WHERE key = ?1)",
        )?
        .execute([*document, space])?;
        tx.prepare_cached(
            "UPDATE document SET neurons = neurons + ?3, embedded = embedded + CASE
                WHEN (SELECT space FROM collection c WHERE c.key = document.collection) = ?2 THEN ?4 ELSE 0 END
             WHERE key = ?1",
        )?
        .execute(params![document, space, neurons * f64::from(*share) / f64::from(all.max(1)), share])?;
        tx.prepare_cached("UPDATE document SET state = 'ready' WHERE key = ?1 AND state IN ('embedding', 'paused', 'failed') AND embedded >= passages")?
            .execute([document])?;
    }
    if let Some(entry) = entry {
        ledger::insert(tx, entry)?;
    }
    let keys: Vec<i64> = shares.into_keys().collect();
    if keys.is_empty() { Ok(Vec::new()) } else { by_keys(tx, &keys) }
}

/// Gives new passages the rows of old ones of the same words; the keys of old ones that are not wanted any more.
fn reconcile(tx: &Transaction<'_>, document: i64, passages: &[NewPassage]) -> Result<Vec<i64>> {
    let mut old: HashMap<Vec<u8>, Vec<i64>> = HashMap::new();
    {
        let mut statement =
            tx.prepare_cached("SELECT hash, key FROM passage WHERE document = ?1 ORDER BY ordinal DESC")?;
        let mut rows = statement.query([document])?;
        while let Some(row) = rows.next()? {
            old.entry(row.get(0)?).or_default().push(row.get(1)?);
        }
    }
    let mut update = tx.prepare_cached(
        "UPDATE passage SET ordinal = ?2, page = ?3, start = ?4, stop = ?5, text = ?6, header = ?7, headings = ?8 WHERE key = ?1",
    )?;
    let mut insert = tx.prepare_cached(
        "INSERT INTO passage (document, ordinal, text, header, headings, page, start, stop, tokens, hash)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    )?;
    let mut index = tx.prepare_cached("INSERT INTO passage_words (rowid, text) VALUES (?1, ?2)")?;
    for (ordinal, new) in passages.iter().enumerate() {
        let ordinal = i64::try_from(ordinal).unwrap_or(i64::MAX);
        let headings = json_list(&new.headings)?;
        if let Some(key) = old.get_mut(new.hash.as_slice()).and_then(Vec::pop) {
            update.execute(params![
                key,
                ordinal,
                new.page,
                new.range.0,
                new.range.1,
                new.text,
                new.header,
                headings
            ])?;
            continue;
        }
        insert.execute(params![
            document,
            ordinal,
            new.text,
            new.header,
            headings,
            new.page,
            new.range.0,
            new.range.1,
            new.tokens,
            new.hash.as_slice()
        ])?;
        let searched = embedding_text(&new.headings, new.header.as_deref(), &new.text);
        index.execute(params![tx.last_insert_rowid(), words::indexed(&searched)])?;
    }
    Ok(old.into_values().flatten().collect())
}

fn vectors_of(tx: &Transaction<'_>, keys: &[i64]) -> Result<Vec<(i64, i64)>> {
    let mut statement = tx.prepare_cached(
        "SELECT v.space, v.id FROM vector_space s CROSS JOIN vector_row v ON v.space = s.id AND v.id = ?1",
    )?;
    let mut found = Vec::new();
    for key in keys {
        for row in statement.query_map([key], |row| Ok((row.get(0)?, row.get(1)?)))? {
            found.push(row?);
        }
    }
    Ok(found)
}

fn forget(tx: &Transaction<'_>, keys: &[i64]) -> Result<()> {
    for key in keys {
        tx.prepare_cached("DELETE FROM passage_words WHERE rowid = ?1")?.execute([key])?;
        tx.prepare_cached("DELETE FROM passage WHERE key = ?1")?.execute([key])?;
    }
    Ok(())
}

fn finish_cut(
    tx: &Transaction<'_>,
    document: &DocumentRow,
    cut: &str,
    passages: usize,
) -> Result<DocumentRow> {
    tx.prepare_cached(
        "UPDATE document SET cut = ?2, passages = ?3, fault = NULL,
            format = coalesce((SELECT format FROM content t WHERE t.hash = document.hash), ''),
            embedded = (SELECT count(*) FROM passage p JOIN collection c ON c.key = document.collection
                JOIN vector_row v ON v.space = c.space AND v.id = p.key WHERE p.document = document.key)
         WHERE key = ?1",
    )?
    .execute(params![document.key, cut, i64::try_from(passages).unwrap_or(i64::MAX)])?;
    tx.prepare_cached(
        "UPDATE document SET state = CASE WHEN embedded >= passages THEN 'ready' ELSE 'embedding' END WHERE key = ?1",
    )?
    .execute([document.key])?;
    one(tx, &document.document.id)
}

/// What is given to the embedding model: headings, the repeated header, the text.
fn embedding_text(headings: &[String], header: Option<&str>, text: &str) -> String {
    let path = headings.join(" › ");
    let parts = [Some(path.as_str()).filter(|path| !path.is_empty()), header, Some(text)];
    parts.into_iter().flatten().collect::<Vec<_>>().join("\n")
}

fn missing(row: &Row<'_>) -> rusqlite::Result<Missing> {
    let headings: Vec<String> = read(row.get::<_, Option<String>>(1)?.as_deref());
    let (header, text): (Option<String>, String) = (row.get(2)?, row.get(3)?);
    Ok(Missing {
        key: row.get(0)?,
        text: embedding_text(&headings, header.as_deref(), &text),
        tokens: row.get(4)?,
        known_as: row.get(5)?,
    })
}

fn passage(row: &Row<'_>) -> rusqlite::Result<Passage> {
    let (document, ordinal): (String, u32) = (row.get(0)?, row.get(1)?);
    Ok(Passage {
        id: format!("{document}:{ordinal}"),
        ordinal,
        text: row.get(2)?,
        heading_path: read(row.get::<_, Option<String>>(3)?.as_deref()),
        page: row.get(4)?,
        start: row.get(5)?,
        end: row.get(6)?,
        tokens: row.get(7)?,
        embedded: row.get(8)?,
    })
}
