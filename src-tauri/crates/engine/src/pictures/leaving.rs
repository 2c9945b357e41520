//! Bytes out of the gallery: for the page, the clipboard, files, the next message; and settings out of files.

use super::unsaved::Unsaved;
use super::{Pictures, THUMBNAIL, damaged};
use crate::background;
use crate::database::Shelf;
use crate::error::{Error, not_found};
use domain::{Attachment, Fault, FaultCode, Picture, PictureExport, PictureSettings};
use pictures::settings::{self, Record};
use pictures::{Kind, scale, sniff};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use store::{NewAttachment, Store};

/// What a thumbnail comes from.
enum Source {
    /// It is there.
    Kept(Vec<u8>),
    /// The whole picture.
    Whole(Vec<u8>),
}

impl Pictures {
    /// A picture's bytes and media type, as received.
    ///
    /// # Errors
    /// `NotFound` when its file is gone.
    pub async fn picture_bytes(&self, picture: String) -> Result<(String, Vec<u8>), Fault> {
        let unsaved = self.engine.pictures_at_work().unsaved();
        self.engine
            .database()
            .read(move |shelf| {
                let (row, bytes) = bytes_of(&shelf.disk, &unsaved, &picture)?;
                Ok((row.media_type.unwrap_or_default(), bytes))
            })
            .await
    }

    /// A picture decoded, for the system's clipboard.
    ///
    /// # Errors
    /// `NotFound` when its file is gone, `FileUnreadable` when it is damaged.
    pub async fn picture_pixels(&self, picture: String) -> Result<scale::Pixels, Fault> {
        let unsaved = self.engine.pictures_at_work().unsaved();
        self.engine
            .database()
            .read(move |shelf| {
                let (_, bytes) = bytes_of(&shelf.disk, &unsaved, &picture)?;
                Ok(scale::pixels(&bytes).map_err(|error| damaged(&error))?)
            })
            .await
    }

    /// A picture's thumbnail (JPEG), made now when it is not there: a few at once in the background, and first those that
    /// were asked for last, because these are in view.
    ///
    /// # Errors
    /// `NotFound` when its file is gone, `FileUnreadable` when it is damaged.
    pub async fn thumbnail_bytes(&self, picture: String) -> Result<Vec<u8>, Fault> {
        let unsaved = self.engine.pictures_at_work().unsaved();
        let there = {
            let (unsaved, picture) = (unsaved.clone(), picture.clone());
            move |shelf: &Shelf| {
                let paid = || unsaved.get(&picture).map(|paid| paid.thumbnail().to_vec());
                Ok(shelf.disk.thumbnail(&picture).or_else(paid))
            }
        };
        if let Some(kept) = self.engine.database().read(there).await? {
            return Ok(kept);
        }
        let permit = self.engine.pictures_at_work().thumbnails().permit().await;
        let id = picture.clone();
        let source = self.engine.database().read(move |shelf| {
            // Another may have asked for the same before.
            if let Some(kept) = shelf.disk.thumbnail(&picture) {
                return Ok(Source::Kept(kept));
            }
            Ok(Source::Whole(bytes_of(&shelf.disk, &unsaved, &picture)?.1))
        });
        let whole = match source.await? {
            Source::Kept(kept) => return Ok(kept),
            Source::Whole(whole) => whole,
        };
        let make = move || {
            let _until_made = permit;
            scale::thumbnail(&whole, THUMBNAIL)
        };
        let small = background::run("thumbnail", make).await?.map_err(|error| damaged(&error))?;
        self.engine
            .database()
            .read(move |shelf| {
                if let Err(error) = shelf.disk.keep_thumbnail(&id, &small) {
                    tracing::info!(%error, "a thumbnail was not kept");
                }
                Ok(small)
            })
            .await
    }

