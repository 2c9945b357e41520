//! Pictures and albums. The row comes before the request leaves, the file before the row says that it is there: a killed
//! process leaves a pending row, which the next start marks as cut, and never half a file.
//!
//! Files lie in `files/pictures` under readable names, so that a person finds them without us; thumbnails in
//! `cache/thumbnails` can be deleted at any time.

use crate::error::{Error, Result};
use crate::files::{make_folder, write_bytes};
use crate::store::Store;
use crate::words::{json, read};
use domain::{
    Album, Fault, FaultCode, GalleryDay, ModelId, Picture, PicturePage, PictureQuery, PictureRequest,
    PictureState, RunId, Timestamp, Usage,
};
use rusqlite::types::Value;
use rusqlite::{OptionalExtension, Row, ToSql, params, params_from_iter};
use std::fs;
use std::path::PathBuf;

/// How a picture came out.
#[derive(Debug, Clone, PartialEq)]
pub struct PictureEnding {
    /// `Done`, `Failed` or `Stopped`.
    pub state: PictureState,
    /// What was used in the end: the seed, the model.
    pub request: PictureRequest,
    /// Its file, when there is one.
    pub file: Option<PictureFile>,
    /// Tokens and neurons.
    pub usage: Option<Usage>,
    /// How long it took, in milliseconds.
    pub took_ms: u32,
}

/// A picture's file, already written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PictureFile {
    /// Its name in `files/pictures`.
    pub name: String,
    /// `image/png` and the like.
    pub media_type: String,
    /// Bytes.
    pub size: u64,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
}

const COLUMNS: &str = "id, run, model, request, state, fault, width, height, media_type, file_name, size, usage, starred,
    created_at, took_ms, (SELECT group_concat(album, char(10)) FROM album_picture WHERE picture = picture.key)";

impl Store {
    /// Enters pictures that are about to be made.
    pub fn add_pictures(&self, pictures: &[Picture]) -> Result<()> {
        self.change(|tx| {
            for picture in pictures {
                tx.prepare_cached(
                    "INSERT INTO picture (id, run, conversation, model, prompt, request, state, starred, created_at)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'pending', 0, ?7)",
                )?
                .execute(params![
                    picture.id,
                    picture.run.as_str(),
                    picture.request.conversation.as_ref().map(domain::ConversationId::as_str),
                    picture.model.as_str(),
                    picture.request.prompt,
                    serde_json::to_string(&picture.request)?,
                    picture.created_at.0,
                ])?;
            }
            Ok(())
        })
    }

    /// Notes how a picture came out.
    pub fn end_picture(&self, id: &str, ending: &PictureEnding) -> Result<Picture> {
        let fault = match &ending.state {
            PictureState::Failed { fault } => Some(fault),
            _ => None,
        };
        self.change(|tx| {
            let file = ending.file.as_ref();
            let changed = tx
                .prepare_cached(
                    "UPDATE picture SET state = ?2, fault = ?3, request = ?4, width = ?5, height = ?6, media_type = ?7,
                        file_name = ?8, size = ?9, usage = ?10, took_ms = ?11
                     WHERE id = ?1",
                )?
                .execute(params![
                    id,
                    state_name(&ending.state),
                    json(fault)?,
                    serde_json::to_string(&ending.request)?,
                    file.map(|file| file.width),
                    file.map(|file| file.height),
                    file.map(|file| &file.media_type),
                    file.map(|file| &file.name),
                    file.map(|file| i64::try_from(file.size).unwrap_or(i64::MAX)),
                    json(ending.usage.as_ref())?,
                    ending.took_ms,
                ])?;
            if changed == 0 {
                return Err(missing(id));
            }
            one(tx, id)
        })
    }

    /// Marks pictures as failed whose process ended before they came; how many.
    pub fn recover_pictures(&self) -> Result<usize> {
        let cut = Fault::new(FaultCode::StreamCut);
        self.change(|tx| {
            Ok(tx.execute(
                "UPDATE picture SET state = 'failed', fault = ?1 WHERE state = 'pending'",
                [serde_json::to_string(&cut)?],
            )?)
        })
    }

    /// A picture by its id, in the trash or not.
    pub fn picture(&self, id: &str) -> Result<Picture> {
        self.look(|tx| one(tx, id))
    }

    /// Pictures that match, newest first, and how many there are in all.
    pub fn pictures(&self, query: &PictureQuery) -> Result<PicturePage> {
        let (condition, values) = condition(query);
        self.look(|tx| {
            let total = tx
                .prepare_cached(&format!("SELECT count(*) FROM picture WHERE {condition}"))?
                .query_row(params_from_iter(&values), |row| row.get(0))?;
            let mut statement = tx.prepare_cached(&format!(
                "SELECT {COLUMNS} FROM picture WHERE {condition} ORDER BY created_at DESC, key DESC LIMIT ? OFFSET ?"
            ))?;
            let page: [&dyn ToSql; 2] = [&query.limit, &query.offset];
            let values = values.iter().map(|value| value as &dyn ToSql).chain(page);
            let rows = statement.query_map(params_from_iter(values), picture)?;
            Ok(PicturePage { pictures: rows.collect::<rusqlite::Result<_>>()?, total })
        })
    }

