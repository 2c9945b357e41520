//! JSON mode: a value that fits a schema, filled with the request's own words.

use serde_json::{Map, Value, json};

use super::request::Format;
use crate::answers::{Turn, last_user};
use crate::errors::Refusal;
use crate::words;

/// How deep a schema may nest before it counts as one that cannot be met.
const DEEPEST: usize = 24;

/// The object for a request in JSON mode.
pub(crate) fn object(format: &Format, turns: &[Turn]) -> Result<Value, Refusal> {
    let said = last_user(turns);
    match format {
        Format::Schema(schema) => value_for(schema, said),
        Format::Object | Format::Text => Ok(json!({
            "simulation": true,
            "answer": "This is a simulation: no model read the request.",
            "words": words::key_words(said, 5) })),
    }
}

/// A value that fits `schema`.
///
/// # Errors
/// 5023, when nothing can fit: `false`, an empty `enum`, bounds that cross, endless nesting.
pub(crate) fn value_for(schema: &Value, said: &str) -> Result<Value, Refusal> {
    Filler { root: schema, said, words: words::key_words(said, 12) }.fill(schema, "value", 0)
}

struct Filler<'a> {
    root: &'a Value,
    said: &'a str,
    words: Vec<String>,
}

fn impossible() -> Refusal {
    Refusal::named("json_mode")
}

impl Filler<'_> {
    fn fill(&self, schema: &Value, name: &str, depth: usize) -> Result<Value, Refusal> {
        if depth > DEEPEST || *schema == Value::Bool(false) {
            return Err(impossible());
        }
        if let Some(reference) = schema["$ref"].as_str() {
            let target = self.root.pointer(reference.trim_start_matches('#')).ok_or_else(impossible)?;
            return self.fill(target, name, depth + 1);
        }
        if let Some(constant) = schema.get("const") {
            return Ok(constant.clone());
        }
        if let Some(choices) = schema["enum"].as_array() {
            return choices.first().cloned().ok_or_else(impossible);
        }
        if let Some(parts) = schema["allOf"].as_array() {
            return self.fill(&merged(schema, parts), name, depth + 1);
        }
        for key in ["anyOf", "oneOf"] {
            if let Some(choices) = schema[key].as_array() {
                let mut fits = choices.iter().filter_map(|choice| self.fill(choice, name, depth + 1).ok());
                return fits.next().ok_or_else(impossible);
            }
        }
        self.of_type(schema, name, depth)
    }

    fn of_type(&self, schema: &Value, name: &str, depth: usize) -> Result<Value, Refusal> {
        let first_of_list = schema["type"].as_array().and_then(|types| types.first());
        let kind = first_of_list.unwrap_or(&schema["type"]).as_str();
        let kind = kind.unwrap_or(if schema["items"].is_object() { "array" } else { "object" });
        match kind {
            "string" => Ok(json!(self.text(schema, name))),
            "integer" | "number" => number(schema, kind),
            "boolean" => Ok(json!(true)),
            "null" => Ok(Value::Null),
            "array" => self.array(schema, name, depth),
            _ => self.object(schema, depth),
        }
    }

    fn object(&self, schema: &Value, depth: usize) -> Result<Value, Refusal> {
        let mut object = Map::new();
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            let required = schema["required"].as_array().is_some_and(|list| list.iter().any(|n| n == name));
            match self.fill(property, name, depth + 1) {
                Ok(value) => {
                    object.insert(name.clone(), value);
                }
                Err(refusal) if required => return Err(refusal),
                // What is optional and cannot be met, a tree's child for example, is left out.
                Err(_) => {}
            }
        }
        for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            object.entry(name).or_insert_with(|| json!("simulated"));
        }
        Ok(Value::Object(object))
    }

    fn array(&self, schema: &Value, name: &str, depth: usize) -> Result<Value, Refusal> {
        let bound = |key: &str| schema[key].as_u64().map(|n| n as usize);
        let most = bound("maxItems").unwrap_or(usize::MAX);
        let least = bound("minItems").unwrap_or(0);
        if least > most {
            return Err(impossible());
        }
        let count = least.max(2).min(most).min(1000);
        let item = |i: usize| self.fill(&schema["items"], &format!("{name} {}", i + 1), depth + 1);
        match (0..count).map(item).collect::<Result<Vec<_>, _>>() {
            Ok(list) => Ok(Value::Array(list)),
            Err(_) if least == 0 => Ok(json!([])),
            Err(refusal) => Err(refusal),
        }
    }

    fn text(&self, schema: &Value, name: &str) -> String {
        let text = match schema["format"].as_str() {
            Some("date") => "2026-10-10".to_owned(),
            Some("date-time") => "2026-10-10T12:00:00Z".to_owned(),
            Some("time") => "12:00:00".to_owned(),
            Some("email") => "simulation@example.com".to_owned(),
            Some("uri" | "url") => "https://example.com/simulation".to_owned(),
            Some("uuid") => crate::random::uuid_of(self.said),
            _ => self.word_for(name),
        };
        let least = schema["minLength"].as_u64().unwrap_or(0) as usize;
        let most = schema["maxLength"].as_u64().unwrap_or(u64::MAX) as usize;
        let missing = least.saturating_sub(text.chars().count());
        text.chars().chain(std::iter::repeat_n('.', missing)).take(most).collect()
    }

    /// One of the person's words, another for each property.
    fn word_for(&self, name: &str) -> String {
        if self.words.is_empty() {
            return format!("simulated {name}");
        }
        self.words[(crate::random::hash(name.as_bytes()) % self.words.len() as u64) as usize].clone()
    }
}

