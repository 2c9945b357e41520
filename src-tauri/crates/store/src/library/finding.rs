//! Finding passages by their words, and the passages behind hits of either side.

use super::{marks, words};
use crate::error::Result;
use crate::store::Store;
use crate::words::read;
use domain::{MessageId, PassageHit, Timestamp, WhyAnswer};
use rusqlite::types::Value;
use rusqlite::{OptionalExtension, Row, Transaction, params, params_from_iter};

/// Where is searched.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Scope {
    /// In these collections, by key.
    pub collections: Vec<i64>,
    /// And in these documents, wherever they lie.
    pub beside: Vec<String>,
    /// In these documents only; all when empty.
    pub documents: Vec<String>,
    /// In these formats only; all when empty.
    pub formats: Vec<String>,
    /// Only in what was added since.
    pub added_since: Option<Timestamp>,
}

/// How much there is to search.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ScopeSize {
    /// Documents.
    pub documents: u32,
    /// Of these, still being indexed.
    pub pending: u32,
    /// Passages.
    pub passages: u32,
    /// It is less than the whole collections: passages have to be looked up one by one.
    pub narrowed: bool,
}

/// A passage that was found.
#[derive(Debug, Clone, PartialEq)]
pub struct FoundPassage {
    /// Its key.
    pub key: i64,
    /// Its place in the document.
    pub ordinal: u32,
    /// Estimated tokens.
    pub tokens: u32,
    /// As callers see it, without scores.
    pub hit: PassageHit,
}

impl Scope {
    /// The condition on `document d`, and its values.
    fn condition(&self) -> (String, Vec<Value>) {
        let mut condition = format!(
            "d.deleted_at IS NULL AND (d.collection IN ({}) OR d.id IN ({}))",
            marks(self.collections.len()),
            marks(self.beside.len())
        );
        let mut values: Vec<Value> = self.collections.iter().copied().map(Value::from).collect();
        values.extend(self.beside.iter().cloned().map(Value::from));
        for (column, wanted) in [("id", &self.documents), ("format", &self.formats)] {
            if !wanted.is_empty() {
                condition.push_str(&format!(" AND d.{column} IN ({})", marks(wanted.len())));
                values.extend(wanted.iter().cloned().map(Value::from));
            }
        }
        if let Some(since) = self.added_since {
            condition.push_str(" AND d.added_at >= ?");
            values.push(since.0.into());
        }
        (condition, values)
    }
}

