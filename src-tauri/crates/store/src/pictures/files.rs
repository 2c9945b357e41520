//! The files of pictures: readable names in `files/pictures`, so that a person finds them without us; thumbnails in
//! `cache/thumbnails`, which can be deleted at any time.

use super::missing;
use crate::error::{Error, Result};
use crate::files::{is_temporary, make_folder, write_bytes};
use crate::store::Store;
use domain::{Fault, FaultCode, Picture, Timestamp};
use rusqlite::params;
use std::fs;
use std::path::PathBuf;

/// What a start found of pictures whose process had been killed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Marked as cut.
    pub cut: usize,
    /// Their file was there and whole: they are done.
    pub adopted: usize,
    /// Half-written files that were removed.
    pub swept: usize,
}

impl Store {
    /// Removes pictures, with their files, that were put into the trash before `before`; how many.
    pub fn purge_pictures(&self, before: Timestamp) -> Result<usize> {
        let doomed: Vec<(String, Option<String>)> = self.look(|tx| {
            let mut rows = tx.prepare_cached("SELECT id, file_name FROM picture WHERE deleted_at < ?1")?;
            let rows = rows.query_map([before.0], |row| Ok((row.get(0)?, row.get(1)?)))?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })?;
        // Files first: a process that is killed here leaves rows, which the next start removes, and no stray files.
        let gone: Vec<&String> = doomed
            .iter()
            .filter(|(id, name)| self.drop_files(id, name.as_deref()))
            .map(|(id, _)| id)
            .collect();
        self.change(|tx| {
            for id in &gone {
                tx.prepare_cached("DELETE FROM picture WHERE id = ?1")?.execute([id.as_str()])?;
            }
            Ok(())
        })?;
        Ok(gone.len())
    }

    /// Removes a picture's file and thumbnail; `false` when one of them is still there.
    fn drop_files(&self, id: &str, name: Option<&str>) -> bool {
        let file = name.and_then(|name| self.picture_path(name).ok());
        let mut removed = true;
        for path in file.into_iter().chain(self.thumbnail_path(id).ok()) {
            match fs::remove_file(&path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    tracing::warn!(%error, "a picture in the trash could not be removed");
                    removed = false;
                }
                _ => {}
            }
        }
        removed
    }

    /// Puts right what a killed process left: a pending picture whose file is there and whole is done, any other is cut,
    /// and half-written files are removed.
    pub fn recover_pictures(&self) -> Result<Recovered> {
        // Opened for reading, another process may be making pictures at this moment.
        if self.is_read_only() {
            return Ok(Recovered::default());
        }
        let swept = self.sweep();
        let pending: Vec<(String, Option<String>, Option<i64>)> = self.look(|tx| {
            let mut rows =
                tx.prepare_cached("SELECT id, file_name, size FROM picture WHERE state = 'pending'")?;
            let rows = rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })?;
        if pending.is_empty() {
            return Ok(Recovered { swept, ..Recovered::default() });
        }
        let is_there = |name: &Option<String>, size: Option<i64>| {
            let path = name.as_deref().and_then(|name| self.picture_path(name).ok());
            let found = path
                .and_then(|path| fs::metadata(path).ok())
                .and_then(|found| i64::try_from(found.len()).ok());
            found.is_some() && found == size
        };
        let (whole, cut): (Vec<_>, Vec<_>) =
            pending.into_iter().partition(|(_, name, size)| is_there(name, *size));
        let fault = serde_json::to_string(&Fault::new(FaultCode::StreamCut))?;
        self.change(|tx| {
            for (id, ..) in &whole {
                tx.prepare_cached("UPDATE picture SET state = 'done' WHERE id = ?1")?.execute([id])?;
            }
            for (id, ..) in &cut {
                tx.prepare_cached(
                    "UPDATE picture SET state = 'failed', fault = ?2, file_name = NULL, size = NULL WHERE id = ?1",
                )?
                .execute(params![id, fault])?;
            }
            Ok(())
        })?;
        Ok(Recovered { cut: cut.len(), adopted: whole.len(), swept })
    }

    /// Removes half-written files of processes that were killed; how many. Only this process uses the folder now.
    fn sweep(&self) -> usize {
        let folders = [self.pictures_folder(), self.thumbnails_folder()];
        let entries =
            folders.into_iter().flatten().filter_map(|folder| fs::read_dir(folder).ok()).flatten().flatten();
        let left = entries.filter(|entry| is_temporary(&entry.file_name().to_string_lossy()));
        left.filter(|entry| fs::remove_file(entry.path()).is_ok()).count()
    }

    /// Writes a picture's file, whole or not at all. The row is to follow.
    pub fn write_picture(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let path = self.picture_path(name)?;
        make_folder(&self.pictures_folder()?)?;
        write_bytes(&path, bytes)
    }

    /// The folder of pictures, for the person to open.
    pub fn pictures_folder(&self) -> Result<PathBuf> {
        Ok(self.on_disk()?.join("files").join("pictures"))
    }

    /// Where a picture's file lies.
    pub fn picture_path(&self, name: &str) -> Result<PathBuf> {
        let plain = !name.is_empty() && !name.starts_with('.') && !name.contains(['/', '\\', '\0']);
        if !plain {
            return Err(Error::Invalid(format!("\"{name}\" is no picture's name")));
        }
        Ok(self.pictures_folder()?.join(name))
    }

    /// The bytes of a picture; `NotFound` when its file is gone.
    pub fn picture_bytes(&self, id: &str) -> Result<(Picture, Vec<u8>)> {
        let picture = self.picture(id)?;
        let name = picture.file_name.as_deref().ok_or_else(|| missing(id))?;
        let path = self.picture_path(name)?;
        match fs::read(&path) {
            Ok(bytes) => Ok((picture, bytes)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(missing(id)),
            Err(error) => Err(Error::io("reading", &path, error)),
        }
    }

    /// A kept thumbnail.
    pub fn thumbnail(&self, id: &str) -> Option<Vec<u8>> {
        fs::read(self.thumbnail_path(id).ok()?).ok()
    }

    /// Keeps a thumbnail.
    pub fn keep_thumbnail(&self, id: &str, bytes: &[u8]) -> Result<()> {
        let path = self.thumbnail_path(id)?;
        make_folder(&self.thumbnails_folder()?)?;
        write_bytes(&path, bytes)
    }

    fn thumbnail_path(&self, id: &str) -> Result<PathBuf> {
        // Ids come from outside (`media://thumbnail/ID`): only what can be one becomes a path.
        if id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
            return Err(missing(id));
        }
        Ok(self.thumbnails_folder()?.join(format!("{id}.jpg")))
    }

    fn thumbnails_folder(&self) -> Result<PathBuf> {
        Ok(self.on_disk()?.join("cache").join("thumbnails"))
    }
}
