//! Files that go with a message: pasted, picked or dropped.

use super::Answer;
use crate::{dialogs, drops::Grants};
use domain::{AttachedFiles, Attachment, Fault, FaultCode};
use engine::Engine;
use engine::attachments::Chosen;
use std::path::PathBuf;
use tauri::ipc::{InvokeBody, Request};
use tauri::{AppHandle, State};

/// Takes pasted bytes: the request's raw body; the name stands percent-encoded in the header `x-name`.
#[tauri::command]
pub async fn attach_bytes(engine: State<'_, Engine>, request: Request<'_>) -> Answer<Attachment> {
    let malformed = |what: &str| Fault::new(FaultCode::InvalidInput).with_detail(what);
    let InvokeBody::Raw(bytes) = request.body() else { return Err(malformed("the bytes are missing")) };
    let name = request
        .headers()
        .get("x-name")
        .and_then(|value| value.to_str().ok())
        .map(percent_decode)
        .filter(|name| !name.is_empty())
        .ok_or_else(|| malformed("the name is missing"))?;
    engine.attachments().attach_bytes(name, bytes.clone()).await
}

#[tauri::command]
pub async fn attach_picked(
    app: AppHandle,
    engine: State<'_, Engine>,
    grants: State<'_, Grants>,
) -> Answer<AttachedFiles> {
    Ok(attach(&engine, &grants, dialogs::open_several(&app).await).await)
}

#[tauri::command]
pub async fn attach_grant(
    engine: State<'_, Engine>,
    grants: State<'_, Grants>,
    grant: String,
) -> Answer<AttachedFiles> {
    Ok(attach(&engine, &grants, grants.take(&grant)?).await)
}

/// Takes what goes with a message; documents wait under a grant of their own for the page's word.
async fn attach(engine: &Engine, grants: &Grants, paths: Vec<PathBuf>) -> AttachedFiles {
    let Chosen { mut files, documents } = engine.attachments().attach_files(paths).await;
    files.documents = (!documents.is_empty()).then(|| grants.give(documents));
    files
}

fn percent_decode(text: &str) -> String {
    url::form_urlencoded::parse(format!("v={}", text.replace('+', "%2B")).as_bytes())
        .next()
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::percent_decode;

    #[test]
    fn a_name_comes_through_whole() {
        assert_eq!(percent_decode("%E5%9B%BE%20a%2Bb%26c.png"), "图 a+b&c.png");
    }
}
