//! One picture from its pending row to its file.
//!
//! Asking can be cancelled at any moment. From the moment the answer is there nothing interrupts: it was paid for, so that
//! it is booked, checked and saved, or held in memory when it cannot be saved, or its row says what was wrong with it.

use super::form::{self, Forms};
use super::unsaved::{self, Paid, Unsaved};
use super::{Pictures, damaged};
use crate::Engine;
use crate::accounts::Caller;
use crate::error::Error;
use crate::latest_first::LatestFirst;
use crate::sink::Sink;
use crate::usage;
use domain::{
    AppEvent, Fault, FaultCode, LedgerEntry, ModelId, Picture, PictureEvent, PictureRequest, PictureState,
    Usage,
};
use pictures::settings::{self, Record};
use pictures::{Limits, names, scale};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use store::{PictureArrival, PictureEnded, PictureEnding, PictureFile, Store};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use workers_ai::{ImageAnswer, ImageForm, ImageRequest, Reference};

/// The longest side of references for models that set none: vision models are shown no more either.
const REFERENCE_SIDE: u32 = 2_048;

/// Pictures in the making, so that they can be cancelled; those that wait to be saved; what models take. A cheap clone:
/// all clones are the same.
#[derive(Clone, Default)]
pub(crate) struct AtWork {
    stops: Arc<Mutex<HashMap<String, CancellationToken>>>,
    unsaved: Unsaved,
    forms: Forms,
    thumbnails: LatestFirst,
}

impl AtWork {
    fn begin(&self, picture: &str) -> CancellationToken {
        let stop = CancellationToken::new();
        self.stops.lock().unwrap_or_else(PoisonError::into_inner).insert(picture.to_owned(), stop.clone());
        stop
    }

    fn done(&self, picture: &str) {
        self.stops.lock().unwrap_or_else(PoisonError::into_inner).remove(picture);
    }

    /// Stops making a picture, unless its answer is there; its row says so soon after.
    pub(crate) fn cancel(&self, picture: &str) {
        if let Some(stop) = self.stops.lock().unwrap_or_else(PoisonError::into_inner).get(picture) {
            stop.cancel();
        }
    }

    /// The line of those that want a thumbnail made.
    pub(crate) fn thumbnails(&self) -> LatestFirst {
        self.thumbnails.clone()
    }

    /// Pictures that wait to be saved.
    pub(crate) fn unsaved(&self) -> Unsaved {
        self.unsaved.clone()
    }

    /// What models take.
    pub(crate) fn forms(&self) -> Forms {
        self.forms.clone()
    }
}

/// What came back for a picture.
struct Answer {
    /// Its bytes, or why there are none.
    picture: Result<ImageAnswer, Fault>,
    /// What it cost, also when it is no picture.
    usage: Option<Usage>,
    /// What was sent: with the seed, and as the model takes it.
    form: ImageForm,
    request: PictureRequest,
}

/// Makes the picture in a task of its own. When the app ends meanwhile, the row stays pending and the next start marks it.
pub(super) fn make(engine: &Engine, caller: Caller, row: Picture, events: Arc<dyn Sink<PictureEvent>>) {
    let engine = engine.clone();
    let stop = engine.pictures_at_work().begin(&row.id);
    engine.clone().runs().quietly(CancellationToken::new(), async move {
        let begun = Instant::now();
        // An answer that is there wins over a wish to stop.
        let answer = tokio::select! {
            biased;
            answer = ask(&engine, &caller, &row, &events) => answer,
            () = stop.cancelled() => Err(Fault::new(FaultCode::Stopped)),
        };
        engine.pictures_at_work().done(&row.id);
        let took_ms = u32::try_from(begun.elapsed().as_millis()).unwrap_or(u32::MAX);
        match answer {
            Ok(answer) => keep(&engine, &caller, row, answer, took_ms, &events).await,
            Err(fault) => fail(&engine, &row, fault, took_ms, &*events).await,
        }
    });
}

