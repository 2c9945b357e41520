//! The schema's history: dated files, appended and never edited. `user_version` counts those that were applied.

use crate::error::{Error, Result};
use rusqlite::Connection;
use rusqlite_migration::{M, Migrations};

/// Marks our files: `EDGW`.
pub(crate) const APPLICATION_ID: u32 = 0x4544_4757;

/// All migrations, oldest first. Each runs in one transaction.
const FILES: &[&str] = &[
    include_str!("migrations/2026-11-20-conversations.sql"),
    include_str!("migrations/2026-11-20-pictures.sql"),
    include_str!("migrations/2026-11-20-library.sql"),
    include_str!("migrations/2026-11-27-drafts.sql"),
    include_str!("migrations/2026-11-27-library-runs.sql"),
    include_str!("migrations/2026-11-27-picture-references.sql"),
    include_str!("migrations/2026-11-28-vector-changes.sql"),
    include_str!("migrations/2026-11-28-assistants.sql"),
    include_str!("migrations/2026-11-30-dropped-parameters.sql"),
    include_str!("migrations/2026-11-30-placed-lines.sql"),
];

/// The newest schema version that this Edgewise knows.
pub const KNOWN_VERSION: u32 = FILES.len() as u32;

/// Brings `connection` to the newest version, or to `version` where given; returns whether anything was done.
pub(crate) fn migrate(connection: &mut Connection, version: Option<u32>) -> Result<()> {
    let migrations = Migrations::from_iter(FILES.iter().map(|sql| M::up(sql)));
    let target = version.unwrap_or(KNOWN_VERSION) as usize;
    migrations.to_version(connection, target).map_err(|error| match error {
        rusqlite_migration::Error::RusqliteError { err, .. } => Error::from(err),
        other => Error::Damaged(format!("migrating: {other}")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_migration_applies_to_an_empty_database() {
        let mut connection = Connection::open_in_memory().expect("memory");
        migrate(&mut connection, None).expect("migrations apply");
        let id: u32 = connection.query_row("PRAGMA application_id", [], |row| row.get(0)).expect("pragma");
        let version: u32 = connection.query_row("PRAGMA user_version", [], |row| row.get(0)).expect("pragma");
        assert_eq!((id, version), (APPLICATION_ID, KNOWN_VERSION));
    }
}
