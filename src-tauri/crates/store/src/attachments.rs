//! Files that go with messages. Their bytes lie in `files/attachments/ab/abcd…`, named by their BLAKE3 hash: equal files
//! are stored once, and damage shows. The row is written after the file, and the file removed after the row.

use crate::error::{Error, Result};
use crate::files::{make_folder, write_bytes};
use crate::messages::attachment;
use crate::store::Store;
use domain::{Attachment, AttachmentId, Timestamp};
use rusqlite::{OptionalExtension, params};
use std::fs;
use std::path::{Path, PathBuf};

/// No message, no picture and no draft uses it. Ids are long hashes: one that stands in a draft's JSON is meant there.
const UNUSED: &str = "NOT EXISTS (SELECT 1 FROM message_attachment WHERE attachment = attachment.id)
    AND NOT EXISTS (SELECT 1 FROM picture_attachment WHERE attachment = attachment.id)
    AND NOT EXISTS (SELECT 1 FROM draft WHERE instr(waiting, attachment.id) > 0)";

/// What is known of a file besides its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAttachment<'a> {
    /// The file's name as the person knows it.
    pub name: &'a str,
    /// Its media type by content.
    pub media_type: &'a str,
    /// Width and height in pixels, for pictures.
    pub pixels: Option<(u32, u32)>,
}

impl Store {
    /// Stores a file. Its bytes and its row are on disk when this returns. The same bytes under another name are the
    /// same attachment with the newer name; messages keep the name under which they got it.
    pub fn add_attachment(
        &self,
        new: &NewAttachment<'_>,
        bytes: &[u8],
        now: Timestamp,
    ) -> Result<Attachment> {
        let id = AttachmentId(blake3::hash(bytes).to_hex().to_string());
        if self.is_read_only() {
            let why = "it was opened for reading".to_owned();
            return Err(Error::ReadOnly { path: self.dir().map(Path::to_owned), why });
        }
        self.keep_bytes(&id, bytes)?;
        let stored = Attachment {
            id,
            name: new.name.to_owned(),
            media_type: new.media_type.to_owned(),
            size: bytes.len() as u64,
            width: new.pixels.map(|(width, _)| width),
            height: new.pixels.map(|(_, height)| height),
        };
        self.change(|tx| {
            tx.execute(
                "INSERT INTO attachment (id, name, media_type, size, width, height, added_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
                 ON CONFLICT (id) DO UPDATE SET name = excluded.name, media_type = excluded.media_type,
                    width = excluded.width, height = excluded.height, added_at = excluded.added_at",
                params![
                    stored.id.as_str(),
                    stored.name,
                    stored.media_type,
                    i64::try_from(stored.size).unwrap_or(i64::MAX),
                    stored.width,
                    stored.height,
                    now.0
                ],
            )?;
            Ok(())
        })?;
        Ok(stored)
    }

    /// What is known of a stored file.
    pub fn attachment(&self, id: &AttachmentId) -> Result<Attachment> {
        self.look(|tx| {
            tx.prepare_cached(
                "SELECT id, name, media_type, size, width, height FROM attachment WHERE id = ?1",
            )?
            .query_row([id.as_str()], attachment)
            .optional()?
            .ok_or_else(|| missing(id))
        })
    }

    /// The bytes of a stored file, which are what they were: a changed file is an error.
    pub fn attachment_bytes(&self, id: &AttachmentId) -> Result<Vec<u8>> {
        let Some(dir) = self.dir() else {
            return self.held_bytes().get(id.as_str()).cloned().ok_or_else(|| missing(id));
        };
        let path = path_of(dir, id)?;
        let bytes = fs::read(&path).map_err(|source| Error::io("reading", &path, source))?;
        if blake3::hash(&bytes).to_hex().as_str() != id.as_str() {
            let changed = std::io::Error::new(std::io::ErrorKind::InvalidData, "its bytes have changed");
            return Err(Error::io("reading", &path, changed));
        }
        Ok(bytes)
    }

    /// Removes attachments that neither a message nor a draft uses and that were added before `before`.
    pub fn remove_unused_attachments(&self, before: Timestamp) -> Result<usize> {
        let removed: Vec<AttachmentId> = self.change(|tx| {
            let mut removal = tx.prepare_cached(&format!(
                "DELETE FROM attachment WHERE added_at < ?1 AND {UNUSED} RETURNING id"
            ))?;
            let rows = removal.query_map([before.0], |row| row.get(0).map(AttachmentId))?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })?;
        for id in &removed {
            self.drop_bytes(id);
        }
        Ok(removed.len())
    }

    /// Removes an attachment unless a message or a draft uses it; returns whether it went.
    pub fn remove_if_unused(&self, id: &AttachmentId) -> Result<bool> {
        let removed = self.change(|tx| {
            Ok(tx
                .prepare_cached(&format!("DELETE FROM attachment WHERE id = ?1 AND {UNUSED}"))?
                .execute([id.as_str()])?)
        })?;
        if removed > 0 {
            self.drop_bytes(id);
        }
        Ok(removed > 0)
    }

    /// Writes the bytes of an attachment, unless they are there already and whole.
    pub(crate) fn keep_bytes(&self, id: &AttachmentId, bytes: &[u8]) -> Result<()> {
        if self.dir().is_none() {
            self.held_bytes().insert(id.as_str().to_owned(), bytes.to_vec());
            return Ok(());
        }
        if self.attachment_bytes(id).is_ok() {
            return Ok(());
        }
        let path = path_of(self.dir().unwrap_or(Path::new(".")), id)?;
        make_folder(path.parent().unwrap_or(Path::new(".")))?;
        write_bytes(&path, bytes)
    }

    /// A file that cannot be removed stays as an orphan: it costs space and does no harm.
    fn drop_bytes(&self, id: &AttachmentId) {
        let Some(dir) = self.dir() else {
            self.held_bytes().remove(id.as_str());
            return;
        };
        if let Ok(path) = path_of(dir, id)
            && let Err(error) = fs::remove_file(&path)
        {
            tracing::warn!(%error, "an unused attachment could not be removed");
        }
    }
}

fn missing(id: &AttachmentId) -> Error {
    Error::NotFound(format!("attachment {id}"))
}

/// Ids come from outside (the window asks for `media://attachment/ID`), so that only a hash may become a path.
pub(crate) fn path_of(dir: &Path, id: &AttachmentId) -> Result<PathBuf> {
    let text = id.as_str();
    let is_hash = text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    if !is_hash {
        return Err(missing(id));
    }
    Ok(dir.join("files").join("attachments").join(&text[..2]).join(text))
}