    /// Where a picture's file lies, or will lie when it can be saved.
    ///
    /// # Errors
    /// `NotFound` when it has none.
    pub async fn picture_path(&self, picture: String) -> Result<PathBuf, Fault> {
        let unsaved = self.engine.pictures_at_work().unsaved();
        self.engine
            .database()
            .read(move |shelf| {
                let mut row = shelf.disk.picture(&picture)?;
                unsaved.overlay(&mut row);
                let name = row.file_name.ok_or_else(|| not_found("the picture's file"))?;
                Ok(shelf.disk.picture_path(&name)?)
            })
            .await
    }

    /// The folder in which all pictures lie. It is there afterwards, also when none was made yet.
    ///
    /// # Errors
    /// The disk's.
    pub async fn pictures_folder(&self) -> Result<PathBuf, Fault> {
        self.engine
            .database()
            .read(|shelf| {
                let folder = shelf.disk.pictures_folder()?;
                std::fs::create_dir_all(&folder).map_err(|error| {
                    Fault::new(FaultCode::ReadOnly).with_detail(format!("{}: {error}", folder.display()))
                })?;
                Ok(folder)
            })
            .await
    }

    /// Writes a copy of a picture to a file, with its settings or without anything but its pixels. A name that ends in
    /// `.png`, `.jpg` or `.webp` gets a file of that kind; any other the picture as it was received.
    ///
    /// # Errors
    /// `NotFound`, `FileUnreadable`; the disk's.
    pub async fn save_picture_as(&self, picture: String, strip: bool, file: PathBuf) -> Result<(), Fault> {
        let unsaved = self.engine.pictures_at_work().unsaved();
        let version = self.engine.version().to_owned();
        self.engine
            .database()
            .read(move |shelf| {
                let (row, bytes) = bytes_of(&shelf.disk, &unsaved, &picture)?;
                let bytes = as_named(&row, bytes, &file, &version).map_err(|error| damaged(&error))?;
                let bytes = stripped(bytes, strip)?;
                write_file(&file, |part| part.write_all(&bytes).map_err(|error| unwritten(&file, &error)))?;
                Ok(())
            })
            .await
    }

    /// Writes pictures into one zip file, one after the other. Those that cannot be read are left out and counted.
    ///
    /// # Errors
    /// The disk's; then there is no file.
    pub async fn export_pictures(
        &self,
        pictures: Vec<String>,
        strip: bool,
        file: PathBuf,
    ) -> Result<PictureExport, Fault> {
        let unsaved = self.engine.pictures_at_work().unsaved();
        self.engine
            .database()
            .read(move |shelf| {
                let count = write_file(&file, |part| {
                    let mut archive = zip::ZipWriter::new(BufWriter::new(part));
                    let failed = |error: zip::result::ZipError| unwritten(&file, &error.into());
                    let mut count = 0;
                    for id in &pictures {
                        let found = bytes_of(&shelf.disk, &unsaved, id);
                        let Ok((row, bytes)) = found else { continue };
                        let Ok(bytes) = stripped(bytes, strip) else { continue };
                        let name = row.file_name.unwrap_or_else(|| format!("{id}.png"));
                        // Pictures are compressed already.
                        let options = zip::write::SimpleFileOptions::default()
                            .compression_method(zip::CompressionMethod::Stored);
                        archive.start_file(name, options).map_err(failed)?;
                        archive.write_all(&bytes).map_err(|error| unwritten(&file, &error))?;
                        count += 1;
                    }
                    let mut whole = archive.finish().map_err(failed)?;
                    whole.flush().map_err(|error| unwritten(&file, &error))?;
                    Ok(count)
                })?;
                let left_out = u32::try_from(pictures.len()).unwrap_or(u32::MAX).saturating_sub(count);
                Ok(PictureExport { file: file.display().to_string(), count, left_out })
            })
            .await
    }

