//! What calls cost, computed from prices: for calls whose answer does not say, and for quotes before a call.
//!
//! One neuron is $0.000011. Formulas and measured figures: reference, section 10.2.

use crate::catalogue::bundled_models;
use domain::{Model, ModelId, Price, Usage};
use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

/// Prices and successors of the models of one account: the bundled ones, until the live catalogue was read.
#[derive(Debug, Clone, Default)]
pub(crate) struct PriceList(Arc<Mutex<HashMap<ModelId, Model>>>);

static BUNDLED: LazyLock<HashMap<ModelId, Model>> =
    LazyLock::new(|| bundled_models().into_iter().map(|model| (model.id.clone(), model)).collect());

impl PriceList {
    /// Takes the live catalogue's prices.
    pub(crate) fn learn(&self, models: &[Model]) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.extend(models.iter().map(|model| (model.id.clone(), model.clone())));
    }

    /// Neurons for tokens, if the model has a price.
    pub(crate) fn neurons(&self, model: &ModelId, usage: &Usage) -> Option<f64> {
        self.with(model, |model| (!model.prices.is_empty()).then(|| estimate_neurons(model, usage)))?
    }

    /// The model to use instead of a retired one.
    pub(crate) fn replacement(&self, model: &ModelId) -> Option<ModelId> {
        self.with(model, |model| model.replacement.clone())?
    }

    /// Whatever is known of a model.
    pub(crate) fn with<T>(&self, id: &ModelId, read: impl FnOnce(&Model) -> T) -> Option<T> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(id).or_else(|| BUNDLED.get(id)).map(read)
    }
}

/// Neurons of a call that is counted in tokens: `(in − cached)·p_in + cached·p_cached + out·p_out`, prices per million.
/// Thoughts are inside the output tokens. Tokens that are not known count as none.
pub fn estimate_neurons(model: &Model, usage: &Usage) -> f64 {
    let input = f64::from(usage.input_tokens.unwrap_or(0));
    let output = f64::from(usage.output_tokens.unwrap_or(0));
    let cached = f64::from(usage.cached_tokens.unwrap_or(0)).min(input);
    let input_price = price(model, "per M input tokens").unwrap_or(0.0);
    let cached_price = price(model, "per M cached input tokens").unwrap_or(input_price);
    let output_price = price(model, "per M output tokens").unwrap_or(0.0);
    ((input - cached) * input_price + cached * cached_price + output * output_price) / 1e6
}

/// A picture to be made.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PictureWork {
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// Steps; the model's own number when it has one that cannot be set.
    pub steps: u32,
    /// Sizes of the pictures that go in.
    pub references: Vec<(u32, u32)>,
}

/// Neurons of a picture; `None` when no price is published (the Stable Diffusion family).
///
/// * flux-1-schnell, lucid, phoenix: `tiles · (tile + steps · step)`. Measured for schnell at 1024², 4 steps: 172.80.
/// * flux-2-dev: `steps · (in_tiles · p_in + out_tiles · p_out)`; klein-4b: the same without the steps.
/// * flux-2-klein-9b: first megapixel, further ones, megapixels that go in.
pub fn estimate_picture(model: &Model, work: &PictureWork) -> Option<f64> {
    let tiles = tiles(work.width, work.height);
    let tiles_in: f64 = work.references.iter().map(|(width, height)| self::tiles(*width, *height)).sum();
    let steps = f64::from(work.steps);
    if let Some(tile) = price(model, "per 512 by 512 tile") {
        let step = price(model, "per step").unwrap_or(0.0);
        return Some(tiles * (tile + steps * step));
    }
    if let Some(out) = price(model, "per output 512 by 512 tile, per step") {
        let into = price(model, "per input 512 by 512 tile, per step").unwrap_or(0.0);
        return Some(steps * (into * tiles_in + out * tiles));
    }
    if let Some(out) = price(model, "per output 512 by 512 tile") {
        let into = price(model, "per input 512 by 512 tile").unwrap_or(0.0);
        return Some(into * tiles_in + out * tiles);
    }
    let first = price(model, "per first MP (1024x1024)")?;
    let further = price(model, "per subsequent MP").unwrap_or(0.0);
    let into = price(model, "per input image MP").unwrap_or(0.0);
    let megapixels_in: f64 = work.references.iter().map(|(width, height)| megapixels(*width, *height)).sum();
    Some(first + (megapixels(work.width, work.height) - 1.0).max(0.0) * further + megapixels_in * into)
}

/// Neurons of audio: by the minute, for recognition and for voices that are priced so.
pub fn estimate_audio(model: &Model, seconds: f64) -> Option<f64> {
    price(model, "per audio minute").map(|minute| minute * seconds / 60.0)
}

