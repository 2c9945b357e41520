//! Copies of the database: one before each migration and one a day, seven in all, each opened and checked after it was
//! written. They hold the database only: attachments are never changed once written, and a copy finds them by hash.

use crate::error::{Error, Result};
use crate::examine::{Refusal, examine};
use crate::files::{make_folder, put_in_place, sync_file, temporary_beside};
use domain::{BackupCopy, Timestamp};
use jiff::tz::TimeZone;
use rusqlite::Connection;
use std::fs;
use std::path::{Path, PathBuf};

/// How many copies are kept.
pub const COPIES_KEPT: usize = 7;
const DAY: i64 = 86_400_000;

pub(crate) fn folder(dir: &Path) -> PathBuf {
    dir.join("copies")
}

/// `2026-11-20T21-40-05Z`: an instant that can be part of a file's name.
pub(crate) fn name_of_instant(at: Timestamp) -> String {
    let instant = jiff::Timestamp::from_millisecond(at.0).unwrap_or_default();
    instant.to_zoned(TimeZone::UTC).strftime("%Y-%m-%dT%H-%M-%SZ").to_string()
}

fn instant_of_name(name: &str) -> Option<Timestamp> {
    let stem = name.strip_prefix("edgewise-")?.strip_suffix(".sqlite")?;
    let stem = stem.split_once('Z')?.0;
    let civil = jiff::civil::DateTime::strptime("%Y-%m-%dT%H-%M-%S", stem).ok()?;
    Some(Timestamp(civil.to_zoned(TimeZone::UTC).ok()?.timestamp().as_millisecond()))
}

/// The copies in `dir`, newest first.
pub(crate) fn list(dir: &Path) -> Vec<BackupCopy> {
    let Ok(entries) = fs::read_dir(folder(dir)) else { return Vec::new() };
    let mut copies: Vec<BackupCopy> = entries
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let made_at = instant_of_name(&name)?;
            Some(BackupCopy { size: entry.metadata().ok()?.len(), name, made_at })
        })
        .collect();
    copies.sort_by(|a, b| (b.made_at, &b.name).cmp(&(a.made_at, &a.name)));
    copies
}

/// The path of the copy of that name, which must be one of [`list`].
pub(crate) fn find(dir: &Path, name: &str) -> Result<PathBuf> {
    let known = list(dir).into_iter().any(|copy| copy.name == name);
    if known { Ok(folder(dir).join(name)) } else { Err(Error::NotFound(format!("copy {name}"))) }
}

/// Copies the database behind `connection`, checks the copy, and lets the oldest beyond seven go.
pub(crate) fn make(connection: &Connection, dir: &Path, version: u32, now: Timestamp) -> Result<BackupCopy> {
    let folder = folder(dir);
    make_folder(&folder)?;
    let name = format!("edgewise-{}-v{version}.sqlite", name_of_instant(now));
    let target = folder.join(&name);
    vacuum_into(connection, &target)?;
    prune(dir);
    let size = fs::metadata(&target).map_err(|source| Error::io("reading", &target, source))?.len();
    Ok(BackupCopy { name, size, made_at: Timestamp(now.0.div_euclid(1_000) * 1_000) })
}

/// Writes a compact, checked copy of the database to `target`, in place of what was there.
pub(crate) fn vacuum_into(connection: &Connection, target: &Path) -> Result<()> {
    let temporary = temporary_beside(target);
    let made = vacuum_checked(connection, &temporary).and_then(|()| put_in_place(&temporary, target));
    if made.is_err() {
        // The error that is returned matters more than one about a leftover.
        let _ = fs::remove_file(&temporary);
    }
    made
}

fn vacuum_checked(connection: &Connection, temporary: &Path) -> Result<()> {
    connection.execute("VACUUM INTO ?1", [temporary.to_string_lossy()])?;
    sync_file(temporary)?;
    match examine(temporary, true) {
        Ok(_) => Ok(()),
        Err(Refusal::Unreadable(error)) => Err(error),
        Err(refused) => Err(Error::Damaged(format!("the copy that was just made: {refused:?}"))),
    }
}

/// Removes the oldest copies beyond the seven that are kept. One that cannot be removed is left for the next time.
fn prune(dir: &Path) {
    for copy in list(dir).into_iter().skip(COPIES_KEPT) {
        let path = folder(dir).join(&copy.name);
        if let Err(error) = fs::remove_file(&path) {
            tracing::warn!(copy = copy.name, %error, "an old copy could not be removed");
        }
    }
}

/// The newest copy is older than a day, or there is none.
pub(crate) fn is_due(dir: &Path, now: Timestamp) -> bool {
    list(dir).first().is_none_or(|newest| now.0 - newest.made_at.0 >= DAY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_survives_being_a_file_name() {
        let at = Timestamp(1_795_211_321_000);
        let name = format!("edgewise-{}-v1.sqlite", name_of_instant(at));
        assert_eq!(instant_of_name(&name), Some(at), "{name}");
        assert_eq!(instant_of_name("other.sqlite"), None);
    }
}
