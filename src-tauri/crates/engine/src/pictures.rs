//! Pictures: made in the background, kept in readable files with their settings inside, found again in the gallery.
//!
//! The row is on disk before the request leaves; what arrives is checked under limits before it is kept; a process that
//! is killed leaves a pending row, which the next start marks as cut. A picture is never asked for twice by itself
//! where that could be billed twice (the wire sees to it).

mod form;
mod making;
mod words;

pub(crate) use making::AtWork;
pub use words::PictureWords;

use crate::Engine;
use crate::error::{invalid, not_found};
use crate::sink::Sink;
use domain::{
    Album, AppEvent, Attachment, DAILY_ALLOWANCE, Fault, FaultCode, GalleryDay, ModelId, Picture,
    PictureEvent, PictureForm, PicturePage, PictureQuery, PictureQuote, PictureRequest, PictureSettings,
    PictureState, RunId,
};
use pictures::settings;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use store::NewAttachment;

/// The model for pictures when the person set none: the cheapest with a published price.
const DEFAULT_MODEL: &str = "@cf/black-forest-labs/flux-1-schnell";
/// The most pictures of one request.
const MOST: u32 = 4;
/// The longer side of a thumbnail in pixels: twice a tile, for dense screens.
const THUMBNAIL: u32 = 512;

/// The use cases about pictures. Made by [`Engine::pictures`].
#[derive(Clone)]
pub struct Pictures {
    pub(crate) engine: Engine,
}

impl Pictures {
    /// What a model takes: from its live schema where the service tells it, else from the bundled table.
    ///
    /// # Errors
    /// None of the service's: the table stands in.
    pub async fn picture_form(&self, model: ModelId) -> Result<PictureForm, Fault> {
        let table = workers_ai::image_form(&model);
        let schema = match self.engine.accounts().caller().await {
            Ok(caller) => caller.client.schema(&model).await.ok(),
            Err(_) => None,
        };
        Ok(form::form(&model, &table, schema.as_ref().map(|schema| &schema.input)))
    }

    /// What a request would cost, by the published prices.
    ///
    /// # Errors
    /// The store's.
    pub async fn quote_picture(&self, request: PictureRequest) -> Result<PictureQuote, Fault> {
        let model = self.engine.models().find(&self.model_of(&request)).await;
        let count = f64::from(request.count.clamp(1, MOST));
        let sizes = self.reference_sizes(&request).await?;
        let work = making::wire_request(&model.id, &request, request.seed, sizes, None).work();
        let neurons = workers_ai::estimate_picture(&model, &work).map(|one| one * count);
        let today = self.engine.usage().usage_today().await?;
        let cap = self.engine.in_force().now().soft_cap.filter(|_| !today.simulated);
        Ok(PictureQuote {
            neurons,
            share_of_day: neurons.map(|neurons| neurons / DAILY_ALLOWANCE),
            ask: cap.zip(neurons).is_some_and(|(cap, neurons)| today.neurons + neurons > cap),
        })
    }

    /// Begins pictures and returns their pending rows, which are on disk. `events` hears how each comes out.
    ///
    /// # Errors
    /// `InvalidInput` for an empty prompt, `CapReached`, `NoAccount`, the store's.
    pub async fn make_pictures(
        &self,
        request: PictureRequest,
        events: impl Sink<PictureEvent>,
    ) -> Result<Vec<Picture>, Fault> {
        self.begin(request, Arc::new(events)).await
    }

    pub(crate) async fn begin(
        &self,
        request: PictureRequest,
        events: Arc<dyn Sink<PictureEvent>>,
    ) -> Result<Vec<Picture>, Fault> {
        if request.prompt.trim().is_empty() {
            return Err(invalid("the prompt is empty"));
        }
        let caller = self.engine.accounts().caller().await?;
        self.engine.usage().keep_within_cap(&caller).await?;
        let model = self.model_of(&request);
        let takes_seed = workers_ai::image_form(&model).seed;
        let run: RunId = self.engine.new_id();
        let rows: Vec<Picture> = (0..request.count.clamp(1, MOST))
            .map(|n| {
                let seed = takes_seed.then(|| match request.seed {
                    Some(seed) => seed + u64::from(n),
                    None => u64::from(making::random_seed()),
                });
                Picture {
                    id: self.engine.new_id(),
                    run: run.clone(),
                    request: PictureRequest { model: Some(model.clone()), seed, count: 1, ..request.clone() },
                    model: model.clone(),
                    state: PictureState::Pending,
                    width: None,
                    height: None,
                    media_type: None,
                    file_name: None,
                    size: None,
                    usage: None,
                    starred: false,
                    albums: Vec::new(),
                    created_at: self.engine.now(),
                    took_ms: None,
                }
            })
            .collect();
        let entered = rows.clone();
        self.engine.database().write(move |shelf| Ok(shelf.disk.add_pictures(&entered)?)).await?;
        for row in &rows {
            self.tell(&*events, row);
            making::make(&self.engine, caller.clone(), row.clone(), Arc::clone(&events));
        }
        Ok(rows)
    }