    /// The days on which matching pictures were made, newest first, in this machine's local time.
    pub fn gallery_days(&self, query: &PictureQuery) -> Result<Vec<GalleryDay>> {
        let (condition, values) = condition(query);
        self.look(|tx| {
            let mut statement = tx.prepare_cached(&format!(
                "SELECT date(created_at / 1000, 'unixepoch', 'localtime') AS day, count(*) FROM picture
                 WHERE {condition} GROUP BY day ORDER BY day DESC"
            ))?;
            let mut offset = 0;
            let rows = statement.query_map(params_from_iter(&values), |row| {
                let count = row.get(1)?;
                let day = GalleryDay { day: row.get(0)?, count, offset };
                offset += count;
                Ok(day)
            })?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }

    /// Marks pictures with a star, or takes it away.
    pub fn star_pictures(&self, ids: &[String], starred: bool) -> Result<()> {
        self.change(|tx| {
            for id in ids {
                tx.prepare_cached("UPDATE picture SET starred = ?2 WHERE id = ?1")?
                    .execute(params![id, starred])?;
            }
            Ok(())
        })
    }

    /// Puts pictures into the trash; their files stay until it is emptied.
    pub fn delete_pictures(&self, ids: &[String], now: Timestamp) -> Result<()> {
        self.mark_deleted(ids, Some(now))
    }

    /// Takes pictures out of the trash.
    pub fn undelete_pictures(&self, ids: &[String]) -> Result<()> {
        self.mark_deleted(ids, None)
    }

    fn mark_deleted(&self, ids: &[String], at: Option<Timestamp>) -> Result<()> {
        self.change(|tx| {
            for id in ids {
                tx.prepare_cached("UPDATE picture SET deleted_at = ?2 WHERE id = ?1")?
                    .execute(params![id, at.map(|at| at.0)])?;
            }
            Ok(())
        })
    }

    /// Removes pictures, with their files, that were put into the trash before `before`; how many.
    pub fn purge_pictures(&self, before: Timestamp) -> Result<usize> {
        let gone: Vec<(String, Option<String>)> = self.change(|tx| {
            let mut removal =
                tx.prepare_cached("DELETE FROM picture WHERE deleted_at < ?1 RETURNING id, file_name")?;
            let rows = removal.query_map([before.0], |row| Ok((row.get(0)?, row.get(1)?)))?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })?;
        for (id, name) in &gone {
            let file = name.as_ref().and_then(|name| self.picture_path(name).ok());
            for path in file.into_iter().chain(self.thumbnail_path(id).ok()) {
                if let Err(error) = fs::remove_file(&path)
                    && error.kind() != std::io::ErrorKind::NotFound
                {
                    tracing::warn!(%error, "a picture in the trash could not be removed");
                }
            }
        }
        Ok(gone.len())
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
        make_folder(&self.on_disk()?.join("cache").join("thumbnails"))?;
        write_bytes(&path, bytes)
    }

    fn thumbnail_path(&self, id: &str) -> Result<PathBuf> {
        // Ids come from outside (`media://thumbnail/ID`): only what can be one becomes a path.
        if id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
            return Err(missing(id));
        }
        Ok(self.on_disk()?.join("cache").join("thumbnails").join(format!("{id}.jpg")))
    }

    /// All albums by name, with the number of their pictures.
    pub fn albums(&self) -> Result<Vec<Album>> {
        self.look(|tx| {
            let mut statement = tx.prepare_cached(
                "SELECT id, name, (SELECT count(*) FROM album_picture JOIN picture ON key = picture
                    WHERE album = album.id AND deleted_at IS NULL)
                 FROM album ORDER BY name COLLATE NOCASE, created_at",
            )?;
            let rows = statement
                .query_map([], |row| Ok(Album { id: row.get(0)?, name: row.get(1)?, count: row.get(2)? }))?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }

    /// Makes an album.
    pub fn create_album(&self, id: &str, name: &str, now: Timestamp) -> Result<Album> {
        self.change(|tx| {
            tx.execute(
                "INSERT INTO album (id, name, created_at) VALUES (?1, ?2, ?3)",
                params![id, name, now.0],
            )?;
            Ok(Album { id: id.to_owned(), name: name.to_owned(), count: 0 })
        })
    }

    /// Gives an album another name.
    pub fn rename_album(&self, id: &str, name: &str) -> Result<Album> {
        self.change(|tx| {
            match tx.execute("UPDATE album SET name = ?2 WHERE id = ?1", params![id, name])? {
                0 => Err(Error::NotFound(format!("album {id}"))),
                _ => Ok(()),
            }
        })?;
        let album = self.albums()?.into_iter().find(|album| album.id == id);
        album.ok_or_else(|| Error::NotFound(format!("album {id}")))
    }

    /// Removes an album; its pictures go into the trash with it, or stay.
    pub fn delete_album(&self, id: &str, with_pictures: bool, now: Timestamp) -> Result<()> {
        self.change(|tx| {
            if with_pictures {
                tx.execute(
                    "UPDATE picture SET deleted_at = ?2
                     WHERE deleted_at IS NULL AND key IN (SELECT picture FROM album_picture WHERE album = ?1)",
                    params![id, now.0],
                )?;
            }
            tx.execute("DELETE FROM album WHERE id = ?1", [id])?;
            Ok(())
        })
    }

    /// Puts pictures into an album.
    pub fn add_to_album(&self, ids: &[String], album: &str) -> Result<()> {
        self.each(
            ids,
            album,
            "INSERT OR IGNORE INTO album_picture (album, picture) SELECT ?2, key FROM picture WHERE id = ?1",
        )
    }

    /// Takes pictures out of an album.
    pub fn remove_from_album(&self, ids: &[String], album: &str) -> Result<()> {
        self.each(ids, album, "DELETE FROM album_picture WHERE album = ?2 AND picture = (SELECT key FROM picture WHERE id = ?1)")
    }

    fn each(&self, ids: &[String], album: &str, sql: &str) -> Result<()> {
        self.change(|tx| {
            let mut statement = tx.prepare_cached(sql)?;
            for id in ids {
                statement.execute([id.as_str(), album])?;
            }
            Ok(())
        })
    }
}

/// What a query asks for, as SQL with its values. Every word of the text must stand in the prompt, in any script.
fn condition(query: &PictureQuery) -> (String, Vec<Value>) {
    let mut sql = String::from("deleted_at IS NULL");
    let mut values = Vec::new();
    for word in query.text.as_deref().unwrap_or_default().split_whitespace() {
        let escaped = word.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
        sql.push_str(" AND prompt LIKE ? ESCAPE '\\'");
        values.push(Value::Text(format!("%{escaped}%")));
    }
    if let Some(model) = &query.model {
        sql.push_str(" AND model = ?");
        values.push(Value::Text(model.as_str().to_owned()));
    }
    match query.album.as_deref() {
        None => {}
        Some("uncategorised") => sql.push_str(" AND key NOT IN (SELECT picture FROM album_picture)"),
        Some(album) => {
            sql.push_str(" AND key IN (SELECT picture FROM album_picture WHERE album = ?)");
            values.push(Value::Text(album.to_owned()));
        }
    }
    if query.starred {
        sql.push_str(" AND starred = 1");
    }
    (sql, values)
}

fn one(tx: &rusqlite::Transaction<'_>, id: &str) -> Result<Picture> {
    tx.prepare_cached(&format!("SELECT {COLUMNS} FROM picture WHERE id = ?1"))?
        .query_row([id], picture)
        .optional()?
        .ok_or_else(|| missing(id))
}

fn picture(row: &Row<'_>) -> rusqlite::Result<Picture> {
    let text = |index| row.get::<_, Option<String>>(index);
    let state = match text(4)?.as_deref() {
        Some("pending") => PictureState::Pending,
        Some("done") => PictureState::Done,
        Some("stopped") => PictureState::Stopped,
        _ => PictureState::Failed {
            fault: text(5)?
                .and_then(|json| serde_json::from_str(&json).ok())
                .unwrap_or_else(|| Fault::new(FaultCode::Internal)),
        },
    };
    Ok(Picture {
        id: row.get(0)?,
        run: RunId(row.get(1)?),
        model: ModelId(row.get(2)?),
        request: read(text(3)?.as_deref()),
        state,
        width: row.get(6)?,
        height: row.get(7)?,
        media_type: row.get(8)?,
        file_name: row.get(9)?,
        size: row.get::<_, Option<i64>>(10)?.and_then(|size| u64::try_from(size).ok()),
        usage: text(11)?.and_then(|json| serde_json::from_str(&json).ok()),
        starred: row.get(12)?,
        created_at: Timestamp(row.get(13)?),
        took_ms: row.get(14)?,
        albums: text(15)?.map(|albums| albums.lines().map(str::to_owned).collect()).unwrap_or_default(),
    })
}

fn state_name(state: &PictureState) -> &'static str {
    match state {
        PictureState::Pending => "pending",
        // A file that is gone or damaged is found when it is read; the row stays what it was.
        PictureState::Done | PictureState::Missing | PictureState::Damaged => "done",
        PictureState::Failed { .. } => "failed",
        PictureState::Stopped => "stopped",
    }
}

fn missing(id: &str) -> Error {
    Error::NotFound(format!("picture {id}"))
}
