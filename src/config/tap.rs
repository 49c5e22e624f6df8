//! The config of the Singer tap: that of the source, and one key more; also from the environment.

use std::ffi::OsString;

use serde_json::{Map, Value, json};

use super::description::plain;
use super::{Config, invalid, spec};
use crate::failure::Failure;

/// The tap's own key, by the name that Singer's SDK gave it.
const ACTIVATES_VERSIONS: &str = "emit_activate_version_messages";
/// What it means.
const ACTIVATES_VERSIONS_MEANING: &str = "Send ACTIVATE_VERSION after a table has been read completely, so that the target can remove rows that were not in this read: those that no longer exist in Dixa. Works with targets built on the Singer SDK; some also need `hard_delete`.";

/// The prefix of environment variables that are config keys of the tap.
const TAP_VARIABLES: &str = "TAP_DIXA_";

/// The JSON schema of a tap's config: that of a source, and the tap's own key.
pub fn tap_settings() -> Value {
    let mut schema = spec()["connectionSpecification"].take();
    schema["properties"][ACTIVATES_VERSIONS] = json!({
        "title": "Activate versions",
        "description": ACTIVATES_VERSIONS_MEANING,
        "type": "boolean",
        "default": false,
    });
    for property in schema["properties"]
        .as_object_mut()
        .into_iter()
        .flat_map(|all| all.values_mut())
    {
        if let Some(Value::String(description)) = property.get_mut("description") {
            *description = plain(description);
        }
    }
    schema
}

/// The config of a tap in the environment, whose texts get the types of their keys. Empty ones count as not set.
pub fn tap_environment(
    variables: impl Iterator<Item = (OsString, OsString)>,
) -> Result<Map<String, Value>, Failure> {
    let schema = tap_settings();
    let mut keys = Map::new();
    for (variable, text) in variables {
        let variable = variable.to_string_lossy();
        let Some(key) = variable.strip_prefix(TAP_VARIABLES) else {
            continue;
        };
        let key = key.to_ascii_lowercase();
        let not_text = |_| Failure::config(format!("The variable {variable} is not UTF-8 text."));
        let text = text.into_string().map_err(not_text)?;
        let value = match schema["properties"][&key]["type"].as_str() {
            _ if text.trim().is_empty() => continue,
            None => continue,
            Some("string") => Value::from(text),
            Some("boolean") => boolean(&text).map_or(Value::from(text), Value::from),
            // A text in place of a number is refused as in a file.
            Some(_) => serde_json::from_str(&text).unwrap_or(Value::from(text)),
        };
        keys.insert(key, value);
    }
    Ok(keys)
}

/// A boolean in the environment, in the forms that Singer's SDK accepts.
fn boolean(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Some(true),
        "false" | "0" | "no" | "off" => Some(false),
        _ => None,
    }
}

impl Config {
    /// Parses the config of a Singer tap, which may have the key of [`tap_settings`], too.
    pub fn parse_tap(text: &str) -> Result<Self, Failure> {
        let mut config: Value =
            serde_json::from_str(text).map_err(|error| Failure::not_json("config", &error))?;
        let key = config.as_object_mut();
        let activates_versions = match key.and_then(|keys| keys.shift_remove(ACTIVATES_VERSIONS)) {
            None | Some(Value::Null) => false,
            Some(Value::String(text)) if text.trim().is_empty() => false,
            Some(Value::Bool(activates)) => activates,
            Some(_) => {
                let fault = format!("`{ACTIVATES_VERSIONS}` must be true or false");
                return Err(invalid(&fault));
            }
        };
        Ok(Self {
            activates_versions,
            ..Self::parse(&config.to_string())?
        })
    }
}
