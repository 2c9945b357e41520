//! Everything but secrets in one file, and back. The file is a zip: `manifest.json`, `edgewise.sqlite` (a compact, checked
//! copy) and `files/…`. It appears whole or not at all. Restoring trusts nothing in it: names, sizes, checksums, hashes and
//! the schema are checked before the present database changes, and that change is one transaction.

use crate::conversations;
use crate::copies::{name_of_instant, vacuum_into};
use crate::error::{Error, Result};
use crate::examine::{Refusal, definitions, examine, expected_definitions, open_to_look};
use crate::files::{make_folder, sync_folder, temporary_beside, write_whole};
use crate::migrations::{KNOWN_VERSION, migrate};
use crate::store::{DATABASE, Store};
use domain::{AttachmentId, Timestamp};
use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

const FORMAT: &str = "edgewise.backup";
const VERSION: u32 = 1;
const MANIFEST: &str = "manifest.json";
const FILES: &str = "files";
/// A manifest is a few hundred bytes.
const LONGEST_MANIFEST: u64 = 1 << 16;
/// More entries than this are no backup of a person's history.
const MOST_ENTRIES: usize = 5_000_000;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Manifest {
    format: String,
    version: u32,
    schema: u32,
    created_at: Timestamp,
}

/// What a restored backup held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Restored {
    /// Conversations, those in the trash included.
    pub conversations: u32,
    /// Files beside the database.
    pub files: u32,
}

impl Store {
    /// Writes everything but secrets (which are never in the store) and temporary conversations to `file`.
    pub fn backup(&self, file: &Path, now: Timestamp) -> Result<()> {
        let dir = self.on_disk()?;
        let copy = temporary_beside(&dir.join("backup.sqlite"));
        let made = self.copy_for_backup(&copy).and_then(|()| write_archive(dir, &copy, file, now));
        remove(&copy);
        made
    }

    /// Puts the content of a backup in the place of everything in this store. The present database is copied first
    /// (see [`copies`](Self::copies)), and files that would be replaced by others are set aside.
    pub fn restore(&self, file: &Path, now: Timestamp) -> Result<Restored> {
        let dir = self.on_disk()?.to_owned();
        let opened = File::open(file).map_err(|source| Error::io("opening", file, source))?;
        let mut archive = ZipArchive::new(BufReader::new(opened)).map_err(|error| not_ours(&error))?;
        let names = check_names(&mut archive)?;
        check_manifest(&mut archive)?;
        let database = temporary_beside(&dir.join("restore.sqlite"));
        let restored = extract(&mut archive, DATABASE, &database)
            .and_then(|()| make_sound(&database))
            .and_then(|conversations| {
                let files = self.restore_files(&mut archive, &names, &dir, now)?;
                self.copy_now(now)?;
                self.replace_with(&database)?;
                Ok(Restored { conversations, files })
            });
        remove(&database);
        let restored = restored?;
        self.recover(now)?;
        self.checkpoint();
        Ok(restored)
    }

    fn copy_for_backup(&self, copy: &Path) -> Result<()> {
        vacuum_into(&self.fresh_reader()?, copy)?;
        let mut connection = Connection::open(copy)?;
        connection.execute_batch("PRAGMA foreign_keys = ON; PRAGMA secure_delete = ON;")?;
        let tx = connection.transaction()?;
        let purged = conversations::purge(&tx, "temporary = 1", &[])?;
        tx.commit()?;
        if purged > 0 {
            connection.execute_batch("VACUUM")?;
        }
        Ok(())
    }

    fn replace_with(&self, database: &Path) -> Result<()> {
        let source = Connection::open(database)?;
        let mut writer = self.writer()?;
        let backup = Backup::new(&source, &mut writer)?;
        match backup.step(-1)? {
            StepResult::Done => Ok(()),
            _ => Err(Error::Busy),
        }
    }

    fn restore_files(
        &self,
        archive: &mut Archive,
        names: &[String],
        dir: &Path,
        now: Timestamp,
    ) -> Result<u32> {
        for name in names {
            let parts: Vec<&str> = name.split('/').collect();
            if let ["files", "attachments", _, hash] = parts.as_slice() {
                self.restore_attachment(archive, name, &AttachmentId::from(*hash))?;
            } else {
                restore_file(archive, name, dir, now)?;
            }
        }
        Ok(u32::try_from(names.len()).unwrap_or(u32::MAX))
    }

