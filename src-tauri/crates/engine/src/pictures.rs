//! Pictures: made in the background, kept in readable files with their settings inside, found again in the gallery.
//!
//! The row and the files it is made from are on disk before the request leaves; what arrives is checked under limits
//! before it is kept; a process that is killed leaves a pending row, which the next start takes up when its file is there
//! and marks as cut when it is not. A picture is never asked for twice by itself where that could be billed twice (the
//! wire sees to it), and one that was paid for and cannot be saved is held in memory until it can.
//!
//! Contents: asking here · [`making`] one picture from its row to its file · [`unsaved`] pictures that wait for space ·
//! [`gallery`] finding, marking, albums · [`leaving`] bytes out of the gallery · [`form`] what a model takes · [`words`]
//! pictures asked for in a conversation.

mod form;
mod gallery;
mod leaving;
mod making;
mod unsaved;
mod words;

pub(crate) use making::AtWork;
pub use words::PictureWords;

use crate::Engine;
use crate::error::invalid;
use crate::sink::Sink;
use domain::{
    AppEvent, DAILY_ALLOWANCE, Fault, FaultCode, ModelId, Picture, PictureEvent, PictureForm, PictureQuote,
    PictureRequest, PictureState, RunId,
};
use std::sync::Arc;

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
        let model = self.known_as(model).await;
        let caller = self.engine.accounts().caller().await.ok();
        let known = form::ask(&self.engine, caller.as_ref(), &model).await;
        Ok(form::form(&model, &known))
    }

    /// What a request would cost, by the published prices.
    ///
    /// # Errors
    /// The store's.
    pub async fn quote_picture(&self, request: PictureRequest) -> Result<PictureQuote, Fault> {
        let model = self.engine.models().find(&self.model_of(&request).await).await;
        let count = f64::from(request.count.clamp(1, MOST));
        let form = self.engine.pictures_at_work().forms().known(&model.id).form;
        let sizes = self.reference_sizes(&request, form.reference_side).await?;
        let work = making::wire_request(&model.id, &request, form, sizes, None).work();
        let neurons = workers_ai::estimate_picture(&model, &work).map(|one| one * count);
        let today = self.engine.usage().usage_today().await?;
        let cap = self.engine.in_force().now().soft_cap.filter(|_| !today.simulated);
        Ok(PictureQuote {
            neurons,
            share_of_day: neurons.map(|neurons| neurons / DAILY_ALLOWANCE),
            ask: cap.zip(neurons).is_some_and(|(cap, neurons)| today.neurons + neurons > cap),
        })
    }

    /// What a message would cost if it asks for a picture; `None` for a message that is answered with words, and for one
    /// that says no more than that it wants a picture.
    ///
    /// # Errors
    /// The store's.
    pub async fn quote_message(&self, text: String) -> Result<Option<PictureQuote>, Fault> {
        match self.wanted(&text).filter(|request| !request.prompt.is_empty()) {
            Some(request) => self.quote_picture(request).await.map(Some),
            None => Ok(None),
        }
    }

    /// The picture that a message asks for, unless the person switched the words off.
    pub(crate) fn wanted(&self, text: &str) -> Option<PictureRequest> {
        if self.engine.in_force().now().picture_words { PictureWords::read(text) } else { None }
    }

    /// Begins pictures and returns their pending rows, which are on disk. `events` hears how each comes out.
    ///
    /// # Errors
    /// `InvalidInput` for an empty prompt, `CapReached`, `NoAccount`, `NotFound` for a reference picture that is gone,
    /// `DiskFull` (or what else it is) when more was paid for already than can be held unsaved; the store's.
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
        self.engine.pictures_at_work().unsaved().has_room()?;
        let caller = self.engine.accounts().caller().await?;
        self.engine.usage().keep_within_cap(&caller).await?;
        let request = PictureRequest { model: Some(self.model_of(&request).await), ..request };
        let run: RunId = self.engine.new_id();
        let rows: Vec<Picture> =
            (0..request.count.clamp(1, MOST)).map(|n| self.row(&request, &run, n)).collect();
        let (entered, at) = (rows.clone(), self.engine.now());
        self.engine
            .database()
            .write(move |shelf| {
                for file in request.references.iter().chain(&request.mask) {
                    shelf.bring(file, &shelf.disk, at)?;
                }
                Ok(shelf.disk.add_pictures(&entered)?)
            })
            .await?;
        for row in &rows {
            self.tell(&*events, row);
            making::make(&self.engine, caller.clone(), row.clone(), Arc::clone(&events));
        }
        Ok(rows)
    }

    /// The row of a run's picture number `n`. The pictures of one run have seeds that follow each other.
    fn row(&self, request: &PictureRequest, run: &RunId, n: u32) -> Picture {
        let seed = request.seed.map(|seed| seed.wrapping_add(u64::from(n)));
        Picture {
            id: self.engine.new_id(),
            run: run.clone(),
            model: request.model.clone().unwrap_or_else(|| DEFAULT_MODEL.into()),
            request: PictureRequest { seed, count: 1, ..request.clone() },
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
            left_out: Vec::new(),
            unsaved: false,
        }
    }

    /// Stops making a picture. One that is over already is no error, and one whose answer is there is kept: it was paid
    /// for.
    ///
    /// # Errors
    /// None.
    pub async fn cancel_picture(&self, picture: &str) -> Result<(), Fault> {
        self.engine.pictures_at_work().cancel(picture);
        Ok(())
    }

    /// Tries again to save a picture that was paid for and could not be saved. One that is saved already is no error.
    ///
    /// # Errors
    /// `NotFound`; the disk's, and then it is still held.
    pub async fn save_picture_again(&self, picture: String) -> Result<Picture, Fault> {
        unsaved::save(&self.engine, &picture).await?;
        self.picture(picture).await
    }

    /// Puts right what a killed process left of its pictures. Once a start.
    pub(crate) async fn recover(&self) {
        match self.engine.database().read(|shelf| Ok(shelf.disk.recover_pictures()?)).await {
            Ok(found) if found == store::Recovered::default() => {}
            Ok(found) => tracing::info!(?found, "pictures of a process that was killed"),
            Err(fault) => tracing::warn!(code = ?fault.code, "cut pictures could not be marked"),
        }
    }

    /// Tells the one who asked and the whole window that a row changed.
    fn tell(&self, events: &dyn Sink<PictureEvent>, row: &Picture) {
        let event = PictureEvent::Changed { picture: Box::new(row.clone()) };
        events.send(event.clone());
        self.engine.news().tell(&AppEvent::Picture { event });
    }

    /// The model of a request: its own, the person's default, ours.
    async fn model_of(&self, request: &PictureRequest) -> ModelId {
        let chosen = request.model.clone().or_else(|| self.engine.in_force().now().image_model);
        self.known_as(chosen.unwrap_or_else(|| DEFAULT_MODEL.into())).await
    }

    /// The whole id of a model that is named by its last part, as people type it. Others are taken at their word.
    async fn known_as(&self, name: ModelId) -> ModelId {
        if name.as_str().contains('/') {
            return name;
        }
        let wanted = format!("/{}", name.as_str().to_lowercase());
        let catalogue = self.engine.models().catalogue(false).await;
        let known = catalogue.ok().and_then(|all| {
            let mut named =
                all.models.into_iter().filter(|model| model.id.as_str().to_lowercase().ends_with(&wanted));
            named.next().map(|model| model.id)
        });
        known.unwrap_or(name)
    }

    /// References as they will be sent, for a price: their sizes without their bytes.
    async fn reference_sizes(
        &self,
        request: &PictureRequest,
        side: Option<u32>,
    ) -> Result<Vec<workers_ai::Reference>, Fault> {
        let ids = request.references.clone();
        let most = making::most_side(side);
        self.engine
            .database()
            .read(move |shelf| {
                ids.iter()
                    .map(|id| {
                        let (known, _) = shelf.attachment(id)?;
                        let side = |side: Option<u32>| side.unwrap_or(512).min(most);
                        let (width, height) = (side(known.width), side(known.height));
                        Ok(workers_ai::Reference { bytes: Vec::new(), width, height })
                    })
                    .collect()
            })
            .await
    }
}

pub(crate) fn damaged(error: &pictures::Error) -> Fault {
    let code = match error {
        pictures::Error::TooLarge { .. } => FaultCode::FileTooLarge,
        pictures::Error::NotAPicture | pictures::Error::Damaged { .. } => FaultCode::FileUnreadable,
    };
    Fault::new(code).with_detail(error.to_string())
}
