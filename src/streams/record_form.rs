//! What a read makes of a stream's records: which fields, and in which types. The schema files alone say which fields have two
//! types, with the keyword `x-typed-values`.

use record_splitter::{FieldRule, FieldRules};
use serde_json::{Value, json};

use crate::airbyte::catalog::{DiscoveredStream, FieldSelection};
use crate::nearest::nearest;
use crate::streams::stream::Stream;

/// The keyword in the schema files: `date-time` for integers that are Unix milliseconds, `list` for a text that is a list in other
/// records.
const TYPED: &str = "x-typed-values";

/// The form of the records of one stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecordForm {
    /// The config's `typed_values`.
    pub typed_values: bool,
    /// Fields that the schema does not declare are left out.
    pub only_declared: bool,
    pub fields: FieldSelection,
}

impl RecordForm {
    /// A selected or deselected field that the stream does not have, if there is one: its path, and the nearest name there.
    pub fn unknown_field(&self, stream: &Stream) -> Option<(String, Option<String>)> {
        let schema = stream.marked_schema();
        self.fields.keys().find_map(|path| {
            let mut schema = &schema;
            for name in path {
                let properties = element(schema)["properties"].as_object();
                let names = properties
                    .into_iter()
                    .flatten()
                    .map(|(name, _)| name.as_str());
                match properties.and_then(|properties| properties.get(name)) {
                    Some(field) => schema = field,
                    None => return Some((path.join("."), nearest(name, names).map(str::to_owned))),
                }
            }
            None
        })
    }

    /// Whether fields of the stream have other types than Dixa's.
    pub fn types_values(&self, stream: &Stream) -> bool {
        self.typed_values && stream.schema.contains(TYPED)
    }

    /// The JSON schema of the records.
    pub fn json_schema(&self, stream: &Stream) -> Value {
        let mut schema = stream.marked_schema();
        self.prune(stream, &mut schema, &mut Vec::new());
        resolve(&mut schema, self.typed_values);
        schema
    }

    /// The stream as `discover` lists it.
    pub fn discovered<'a>(&self, stream: &'a Stream) -> DiscoveredStream<'a> {
        DiscoveredStream {
            name: stream.name,
            json_schema: self.json_schema(stream),
            primary_key: stream.primary_key,
            is_incremental: stream.is_incremental(),
            cursor: stream.cursor(),
        }
    }

    /// What happens to the fields of a record.
    pub fn rules(&self, stream: &Stream) -> FieldRules {
        let mut rules = self.rules_of(stream, &stream.marked_schema(), &mut Vec::new());
        if self.only_declared {
            rules.drop_others();
        }
        rules
    }

    /// If a field inside an object is deselected, those that the schema does not declare there are left out, too: someone chose
    /// what may be loaded.
    fn rules_of(&self, stream: &Stream, schema: &Value, path: &mut Vec<String>) -> FieldRules {
        let mut rules = FieldRules::default();
        let properties = schema["properties"].as_object();
        for (name, field) in properties.into_iter().flatten() {
            path.push(name.clone());
            let rule = if self.is_left_out(stream, path) {
                if self.only_declared && path.len() > 1 {
                    rules.drop_others();
                }
                FieldRule::Drop
            } else {
                match field[TYPED].as_str() {
                    Some("date-time") if self.typed_values => FieldRule::Time,
                    Some("list") if self.typed_values => FieldRule::List,
                    _ => {
                        let inside = self.rules_of(stream, element(field), path);
                        if inside.keep_everything() {
                            FieldRule::Keep
                        } else {
                            FieldRule::Inside(inside)
                        }
                    }
                }
            };
            rules.set(name, rule);
            path.pop();
        }
        rules
    }

    /// Takes the fields that are left out from a schema.
    fn prune(&self, stream: &Stream, schema: &mut Value, path: &mut Vec<String>) {
        let schema = match schema.get("items") {
            Some(_) => &mut schema["items"],
            None => schema,
        };
        let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) else {
            return;
        };
        properties.retain(|name, field| {
            path.push(name.clone());
            let is_kept = !self.is_left_out(stream, path);
            if is_kept {
                self.prune(stream, field, path);
            }
            path.pop();
            is_kept
        });
    }

    /// Loaders need the key and the cursor, so they are never left out.
    fn is_left_out(&self, stream: &Stream, path: &[String]) -> bool {
        let is_needed = match path {
            [name] => stream.primary_key.contains(&name.as_str()) || stream.cursor() == Some(name),
            _ => false,
        };
        !is_needed && self.fields.get(path) == Some(&false)
    }
}

