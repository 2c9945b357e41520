//! The ledger of tokens and neurons: one line for each call, never changed, and kept when its conversation is deleted.

use crate::copies;
use crate::error::Result;
use crate::store::Store;
use domain::{
    AccountKey, ConversationId, DAILY_ALLOWANCE, LedgerEntry, ModelId, Timestamp, UsageLine, UsageReport,
    UsageToday,
};
use rusqlite::{Connection, Row, Transaction, params};
use std::collections::BTreeMap;

/// The account key of the simulator: its calls cost nothing.
const DEMO: &str = "demo";

impl Store {
    /// Writes a line for a call that belongs to no ending answer (titles, probes, embeddings).
    pub fn add_to_ledger(&self, entry: &LedgerEntry) -> Result<()> {
        self.change(|tx| insert(tx, entry))
    }

    /// The neurons of this UTC day: of one account, or of all but the simulator.
    pub fn usage_today(&self, now: Timestamp, account: Option<&AccountKey>) -> Result<UsageToday> {
        self.look(|tx| today(tx, now, account))
    }

    /// The ledger summed four ways over the last `days` UTC days, today included.
    pub fn usage_report(
        &self,
        now: Timestamp,
        days: u32,
        account: Option<&AccountKey>,
    ) -> Result<UsageReport> {
        let today_number = now.utc_day();
        let first = today_number - i64::from(days.max(1)) + 1;
        self.look(|tx| {
            let sums = |label: &str, order: &str| summed(tx, label, order, first, today_number, account);
            Ok(UsageReport {
                today: today(tx, now, account)?,
                by_day: every_day(sums("CAST(l.day AS TEXT)", "l.day")?, first, today_number),
                by_model: sums("l.model", "2 DESC, 1")?,
                by_task: sums("l.task", "2 DESC, 1")?,
                by_conversation: by_conversation(tx, first, today_number, account)?,
            })
        })
    }

    /// All lines of a span of time, oldest first; for exports and for the account's own comparison.
    pub fn ledger(&self, from: Timestamp, until: Timestamp) -> Result<Vec<LedgerEntry>> {
        self.look(|tx| {
            let mut query = tx.prepare_cached(
                "SELECT at, account, model, task, conversation, input_tokens, output_tokens, cached_tokens, neurons,
                    estimated FROM ledger WHERE day BETWEEN ?1 AND ?2 AND at >= ?3 AND at < ?4 ORDER BY at, key",
            )?;
            let span = params![from.utc_day(), until.utc_day(), from.0, until.0];
            let rows = query.query_map(span, entry)?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }
}

pub(crate) fn insert(tx: &Transaction<'_>, entry: &LedgerEntry) -> Result<()> {
    tx.prepare_cached(
        "INSERT INTO ledger (at, day, account, model, task, conversation, title, input_tokens, output_tokens,
            cached_tokens, neurons, estimated)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, coalesce((SELECT title FROM conversation WHERE id = ?6), ''), ?7, ?8, ?9, ?10,
            ?11)",
    )?
    .execute(params![
        entry.at.0,
        entry.at.utc_day(),
        entry.account.as_str(),
        entry.model.as_str(),
        entry.task,
        entry.conversation.as_ref().map(ConversationId::as_str),
        entry.usage.input_tokens,
        entry.usage.output_tokens,
        entry.usage.cached_tokens,
        entry.usage.neurons,
        entry.usage.estimated,
    ])?;
    Ok(())
}

fn entry(row: &Row<'_>) -> rusqlite::Result<LedgerEntry> {
    Ok(LedgerEntry {
        at: Timestamp(row.get(0)?),
        account: AccountKey(row.get(1)?),
        model: ModelId(row.get(2)?),
        task: row.get(3)?,
        conversation: row.get::<_, Option<String>>(4)?.map(ConversationId),
        usage: domain::Usage {
            input_tokens: row.get(5)?,
            output_tokens: row.get(6)?,
            cached_tokens: row.get(7)?,
            neurons: row.get(8)?,
            estimated: row.get(9)?,
        },
    })
}

fn today(tx: &Connection, now: Timestamp, account: Option<&AccountKey>) -> Result<UsageToday> {
    let (neurons, estimated) = tx
        .prepare_cached(
            "SELECT coalesce(sum(neurons), 0.0), coalesce(sum(neurons) FILTER (WHERE estimated = 1), 0.0) FROM ledger
             WHERE day = ?1 AND CASE WHEN ?2 IS NULL THEN account <> 'demo' ELSE account = ?2 END",
        )?
        .query_row(params![now.utc_day(), account.map(AccountKey::as_str)], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
    Ok(UsageToday {
        neurons,
        estimated,
        allowance: DAILY_ALLOWANCE,
        resets_at: now.next_utc_midnight(),
        simulated: account.is_some_and(|account| account.as_str() == DEMO),
    })
}

const SUMS: &str =
    "coalesce(sum(l.neurons), 0.0), coalesce(sum(l.neurons) FILTER (WHERE l.estimated = 1), 0.0),
    coalesce(sum(l.input_tokens), 0), coalesce(sum(l.output_tokens), 0), count(*)";
const SPAN: &str =
    "l.day BETWEEN ?1 AND ?2 AND CASE WHEN ?3 IS NULL THEN l.account <> 'demo' ELSE l.account = ?3 END";

fn line(row: &Row<'_>) -> rusqlite::Result<UsageLine> {
    Ok(UsageLine {
        label: row.get(0)?,
        neurons: row.get(1)?,
        estimated: row.get(2)?,
        input_tokens: row.get::<_, i64>(3)?.unsigned_abs(),
        output_tokens: row.get::<_, i64>(4)?.unsigned_abs(),
        calls: row.get(5)?,
    })
}

fn summed(
    tx: &Connection,
    label: &str,
    order: &str,
    first: i64,
    last: i64,
    account: Option<&AccountKey>,
) -> Result<Vec<UsageLine>> {
    let sql = format!("SELECT {label}, {SUMS} FROM ledger l WHERE {SPAN} GROUP BY 1 ORDER BY {order}");
    let mut query = tx.prepare_cached(&sql)?;
    let rows = query.query_map(params![first, last, account.map(AccountKey::as_str)], line)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// The present title of a conversation, or the last one of a conversation that is gone.
fn by_conversation(
    tx: &Connection,
    first: i64,
    last: i64,
    account: Option<&AccountKey>,
) -> Result<Vec<UsageLine>> {
    let sql = format!(
        "SELECT coalesce(c.title, max(l.title)), {SUMS} FROM ledger l LEFT JOIN conversation c ON c.id = l.conversation
         WHERE {SPAN} AND l.conversation IS NOT NULL GROUP BY l.conversation ORDER BY 2 DESC, 1"
    );
    let mut query = tx.prepare_cached(&sql)?;
    let rows = query.query_map(params![first, last, account.map(AccountKey::as_str)], line)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// One line a day under its ISO date, days without calls included.
fn every_day(found: Vec<UsageLine>, first: i64, last: i64) -> Vec<UsageLine> {
    let mut by_number: BTreeMap<String, UsageLine> =
        found.into_iter().map(|line| (line.label.clone(), line)).collect();
    (first..=last)
        .map(|day| {
            let empty = UsageLine {
                label: String::new(),
                neurons: 0.0,
                estimated: 0.0,
                input_tokens: 0,
                output_tokens: 0,
                calls: 0,
            };
            let line = by_number.remove(&day.to_string()).unwrap_or(empty);
            let name = copies::name_of_instant(Timestamp(day * 86_400_000));
            UsageLine { label: name.chars().take(10).collect(), ..line }
        })
        .collect()
}
