//! What a model takes by its live schema, beside the table: the schema is what the service checks requests against, so that
//! it both adds to the table and takes from it.

use super::form::{ImageForm, PictureForm, Range, Size, WireForm};
use serde_json::{Map, Value};

/// Guidance of a model of which only the schema tells that it takes one.
const GUIDANCE: Range = Range { least: 0.0, most: 20.0, usual: 7.5 };
const STEPS: Range = Range { least: 1.0, most: 20.0, usual: 20.0 };
const SIDES: Size = Size { least: 256, most: 2_048, step: 8 };

impl ImageForm {
    /// The form by the model's live schema; `None` when the schema says nothing that helps.
    ///
    /// Multipart models often describe their body as one opaque part: then only the longest prompt is taken from it.
    #[must_use]
    pub fn by_schema(mut self, schema: &Value) -> Option<Self> {
        let all =
            properties(schema).filter(|all| all.contains_key("prompt") || all.contains_key("multipart"))?;
        let longest = all.get("prompt").and_then(|prompt| prompt.get("maxLength")).and_then(Value::as_u64);
        self.longest_prompt = longest.and_then(|most| usize::try_from(most).ok()).or(self.longest_prompt);
        if all.contains_key("multipart") {
            return Some(self);
        }
        let property = |names: &[&str]| names.iter().find_map(|name| all.get(*name));
        self.size = property(&["width"]).map(|width| sides(self.size.unwrap_or(SIDES), width));
        self.steps = property(&["num_steps", "steps"]).map(|steps| told(self.steps.unwrap_or(STEPS), steps));
        // The service lets pass what no picture survives: the table's bounds hold where it has some.
        self.guidance = property(&["guidance"]).map(|guidance| match self.guidance {
            Some(table) => narrowed(table, guidance),
            None => told(GUIDANCE, guidance),
        });
        self.seed = all.contains_key("seed");
        self.negative_prompt = all.contains_key("negative_prompt");
        self.pictures(all, schema.get("required"));
        Some(self)
    }

    /// What it takes of pictures.
    fn pictures(&mut self, all: &Map<String, Value>, required: Option<&Value>) {
        let required = |name: &str| {
            required.and_then(Value::as_array).is_some_and(|names| names.iter().any(|known| known == name))
        };
        match &mut self.wire {
            WireForm::Multipart => {
                let inputs = all.keys().filter(|name| name.starts_with("input_image_")).count();
                // A form's files are often left out of its schema.
                self.references = if inputs == 0 { self.references } else { inputs };
            }
            WireForm::Json { steps_key, picture } => {
                let takes = ["image_b64", "image"].map(|name| all.contains_key(name));
                self.references = usize::from(takes[0] || takes[1]);
                *picture = if takes[0] { PictureForm::Base64 } else { PictureForm::Bytes };
                if !all.contains_key(*steps_key) {
                    *steps_key = if all.contains_key("num_steps") { "num_steps" } else { "steps" };
                }
                self.strength = self.references > 0 && all.contains_key("strength");
                self.mask = self.references > 0 && all.contains_key("mask");
            }
        }
        self.needs_reference =
            self.references > 0 && (self.needs_reference || required("image") || required("image_b64"));
        self.needs_mask = self.mask && (self.needs_mask || required("mask"));
    }
}

