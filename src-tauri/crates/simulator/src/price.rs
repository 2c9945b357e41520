//! Neurons, from the catalogue's prices (reference, section 10.2).

use crate::catalogue::Model;

/// Dollars for one neuron.
const DOLLARS_PER_NEURON: f64 = 0.000_011;

/// Neurons of one unit as the catalogue names it; 0 when the model has no such price.
pub(crate) fn rate(model: &Model, unit: &str) -> f64 {
    let price = model.price.iter().find(|price| price.unit == unit);
    price.map_or(0.0, |price| price.neurons.unwrap_or(price.price / DOLLARS_PER_NEURON))
}

/// Text in and out, with the part of the input that came from the prefix cache.
pub(crate) fn text(model: &Model, tokens_in: usize, cached: usize, tokens_out: usize) -> f64 {
    let input = rate(model, "per M input tokens");
    let cached_rate = match rate(model, "per M cached input tokens") {
        0.0 => input,
        rate => rate,
    };
    let output = rate(model, "per M output tokens");
    let fresh = tokens_in.saturating_sub(cached);
    (fresh as f64 * input + cached as f64 * cached_rate + tokens_out as f64 * output) / 1e6
}

/// 512 by 512 tiles that cover a picture.
pub(crate) fn tiles(width: u32, height: u32) -> f64 {
    f64::from(width.div_ceil(512) * height.div_ceil(512))
}

/// One picture; `references` are the sizes of input pictures.
pub(crate) fn picture(model: &Model, size: (u32, u32), steps: u32, references: &[(u32, u32)]) -> f64 {
    let output = tiles(size.0, size.1);
    let input: f64 = references.iter().map(|(width, height)| tiles(*width, *height)).sum();
    let steps = f64::from(steps);
    let megapixels = |(width, height): (u32, u32)| f64::from(width) * f64::from(height) / f64::from(1 << 20);
    match model.id.rsplit('/').next().unwrap_or_default() {
        "flux-2-dev" => {
            steps * rate(model, "per input 512 by 512 tile, per step") * input
                + steps * rate(model, "per output 512 by 512 tile, per step") * output
        }
        "flux-2-klein-4b" => {
            rate(model, "per input 512 by 512 tile") * input
                + rate(model, "per output 512 by 512 tile") * output
        }
        "flux-2-klein-9b" => {
            let further = (megapixels(size) - 1.0).max(0.0).ceil();
            let inputs: f64 = references.iter().map(|size| megapixels(*size).ceil()).sum();
            rate(model, "per first MP (1024x1024)")
                + rate(model, "per subsequent MP") * further
                + rate(model, "per input image MP") * inputs
        }
        // As measured on flux-1-schnell: each step is charged for each tile.
        _ => output * (rate(model, "per 512 by 512 tile") + steps * rate(model, "per step")),
    }
}

/// Audio in or out.
pub(crate) fn audio(model: &Model, seconds: f64) -> f64 {
    rate(model, "per audio minute") * seconds / 60.0
}

/// The figure as the header and `usage` show it: at most four decimals.
pub(crate) fn shown(neurons: f64) -> String {
    let text = format!("{neurons:.4}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text.is_empty() { "0".to_owned() } else { text.to_owned() }
}

/// The same as a number.
pub(crate) fn rounded(neurons: f64) -> f64 {
    (neurons * 10_000.0).round() / 10_000.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::find;

    #[test]
    fn the_measured_picture_costs_what_was_measured() {
        let model = find("@cf/black-forest-labs/flux-1-schnell").expect("in the catalogue");
        assert_eq!(shown(picture(model, (1024, 1024), 4, &[])), "172.8");
    }

    #[test]
    fn cached_input_is_cheaper_where_the_model_has_a_price_for_it() {
        let model = find("@cf/moonshotai/kimi-k2.6").expect("in the catalogue");
        assert!(text(model, 1000, 900, 0) < text(model, 1000, 0, 0) / 3.0);
        assert_eq!(shown(text(model, 1_000_000, 0, 0)), "86364");
    }
}
