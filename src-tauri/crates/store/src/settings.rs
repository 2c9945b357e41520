//! Settings and other remembered values: one JSON value per name, so that a value from a newer or older Edgewise that
//! cannot be read costs that value and nothing else.

use crate::error::Result;
use crate::store::Store;
use domain::Settings;
use rusqlite::{OptionalExtension, Transaction, params};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// Settings lie under this and their field's name.
const PREFIX: &str = "settings/";

impl Store {
    /// The person's settings; fields never set, or not readable, have their defaults.
    pub fn settings(&self) -> Result<Settings> {
        let stored: Vec<(String, String)> = self.look(|tx| {
            let mut query = tx.prepare_cached("SELECT name, json FROM value WHERE name GLOB 'settings/*'")?;
            let rows = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })?;
        let mut readable = Map::new();
        for (name, json) in stored {
            let Ok(value) = serde_json::from_str::<Value>(&json) else { continue };
            let field = name.trim_start_matches(PREFIX).to_owned();
            let alone = Value::Object(Map::from_iter([(field.clone(), value.clone())]));
            if serde_json::from_value::<Settings>(alone).is_ok() {
                readable.insert(field, value);
            }
        }
        Ok(serde_json::from_value(Value::Object(readable)).unwrap_or_default())
    }

    /// Stores all settings. Values that this Edgewise does not know stay as they are.
    pub fn save_settings(&self, settings: &Settings) -> Result<()> {
        let Value::Object(fields) = serde_json::to_value(settings)? else { return Ok(()) };
        self.change(|tx| {
            for (field, value) in fields {
                put(tx, &format!("{PREFIX}{field}"), &value)?;
            }
            Ok(())
        })
    }

    /// A value that was remembered under `name`; `None` when there is none or it cannot be read.
    pub fn value<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>> {
        self.look(|tx| {
            let json: Option<String> = tx
                .prepare_cached("SELECT json FROM value WHERE name = ?1")?
                .query_row([name], |row| row.get(0))
                .optional()?;
            Ok(json.and_then(|json| serde_json::from_str(&json).ok()))
        })
    }

    /// Remembers a value under `name` (for what is no setting: the account in use, the window's place). Never a secret.
    pub fn set_value<T: Serialize>(&self, name: &str, value: &T) -> Result<()> {
        self.change(|tx| put(tx, name, value))
    }
}

fn put<T: Serialize>(tx: &Transaction<'_>, name: &str, value: &T) -> Result<()> {
    tx.prepare_cached(
        "INSERT INTO value (name, json) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET json = excluded.json",
    )?
    .execute(params![name, serde_json::to_string(value)?])?;
    Ok(())
}