    fn restore_attachment(&self, archive: &mut Archive, name: &str, id: &AttachmentId) -> Result<()> {
        let mut bytes = Vec::new();
        read_entry(archive, name, &mut bytes)?;
        if blake3::hash(&bytes).to_hex().as_str() != id.as_str() {
            return Err(Error::Damaged(format!("\"{name}\" in the backup is not what its name says")));
        }
        self.keep_bytes(id, &bytes)
    }
}

type Archive = ZipArchive<BufReader<File>>;

fn write_archive(dir: &Path, copy: &Path, file: &Path, now: Timestamp) -> Result<()> {
    let manifest =
        Manifest { format: FORMAT.into(), version: VERSION, schema: KNOWN_VERSION, created_at: now };
    write_whole(file, |writer| {
        let error = |source| Error::io("writing", file, source);
        let mut zip = ZipWriter::new(writer);
        let packed =
            SimpleFileOptions::default().compression_method(CompressionMethod::Deflated).large_file(true);
        let stored = packed.compression_method(CompressionMethod::Stored);
        let begin = |zip: &mut ZipWriter<_>, name: &str, options| {
            zip.start_file(name, options).map_err(|failed| error(io::Error::other(failed)))
        };
        begin(&mut zip, MANIFEST, packed)?;
        zip.write_all(&serde_json::to_vec_pretty(&manifest)?).map_err(error)?;
        begin(&mut zip, DATABASE, packed)?;
        copy_into(copy, &mut zip, file)?;
        for (name, path) in files_below(&dir.join(FILES), FILES)? {
            begin(&mut zip, &name, stored)?;
            copy_into(&path, &mut zip, file)?;
        }
        zip.finish().map(drop).map_err(|failed| error(io::Error::other(failed)))
    })
}

fn copy_into(from: &Path, to: &mut impl Write, target: &Path) -> Result<()> {
    let mut source = File::open(from).map_err(|source| Error::io("reading", from, source))?;
    io::copy(&mut source, to).map(drop).map_err(|source| Error::io("writing", target, source))
}

/// All files below a folder, by name, without temporary ones.
fn files_below(folder: &Path, name: &str) -> Result<Vec<(String, PathBuf)>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(missing) if missing.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(Error::io("listing", folder, source)),
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|source| Error::io("listing", folder, source))?;
        let Ok(own) = entry.file_name().into_string() else { continue };
        let kind = entry.file_type().map_err(|source| Error::io("reading", &entry.path(), source))?;
        let name = format!("{name}/{own}");
        if kind.is_dir() {
            found.extend(files_below(&entry.path(), &name)?);
        } else if kind.is_file() && !own.starts_with('.') {
            found.push((name, entry.path()));
        }
    }
    found.sort();
    Ok(found)
}

fn is_file(name: &str) -> bool {
    name.starts_with("files/") && !name.ends_with('/')
}

/// Only the names that a backup has: no way out of the folder, no way around its parts. Returns those of its files.
fn check_names(archive: &mut Archive) -> Result<Vec<String>> {
    if archive.len() > MOST_ENTRIES {
        return Err(Error::Invalid("it holds more files than a backup".into()));
    }
    let mut seen = BTreeSet::new();
    let mut files = Vec::new();
    for index in 0..archive.len() {
        let entry = archive.by_index_raw(index).map_err(|error| not_ours(&error))?;
        let name = entry.name().map_err(|error| not_ours(&error))?.into_owned();
        let plain = |part: &str| {
            !part.is_empty()
                && !part.starts_with('.')
                && !part.chars().any(|sign| matches!(sign, '\\' | ':') || sign.is_control())
        };
        let known =
            [MANIFEST, DATABASE].contains(&name.as_str()) || is_file(&name) && name.split('/').all(plain);
        if !known || !entry.is_file() || !seen.insert(name.to_lowercase()) {
            return Err(Error::Invalid(format!("it holds \"{name}\", which no backup does")));
        }
        if is_file(&name) {
            files.push(name);
        }
    }
    Ok(files)
}

fn check_manifest(archive: &mut Archive) -> Result<()> {
    let mut text = Vec::new();
    let entry = archive.by_name(MANIFEST).map_err(|error| not_ours(&error))?;
    entry.take(LONGEST_MANIFEST).read_to_end(&mut text).map_err(|error| not_ours(&error))?;
    let manifest: Manifest = serde_json::from_slice(&text).map_err(|error| not_ours(&error))?;
    if manifest.format != FORMAT {
        return Err(Error::Invalid("it is not a backup of Edgewise".into()));
    }
    for (found, known) in [(manifest.version, VERSION), (manifest.schema, KNOWN_VERSION)] {
        if found > known {
            return Err(Error::Newer { found, known });
        }
    }
    Ok(())
}