/// The schema of the elements, if this is the schema of a list.
fn element(schema: &Value) -> &Value {
    schema.get("items").unwrap_or(schema)
}

/// Replaces the marks of a schema by what they mean.
fn resolve(schema: &mut Value, typed_values: bool) {
    match schema {
        Value::Object(keywords) => {
            match keywords.remove(TYPED).as_ref().and_then(Value::as_str) {
                Some("date-time") if typed_values => {
                    keywords.insert("type".to_owned(), json!(["null", "string"]));
                    keywords.insert("format".to_owned(), json!("date-time"));
                    let airbyte_type = json!("timestamp_with_timezone");
                    keywords.insert("airbyte_type".to_owned(), airbyte_type);
                    if let Some(Value::String(description)) = keywords.get_mut("description") {
                        *description = description.replace("Unix milliseconds UTC", "UTC");
                    }
                }
                Some("list") if typed_values => {
                    keywords.insert("type".to_owned(), json!(["null", "array"]));
                }
                _ => {}
            }
            keywords
                .values_mut()
                .for_each(|value| resolve(value, typed_values));
        }
        Value::Array(values) => values
            .iter_mut()
            .for_each(|value| resolve(value, typed_values)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::streams::table;

    fn stream(name: &str) -> &'static Stream {
        table::find(name).unwrap()
    }

    fn form(typed_values: bool, deselected: &[&[&str]]) -> RecordForm {
        let path = |path: &&[&str]| (path.iter().map(|name| (*name).to_owned()).collect(), false);
        RecordForm {
            typed_values,
            only_declared: true,
            fields: deselected.iter().map(path).collect(),
        }
    }

    #[test]
    fn times_have_the_type_that_was_chosen() {
        let schema = form(false, &[]).json_schema(stream("conversations"));
        let field = &schema["properties"]["created_at"];
        assert_eq!(field["type"], json!(["null", "integer"]));
        assert!(!schema.to_string().contains(TYPED));
        let schema = form(true, &[]).json_schema(stream("conversations"));
        let rating = &schema["properties"]["ratings"]["items"]["properties"];
        for field in [
            &schema["properties"]["created_at"],
            &rating["rating_created_timestamp"],
        ] {
            assert_eq!(field["type"], json!(["null", "string"]), "{field}");
            assert_eq!(field["format"], "date-time");
            assert_eq!(field["airbyte_type"], "timestamp_with_timezone");
        }
        assert!(!schema.to_string().contains("Unix milliseconds"));
        let schema = form(true, &[]).json_schema(stream("messages"));
        let recipients = &schema["properties"]["to"]["type"];
        assert_eq!(*recipients, json!(["null", "array"]));
    }

    #[test]
    fn a_deselected_field_is_in_neither_the_schema_nor_the_records() {
        let form = form(
            false,
            &[
                &["requester_email"],
                &["ratings", "rating_message"],
                &["id"],
                &["updated_at"],
            ],
        );
        let conversations = stream("conversations");
        let schema = form.json_schema(conversations);
        let properties = schema["properties"].as_object().unwrap();
        assert!(!properties.contains_key("requester_email"));
        assert!(properties.contains_key("id") && properties.contains_key("updated_at"));
        let rating = properties["ratings"]["items"]["properties"].as_object();
        assert!(!rating.unwrap().contains_key("rating_message"));
        let record = r#"{"id":1,"updated_at":2,"requester_email":"e","x":3,"ratings":[{"rating_message":"m","x":5,"rating_score":4}]}"#;
        let expected = r#"{"id":1,"updated_at":2,"ratings":[{"rating_score":4}]}"#;
        let mut changed = Vec::new();
        form.rules(conversations)
            .apply(record.as_bytes(), &mut changed);
        assert_eq!(String::from_utf8(changed).unwrap(), expected);
    }

    #[test]
    fn nothing_is_changed_by_default() {
        for stream in table::STREAMS {
            let rules = RecordForm::default().rules(stream);
            assert!(rules.keep_everything(), "{}", stream.name);
        }
    }
}
