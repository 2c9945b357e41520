//! How full the context window would be: the same weights and the same choice as for sending.

use super::prompt::{Talk, system};
use super::wire::Enclosure;
use crate::Engine;
use crate::context::{self, PICTURE_TOKENS};
use domain::{AttachmentId, ContextMeter, ConversationId, ConversationOptions, Fault};

/// Reads the meter.
pub(crate) async fn read(
    engine: &Engine,
    conversation: Option<ConversationId>,
    options: ConversationOptions,
    draft: String,
    attachments: Vec<AttachmentId>,
) -> Result<ContextMeter, Fault> {
    let model = engine.models().for_chat(options.model.as_ref()).await;
    engine
        .database()
        .read(move |shelf| {
            let talk = match &conversation {
                Some(id) => Talk::read(shelf.home(id), id, None, &model)?,
                None => Talk::default(),
            };
            let system = system(&options, None).as_deref().map_or(0, context::tokens);
            let mut drafted = context::tokens(&draft);
            for id in &attachments {
                let (known, bytes) = shelf.attachment(id)?;
                drafted = drafted.saturating_add(match Enclosure::of(&known, Some(&bytes), false) {
                    Enclosure::Text(text) => context::tokens(&text),
                    Enclosure::Note(_) if model.vision => PICTURE_TOKENS,
                    Enclosure::Note(note) => context::tokens(&note),
                    Enclosure::Picture(_) => PICTURE_TOKENS,
                });
            }
            let room = context::answer_room(&model, &options.parameters);
            let fixed = system.saturating_add(drafted).saturating_add(room);
            let fit = talk.fit(model.context_window, fixed, talk.len());
            Ok(ContextMeter {
                window: model.context_window,
                system,
                history: fit.tokens,
                draft: drafted,
                left_out: u32::try_from(fit.left_out).unwrap_or(u32::MAX),
            })
        })
        .await
}