fn not_ours(error: &dyn std::error::Error) -> Error {
    Error::Invalid(format!("it is not a whole backup of Edgewise: {error}"))
}

/// Reads an entry to its end, where its checksum is compared, and never more than it says it holds.
fn read_entry(archive: &mut Archive, name: &str, to: &mut impl Write) -> Result<()> {
    let entry = archive.by_name(name).map_err(|error| not_ours(&error))?;
    let size = entry.size();
    let copied = io::copy(&mut entry.take(size.saturating_add(1)), to).map_err(|error| not_ours(&error))?;
    if copied == size { Ok(()) } else { Err(Error::Invalid(format!("\"{name}\" is longer than it says"))) }
}

fn extract(archive: &mut Archive, name: &str, target: &Path) -> Result<()> {
    write_whole(target, |writer| read_entry(archive, name, writer))
}

/// Checks an extracted database, brings it to this version, and counts its conversations.
fn make_sound(database: &Path) -> Result<u32> {
    let refused = |refusal| match refusal {
        Refusal::Newer { found } => Error::Newer { found, known: KNOWN_VERSION },
        Refusal::Damaged(detail) => Error::Damaged(format!("in the backup: {detail}")),
        Refusal::Locked => Error::Busy,
        Refusal::Unreadable(error) => error,
    };
    let sound = examine(database, true).map_err(refused)?;
    let looked_at = open_to_look(database, false).map_err(refused)?;
    refuse_alien_parts(&looked_at, sound.version)?;
    drop(looked_at);
    let mut connection = Connection::open(database)?;
    connection.execute_batch(
        "PRAGMA trusted_schema = OFF; PRAGMA journal_mode = DELETE; PRAGMA foreign_keys = ON;",
    )?;
    if sound.version < KNOWN_VERSION {
        migrate(&mut connection, None)?;
    }
    let page: u32 = connection.query_row("PRAGMA page_size", [], |row| row.get(0))?;
    if page != 4_096 {
        // Pages are copied as they are into a database that has 4,096 bytes a page.
        connection.execute_batch("PRAGMA page_size = 4096; VACUUM")?;
    }
    Ok(connection.query_row("SELECT count(*) FROM conversation", [], |row| row.get(0))?)
}

/// Triggers, views and virtual tables run code when they are used: only ours may be there. Further plain tables are data.
fn refuse_alien_parts(connection: &Connection, version: u32) -> Result<()> {
    let expected = expected_definitions(version)?;
    for (name, (kind, sql)) in definitions(connection)? {
        let runs_code =
            kind == "trigger" || kind == "view" || sql.to_lowercase().starts_with("create virtual");
        if runs_code && !expected.contains_key(&name) {
            return Err(Error::Invalid(format!("it holds a {kind} \"{name}\", which no backup does")));
        }
    }
    Ok(())
}

/// A file that is no attachment. One of that name with other bytes is set aside, not written over.
fn restore_file(archive: &mut Archive, name: &str, dir: &Path, now: Timestamp) -> Result<()> {
    let target = dir.join(name);
    let folder = target.parent().unwrap_or(dir);
    make_folder(folder)?;
    let temporary = temporary_beside(&target);
    extract(archive, name, &temporary)?;
    let present = fs::read(&target).ok();
    let same = present.as_deref().is_some_and(|bytes| fs::read(&temporary).is_ok_and(|new| new == bytes));
    if same {
        remove(&temporary);
        return Ok(());
    }
    if present.is_some() {
        let aside = dir.join(format!("replaced-{}", name_of_instant(now))).join(name);
        make_folder(aside.parent().unwrap_or(dir))?;
        fs::rename(&target, &aside).map_err(|source| Error::io("moving to", &aside, source))?;
    }
    fs::rename(&temporary, &target).map_err(|source| Error::io("renaming to", &target, source))?;
    sync_folder(folder)
}

/// Removes a temporary file; one that stays costs space and does no harm.
fn remove(temporary: &Path) {
    if let Err(error) = fs::remove_file(temporary)
        && error.kind() != io::ErrorKind::NotFound
    {
        tracing::warn!(%error, "a temporary file could not be removed");
    }
}