    /// Stops making a picture. One that is over already is no error.
    ///
    /// # Errors
    /// None.
    pub async fn cancel_picture(&self, picture: &str) -> Result<(), Fault> {
        self.engine.pictures_at_work().cancel(picture);
        Ok(())
    }

    /// A page of the gallery, newest first. A picture whose file is gone says so.
    ///
    /// # Errors
    /// The store's.
    pub async fn pictures(&self, query: PictureQuery) -> Result<PicturePage, Fault> {
        self.engine
            .database()
            .read(move |shelf| {
                let mut page = shelf.disk.pictures(&query)?;
                for picture in &mut page.pictures {
                    mark_missing(&shelf.disk, picture);
                }
                Ok(page)
            })
            .await
    }

    /// One picture.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn picture(&self, picture: String) -> Result<Picture, Fault> {
        self.engine
            .database()
            .read(move |shelf| {
                let mut picture = shelf.disk.picture(&picture)?;
                mark_missing(&shelf.disk, &mut picture);
                Ok(picture)
            })
            .await
    }

    /// The days of the date scrubber.
    ///
    /// # Errors
    /// The store's.
    pub async fn gallery_days(&self, query: PictureQuery) -> Result<Vec<GalleryDay>, Fault> {
        self.engine.database().read(move |shelf| Ok(shelf.disk.gallery_days(&query)?)).await
    }

    /// Marks pictures with a star, or takes it away.
    ///
    /// # Errors
    /// The store's.
    pub async fn star_pictures(&self, pictures: Vec<String>, starred: bool) -> Result<(), Fault> {
        self.change(pictures, move |disk, ids| disk.star_pictures(ids, starred)).await
    }

    /// Puts pictures into the trash; they can be taken back for thirty days.
    ///
    /// # Errors
    /// The store's.
    pub async fn delete_pictures(&self, pictures: Vec<String>) -> Result<(), Fault> {
        let now = self.engine.now();
        for id in &pictures {
            self.engine.pictures_at_work().cancel(id);
            self.engine
                .news()
                .tell(&AppEvent::Picture { event: PictureEvent::Removed { picture: id.clone() } });
        }
        self.engine.database().write(move |shelf| Ok(shelf.disk.delete_pictures(&pictures, now)?)).await
    }

    /// Takes pictures back out of the trash.
    ///
    /// # Errors
    /// The store's.
    pub async fn undelete_pictures(&self, pictures: Vec<String>) -> Result<(), Fault> {
        self.change(pictures, |disk, ids| disk.undelete_pictures(ids)).await
    }

    /// All albums.
    ///
    /// # Errors
    /// The store's.
    pub async fn albums(&self) -> Result<Vec<Album>, Fault> {
        self.engine.database().read(|shelf| Ok(shelf.disk.albums()?)).await
    }

    /// Makes an album.
    ///
    /// # Errors
    /// `InvalidInput` for an empty name; the store's.
    pub async fn create_album(&self, name: String) -> Result<Album, Fault> {
        let (name, id, now) = (named(&name)?, self.engine.new_id::<String>(), self.engine.now());
        self.engine.database().write(move |shelf| Ok(shelf.disk.create_album(&id, &name, now)?)).await
    }

    /// Gives an album another name.
    ///
    /// # Errors
    /// `InvalidInput`, `NotFound`; the store's.
    pub async fn rename_album(&self, album: String, name: String) -> Result<Album, Fault> {
        let name = named(&name)?;
        self.engine.database().write(move |shelf| Ok(shelf.disk.rename_album(&album, &name)?)).await
    }

    /// Removes an album, alone or with its pictures.
    ///
    /// # Errors
    /// The store's.
    pub async fn delete_album(&self, album: String, with_pictures: bool) -> Result<(), Fault> {
        let now = self.engine.now();
        self.engine
            .database()
            .write(move |shelf| Ok(shelf.disk.delete_album(&album, with_pictures, now)?))
            .await
    }

    /// Puts pictures into an album.
    ///
    /// # Errors
    /// The store's.
    pub async fn add_to_album(&self, pictures: Vec<String>, album: String) -> Result<(), Fault> {
        self.change(pictures, move |disk, ids| disk.add_to_album(ids, &album)).await
    }

    /// Takes pictures out of an album.
    ///
    /// # Errors
    /// The store's.
    pub async fn remove_from_album(&self, pictures: Vec<String>, album: String) -> Result<(), Fault> {
        self.change(pictures, move |disk, ids| disk.remove_from_album(ids, &album)).await
    }

    /// A picture's bytes and media type, as received.
    ///
    /// # Errors
    /// `NotFound` when its file is gone.
    pub async fn picture_bytes(&self, picture: String) -> Result<(String, Vec<u8>), Fault> {
        self.engine
            .database()
            .read(move |shelf| {
                let (row, bytes) = shelf.disk.picture_bytes(&picture)?;
                Ok((row.media_type.unwrap_or_default(), bytes))
            })
            .await
    }

    /// A picture decoded, for the system's clipboard.
    ///
    /// # Errors
    /// `NotFound` when its file is gone, `FileUnreadable` when it is damaged.
    pub async fn picture_pixels(&self, picture: String) -> Result<pictures::scale::Pixels, Fault> {
        self.engine
            .database()
            .read(move |shelf| {
                let (_, bytes) = shelf.disk.picture_bytes(&picture)?;
                Ok(pictures::scale::pixels(&bytes).map_err(|error| damaged(&error))?)
            })
            .await
    }

    /// A picture's thumbnail (JPEG), made now when it is not there.
    ///
    /// # Errors
    /// `NotFound` when its file is gone, `FileUnreadable` when it is damaged.
    pub async fn thumbnail_bytes(&self, picture: String) -> Result<Vec<u8>, Fault> {
        self.engine
            .database()
            .read(move |shelf| {
                if let Some(kept) = shelf.disk.thumbnail(&picture) {
                    return Ok(kept);
                }
                let (_, bytes) = shelf.disk.picture_bytes(&picture)?;
                let small = pictures::scale::thumbnail(&bytes, THUMBNAIL).map_err(|error| damaged(&error))?;
                if let Err(error) = shelf.disk.keep_thumbnail(&picture, &small) {
                    tracing::info!(%error, "a thumbnail was not kept");
                }
                Ok(small)
            })
            .await
    }

    /// Where a picture's file lies, for the system's file manager.
    ///
    /// # Errors
    /// `NotFound` when it has none.
    pub async fn picture_path(&self, picture: String) -> Result<PathBuf, Fault> {
        self.engine
            .database()
            .read(move |shelf| {
                let row = shelf.disk.picture(&picture)?;
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

    /// Writes a copy of a picture to a file, with its settings or without anything but its pixels.
    ///
    /// # Errors
    /// `NotFound`, `FileUnreadable`; the disk's.
    pub async fn save_picture_as(&self, picture: String, strip: bool, file: PathBuf) -> Result<(), Fault> {
        self.engine
            .database()
            .read(move |shelf| {
                let (_, bytes) = shelf.disk.picture_bytes(&picture)?;
                write_file(&file, &stripped(bytes, strip)?)?;
                Ok(())
            })
            .await
    }

    /// Writes pictures into one zip file; how many there were.
    ///
    /// # Errors
    /// The disk's. Pictures whose file is gone are left out.
    pub async fn export_pictures(
        &self,
        pictures: Vec<String>,
        strip: bool,
        file: PathBuf,
    ) -> Result<u32, Fault> {
        self.engine
            .database()
            .read(move |shelf| {
                let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
                // Pictures are compressed already.
                let options = zip::write::SimpleFileOptions::default()
                    .compression_method(zip::CompressionMethod::Stored);
                let mut count = 0;
                for id in &pictures {
                    let Ok((row, bytes)) = shelf.disk.picture_bytes(id) else { continue };
                    let name = row.file_name.unwrap_or_else(|| format!("{id}.png"));
                    archive.start_file(name, options).map_err(|error| unwritable(&error))?;
                    archive.write_all(&stripped(bytes, strip)?).map_err(|error| unwritable(&error))?;
                    count += 1;
                }
                let whole = archive.finish().map_err(|error| unwritable(&error))?.into_inner();
                write_file(&file, &whole)?;
                Ok(count)
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
        let now = self.engine.now();
        self.engine
            .database()
            .read(move |shelf| {
                let (row, bytes) = shelf.disk.picture_bytes(&picture)?;
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

    /// Marks pictures whose process ended before they came. Once a start.
    pub(crate) async fn recover(&self) {
        let recovered = self.engine.database().read(|shelf| Ok(shelf.disk.recover_pictures()?)).await;
        if let Err(fault) = recovered {
            tracing::warn!(code = ?fault.code, "cut pictures could not be marked");
        }
    }

    /// Tells the one who asked and the whole window that a row changed.
    fn tell(&self, events: &dyn Sink<PictureEvent>, row: &Picture) {
        let event = PictureEvent::Changed { picture: Box::new(row.clone()) };
        events.send(event.clone());
        self.engine.news().tell(&AppEvent::Picture { event });
    }

    fn model_of(&self, request: &PictureRequest) -> ModelId {
        let chosen = request.model.clone().or_else(|| self.engine.in_force().now().image_model);
        chosen.unwrap_or_else(|| DEFAULT_MODEL.into())
    }

    async fn reference_sizes(&self, request: &PictureRequest) -> Result<Vec<workers_ai::Reference>, Fault> {
        let ids = request.references.clone();
        self.engine
            .database()
            .read(move |shelf| {
                ids.iter()
                    .map(|id| {
                        let (known, _) = shelf.attachment(id)?;
                        let side = |side: Option<u32>| side.unwrap_or(512).min(making::REFERENCE_SIDE);
                        let (width, height) = (side(known.width), side(known.height));
                        Ok(workers_ai::Reference { bytes: Vec::new(), width, height })
                    })
                    .collect()
            })
            .await
    }

    async fn change(
        &self,
        pictures: Vec<String>,
        work: impl FnOnce(&store::Store, &[String]) -> store::Result<()> + Send + 'static,
    ) -> Result<(), Fault> {
        let ids = pictures.clone();
        let rows = self
            .engine
            .database()
            .write(move |shelf| {
                work(&shelf.disk, &ids)?;
                Ok(ids.iter().filter_map(|id| shelf.disk.picture(id).ok()).collect::<Vec<_>>())
            })
            .await?;
        for row in rows {
            let event = PictureEvent::Changed { picture: Box::new(row) };
            self.engine.news().tell(&AppEvent::Picture { event });
        }
        Ok(())
    }
}

/// A picture that should be there and is not.
fn mark_missing(disk: &store::Store, picture: &mut Picture) {
    if picture.state != PictureState::Done {
        return;
    }
    let path = picture.file_name.as_deref().and_then(|name| disk.picture_path(name).ok());
    match path.and_then(|path| std::fs::metadata(path).ok()) {
        None => picture.state = PictureState::Missing,
        Some(found) if Some(found.len()) != picture.size => picture.state = PictureState::Damaged,
        Some(_) => {}
    }
}

fn named(name: &str) -> Result<String, Fault> {
    let name = name.trim();
    if name.is_empty() { Err(invalid("the name is empty")) } else { Ok(name.chars().take(200).collect()) }
}

fn stripped(bytes: Vec<u8>, strip: bool) -> Result<Vec<u8>, Fault> {
    if strip { settings::strip(&bytes).map_err(|error| damaged(&error)) } else { Ok(bytes) }
}

pub(crate) fn damaged(error: &pictures::Error) -> Fault {
    let code = match error {
        pictures::Error::TooLarge { .. } => FaultCode::FileTooLarge,
        pictures::Error::NotAPicture | pictures::Error::Damaged { .. } => FaultCode::FileUnreadable,
    };
    Fault::new(code).with_detail(error.to_string())
}

fn unwritable(error: &dyn std::error::Error) -> Fault {
    Fault::new(FaultCode::DiskFull).with_detail(error.to_string())
}

/// Writes a file that the person named: beside it first, then in its place.
fn write_file(file: &Path, bytes: &[u8]) -> Result<(), Fault> {
    let beside = file.with_extension("edgewise-part");
    let written = std::fs::File::create(&beside)
        .and_then(|mut part| part.write_all(bytes).and_then(|()| part.sync_all()))
        .and_then(|()| std::fs::rename(&beside, file));
    written.map_err(|error| {
        // The error that is returned matters more than one about a leftover.
        let _ = std::fs::remove_file(&beside);
        let code = match error.kind() {
            std::io::ErrorKind::StorageFull => FaultCode::DiskFull,
            _ => FaultCode::ReadOnly,
        };
        Fault::new(code).with_detail(format!("{}: {error}", file.display()))
    })
}
