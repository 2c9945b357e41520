//! Connected accounts without their secrets, and the catalogue of models as each account last saw it.

use crate::error::Result;
use crate::store::Store;
use crate::words;
use domain::{Account, AccountKey, KeptIn, Model, Timestamp};
use rusqlite::{OptionalExtension, params};

impl Store {
    /// All accounts, in the order in which they were connected.
    pub fn accounts(&self) -> Result<Vec<Account>> {
        self.look(|tx| {
            let mut query = tx.prepare_cached(
                "SELECT key, account_id, name, gateway, kept_in FROM account ORDER BY position, key",
            )?;
            let rows = query.query_map([], |row| {
                Ok(Account {
                    key: AccountKey(row.get(0)?),
                    account_id: row.get(1)?,
                    name: row.get(2)?,
                    gateway: row.get(3)?,
                    kept_in: words::variant(&row.get::<_, String>(4)?).unwrap_or(KeptIn::Session),
                })
            })?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }

    /// Adds an account or changes it in its place.
    pub fn upsert_account(&self, account: &Account) -> Result<()> {
        self.change(|tx| {
            tx.execute(
                "INSERT INTO account (key, account_id, name, gateway, kept_in, position)
                 VALUES (?1, ?2, ?3, ?4, ?5, (SELECT coalesce(max(position), 0) + 1 FROM account))
                 ON CONFLICT (key) DO UPDATE SET account_id = excluded.account_id, name = excluded.name,
                    gateway = excluded.gateway, kept_in = excluded.kept_in",
                params![
                    account.key.as_str(),
                    account.account_id,
                    account.name,
                    account.gateway,
                    words::name(&account.kept_in)?
                ],
            )?;
            Ok(())
        })
    }

    /// Forgets an account and its catalogue. Its ledger stays.
    pub fn remove_account(&self, key: &AccountKey) -> Result<()> {
        self.change(|tx| {
            tx.execute("DELETE FROM account WHERE key = ?1", [key.as_str()])?;
            tx.execute("DELETE FROM catalogue WHERE account = ?1", [key.as_str()])?;
            Ok(())
        })
    }

    /// The catalogue as this account last saw it, and when. Models that cannot be read are left out.
    pub fn cached_catalogue(&self, account: &AccountKey) -> Result<Option<(Vec<Model>, Timestamp)>> {
        let found: Option<(String, i64)> = self.look(|tx| {
            Ok(tx
                .prepare_cached("SELECT models, fetched_at FROM catalogue WHERE account = ?1")?
                .query_row([account.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()?)
        })?;
        Ok(found.map(|(json, at)| {
            let models: Vec<serde_json::Value> = words::read(Some(&json));
            let readable =
                models.into_iter().filter_map(|model| serde_json::from_value(model).ok()).collect();
            (readable, Timestamp(at))
        }))
    }

    /// Keeps the catalogue that this account saw at `fetched_at`.
    pub fn cache_catalogue(
        &self,
        account: &AccountKey,
        models: &[Model],
        fetched_at: Timestamp,
    ) -> Result<()> {
        let json = serde_json::to_string(models)?;
        self.change(|tx| {
            tx.execute(
                "INSERT INTO catalogue (account, models, fetched_at) VALUES (?1, ?2, ?3)
                 ON CONFLICT (account) DO UPDATE SET models = excluded.models, fetched_at = excluded.fetched_at",
                params![account.as_str(), json, fetched_at.0],
            )?;
            Ok(())
        })
    }
}
