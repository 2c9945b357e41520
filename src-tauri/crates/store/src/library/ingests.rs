//! Runs that fill the library. They outlive the process: one that was killed is taken up again, with what it had still
//! to take in.

use super::documents::{self, Claim, NewDocument};
use crate::error::Result;
use crate::store::Store;
use crate::words::read;
use domain::{Fault, RunId, Timestamp};
use rusqlite::params;

/// A run that has not ended.
#[derive(Debug, Clone, PartialEq)]
pub struct IngestRun {
    /// Its id.
    pub id: RunId,
    /// The id of its collection.
    pub collection: String,
    /// Its quote was accepted.
    pub accepted: bool,
    /// It is paused.
    pub paused: bool,
    /// What it had still to take in, in the engine's words.
    pub load: Option<String>,
    /// Why it waits, and until when.
    pub waits: Option<(Fault, Timestamp)>,
}

/// A run that is about to begin.
#[derive(Debug, Clone, PartialEq)]
pub struct NewRun {
    /// Its id.
    pub id: RunId,
    /// Its collection's key.
    pub collection: i64,
    /// There is no need to ask.
    pub accepted: bool,
    /// What it has to take in later, in the engine's words.
    pub load: Option<String>,
    /// Documents that it works on and that are there.
    pub known: Vec<String>,
    /// Documents that come with it.
    pub new: Vec<NewDocument>,
}

impl Store {
    /// Enters a run with its documents, in one transaction: a kill leaves both or neither.
    pub fn begin_ingest(&self, run: &NewRun, now: Timestamp) -> Result<()> {
        self.change(|tx| {
            tx.execute(
                "INSERT INTO ingest_run (id, collection, accepted, load, started_at) VALUES (?1, ?2, ?3, ?4, ?5)",
                params![run.id.as_str(), run.collection, run.accepted, run.load, now.0],
            )?;
            documents::give(tx, &run.known, &run.id)?;
            documents::enter(tx, run.collection, &run.id, &run.new, Claim::Firm, now)?;
            Ok(())
        })
    }

    /// Notes that a run has taken in everything: what is left to do stands with its documents.
    pub fn ingest_took_in(&self, id: &RunId) -> Result<()> {
        self.change(|tx| {
            tx.execute("UPDATE ingest_run SET load = NULL WHERE id = ?1", [id.as_str()])?;
            Ok(())
        })
    }

    /// Notes that a run's quote was accepted, or that it goes on after waiting, and that its documents are being embedded.
    pub fn accept_ingest(&self, id: &RunId) -> Result<()> {
        self.change(|tx| {
            tx.execute(
                "UPDATE ingest_run SET accepted = 1, fault = NULL, waits_until = NULL WHERE id = ?1",
                [id.as_str()],
            )?;
            tx.execute(
                "UPDATE document SET state = 'embedding', fault = NULL
                 WHERE run = ?1 AND cut IS NOT NULL AND embedded < passages",
                [id.as_str()],
            )?;
            Ok(())
        })
    }

    /// Notes that a run waits for something that goes away, and that its documents do.
    pub fn hold_ingest(&self, id: &RunId, fault: &Fault, until: Timestamp) -> Result<()> {
        let fault = serde_json::to_string(fault)?;
        self.change(|tx| {
            tx.execute(
                "UPDATE ingest_run SET fault = ?2, waits_until = ?3 WHERE id = ?1",
                params![id.as_str(), fault, until.0],
            )?;
            tx.execute(
                "UPDATE document SET state = 'paused', fault = ?2 WHERE run = ?1 AND state IN ('embedding', 'queued')",
                params![id.as_str(), fault],
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
                "UPDATE document SET state = ?3, fault = NULL WHERE run = ?1 AND state = ?2 AND cut IS NOT NULL",
                params![id.as_str(), from, to],
            )?;
            Ok(())
        })
    }

    /// Ends a run: its documents are nobody's. `fault` says why it ended early.
    pub fn end_ingest(&self, id: &RunId, fault: Option<&Fault>, now: Timestamp) -> Result<()> {
        let fault = fault.map(serde_json::to_string).transpose()?;
        self.change(|tx| {
            tx.execute(
                "UPDATE ingest_run SET ended_at = ?2, load = NULL, fault = ?3, waits_until = NULL WHERE id = ?1",
                params![id.as_str(), now.0, fault],
            )?;
            tx.execute("UPDATE document SET run = NULL WHERE run = ?1", [id.as_str()])?;
            Ok(())
        })
    }

    /// Runs that have not ended, oldest first.
    pub fn unended_ingests(&self) -> Result<Vec<IngestRun>> {
        self.look(|tx| {
            let mut statement = tx.prepare_cached(
                "SELECT r.id, c.id, r.accepted, r.paused, r.load, r.fault, r.waits_until
                 FROM ingest_run r JOIN collection c ON c.key = r.collection
                 WHERE r.ended_at IS NULL ORDER BY r.started_at, r.rowid",
            )?;
            let rows = statement.query_map([], |row| {
                let fault: Option<Fault> = read(row.get::<_, Option<String>>(5)?.as_deref());
                let until: Option<i64> = row.get(6)?;
                Ok(IngestRun {
                    id: RunId(row.get(0)?),
                    collection: row.get(1)?,
                    accepted: row.get(2)?,
                    paused: row.get(3)?,
                    load: row.get(4)?,
                    waits: fault.zip(until.map(Timestamp)),
                })
            })?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }
}
