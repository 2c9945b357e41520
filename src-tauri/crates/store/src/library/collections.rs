//! Collections: how their documents are cut, embedded and searched, and which vectors serve them.

use crate::error::{Error, Result};
use crate::store::Store;
use crate::words::read;
use domain::{Collection, CollectionSettings, RunId, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

/// A collection, and what only the engine needs to know of it.
#[derive(Debug, Clone, PartialEq)]
pub struct CollectionRow {
    /// The collection of the vector table.
    pub key: i64,
    /// The vector space that searches use, once there is one.
    pub space: Option<i64>,
    /// In the trash.
    pub deleted: bool,
    /// As callers see it.
    pub collection: Collection,
}

const COLUMNS: &str = "c.key, c.space, c.deleted_at, c.id, c.name, c.colour, c.settings, c.folder, c.created_at,
    (SELECT count(*) FROM document d WHERE d.collection = c.key AND d.deleted_at IS NULL),
    (SELECT coalesce(sum(d.passages), 0) FROM document d WHERE d.collection = c.key AND d.deleted_at IS NULL),
    (SELECT coalesce(sum(d.embedded), 0) FROM document d WHERE d.collection = c.key AND d.deleted_at IS NULL),
    (SELECT json_extract(r.load, '$.settings') FROM ingest_run r WHERE r.collection = c.key AND r.ended_at IS NULL
        AND json_extract(r.load, '$.settings') IS NOT NULL ORDER BY r.started_at DESC, r.rowid DESC LIMIT 1),
    (SELECT r.fault FROM ingest_run r WHERE r.collection = c.key AND (r.ended_at IS NOT NULL OR r.fault IS NOT NULL)
        ORDER BY r.started_at DESC, r.rowid DESC LIMIT 1)";

impl Store {
    /// All collections that are not in the trash, by name.
    pub fn collections(&self) -> Result<Vec<CollectionRow>> {
        self.look(|tx| {
            let mut statement = tx.prepare_cached(&format!(
                "SELECT {COLUMNS} FROM collection c WHERE c.deleted_at IS NULL ORDER BY c.name COLLATE NOCASE, c.key"
            ))?;
            let rows = statement.query_map([], row)?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }

    /// A collection by its id, in the trash or not.
    pub fn collection(&self, id: &str) -> Result<CollectionRow> {
        self.look(|tx| one(tx, id))
    }

    /// The collection that a document lies in.
    pub fn collection_of(&self, document: &str) -> Result<CollectionRow> {
        self.look(|tx| {
            let id: Option<String> = tx
                .prepare_cached(
                    "SELECT c.id FROM collection c JOIN document d ON d.collection = c.key WHERE d.id = ?1",
                )?
                .query_row([document], |row| row.get(0))
                .optional()?;
            one(tx, &id.ok_or_else(|| Error::NotFound(format!("document {document}")))?)
        })
    }

    /// Makes a collection. One that is there already stays as it is.
    pub fn create_collection(
        &self,
        id: &str,
        name: &str,
        colour: &str,
        settings: &CollectionSettings,
        now: Timestamp,
    ) -> Result<CollectionRow> {
        self.change(|tx| {
            tx.execute(
                "INSERT INTO collection (id, name, colour, settings, created_at) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT (id) DO UPDATE SET deleted_at = NULL",
                params![id, name, colour, serde_json::to_string(settings)?, now.0],
            )?;
            one(tx, id)
        })
    }

    /// Changes a collection's name, colour and settings.
    pub fn update_collection(
        &self,
        id: &str,
        name: &str,
        colour: &str,
        settings: &CollectionSettings,
    ) -> Result<CollectionRow> {
        self.change(|tx| {
            tx.execute(
                "UPDATE collection SET name = ?2, colour = ?3, settings = ?4 WHERE id = ?1",
                params![id, name, colour, serde_json::to_string(settings)?],
            )?;
            one(tx, id)
        })
    }

    /// Changes how a collection is cut, embedded and searched: what a run waited to be allowed. It has nothing left to
    /// take in then, and works on all documents.
    pub fn apply_settings(&self, run: &RunId, id: &str, settings: &CollectionSettings) -> Result<()> {
        self.change(|tx| {
            tx.execute(
                "UPDATE collection SET settings = ?2 WHERE id = ?1",
                params![id, serde_json::to_string(settings)?],
            )?;
            tx.execute("UPDATE ingest_run SET load = NULL, accepted = 1 WHERE id = ?1", [run.as_str()])?;
            tx.execute(
                "UPDATE document SET run = ?2 WHERE deleted_at IS NULL
                 AND collection = (SELECT key FROM collection WHERE id = ?1)",
                [id, run.as_str()],
            )?;
            Ok(())
        })
    }

    /// Has a collection follow a folder, or none.
    pub fn set_collection_folder(&self, id: &str, folder: Option<&str>) -> Result<CollectionRow> {
        self.change(|tx| {
            tx.execute("UPDATE collection SET folder = ?2 WHERE id = ?1", params![id, folder])?;
            one(tx, id)
        })
    }

    /// Puts the collections of conversations that are gone at the bottom of the trash. Their ids are `prefix` and the
    /// conversation's.
    pub fn forget_collections_without_conversation(&self, prefix: &str) -> Result<()> {
        self.change(|tx| {
            tx.execute(
                "UPDATE collection SET deleted_at = 0 WHERE substr(id, 1, length(?1)) = ?1
                 AND NOT EXISTS (SELECT 1 FROM conversation c WHERE ?1 || c.id = collection.id)",
                [prefix],
            )?;
            Ok(())
        })
    }

    /// Puts a collection into the trash, or takes it out (`at` absent).
    pub fn set_collection_deleted(&self, id: &str, at: Option<Timestamp>) -> Result<CollectionRow> {
        self.change(|tx| {
            tx.execute(
                "UPDATE collection SET deleted_at = ?2 WHERE id = ?1",
                params![id, at.map(|at| at.0)],
            )?;
            one(tx, id)
        })
    }
}

impl CollectionRow {
    /// Has searches use another space, which holds a vector for each passage. Counts what is embedded anew.
    pub fn use_space(tx: &Transaction<'_>, collection: i64, space: i64) -> Result<()> {
        tx.execute("UPDATE collection SET space = ?2 WHERE key = ?1", [collection, space])?;
        tx.execute(
            "UPDATE document SET embedded = (SELECT count(*) FROM passage p JOIN vector_row v ON v.space = ?2 AND v.id = p.key
                WHERE p.document = document.key) WHERE collection = ?1",
            [collection, space],
        )?;
        tx.execute(
            "UPDATE document SET state = 'ready' WHERE collection = ?1 AND state = 'embedding' AND embedded >= passages",
            [collection],
        )?;
        Ok(())
    }

    /// Passages of a collection's documents that have no vector in a space.
    pub fn missing_in(tx: &Transaction<'_>, collection: i64, space: i64) -> Result<u32> {
        Ok(tx
            .prepare_cached(
                "SELECT count(*) FROM document d JOIN passage p ON p.document = d.key
                 WHERE d.collection = ?1 AND d.deleted_at IS NULL
                   AND NOT EXISTS (SELECT 1 FROM vector_row v WHERE v.space = ?2 AND v.id = p.key)",
            )?
            .query_row([collection, space], |row| row.get(0))?)
    }

    /// Ids of the vectors that the passages of a collection have in other spaces than `space`, by space.
    pub fn outdated_vectors(tx: &Transaction<'_>, collection: i64, space: i64) -> Result<Vec<(i64, i64)>> {
        let mut statement = tx.prepare_cached(
            "SELECT v.space, v.id FROM vector_row v WHERE v.space <> ?2 AND v.collection = ?1",
        )?;
        let rows = statement.query_map([collection, space], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }
}

fn one(tx: &Connection, id: &str) -> Result<CollectionRow> {
    tx.prepare_cached(&format!("SELECT {COLUMNS} FROM collection c WHERE c.id = ?1"))?
        .query_row([id], row)
        .optional()?
        .ok_or_else(|| Error::NotFound(format!("collection {id}")))
}

/// What a column holds as JSON, when it does.
fn json<T: serde::de::DeserializeOwned>(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<T>> {
    let text: Option<String> = row.get(column)?;
    Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
}

fn row(row: &Row<'_>) -> rusqlite::Result<CollectionRow> {
    Ok(CollectionRow {
        key: row.get(0)?,
        space: row.get(1)?,
        deleted: row.get::<_, Option<i64>>(2)?.is_some(),
        collection: Collection {
            id: row.get(3)?,
            name: row.get(4)?,
            colour: row.get(5)?,
            settings: read(row.get::<_, Option<String>>(6)?.as_deref()),
            folder: row.get(7)?,
            wanted: json(row, 12)?,
            trouble: json(row, 13)?,
            created_at: Timestamp(row.get(8)?),
            documents: row.get(9)?,
            passages: row.get(10)?,
            embedded: row.get(11)?,
        },
    })
}
