//! The gallery: pages, days, stars, the trash, albums.

use super::Pictures;
use super::unsaved::Unsaved;
use crate::error::named;
use domain::{
    Album, AppEvent, Fault, GalleryDay, Picture, PictureEvent, PicturePage, PictureQuery, PictureState,
};

impl Pictures {
    /// A page of the gallery, newest first. A picture whose file is gone says so.
    ///
    /// # Errors
    /// The store's.
    pub async fn pictures(&self, query: PictureQuery) -> Result<PicturePage, Fault> {
        let unsaved = self.engine.pictures_at_work().unsaved();
        self.engine
            .database()
            .read(move |shelf| {
                let mut page = shelf.disk.pictures(&query)?;
                for picture in &mut page.pictures {
                    as_it_is(&shelf.disk, &unsaved, picture);
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
        let unsaved = self.engine.pictures_at_work().unsaved();
        self.engine
            .database()
            .read(move |shelf| {
                let mut picture = shelf.disk.picture(&picture)?;
                as_it_is(&shelf.disk, &unsaved, &mut picture);
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
        let (ids, now) = (pictures.clone(), self.engine.now());
        self.engine.database().write(move |shelf| Ok(shelf.disk.delete_pictures(&ids, now)?)).await?;
        // Only then: one that is being made ends in the trash, and nobody is told of it any more.
        for picture in pictures {
            self.engine.pictures_at_work().cancel(&picture);
            self.engine.news().tell(&AppEvent::Picture { event: PictureEvent::Removed { picture } });
        }
        Ok(())
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

    async fn change(
        &self,
        pictures: Vec<String>,
        work: impl FnOnce(&store::Store, &[String]) -> store::Result<()> + Send + 'static,
    ) -> Result<(), Fault> {
        let (ids, unsaved) = (pictures.clone(), self.engine.pictures_at_work().unsaved());
        let rows = self
            .engine
            .database()
            .write(move |shelf| {
                work(&shelf.disk, &ids)?;
                let mut rows: Vec<_> = ids.iter().filter_map(|id| shelf.disk.picture(id).ok()).collect();
                rows.iter_mut().for_each(|row| as_it_is(&shelf.disk, &unsaved, row));
                Ok(rows)
            })
            .await?;
        for row in rows {
            let event = PictureEvent::Changed { picture: Box::new(row) };
            self.engine.news().tell(&AppEvent::Picture { event });
        }
        Ok(())
    }
}

/// What the row cannot know: that its file is gone or damaged, or that its bytes wait in memory to be saved.
fn as_it_is(disk: &store::Store, unsaved: &Unsaved, picture: &mut Picture) {
    unsaved.overlay(picture);
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