    /// The settings inside a picture file that the person dropped: ours, or of a common local tool.
    ///
    /// # Errors
    /// `FileUnreadable`, `FileTooLarge`.
    pub async fn read_picture_settings(&self, file: PathBuf) -> Result<Option<PictureSettings>, Fault> {
        crate::database::Database::blocking(move || {
            let unreadable =
                |error: std::io::Error| Fault::new(FaultCode::FileUnreadable).with_detail(error.to_string());
            let size = std::fs::metadata(&file).map_err(unreadable)?;
            if !size.is_file() {
                return Err(Fault::new(FaultCode::FileUnreadable));
            }
            if size.len() > pictures::Limits::default().memory {
                return Err(Fault::new(FaultCode::FileTooLarge));
            }
            Ok(settings::read(&std::fs::read(&file).map_err(unreadable)?))
        })
        .await
    }

    /// A picture as a file that can go with a message, or be a reference of the next picture.
    ///
    /// # Errors
    /// `NotFound` when its file is gone.
    pub async fn picture_as_attachment(&self, picture: String) -> Result<Attachment, Fault> {
        let unsaved = self.engine.pictures_at_work().unsaved();
        let now = self.engine.now();
        self.engine
            .database()
            .read(move |shelf| {
                let (row, bytes) = bytes_of(&shelf.disk, &unsaved, &picture)?;
                let name = row.file_name.unwrap_or_default();
                let new = NewAttachment {
                    name: &name,
                    media_type: row.media_type.as_deref().unwrap_or("image/png"),
                    pixels: row.width.zip(row.height),
                };
                Ok(shelf.memory.add_attachment(&new, &bytes, now)?)
            })
            .await
    }
}

/// The bytes of a picture: from its file, or from memory while it cannot be saved.
fn bytes_of(disk: &Store, unsaved: &Unsaved, id: &str) -> Result<(Picture, Vec<u8>), Error> {
    match unsaved.get(id) {
        Some(paid) => Ok((paid.as_row(disk.picture(id)?), paid.bytes.clone())),
        None => Ok(disk.picture_bytes(id)?),
    }
}

/// The picture in the kind that the file's name asks for.
fn as_named(row: &Picture, bytes: Vec<u8>, file: &Path, version: &str) -> Result<Vec<u8>, pictures::Error> {
    let ending = file.extension().map(|ending| ending.to_string_lossy().to_ascii_lowercase());
    let wanted = match ending.as_deref() {
        Some("png") => Kind::Png,
        Some("jpg" | "jpeg") => Kind::Jpeg,
        Some("webp") => Kind::WebP,
        _ => return Ok(bytes),
    };
    if sniff(&bytes) == Some(wanted) {
        return Ok(bytes);
    }
    let converted = scale::convert(&bytes, wanted)?;
    let (width, height) = (row.width.unwrap_or_default(), row.height.unwrap_or_default());
    settings::write(&converted, &Record::new(version, width, height, row.request.clone()))
}

fn stripped(bytes: Vec<u8>, strip: bool) -> Result<Vec<u8>, Fault> {
    if strip { settings::strip(&bytes).map_err(|error| damaged(&error)) } else { Ok(bytes) }
}

/// Writes a file that the person named: beside it first, then in its place.
fn write_file<T>(file: &Path, fill: impl FnOnce(&mut File) -> Result<T, Fault>) -> Result<T, Fault> {
    let beside = file.with_extension("edgewise-part");
    let failed = |error: std::io::Error| unwritten(file, &error);
    let written = File::create(&beside).map_err(failed).and_then(|mut part| {
        let value = fill(&mut part)?;
        part.sync_all().map_err(failed)?;
        std::fs::rename(&beside, file).map_err(failed)?;
        Ok(value)
    });
    if written.is_err() {
        // The error that is returned matters more than one about a leftover.
        let _ = std::fs::remove_file(&beside);
    }
    written
}

fn unwritten(file: &Path, error: &std::io::Error) -> Fault {
    use std::io::ErrorKind as Kind;
    let code = match error.kind() {
        Kind::StorageFull | Kind::QuotaExceeded | Kind::FileTooLarge => FaultCode::DiskFull,
        _ => FaultCode::ReadOnly,
    };
    Fault::new(code).with_detail(format!("{}: {error}", file.display()))
}
