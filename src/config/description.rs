//! How the keys of the specification are described to people.

use serde_json::Value;

/// The description of a key without the markup that Airbyte shows.
pub fn plain(description: &str) -> String {
    description.replace("<b>", "").replace("</b>", "")
}

/// The default of a key, as a person writes it; `None` if it has none.
pub fn default_text(property: &Value) -> Option<String> {
    match &property["default"] {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        default => Some(default.to_string()),
    }
}
