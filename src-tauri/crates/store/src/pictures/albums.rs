//! Albums: names for sets of pictures. A picture can be in several, or in none.

use crate::error::{Error, Result};
use crate::store::Store;
use domain::{Album, Timestamp};
use rusqlite::params;

impl Store {
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
