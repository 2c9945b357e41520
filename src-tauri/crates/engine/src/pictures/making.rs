//! One picture from its pending row to its file.

use super::{Pictures, damaged};
use crate::Engine;
use crate::accounts::Caller;
use crate::sink::Sink;
use domain::{Fault, FaultCode, ModelId, Picture, PictureEvent, PictureRequest, PictureState, Usage};
use pictures::settings::{self, Record};
use pictures::{Limits, names, scale};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use store::{PictureEnding, PictureFile};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use workers_ai::{ImageRequest, Reference};

/// References are sent with neither side above this; FLUX.2 takes them smaller than 512 by 512.
pub(super) const REFERENCE_SIDE: u32 = 511;

/// Pictures in the making, so that they can be cancelled. A cheap clone: all clones are the same.
#[derive(Clone, Default)]
pub(crate) struct AtWork(Arc<Mutex<HashMap<String, CancellationToken>>>);

impl AtWork {
    fn begin(&self, picture: &str) -> CancellationToken {
        let stop = CancellationToken::new();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(picture.to_owned(), stop.clone());
        stop
    }

    fn done(&self, picture: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(picture);
    }

    /// Stops making a picture; its row says so soon after.
    pub(crate) fn cancel(&self, picture: &str) {
        if let Some(stop) = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(picture) {
            stop.cancel();
        }
    }
}

/// What came of it.
struct Made {
    file: PictureFile,
    usage: Usage,
}

/// Makes the picture in a task of its own. When the app ends meanwhile, the row stays pending and the next start marks it.
pub(super) fn make(engine: &Engine, caller: Caller, row: Picture, events: Arc<dyn Sink<PictureEvent>>) {
    let engine = engine.clone();
    let stop = engine.pictures_at_work().begin(&row.id);
    engine.clone().runs().quietly(CancellationToken::new(), async move {
        let begun = Instant::now();
        let made = tokio::select! {
            biased;
            () = stop.cancelled() => Err(Fault::new(FaultCode::Stopped)),
            made = ask_and_keep(&engine, &caller, &row, &events) => made,
        };
        engine.pictures_at_work().done(&row.id);
        let took_ms = u32::try_from(begun.elapsed().as_millis()).unwrap_or(u32::MAX);
        let (state, file, usage) = match made {
            Ok(Made { file, usage }) => (PictureState::Done, Some(file), Some(usage)),
            Err(fault) if fault.code == FaultCode::Stopped => (PictureState::Stopped, None, None),
            Err(fault) => (PictureState::Failed { fault }, None, None),
        };
        let ending = PictureEnding { state, request: row.request.clone(), file, usage, took_ms };
        end(&engine, &row, ending, &*events).await;
    });
}

async fn end(engine: &Engine, row: &Picture, ending: PictureEnding, events: &dyn Sink<PictureEvent>) {
    let (id, kept) = (row.id.clone(), ending.clone());
    let stored = engine.database().write(move |shelf| Ok(shelf.disk.end_picture(&id, &kept)?)).await;
    let row = stored.unwrap_or_else(|fault| {
        tracing::warn!(code = ?fault.code, "how a picture came out could not be stored");
        Picture { state: PictureState::Failed { fault }, ..row.clone() }
    });
    Pictures { engine: engine.clone() }.tell(events, &row);
}

async fn ask_and_keep(
    engine: &Engine,
    caller: &Caller,
    row: &Picture,
    events: &Arc<dyn Sink<PictureEvent>>,
) -> Result<Made, Fault> {
    let request = prepare(engine, row).await?;
    let (picture, told) = (row.id.clone(), Arc::clone(events));
    let client = caller.client.on_wait(move |wait| {
        let delay_ms = u64::try_from(wait.delay.as_millis()).unwrap_or(u64::MAX);
        told.send(PictureEvent::Waiting { picture: picture.clone(), fault: wait.fault.clone(), delay_ms });
    });
    let answer = client.image(&request).await.map_err(|error| caller.fault(&error))?;
    let model = engine.models().find(&row.model).await;
    // It was made and paid for, whatever becomes of the file.
    let usage = answer.usage.clone();
    engine.usage().book(caller, &model, "image", row.request.conversation.clone(), usage.clone()).await;
    let (row, made_at, version) = (row.clone(), engine.now(), engine.version().to_owned());
    let file = engine
        .database()
        .write(move |shelf| {
            let seen = pictures::check(&answer.bytes, &Limits::default()).map_err(|error| damaged(&error))?;
            let record = Record::new(&version, seen.width, seen.height, row.request.clone());
            let bytes = settings::write(&answer.bytes, &record).unwrap_or(answer.bytes);
            let name = names::file_name(
                &row.request.prompt,
                made_at,
                row.request.seed,
                &row.id,
                seen.kind.extension(),
            );
            shelf.disk.write_picture(&name, &bytes)?;
            match scale::thumbnail(&bytes, super::THUMBNAIL) {
                Ok(small) => {
                    if let Err(error) = shelf.disk.keep_thumbnail(&row.id, &small) {
                        tracing::info!(%error, "a thumbnail was not kept");
                    }
                }
                Err(error) => tracing::info!(%error, "a thumbnail was not made"),
            }
            Ok(PictureFile {
                name,
                media_type: seen.kind.media_type().to_owned(),
                size: bytes.len() as u64,
                width: seen.width,
                height: seen.height,
            })
        })
        .await?;
    Ok(Made { file, usage })
}

/// The request with its reference pictures, fitted to what the model takes.
async fn prepare(engine: &Engine, row: &Picture) -> Result<ImageRequest, Fault> {
    let (model, request) = (row.model.clone(), row.request.clone());
    engine
        .database()
        .read(move |shelf| {
            let side = workers_ai::image_form(&model).reference_side.map_or(2_048, |side| side - 1);
            let mut references = Vec::new();
            for id in &request.references {
                let (_, bytes) = shelf.attachment(id)?;
                let bytes = scale::fit(&bytes, side).map_err(|error| damaged(&error))?;
                let seen = pictures::check(&bytes, &Limits::default()).map_err(|error| damaged(&error))?;
                references.push(Reference { bytes, width: seen.width, height: seen.height });
            }
            let mask = match (&request.mask, references.first()) {
                (Some(id), Some(first)) => {
                    let (_, bytes) = shelf.attachment(id)?;
                    Some(scale::mask(&bytes, first.width, first.height).map_err(|error| damaged(&error))?)
                }
                _ => None,
            };
            Ok(wire_request(&model, &request, request.seed, references, mask))
        })
        .await
}

/// The request as the wire takes it. What the model does not take is left out there.
pub(super) fn wire_request(
    model: &ModelId,
    request: &PictureRequest,
    seed: Option<u64>,
    references: Vec<Reference>,
    mask: Option<Vec<u8>>,
) -> ImageRequest {
    ImageRequest {
        negative_prompt: request.negative_prompt.clone().filter(|text| !text.trim().is_empty()),
        width: request.width,
        height: request.height,
        steps: request.steps,
        guidance: request.guidance,
        seed,
        strength: request.strength,
        references,
        mask,
        ..ImageRequest::new(model.clone(), request.prompt.trim())
    }
}

/// A seed that every model takes: 31 bits, never zero.
pub(super) fn random_seed() -> u32 {
    let bytes = uuid::Uuid::new_v4().into_bytes();
    (u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]) >> 1).max(1)
}