/// Neurons of a text to be spoken, for voices that are priced by characters.
pub fn estimate_speech(model: &Model, characters: usize) -> Option<f64> {
    price(model, "per 1k characters").map(|thousand| thousand * characters as f64 / 1000.0)
}

/// About how many tokens a text has: a token for four letters of Latin script, for two of other alphabets, for each
/// Chinese, Japanese or Korean character, and for each emoji. Within some 20 % for prose; never zero for a text.
pub fn estimate_tokens(text: &str) -> u32 {
    let quarters: u64 = text.chars().map(quarters).sum();
    u32::try_from(quarters.div_ceil(4)).unwrap_or(u32::MAX)
}

fn quarters(c: char) -> u64 {
    match u32::from(c) {
        0..0x0250 => 1,
        0x2E80..0xA000 | 0xAC00..0xD7B0 | 0xF900..0xFB00 | 0xFF00..0xFFF0 | 0x1_F000.. => 4,
        _ => 2,
    }
}

fn tiles(width: u32, height: u32) -> f64 {
    f64::from(width.div_ceil(512)) * f64::from(height.div_ceil(512))
}

fn megapixels(width: u32, height: u32) -> f64 {
    (f64::from(width) * f64::from(height) / (1024.0 * 1024.0)).ceil()
}

fn price(model: &Model, unit: &str) -> Option<f64> {
    model.prices.iter().find(|price| price.unit == unit).map(neurons_of)
}

fn neurons_of(price: &Price) -> f64 {
    price.neurons
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model(id: &str) -> Model {
        BUNDLED[&ModelId::from(id)].clone()
    }

    fn check(found: Option<f64>, expected: f64) {
        let found = found.unwrap();
        assert!((found - expected).abs() < 0.01, "{found} is not {expected}");
    }

    #[test]
    fn tokens_cost_what_the_table_says() {
        let glm = model("@cf/zai-org/glm-4.7-flash");
        let usage = Usage { input_tokens: Some(1_000_000), output_tokens: Some(500_000), ..Usage::default() };
        check(Some(estimate_neurons(&glm, &usage)), 5500.0 + 18_200.0);
        let kimi = model("@cf/moonshotai/kimi-k2.6");
        let usage = Usage { input_tokens: Some(1_000_000), cached_tokens: Some(400_000), ..Usage::default() };
        check(Some(estimate_neurons(&kimi, &usage)), 0.6 * 86_364.0 + 0.4 * 14_545.0);
        check(Some(estimate_neurons(&glm, &Usage::default())), 0.0);
    }

    #[test]
    fn pictures_cost_what_was_measured() {
        let work = |width, height, steps, references: &[(u32, u32)]| PictureWork {
            width,
            height,
            steps,
            references: references.to_vec(),
        };
        let schnell = model("@cf/black-forest-labs/flux-1-schnell");
        check(estimate_picture(&schnell, &work(1024, 1024, 4, &[])), 172.80);
        let lucid = model("@cf/leonardo/lucid-origin");
        check(estimate_picture(&lucid, &work(1120, 1120, 10, &[])), 9.0 * (636.0 + 120.0));
        let dev = model("@cf/black-forest-labs/flux-2-dev");
        check(estimate_picture(&dev, &work(1024, 512, 25, &[(512, 512)])), 25.0 * (18.75 + 75.0));
        let klein = model("@cf/black-forest-labs/flux-2-klein-4b");
        check(estimate_picture(&klein, &work(1024, 1024, 4, &[])), 104.2);
        let nine = model("@cf/black-forest-labs/flux-2-klein-9b");
        check(estimate_picture(&nine, &work(1024, 1024, 4, &[])), 1363.64);
        check(estimate_picture(&nine, &work(2048, 1024, 4, &[(500, 500)])), 1363.64 + 181.82 + 181.82);
        assert_eq!(estimate_picture(&model("@cf/lykon/dreamshaper-8-lcm"), &work(512, 512, 8, &[])), None);
    }

    #[test]
    fn sound_costs_by_the_minute_or_by_the_letter() {
        check(estimate_audio(&model("@cf/openai/whisper-large-v3-turbo"), 90.0), 69.945);
        check(estimate_speech(&model("@cf/deepgram/aura-1"), 500), 681.82);
        assert_eq!(
            estimate_speech(&model("@cf/myshell-ai/melotts"), 500),
            None,
            "it is priced by the minute"
        );
    }

    #[test]
    fn tokens_are_estimated_for_every_script() {
        assert_eq!(estimate_tokens(""), 0);
        assert_eq!(estimate_tokens("a"), 1);
        assert_eq!(estimate_tokens("The quick brown fox jumps over the lazy dog."), 11);
        assert_eq!(estimate_tokens("你好世界"), 4);
        assert_eq!(estimate_tokens("Привет мир"), 5);
        assert_eq!(estimate_tokens("👍"), 1);
    }
}