fn merged(schema: &Value, parts: &[Value]) -> Value {
    let mut whole = schema.clone();
    if let Some(object) = whole.as_object_mut() {
        object.remove("allOf");
        for (key, value) in parts.iter().filter_map(Value::as_object).flatten() {
            match (object.get_mut(key), value) {
                (Some(Value::Object(known)), Value::Object(more)) => known.extend(more.clone()),
                (Some(Value::Array(known)), Value::Array(more)) => known.extend(more.clone()),
                _ => {
                    object.insert(key.clone(), value.clone());
                }
            }
        }
    }
    whole
}

fn number(schema: &Value, kind: &str) -> Result<Value, Refusal> {
    let step = if kind == "integer" { 1.0 } else { 0.5 };
    let low = schema["minimum"].as_f64().or(schema["exclusiveMinimum"].as_f64().map(|n| n + step));
    let high = schema["maximum"].as_f64().or(schema["exclusiveMaximum"].as_f64().map(|n| n - step));
    if let (Some(low), Some(high)) = (low, high)
        && low > high
    {
        return Err(impossible());
    }
    let usual = 42.0_f64;
    let value = usual.max(low.unwrap_or(f64::MIN)).min(high.unwrap_or(f64::MAX));
    Ok(if kind == "integer" { json!(value.ceil() as i64) } else { json!(value) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_fits_its_schema() {
        let schema = json!({"type": "object", "required": ["name", "age", "tags"], "properties": {
            "name": {"type": "string"}, "age": {"type": "integer", "maximum": 30},
            "kind": {"enum": ["cat", "dog"]}, "tags": {"type": "array", "items": {"type": "string"}, "minItems": 3},
            "child": {"$ref": "#"} }});
        let value = value_for(&schema, "A lighthouse in Brittany").expect("can be met");
        assert_eq!(value["age"], 30);
        assert_eq!(value["kind"], "cat");
        assert_eq!(value["tags"].as_array().map(Vec::len), Some(3));
        assert!(value["name"].is_string());
    }

    #[test]
    fn what_cannot_be_met_is_refused() {
        for schema in
            [json!({"enum": []}), json!({"type": "object", "properties": {"x": false}, "required": ["x"]})]
        {
            assert_eq!(value_for(&schema, "x").map_err(|refusal| refusal.code), Err(5023));
        }
    }
}