impl Store {
    /// How much a scope holds.
    pub fn scope_size(&self, scope: &Scope) -> Result<ScopeSize> {
        let (condition, values) = scope.condition();
        self.look(|tx| {
            let (documents, pending, passages) = tx
                .prepare(&format!(
                    "SELECT count(*), coalesce(sum(d.state NOT IN ('ready', 'failed')), 0), coalesce(sum(d.passages), 0)
                     FROM document d WHERE {condition}"
                ))?
                .query_row(params_from_iter(&values), |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
            let trashed: bool = tx
                .prepare(&format!(
                    "SELECT EXISTS (SELECT 1 FROM document WHERE deleted_at IS NOT NULL AND collection IN ({}))",
                    marks(scope.collections.len())
                ))?
                .query_row(params_from_iter(&scope.collections), |row| row.get(0))?;
            let chosen = !scope.beside.is_empty()
                || !scope.documents.is_empty() || !scope.formats.is_empty() || scope.added_since.is_some();
            Ok(ScopeSize { documents, pending, passages, narrowed: trashed || chosen })
        })
    }

    /// The keys of all passages in a scope.
    pub fn scope_keys(&self, scope: &Scope) -> Result<Vec<i64>> {
        let (condition, values) = scope.condition();
        self.look(|tx| {
            let mut statement = tx.prepare(&format!(
                "SELECT p.key FROM document d JOIN passage p ON p.document = d.key WHERE {condition}"
            ))?;
            let rows = statement.query_map(params_from_iter(&values), |row| row.get(0))?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }

    /// Passages that hold words of `query`, best first, with their BM25 (higher is better).
    pub fn keyword_hits(&self, query: &str, scope: &Scope, limit: usize) -> Result<Vec<(i64, f64)>> {
        let expression = words::expression(query);
        if expression.is_empty() || (scope.collections.is_empty() && scope.beside.is_empty()) {
            return Ok(Vec::new());
        }
        let (condition, values) = scope.condition();
        self.look(|tx| {
            let mut statement = tx.prepare(&format!(
                "SELECT p.key, -bm25(passage_words) AS score
                 FROM passage_words f CROSS JOIN passage p ON p.key = f.rowid CROSS JOIN document d ON d.key = p.document
                 WHERE passage_words MATCH ? AND {condition} ORDER BY score DESC, p.key LIMIT {limit}"
            ))?;
            let values = std::iter::once(Value::from(expression.clone())).chain(values.iter().cloned());
            let rows = statement.query_map(params_from_iter(values), |row| Ok((row.get(0)?, row.get(1)?)))?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }

    /// Passages by key; those that are gone are left out.
    pub fn passages_by_key(&self, keys: &[i64]) -> Result<Vec<FoundPassage>> {
        self.look(|tx| found(tx, keys))
    }

    /// All passages of documents, in order.
    pub fn whole_documents(&self, documents: &[String]) -> Result<Vec<FoundPassage>> {
        self.look(|tx| {
            let mut all = Vec::new();
            for id in documents {
                let mut statement = tx.prepare_cached(
                    "SELECT p.key FROM passage p JOIN document d ON d.key = p.document
                     WHERE d.id = ?1 AND d.deleted_at IS NULL ORDER BY p.ordinal",
                )?;
                let keys =
                    statement.query_map([id], |row| row.get(0))?.collect::<rusqlite::Result<Vec<i64>>>()?;
                all.extend(found(tx, &keys)?);
            }
            Ok(all)
        })
    }

    /// The passages just before `first` and just after `last` of a document.
    pub fn neighbours(&self, document: &str, first: u32, last: u32) -> Result<Vec<FoundPassage>> {
        self.look(|tx| {
            let mut statement = tx.prepare_cached(
                "SELECT p.key FROM passage p JOIN document d ON d.key = p.document
                 WHERE d.id = ?1 AND p.ordinal IN (?2, ?3) ORDER BY p.ordinal",
            )?;
            let keys = statement
                .query_map(params![document, i64::from(first) - 1, i64::from(last) + 1], |row| row.get(0))?
                .collect::<rusqlite::Result<Vec<i64>>>()?;
            found(tx, &keys)
        })
    }

    /// A part of the text of a document's content, by characters.
    pub fn text_between(&self, document: &str, start: u32, end: u32) -> Result<Option<String>> {
        self.look(|tx| {
            let text = tx
                .prepare_cached(
                    "SELECT substr(t.text, ?2 + 1, ?3) FROM content t JOIN document d ON d.hash = t.hash WHERE d.id = ?1",
                )?
                .query_row(params![document, start, end.saturating_sub(start)], |row| row.get(0))
                .optional()?;
            Ok(text)
        })
    }

    /// Keeps why an answer says what it says.
    pub fn set_why(&self, message: &MessageId, why: &WhyAnswer) -> Result<()> {
        self.change(|tx| {
            tx.execute(
                "INSERT INTO why_answer (message, json) VALUES (?1, ?2)
                 ON CONFLICT (message) DO UPDATE SET json = excluded.json",
                params![message.as_str(), serde_json::to_string(why)?],
            )?;
            Ok(())
        })
    }

    /// Why an answer says what it says, when passages were looked for.
    pub fn why(&self, message: &MessageId) -> Result<Option<WhyAnswer>> {
        self.look(|tx| {
            let json: Option<String> = tx
                .prepare_cached("SELECT json FROM why_answer WHERE message = ?1")?
                .query_row([message.as_str()], |row| row.get(0))
                .optional()?;
            Ok(json.and_then(|json| serde_json::from_str(&json).ok()))
        })
    }
}

/// What an export says beside the vector of a passage: document, its name, page, headings, text.
pub fn export_columns(tx: &Transaction<'_>, key: i64) -> Vec<Option<String>> {
    let found = found(tx, &[key]).unwrap_or_default().pop();
    let Some(FoundPassage { hit, .. }) = found else { return vec![None; 5] };
    let page = hit.page.map(|page| page.to_string());
    let headings = (!hit.heading_path.is_empty()).then(|| hit.heading_path.join(" › "));
    vec![Some(hit.document), Some(hit.title), page, headings, Some(hit.text)]
}

fn found(tx: &Transaction<'_>, keys: &[i64]) -> Result<Vec<FoundPassage>> {
    let mut statement = tx.prepare_cached(
        "SELECT p.key, p.ordinal, p.tokens, d.id, d.name, c.id, p.page, p.headings, p.text, p.start, p.stop
         FROM passage p JOIN document d ON d.key = p.document JOIN collection c ON c.key = d.collection WHERE p.key = ?1",
    )?;
    let mut all = Vec::with_capacity(keys.len());
    for key in keys {
        all.extend(statement.query_row([key], passage).optional()?);
    }
    Ok(all)
}

fn passage(row: &Row<'_>) -> rusqlite::Result<FoundPassage> {
    let (ordinal, document): (u32, String) = (row.get(1)?, row.get(3)?);
    Ok(FoundPassage {
        key: row.get(0)?,
        ordinal,
        tokens: row.get(2)?,
        hit: PassageHit {
            passage: format!("{document}:{ordinal}"),
            document,
            title: row.get(4)?,
            collection: row.get(5)?,
            page: row.get(6)?,
            heading_path: read(row.get::<_, Option<String>>(7)?.as_deref()),
            text: row.get(8)?,
            start: row.get(9)?,
            end: row.get(10)?,
            score: 0.0,
            vector_score: None,
            distance: None,
            vector_rank: None,
            keyword_score: None,
            keyword_rank: None,
            rerank_score: None,
        },
    })
}
