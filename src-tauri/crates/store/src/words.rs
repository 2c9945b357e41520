//! Between the words of `domain` and the columns: enums as their JSON names, parts of a message as JSON text. Reading is
//! lenient: what is unknown or damaged becomes a default, so that one odd value degrades one row and never a list.

use crate::error::Result;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// The name of an enum's variant as it is stored (`Role::User` → `user`).
pub(crate) fn name(variant: &impl Serialize) -> Result<String> {
    Ok(match serde_json::to_value(variant)? {
        Value::String(name) => name,
        other => other.to_string(),
    })
}

/// The variant of that name; `None` for a name that is not known here.
pub(crate) fn variant<T: DeserializeOwned>(name: &str) -> Option<T> {
    serde_json::from_value(Value::String(name.to_owned())).ok()
}

/// JSON text, or `None` for an absent value.
pub(crate) fn json<T: Serialize>(value: Option<&T>) -> Result<Option<String>> {
    Ok(value.map(serde_json::to_string).transpose()?)
}

/// JSON text of a list; `None` when it is empty, as most are.
pub(crate) fn json_list<T: Serialize>(values: &[T]) -> Result<Option<String>> {
    if values.is_empty() { Ok(None) } else { Ok(Some(serde_json::to_string(values)?)) }
}

/// The value in that JSON text; the default when it is absent or cannot be read.
pub(crate) fn read<T: DeserializeOwned + Default>(json: Option<&str>) -> T {
    json.and_then(|json| serde_json::from_str(json).ok()).unwrap_or_default()
}