/// The properties of the schema, or of the alternative that has a prompt.
fn properties(schema: &Value) -> Option<&Map<String, Value>> {
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

fn number(property: &Value, name: &str) -> Option<f64> {
    property.get(name).and_then(Value::as_f64)
}

/// The range that the schema tells; the table's where it is silent or makes no sense.
fn told(table: Range, property: &Value) -> Range {
    let least = number(property, "minimum").unwrap_or(table.least);
    let most = number(property, "maximum").unwrap_or(table.most);
    with_usual(table, least, most, property)
}

/// The part of the table's range that the schema allows too.
fn narrowed(table: Range, property: &Value) -> Range {
    let least = number(property, "minimum").map_or(table.least, |least| least.max(table.least));
    let most = number(property, "maximum").map_or(table.most, |most| most.min(table.most));
    with_usual(table, least, most, property)
}

fn with_usual(table: Range, least: f64, most: f64, property: &Value) -> Range {
    if least >= most {
        return table;
    }
    let usual = number(property, "default").unwrap_or(table.usual).clamp(least, most);
    Range { least, most, usual }
}

/// The sides that the schema tells. "From 0" is how some say that it may be left out.
fn sides(table: Size, property: &Value) -> Size {
    let side = |name: &str| {
        number(property, name).filter(|side| (1.0..=65_536.0).contains(side)).map(|side| side as u32)
    };
    let (least, most) = (side("minimum").unwrap_or(table.least), side("maximum").unwrap_or(table.most));
    if least < most { Size { least, most, ..table } } else { table }
}

#[cfg(test)]
mod tests {
    use super::super::image_form;
    use super::*;
    use domain::ModelId;
    use serde_json::json;

    fn check(model: &str, schema: &Value) -> Option<ImageForm> {
        image_form(&ModelId::from(model)).by_schema(schema)
    }

    #[test]
    fn a_schema_narrows_and_fills() {
        let schema = json!({ "type": "object", "properties": {
            "prompt": { "type": "string", "maxLength": 500 },
            "num_steps": { "type": "integer", "minimum": 2, "maximum": 12, "default": 6 },
            "width": { "minimum": 512, "maximum": 1024 } } });
        let form = check("@cf/lykon/dreamshaper-8-lcm", &schema).expect("it says something");
        assert_eq!(form.longest_prompt, Some(500));
        assert_eq!(form.steps, Some(Range { least: 2.0, most: 12.0, usual: 6.0 }));
        assert_eq!(form.size.map(|size| (size.least, size.most)), Some((512, 1024)));
        let nothing_else =
            form.guidance.is_none() && !form.seed && !form.strength && !form.mask && form.references == 0;
        assert!(nothing_else, "what the schema does not name is not offered: {form:?}");
    }

    #[test]
    fn a_schema_widens_what_the_table_does_not_know() {
        let schema = json!({ "properties": { "prompt": {}, "steps": { "minimum": 1, "maximum": 60, "default": 30 },
            "width": { "minimum": 0, "maximum": 4096 }, "height": {}, "guidance": { "minimum": 1, "maximum": 5 },
            "seed": {}, "negative_prompt": {}, "image": {}, "strength": {}, "mask": {} }, "required": ["image"] });
        let form = check("@cf/new/painter", &schema).expect("it says something");
        assert_eq!(form.steps, Some(Range { least: 1.0, most: 60.0, usual: 30.0 }));
        assert_eq!(form.guidance, Some(Range { least: 1.0, most: 5.0, usual: 5.0 }));
        assert_eq!(form.size, Some(Size { least: 256, most: 4_096, step: 8 }));
        assert!(form.seed && form.negative_prompt && form.strength && form.mask && form.needs_reference);
        assert_eq!(form.references, 1);
        assert_eq!(form.wire, WireForm::Json { steps_key: "steps", picture: PictureForm::Bytes });
        let schnell = json!({ "properties": { "prompt": {}, "steps": {}, "seed": {} } });
        assert!(check("@cf/black-forest-labs/flux-1-schnell", &schnell).is_some_and(|form| form.seed));
    }

    #[test]
    fn a_form_with_files_is_widened_too() {
        let schema = json!({ "properties": { "prompt": {}, "width": {}, "height": {}, "guidance": {},
            "input_image_0": {}, "input_image_1": {} } });
        let form = check("@cf/black-forest-labs/flux-2-klein-4b", &schema).expect("it says something");
        assert_eq!((form.references, form.guidance, form.steps), (2, Some(GUIDANCE), None));
    }

    #[test]
    fn a_schema_that_says_nothing_changes_nothing() {
        for schema in
            [json!({}), json!({ "properties": {} }), json!({ "properties": { "text": {} } }), json!(7)]
        {
            assert_eq!(check("@cf/lykon/dreamshaper-8-lcm", &schema), None);
        }
        let opaque = json!({ "properties": { "multipart": {} } });
        let klein = "@cf/black-forest-labs/flux-2-klein-4b";
        assert_eq!(check(klein, &opaque), Some(image_form(&klein.into())));
    }
}