/// Asks the service. An error is one before anything can have been paid for, or one that tells no cost.
async fn ask(
    engine: &Engine,
    caller: &Caller,
    row: &Picture,
    events: &Arc<dyn Sink<PictureEvent>>,
) -> Result<Answer, Fault> {
    let form = form::ask(engine, Some(caller), &row.model).await.form;
    let mut request = row.request.clone();
    if form.seed && request.seed.is_none() {
        request.seed = Some(u64::from(random_seed()));
    }
    let wire = prepare(engine, &row.model, &request, form).await?;
    let (picture, told) = (row.id.clone(), Arc::clone(events));
    let client = caller.client.on_wait(move |wait| {
        let delay_ms = u64::try_from(wait.delay.as_millis()).unwrap_or(u64::MAX);
        told.send(PictureEvent::Waiting { picture: picture.clone(), fault: wait.fault.clone(), delay_ms });
    });
    match client.image_with_cost(&wire).await {
        Ok(answer) => {
            let usage = Some(answer.usage.clone());
            Ok(Answer { picture: Ok(answer), usage, form, request })
        }
        Err((error, None)) => Err(caller.fault(&error)),
        Err((error, usage)) => Ok(Answer { picture: Err(caller.fault(&error)), usage, form, request }),
    }
}

/// Keeps what arrived, come what may.
async fn keep(
    engine: &Engine,
    caller: &Caller,
    row: Picture,
    answer: Answer,
    took_ms: u32,
    events: &Arc<dyn Sink<PictureEvent>>,
) {
    let model = engine.models().find(&row.model).await;
    let usage = answer.usage.clone().unwrap_or_default();
    let entry =
        usage::entry(engine, caller, &model, "image", row.request.conversation.clone(), usage.clone());
    let (about, version) = (row.clone(), engine.version().to_owned());
    let unsaved = engine.pictures_at_work().unsaved();
    // One piece of blocking work, which nothing interrupts: neither a wish to stop nor the end of the app.
    let settled = engine
        .database()
        .write(move |shelf| match paid(&about, answer, took_ms, &version, &entry) {
            Ok(paid) => unsaved.save_or_hold(&shelf.disk, paid),
            Err(fault) => refused(&shelf.disk, &about, fault, entry, took_ms),
        })
        .await;
    match settled {
        Ok(ended) => tell_end(engine, &**events, &ended.picture, ended.in_trash),
        Err(fault) => {
            tracing::warn!(code = ?fault.code, "a picture could not be saved");
            let mut row = Picture { state: PictureState::Failed { fault }, usage: Some(usage), ..row };
            engine.pictures_at_work().unsaved().overlay(&mut row);
            tell_end(engine, &**events, &row, false);
            unsaved::try_again(engine, row.id);
        }
    }
    engine.usage().tell_today().await;
}

/// The picture that was paid for, or why it is none.
fn paid(
    row: &Picture,
    answer: Answer,
    took_ms: u32,
    version: &str,
    entry: &LedgerEntry,
) -> Result<Paid, Fault> {
    let (request, left_out) = form::used(&answer.request, &answer.form);
    let received = answer.picture?;
    let (bytes, thumbnail, file) = checked(row, request.clone(), &received.bytes, version)?;
    let ending = PictureEnding {
        state: PictureState::Done,
        request,
        left_out,
        file: Some(file),
        usage: Some(entry.usage.clone()),
        took_ms,
    };
    Ok(Paid::new(row.id.clone(), bytes, thumbnail, ending, entry.clone()))
}

/// What came is no picture that can be kept; it was made and paid for all the same.
fn refused(
    disk: &Store,
    row: &Picture,
    fault: Fault,
    entry: LedgerEntry,
    took_ms: u32,
) -> Result<PictureEnded, Error> {
    let usage = entry.usage.clone();
    disk.note_arrival(&row.id, &PictureArrival { file: None, ledger: Some(entry), usage: usage.clone() })?;
    let ending = PictureEnding {
        state: PictureState::Failed { fault },
        request: row.request.clone(),
        left_out: Vec::new(),
        file: None,
        usage: Some(usage),
        took_ms,
    };
    Ok(disk.end_picture(&row.id, &ending)?)
}

type Checked = (Vec<u8>, Vec<u8>, PictureFile);

/// The picture with its settings inside, its thumbnail, and the file that it will be.
fn checked(row: &Picture, request: PictureRequest, received: &[u8], version: &str) -> Result<Checked, Fault> {
    let whole = pictures::whole(received).map_err(|error| damaged(&error))?;
    let (seen, thumbnail) = scale::check_with_thumbnail(whole, &Limits::default(), super::THUMBNAIL)
        .map_err(|error| damaged(&error))?;
    let seed = request.seed;
    let record = Record::new(version, seen.width, seen.height, request);
    let bytes = settings::write(whole, &record).unwrap_or_else(|error| {
        tracing::info!(%error, "a picture is kept without its settings inside");
        whole.to_vec()
    });
    let name = names::file_name(&row.request.prompt, row.created_at, seed, &row.id, seen.kind.extension());
    let file = PictureFile {
        name,
        media_type: seen.kind.media_type().to_owned(),
        size: bytes.len() as u64,
        width: seen.width,
        height: seen.height,
    };
    Ok((bytes, thumbnail, file))
}

