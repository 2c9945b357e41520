//! Pictures. The row comes before the request leaves; when the answer is there, the row is told the file's name and the
//! ledger the cost; then comes the file, and only then is the row done. A killed process leaves a pending row, which the
//! next start marks as done when its file is there and as cut when it is not, and never half a file.
//!
//! Contents: rows here · [`files`] files, thumbnails and what a kill left of them · [`albums`] albums.

mod albums;
mod files;

pub use files::Recovered;

use crate::error::{Error, Result};
use crate::ledger;
use crate::store::Store;
use crate::words::{json, read};
use domain::{
    Fault, FaultCode, GalleryDay, LedgerEntry, ModelId, Picture, PictureField, PicturePage, PictureQuery,
    PictureRequest, PictureState, RunId, Timestamp, Usage,
};
use rusqlite::types::Value;
use rusqlite::{OptionalExtension, Row, ToSql, params, params_from_iter};

/// How a picture came out.
#[derive(Debug, Clone, PartialEq)]
pub struct PictureEnding {
    /// `Done`, `Failed` or `Stopped`.
    pub state: PictureState,
    /// What was used in the end: the seed, the model.
    pub request: PictureRequest,
    /// What was asked for and its model does not take.
    pub left_out: Vec<PictureField>,
    /// Its file, when there is one.
    pub file: Option<PictureFile>,
    /// Tokens and neurons; what the row knows already stays when absent.
    pub usage: Option<Usage>,
    /// How long it took, in milliseconds.
    pub took_ms: u32,
}

/// What is known of a picture that arrived and has no file yet.
#[derive(Debug, Clone, PartialEq)]
pub struct PictureArrival {
    /// The file that is about to be written; none when what arrived is no picture.
    pub file: Option<PictureFile>,
    /// The line of the ledger, unless it is written already.
    pub ledger: Option<LedgerEntry>,
    /// Tokens and neurons.
    pub usage: Usage,
}

/// A picture that came out, one way or the other.
#[derive(Debug, Clone, PartialEq)]
pub struct PictureEnded {
    /// Its row.
    pub picture: Picture,
    /// It was put into the trash meanwhile.
    pub in_trash: bool,
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
    created_at, took_ms, (SELECT group_concat(album, char(10)) FROM album_picture WHERE picture = picture.key), left_out";

impl Store {
    /// Enters pictures that are about to be made. The files that they are made from are stored already, and stay as long
    /// as they do.
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
                let key = tx.last_insert_rowid();
                for file in picture.request.references.iter().chain(&picture.request.mask) {
                    tx.prepare_cached("INSERT OR IGNORE INTO picture_attachment (picture, attachment) VALUES (?1, ?2)")?
                        .execute(params![key, file.as_str()])?;
                }
            }
            Ok(())
        })
    }

    /// Notes what arrived for a picture, and its line of the ledger, before its file is written: should the process be
    /// killed in between, the next start knows whose file it finds.
    pub fn note_arrival(&self, id: &str, arrival: &PictureArrival) -> Result<()> {
        self.change(|tx| {
            if let Some(entry) = &arrival.ledger {
                ledger::insert(tx, entry)?;
            }
            let file = arrival.file.as_ref();
            tx.prepare_cached(
                "UPDATE picture SET state = 'pending', fault = NULL, file_name = ?2, size = ?3, media_type = ?4,
                    width = ?5, height = ?6, usage = ?7 WHERE id = ?1",
            )?
            .execute(params![
                id,
                file.map(|file| &file.name),
                file.map(|file| i64::try_from(file.size).unwrap_or(i64::MAX)),
                file.map(|file| &file.media_type),
                file.map(|file| file.width),
                file.map(|file| file.height),
                json(Some(&arrival.usage))?,
            ])?;
            Ok(())
        })
    }

    /// Notes how a picture came out.
    pub fn end_picture(&self, id: &str, ending: &PictureEnding) -> Result<PictureEnded> {
        let fault = match &ending.state {
            PictureState::Failed { fault } => Some(fault),
            _ => None,
        };
        self.change(|tx| {
            let file = ending.file.as_ref();
            let changed = tx
                .prepare_cached(
                    "UPDATE picture SET state = ?2, fault = ?3, request = ?4, width = ?5, height = ?6, media_type = ?7,
                        file_name = ?8, size = ?9, usage = coalesce(?10, usage), took_ms = ?11, left_out = ?12
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
                    json(Some(&ending.left_out).filter(|fields| !fields.is_empty()))?,
                ])?;
            if changed == 0 {
                return Err(missing(id));
            }
            let in_trash = tx
                .prepare_cached("SELECT deleted_at IS NOT NULL FROM picture WHERE id = ?1")?
                .query_row([id], |row| row.get(0))?;
            Ok(PictureEnded { picture: one(tx, id)?, in_trash })
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
        left_out: read(text(16)?.as_deref()),
        unsaved: false,
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
