//! Pictures: made, listed, found again, taken elsewhere.

use super::Answer;
use crate::{dialogs, drops::Grants, sink::Page};
use domain::{
    Album, Attachment, Fault, FaultCode, GalleryDay, ModelId, Picture, PictureEvent, PictureExport,
    PictureForm, PicturePage, PictureQuery, PictureQuote, PictureRequest, PictureSettings,
};
use engine::Engine;
use tauri::ipc::Channel;
use tauri::{AppHandle, State};
use tauri_plugin_clipboard_manager::ClipboardExt;
use tauri_plugin_opener::OpenerExt;

#[tauri::command]
pub async fn picture_form(engine: State<'_, Engine>, model: ModelId) -> Answer<PictureForm> {
    engine.pictures().picture_form(model).await
}

#[tauri::command]
pub async fn quote_picture(engine: State<'_, Engine>, request: PictureRequest) -> Answer<PictureQuote> {
    engine.pictures().quote_picture(request).await
}

/// The quote of a message that asks for a picture; none for any other.
#[tauri::command]
pub async fn quote_message(engine: State<'_, Engine>, text: String) -> Answer<Option<PictureQuote>> {
    engine.pictures().quote_message(text).await
}

#[tauri::command]
pub async fn make_pictures(
    engine: State<'_, Engine>,
    request: PictureRequest,
    events: Channel<PictureEvent>,
) -> Answer<Vec<Picture>> {
    engine.pictures().make_pictures(request, Page(events)).await
}

#[tauri::command]
pub async fn cancel_picture(engine: State<'_, Engine>, picture: String) -> Answer<()> {
    engine.pictures().cancel_picture(&picture).await
}

/// Tries again to save a picture that was paid for and is in memory only.
#[tauri::command]
pub async fn save_picture_again(engine: State<'_, Engine>, picture: String) -> Answer<Picture> {
    engine.pictures().save_picture_again(picture).await
}

#[tauri::command]
pub async fn pictures(engine: State<'_, Engine>, query: PictureQuery) -> Answer<PicturePage> {
    engine.pictures().pictures(query).await
}

#[tauri::command]
pub async fn gallery_days(engine: State<'_, Engine>, query: PictureQuery) -> Answer<Vec<GalleryDay>> {
    engine.pictures().gallery_days(query).await
}

#[tauri::command]
pub async fn picture(engine: State<'_, Engine>, picture: String) -> Answer<Picture> {
    engine.pictures().picture(picture).await
}

#[tauri::command]
pub async fn star_pictures(engine: State<'_, Engine>, pictures: Vec<String>, starred: bool) -> Answer<()> {
    engine.pictures().star_pictures(pictures, starred).await
}

#[tauri::command]
pub async fn delete_pictures(engine: State<'_, Engine>, pictures: Vec<String>) -> Answer<()> {
    engine.pictures().delete_pictures(pictures).await
}

#[tauri::command]
pub async fn undelete_pictures(engine: State<'_, Engine>, pictures: Vec<String>) -> Answer<()> {
    engine.pictures().undelete_pictures(pictures).await
}

#[tauri::command]
pub async fn albums(engine: State<'_, Engine>) -> Answer<Vec<Album>> {
    engine.pictures().albums().await
}

#[tauri::command]
pub async fn create_album(engine: State<'_, Engine>, name: String) -> Answer<Album> {
    engine.pictures().create_album(name).await
}

#[tauri::command]
pub async fn rename_album(engine: State<'_, Engine>, album: String, name: String) -> Answer<Album> {
    engine.pictures().rename_album(album, name).await
}

#[tauri::command]
pub async fn delete_album(engine: State<'_, Engine>, album: String, with_pictures: bool) -> Answer<()> {
    engine.pictures().delete_album(album, with_pictures).await
}

#[tauri::command]
pub async fn add_to_album(engine: State<'_, Engine>, pictures: Vec<String>, album: String) -> Answer<()> {
    engine.pictures().add_to_album(pictures, album).await
}

#[tauri::command]
pub async fn remove_from_album(
    engine: State<'_, Engine>,
    pictures: Vec<String>,
    album: String,
) -> Answer<()> {
    engine.pictures().remove_from_album(pictures, album).await
}

/// Writes a copy to a file that the person chooses; `None` when the choice was cancelled.
#[tauri::command]
pub async fn save_picture_as(
    app: AppHandle,
    engine: State<'_, Engine>,
    picture: String,
    strip: bool,
) -> Answer<Option<String>> {
    let path = engine.pictures().picture_path(picture.clone()).await?;
    let part = |part: Option<&std::ffi::OsStr>| part.unwrap_or_default().to_string_lossy().into_owned();
    let (name, extension) = (part(path.file_stem()), part(path.extension()));
    let Some(file) = dialogs::save(&app, &name, &extension).await else { return Ok(None) };
    engine.pictures().save_picture_as(picture, strip, file.clone()).await?;
    Ok(Some(file.display().to_string()))
}

/// Writes pictures into a zip file that the person chooses; `None` when the choice was cancelled.
#[tauri::command]
pub async fn export_pictures(
    app: AppHandle,
    engine: State<'_, Engine>,
    pictures: Vec<String>,
    strip: bool,
) -> Answer<Option<PictureExport>> {
    let Some(file) = dialogs::save(&app, "edgewise-pictures", "zip").await else { return Ok(None) };
    Ok(Some(engine.pictures().export_pictures(pictures, strip, file).await?))
}

/// Where all pictures lie.
#[tauri::command]
pub async fn pictures_folder(engine: State<'_, Engine>) -> Answer<String> {
    Ok(engine.pictures().pictures_folder().await?.display().to_string())
}

/// Opens the folder of all pictures in the system's file manager.
#[tauri::command]
pub async fn reveal_pictures_folder(app: AppHandle, engine: State<'_, Engine>) -> Answer<()> {
    let folder = engine.pictures().pictures_folder().await?;
    app.opener()
        .open_path(folder.display().to_string(), None::<&str>)
        .map_err(|error| Fault::new(FaultCode::Internal).with_detail(error.to_string()))
}

/// Shows a picture's file in the system's file manager.
#[tauri::command]
pub async fn reveal_picture(app: AppHandle, engine: State<'_, Engine>, picture: String) -> Answer<()> {
    let path = engine.pictures().picture_path(picture).await?;
    app.opener()
        .reveal_item_in_dir(path)
        .map_err(|error| Fault::new(FaultCode::Internal).with_detail(error.to_string()))
}

/// Puts a picture on the system's clipboard.
#[tauri::command]
pub async fn copy_picture(app: AppHandle, engine: State<'_, Engine>, picture: String) -> Answer<()> {
    let pixels = engine.pictures().picture_pixels(picture).await?;
    let image = tauri::image::Image::new_owned(pixels.rgba, pixels.width, pixels.height);
    app.clipboard()
        .write_image(&image)
        .map_err(|error| Fault::new(FaultCode::Internal).with_detail(error.to_string()))
}

/// The settings inside the first file of a drop.
#[tauri::command]
pub async fn read_picture_settings(
    engine: State<'_, Engine>,
    grants: State<'_, Grants>,
    grant: String,
) -> Answer<Option<PictureSettings>> {
    match grants.take(&grant)?.into_iter().next() {
        Some(file) => engine.pictures().read_picture_settings(file).await,
        None => Ok(None),
    }
}

#[tauri::command]
pub async fn picture_as_attachment(engine: State<'_, Engine>, picture: String) -> Answer<Attachment> {
    engine.pictures().picture_as_attachment(picture).await
}