/// Notes that there is no picture, and why. What was asked for stays as it was typed, for another try.
async fn fail(engine: &Engine, row: &Picture, fault: Fault, took_ms: u32, events: &dyn Sink<PictureEvent>) {
    let state = match fault.code {
        FaultCode::Stopped => PictureState::Stopped,
        _ => PictureState::Failed { fault },
    };
    let ending = PictureEnding {
        state: state.clone(),
        request: row.request.clone(),
        left_out: Vec::new(),
        file: None,
        usage: None,
        took_ms,
    };
    let id = row.id.clone();
    let stored = engine.database().write(move |shelf| Ok(shelf.disk.end_picture(&id, &ending)?)).await;
    match stored {
        Ok(ended) => tell_end(engine, events, &ended.picture, ended.in_trash),
        Err(fault) => {
            tracing::warn!(code = ?fault.code, "how a picture came out could not be stored");
            tell_end(engine, events, &Picture { state, ..row.clone() }, false);
        }
    }
}

/// Tells how a picture came out: to nobody but the one who asked when it was deleted meanwhile.
pub(super) fn tell_end(engine: &Engine, events: &dyn Sink<PictureEvent>, row: &Picture, in_trash: bool) {
    if in_trash {
        events.send(PictureEvent::Removed { picture: row.id.clone() });
    } else {
        Pictures { engine: engine.clone() }.tell(events, row);
    }
}

/// Tells the whole window that a row changed.
pub(super) fn announce(engine: &Engine, row: Picture) {
    engine.news().tell(&AppEvent::Picture { event: PictureEvent::Changed { picture: Box::new(row) } });
}

/// The request with its reference pictures, fitted to what the model takes.
async fn prepare(
    engine: &Engine,
    model: &ModelId,
    request: &PictureRequest,
    form: ImageForm,
) -> Result<ImageRequest, Fault> {
    let (model, request) = (model.clone(), request.clone());
    engine
        .database()
        .read(move |shelf| {
            let side = most_side(form.reference_side);
            let mut references = Vec::new();
            for id in &request.references {
                let (_, bytes) = shelf.attachment(id)?;
                let fitted = scale::fit(&bytes, side).map_err(|error| damaged(&error))?;
                references.push(Reference {
                    bytes: fitted.bytes,
                    width: fitted.width,
                    height: fitted.height,
                });
            }
            let mask = match (&request.mask, references.first()) {
                (Some(id), Some(first)) => {
                    let (_, bytes) = shelf.attachment(id)?;
                    Some(scale::mask(&bytes, first.width, first.height).map_err(|error| damaged(&error))?)
                }
                _ => None,
            };
            Ok(wire_request(&model, &request, form, references, mask))
        })
        .await
}

/// The longest side of a reference picture; a model that sets a limit takes them smaller than it.
pub(super) fn most_side(limit: Option<u32>) -> u32 {
    limit.map_or(REFERENCE_SIDE, |limit| limit - 1)
}

/// The request as the wire takes it. What the model does not take is left out there.
pub(super) fn wire_request(
    model: &ModelId,
    request: &PictureRequest,
    form: ImageForm,
    references: Vec<Reference>,
    mask: Option<Vec<u8>>,
) -> ImageRequest {
    ImageRequest {
        negative_prompt: request.negative_prompt.clone().filter(|text| !text.trim().is_empty()),
        width: request.width,
        height: request.height,
        steps: request.steps,
        guidance: request.guidance,
        seed: request.seed,
        strength: request.strength.filter(|_| !references.is_empty()),
        references,
        mask,
        form: Some(form),
        ..ImageRequest::new(model.clone(), request.prompt.trim())
    }
}

/// A seed that every model takes: 31 bits, never zero.
fn random_seed() -> u32 {
    let bytes = uuid::Uuid::new_v4().into_bytes();
    (u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]) >> 1).max(1)
}
