//! `media://`: pictures for the page, by name of what they belong to, never by path.
//!
//! `media://attachment/ID` is a stored file that goes with a message, `media://picture/ID` a picture of the gallery and
//! `media://thumbnail/ID` its small copy. Only pictures are served, under the type that
//! their content shows, so that nothing here can ever be a page.

use engine::Engine;
use tauri::http::{Request, Response, StatusCode, header};
use tauri::{Manager, UriSchemeContext, UriSchemeResponder};

/// The scheme's name.
pub const SCHEME: &str = "media";

/// Answers one request, off the main thread.
pub fn serve(
    context: UriSchemeContext<'_, tauri::Wry>,
    request: Request<Vec<u8>>,
    responder: UriSchemeResponder,
) {
    let engine = context.app_handle().state::<Engine>().inner().clone();
    tauri::async_runtime::spawn(async move {
        responder.respond(answer(&engine, request.uri()).await);
    });
}

async fn answer(engine: &Engine, uri: &tauri::http::Uri) -> Response<Vec<u8>> {
    // On Windows the address is http://media.localhost/attachment/ID, elsewhere media://attachment/ID.
    let host = uri.host().unwrap_or_default();
    let whole =
        if host.ends_with("localhost") { uri.path().to_owned() } else { format!("/{host}{}", uri.path()) };
    let found = match whole.trim_start_matches('/').split_once('/') {
        Some(("attachment", id)) => engine.attachments().bytes(id.into()).await.ok(),
        Some(("picture", id)) => engine.pictures().picture_bytes(id.to_owned()).await.ok(),
        Some(("thumbnail", id)) => {
            let bytes = engine.pictures().thumbnail_bytes(id.to_owned()).await.ok();
            bytes.map(|bytes| ("image/jpeg".to_owned(), bytes))
        }
        _ => None,
    };
    match found {
        Some((media_type, bytes)) if media_type.starts_with("image/") && media_type != "image/svg+xml" => {
            respond(StatusCode::OK, &media_type, bytes)
        }
        _ => respond(StatusCode::NOT_FOUND, "text/plain", Vec::new()),
    }
}

fn respond(status: StatusCode, media_type: &str, body: Vec<u8>) -> Response<Vec<u8>> {
    Response::builder()
        .status(status)
        .header(header::CONTENT_TYPE, media_type)
        .header(header::X_CONTENT_TYPE_OPTIONS, "nosniff")
        // Stored files never change under their name.
        .header(header::CACHE_CONTROL, "private, max-age=31536000, immutable")
        .body(body)
        .unwrap_or_default()
}
