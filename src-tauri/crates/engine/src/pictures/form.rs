//! What a model's form shows: the table of what the wire can send, narrowed and filled by the model's live schema.

use domain::{ModelId, NumberRange, PictureForm};
use serde_json::Value;
use workers_ai::ImageForm;

/// The form of a model. A schema without properties (or none) leaves the table as it is.
pub(super) fn form(model: &ModelId, table: &ImageForm, schema: Option<&Value>) -> PictureForm {
    let properties = schema.and_then(properties).filter(|properties| properties.contains_key("prompt"));
    let property = |names: &[&str]| properties.and_then(|all| names.iter().find_map(|name| all.get(*name)));
    // Multipart models describe their body loosely: only what a JSON schema names can be narrowed by it.
    let named = properties.filter(|all| !all.contains_key("multipart"));
    let takes = |names: &[&str]| named.is_none_or(|all| names.iter().any(|name| all.contains_key(*name)));
    let size = table.size.filter(|_| takes(&["width"])).map(|size| {
        let table = range(f64::from(size.least), f64::from(size.most), f64::from(size.step), None);
        narrowed(table, property(&["width"]))
    });
    let steps = table.steps.filter(|_| takes(&["steps", "num_steps"])).map(|steps| {
        narrowed(range(steps.least, steps.most, 1.0, Some(steps.usual)), property(&["steps", "num_steps"]))
    });
    let guidance = table.guidance.filter(|_| takes(&["guidance"])).map(|guidance| {
        narrowed(range(guidance.least, guidance.most, 0.1, Some(guidance.usual)), property(&["guidance"]))
    });
    let longest = property(&["prompt"]).and_then(|prompt| prompt.get("maxLength")).and_then(Value::as_u64);
    PictureForm {
        model: model.clone(),
        max_prompt: longest
            .or(table.longest_prompt.map(|longest| longest as u64))
            .and_then(|n| n.try_into().ok()),
        size,
        default_size: [table.usual_size.0, table.usual_size.1],
        steps,
        guidance,
        negative_prompt: table.negative_prompt && takes(&["negative_prompt"]),
        seed: table.seed && takes(&["seed"]),
        references: u32::try_from(table.references).unwrap_or(0),
        needs_reference: table.needs_reference,
        image_to_image: table.strength,
        inpainting: table.mask,
        live: properties.is_some(),
    }
}

/// The properties of the schema, or of the alternative that has a prompt.
fn properties(schema: &Value) -> Option<&serde_json::Map<String, Value>> {
    let own = schema.get("properties").and_then(Value::as_object);
    let of_alternatives = || {
        let alternatives = schema.get("oneOf").or(schema.get("anyOf"))?.as_array()?;
        alternatives
            .iter()
            .filter_map(|each| each.get("properties")?.as_object())
            .find(|all| all.contains_key("prompt"))
    };
    own.filter(|all| !all.is_empty()).or_else(of_alternatives)
}

fn range(min: f64, max: f64, step: f64, default: Option<f64>) -> NumberRange {
    NumberRange { min, max, step, default }
}

/// The part of a range that the schema allows too.
fn narrowed(table: NumberRange, property: Option<&Value>) -> NumberRange {
    let number = |name: &str| property.and_then(|property| property.get(name)).and_then(Value::as_f64);
    let min = number("minimum").map_or(table.min, |least| least.max(table.min));
    let max = number("maximum").map_or(table.max, |most| most.min(table.max));
    if min >= max {
        return table;
    }
    let default = number("default").or(table.default).map(|usual| usual.clamp(min, max));
    NumberRange { min, max, step: table.step, default }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(model: &str, schema: Option<Value>) -> PictureForm {
        let model = ModelId::from(model);
        form(&model, &workers_ai::image_form(&model), schema.as_ref())
    }

    #[test]
    fn without_a_schema_the_table_holds() {
        let schnell = check("@cf/black-forest-labs/flux-1-schnell", None);
        assert!(schnell.size.is_none() && !schnell.seed && !schnell.negative_prompt && !schnell.live);
        assert_eq!(schnell.steps.as_ref().map(|steps| (steps.max, steps.default)), Some((8.0, Some(4.0))));
        assert_eq!(schnell.max_prompt, Some(2_048));
    }

    #[test]
    fn a_live_schema_narrows_and_fills() {
        let schema = json!({ "type": "object", "properties": {
            "prompt": { "type": "string", "maxLength": 500 },
            "num_steps": { "type": "integer", "minimum": 2, "maximum": 12, "default": 6 },
            "width": { "minimum": 512, "maximum": 1024 } } });
        let form = check("@cf/lykon/dreamshaper-8-lcm", Some(schema));
        assert!(form.live);
        assert_eq!(form.max_prompt, Some(500));
        assert_eq!(form.steps, Some(NumberRange { min: 2.0, max: 12.0, step: 1.0, default: Some(6.0) }));
        assert_eq!(form.size.as_ref().map(|size| (size.min, size.max)), Some((512.0, 1024.0)));
        assert!(form.guidance.is_none() && !form.seed, "what the schema does not name is not offered");
    }

    #[test]
    fn a_schema_that_says_nothing_changes_nothing() {
        for schema in
            [json!({}), json!({ "properties": {} }), json!({ "properties": { "multipart": {} } }), json!(7)]
        {
            let form = check("@cf/lykon/dreamshaper-8-lcm", Some(schema));
            assert!(form.guidance.is_some() && form.seed && !form.live);
        }
    }
}
