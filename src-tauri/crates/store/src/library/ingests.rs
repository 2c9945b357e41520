//! Runs that fill the library. They outlive the process: one that was killed is taken up again.

use crate::error::Result;
use crate::store::Store;
use domain::{RunId, Timestamp};
use rusqlite::params;

/// A run that has not ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IngestRun {
    /// Its id.
    pub id: RunId,
    /// The id of its collection.
    pub collection: String,
    /// Its quote was accepted.
    pub accepted: bool,
    /// It is paused.
    pub paused: bool,
}

impl Store {
    /// Enters a run.
    pub fn begin_ingest(&self, id: &RunId, collection: i64, accepted: bool, now: Timestamp) -> Result<()> {
        self.change(|tx| {
            tx.execute(
                "INSERT INTO ingest_run (id, collection, accepted, started_at) VALUES (?1, ?2, ?3, ?4)",
                params![id.as_str(), collection, accepted, now.0],
            )?;
            Ok(())
        })
    }

    /// Notes that a run's quote was accepted, and that its documents are being embedded.
    pub fn accept_ingest(&self, id: &RunId) -> Result<()> {
        self.change(|tx| {
            tx.execute("UPDATE ingest_run SET accepted = 1 WHERE id = ?1", [id.as_str()])?;
            tx.execute(
                "UPDATE document SET state = 'embedding', fault = NULL
                 WHERE run = ?1 AND cut IS NOT NULL AND embedded < passages",
                [id.as_str()],
            )?;
            Ok(())
        })
    }

    /// Notes that a run is paused, or goes on.
    pub fn pause_ingest(&self, id: &RunId, paused: bool) -> Result<()> {
        self.change(|tx| {
            tx.execute("UPDATE ingest_run SET paused = ?2 WHERE id = ?1", params![id.as_str(), paused])?;
            let (from, to) = if paused { ("embedding", "paused") } else { ("paused", "embedding") };
            tx.execute(
                "UPDATE document SET state = ?3 WHERE run = ?1 AND state = ?2",
                params![id.as_str(), from, to],
            )?;
            Ok(())
        })
    }

    /// Ends a run: its documents are nobody's.
    pub fn end_ingest(&self, id: &RunId, now: Timestamp) -> Result<()> {
        self.change(|tx| {
            tx.execute("UPDATE ingest_run SET ended_at = ?2 WHERE id = ?1", params![id.as_str(), now.0])?;
            tx.execute("UPDATE document SET run = NULL WHERE run = ?1", [id.as_str()])?;
            Ok(())
        })
    }

    /// Runs that have not ended, oldest first.
    pub fn unended_ingests(&self) -> Result<Vec<IngestRun>> {
        self.look(|tx| {
            let mut statement = tx.prepare_cached(
                "SELECT r.id, c.id, r.accepted, r.paused FROM ingest_run r JOIN collection c ON c.key = r.collection
                 WHERE r.ended_at IS NULL ORDER BY r.started_at",
            )?;
            let rows = statement.query_map([], |row| {
                Ok(IngestRun {
                    id: RunId(row.get(0)?),
                    collection: row.get(1)?,
                    accepted: row.get(2)?,
                    paused: row.get(3)?,
                })
            })?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }
}
