//! What a model takes: the table of what the wire can send, narrowed and widened by the model's live schema, which is asked
//! for once a session.

use crate::Engine;
use crate::accounts::Caller;
use domain::{ModelId, NumberRange, PictureField, PictureForm, PictureRequest};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use workers_ai::{ImageForm, Range};

/// A schema that takes longer is not waited for: the table stands in.
const PATIENCE: Duration = Duration::from_secs(4);

/// A model's form, and where it is from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Known {
    /// What it takes.
    pub(crate) form: ImageForm,
    /// The service told so (else the table).
    pub(crate) live: bool,
}

/// Forms that the service told in this session. A cheap clone: all clones know the same.
#[derive(Clone, Default)]
pub(crate) struct Forms(Arc<Mutex<HashMap<ModelId, Known>>>);

impl Forms {
    /// The form as far as it is known without asking.
    pub(crate) fn known(&self, model: &ModelId) -> Known {
        let told = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(model).copied();
        told.unwrap_or_else(|| Known { form: workers_ai::image_form(model), live: false })
    }

    fn keep(&self, model: &ModelId, known: Known) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(model.clone(), known);
    }
}

/// The form of a model, asked from the service unless it has told already.
pub(crate) async fn ask(engine: &Engine, caller: Option<&Caller>, model: &ModelId) -> Known {
    let forms = engine.pictures_at_work().forms();
    let known = forms.known(model);
    let Some(caller) = caller.filter(|_| !known.live) else { return known };
    let Ok(Ok(schema)) = tokio::time::timeout(PATIENCE, caller.client.schema(model)).await else {
        return known;
    };
    let Some(form) = known.form.by_schema(&schema.input) else { return known };
    let known = Known { form, live: true };
    forms.keep(model, known);
    known
}

/// The form for the window.
pub(super) fn form(model: &ModelId, known: &Known) -> PictureForm {
    let Known { form, live } = *known;
    PictureForm {
        model: model.clone(),
        max_prompt: form.longest_prompt.and_then(|most| most.try_into().ok()),
        size: form.size.map(|size| NumberRange {
            min: f64::from(size.least),
            max: f64::from(size.most),
            step: f64::from(size.step),
            default: None,
        }),
        default_size: [form.usual_size.0, form.usual_size.1],
        steps: form.steps.map(|steps| range(steps, 1.0)),
        guidance: form.guidance.map(|guidance| range(guidance, 0.1)),
        negative_prompt: form.negative_prompt,
        seed: form.seed,
        references: u32::try_from(form.references).unwrap_or(0),
        needs_reference: form.needs_reference,
        image_to_image: form.strength,
        inpainting: form.mask,
        needs_mask: form.needs_mask,
        live,
    }
}

fn range(range: Range, step: f64) -> NumberRange {
    NumberRange { min: range.least, max: range.most, step, default: Some(range.usual) }
}

/// The request without what the model does not take, and what that was: a picture's settings say what made it.
pub(super) fn used(request: &PictureRequest, form: &ImageForm) -> (PictureRequest, Vec<PictureField>) {
    let mut used = request.clone();
    let mut left_out = Vec::new();
    let mut leave = |taken: bool, asked: bool, field| {
        if !taken && asked {
            left_out.push(field);
        }
        !taken
    };
    if leave(form.size.is_some(), used.width.or(used.height).is_some(), PictureField::Size) {
        (used.width, used.height) = (None, None);
    }
    if leave(form.steps.is_some(), used.steps.is_some(), PictureField::Steps) {
        used.steps = None;
    }
    if leave(form.guidance.is_some(), used.guidance.is_some(), PictureField::Guidance) {
        used.guidance = None;
    }
    if leave(form.seed, used.seed.is_some(), PictureField::Seed) {
        used.seed = None;
    }
    let negative = used.negative_prompt.as_deref().is_some_and(|text| !text.trim().is_empty());
    if leave(form.negative_prompt, negative, PictureField::NegativePrompt) {
        used.negative_prompt = None;
    }
    let strength = used.strength.is_some() && !used.references.is_empty();
    if leave(form.strength && !used.references.is_empty(), strength, PictureField::Strength) {
        used.strength = None;
    }
    (used, left_out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_becomes_a_form() {
        let model = ModelId::from("@cf/black-forest-labs/flux-1-schnell");
        let schnell = form(&model, &Forms::default().known(&model));
        assert!(schnell.size.is_none() && !schnell.seed && !schnell.negative_prompt && !schnell.live);
        assert_eq!(schnell.steps.as_ref().map(|steps| (steps.max, steps.default)), Some((8.0, Some(4.0))));
        assert_eq!(schnell.max_prompt, Some(2_048));
    }

    #[test]
    fn what_a_model_ignores_is_not_recorded_as_used() {
        let asked = PictureRequest {
            width: Some(512),
            height: Some(512),
            steps: Some(4),
            guidance: Some(3.0),
            seed: Some(7),
            negative_prompt: Some(" ".to_owned()),
            strength: Some(0.5),
            ..PictureRequest::default()
        };
        let schnell = workers_ai::image_form(&"@cf/black-forest-labs/flux-1-schnell".into());
        let (kept, left_out) = used(&asked, &schnell);
        assert_eq!(kept, PictureRequest { steps: Some(4), ..PictureRequest::default() });
        assert_eq!(left_out, [PictureField::Size, PictureField::Guidance, PictureField::Seed]);
    }
}
