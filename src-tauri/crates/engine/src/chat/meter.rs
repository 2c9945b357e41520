//! How full the context window would be: the same weights and the same choice as for sending.
//!
//! It is read at each pause of the typing, so the weights of the talk are kept until the talk changes.

use super::prompt::{Talk, system};
use super::wire::Enclosure;
use crate::Engine;
use crate::context::{self, PICTURE_TOKENS, Weight};
use crate::database::Shelf;
use crate::error::Error;
use domain::{
    Attachment, AttachmentId, ContextMeter, ConversationId, ConversationOptions, Fault, Model, ModelId,
    PathItem,
};
use std::sync::{Arc, Mutex, PoisonError};

/// The weights of the talk that was last measured. A cheap clone: all clones are the same.
#[derive(Clone, Default)]
pub(crate) struct Weighed {
    last: Arc<Mutex<Option<Talked>>>,
}

/// A talk's weights, and what they hold for.
#[derive(Clone)]
struct Talked {
    conversation: ConversationId,
    model: ModelId,
    /// How long the path is, and its last message, which grows while it is written.
    end: (usize, Option<PathItem>),
    weights: Vec<Weight>,
    unread: usize,
}

/// Reads the meter.
pub(crate) async fn read(
    engine: &Engine,
    conversation: Option<ConversationId>,
    options: ConversationOptions,
    draft: String,
    attachments: Vec<AttachmentId>,
) -> Result<ContextMeter, Fault> {
    let model = engine.models().for_chat(options.model.as_ref()).await;
    let weighed = engine.weighed().clone();
    engine
        .database()
        .read(move |shelf| {
            let (weights, unread) = match &conversation {
                Some(id) => weighed.of(shelf, id, &model)?,
                None => (Vec::new(), 0),
            };
            let system = system(&options, None).as_deref().map_or(0, context::tokens);
            let mut drafted = context::tokens(&draft);
            for id in &attachments {
                let (known, bytes) = shelf.attachment(id)?;
                drafted = drafted.saturating_add(weight_of(&known, &bytes, &model));
            }
            let room = context::answer_room(&model, &options.parameters);
            let fixed = system.saturating_add(drafted).saturating_add(room);
            let fit = context::fit(model.context_window, fixed, &weights);
            Ok(ContextMeter {
                window: model.context_window,
                system,
                history: fit.tokens,
                draft: drafted,
                left_out: u32::try_from(fit.left_out + unread).unwrap_or(u32::MAX),
            })
        })
        .await
}

impl Weighed {
    fn of(&self, shelf: &Shelf, id: &ConversationId, model: &Model) -> Result<(Vec<Weight>, usize), Error> {
        let home = shelf.home(id);
        let path = home.path(id, None)?;
        let end = (path.len(), path.last().cloned());
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(known) =
            last.filter(|known| known.conversation == *id && known.model == model.id && known.end == end)
        {
            return Ok((known.weights, known.unread));
        }
        let (weights, unread) = Talk::along(home, &path, model)?.weights();
        let (conversation, model) = (id.clone(), model.id.clone());
        let talked = Talked { conversation, model, end, weights: weights.clone(), unread };
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(talked);
        Ok((weights, unread))
    }
}

/// The tokens of a file that waits to be sent. Pictures are not decoded for it.
fn weight_of(known: &Attachment, bytes: &[u8], model: &Model) -> u32 {
    if known.is_picture() && model.vision {
        return PICTURE_TOKENS;
    }
    match Enclosure::of(known, Some(bytes), false) {
        Enclosure::Text(text) | Enclosure::Note(text) => context::tokens(&text),
        Enclosure::Picture(_) => PICTURE_TOKENS,
    }
}
