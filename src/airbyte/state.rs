//! The state that `read` is given, in any form in which a client hands it back, as one blob a stream.

use std::collections::HashMap;

use serde_json::{Map, Value};

use crate::failure::Failure;

/// What is saved of each stream, by its name. Of several entries for one stream the last counts.
pub type States = HashMap<String, Value>;

const NO_STATE: &str = "The state must be a list of Airbyte state messages, such as the `state` of the last STATE of each stream.";

/// Reads a state file: nothing at all, a list of state messages, a single one, or the old form, a map from stream to blob.
/// Unknown keys, nulls, repeated keys and the platform's own additions are no errors (airbyte.md 2.3 and 3.3).
pub fn parse(text: &str) -> Result<States, Failure> {
    let mut states = States::new();
    if text.trim().is_empty() {
        return Ok(states);
    }
    let state: Value = serde_json::from_str(text).map_err(|error| {
        let hint =
            "The state is not JSON. Lines of messages must be made one list, as the README shows.";
        Failure::config(hint).because(&error)
    })?;
    match &state {
        Value::Null => {}
        Value::Array(messages) => {
            for (index, message) in messages.iter().enumerate() {
                let taken = message
                    .as_object()
                    .is_some_and(|message| take_message(message, &mut states));
                if !taken {
                    return Err(Failure::config(format!(
                        "The state's entry number {} is not an Airbyte state message: it has no `stream`, `global` or `data`.",
                        index + 1
                    )));
                }
            }
        }
        Value::Object(single) => {
            let is_known = take_message(single, &mut states) || take_map(single, &mut states);
            if !is_known && !single.is_empty() {
                return Err(Failure::config(NO_STATE));
            }
        }
        _ => {
            return Err(Failure::config(NO_STATE));
        }
    }
    Ok(states)
}

/// Takes what one state message holds; `false` if it is none. A part that is null holds nothing.
fn take_message(message: &Map<String, Value>, states: &mut States) -> bool {
    let part = |key: &str| message.get(key).and_then(Value::as_object);
    if let Some(state) = part("state") {
        return take_message(state, states);
    }
    if let Some(stream) = part("stream").filter(|stream| stream.contains_key("stream_descriptor")) {
        take_stream(stream, states);
    } else if let Some(global) = part("global") {
        let streams = global.get("stream_states").and_then(Value::as_array);
        for stream in streams.into_iter().flatten().filter_map(Value::as_object) {
            take_stream(stream, states);
        }
    } else if let Some(data) = part("data") {
        take_map(data, states);
    } else {
        return ["stream", "global", "data"]
            .iter()
            .any(|key| message.get(*key) == Some(&Value::Null));
    }
    true
}

fn take_stream(stream: &Map<String, Value>, states: &mut States) {
    let name = stream
        .get("stream_descriptor")
        .and_then(|descriptor| descriptor["name"].as_str());
    if let (Some(name), Some(blob)) = (
        name,
        stream.get("stream_state").filter(|blob| !blob.is_null()),
    ) {
        states.insert(name.to_owned(), blob.clone());
    }
}

/// Takes a map from stream to blob; `false` if it is none.
fn take_map(map: &Map<String, Value>, states: &mut States) -> bool {
    let blobs = map.iter().filter(|(_, blob)| blob.is_object());
    states.extend(blobs.map(|(name, blob)| (name.clone(), blob.clone())));
    map.values().any(Value::is_object)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[(&str, &str)]) {
        let expected: States = expected
            .iter()
            .map(|(name, blob)| ((*name).to_owned(), serde_json::from_str(blob).unwrap()))
            .collect();
        assert_eq!(parse(text).unwrap(), expected, "{text}");
    }

    #[test]
    fn no_state_has_many_forms() {
        for text in ["", " \n", "[]", "null", "{}"] {
            check(text, &[]);
        }
    }

    #[test]
    fn every_form_of_a_state_is_understood() {
        let blob = &[("c", r#"{"updated_at":1}"#)];
        check(
            r#"[{"type":"STREAM","stream":{"stream_descriptor":{"name":"c","namespace":null},"stream_state":{"updated_at":1}},
                "sourceStats":{"recordCount":1.0},"destinationStats":{},"id":3,"global_":null,"global_":null,"data":null}]"#,
            blob,
        );
        check(
            r#"{"type":"STREAM","stream":{"stream_descriptor":{"name":"c"},"stream_state":{"updated_at":1}}}"#,
            blob,
        );
        check(
            r#"[{"type":"STATE","state":{"type":"STREAM","stream":{"stream_descriptor":{"name":"c"},"stream_state":{"updated_at":1}}}}]"#,
            blob,
        );
        check(
            r#"[{"type":"GLOBAL","global":{"stream_states":[{"stream_descriptor":{"name":"c"},"stream_state":{"updated_at":1}}]}}]"#,
            blob,
        );
        check(r#"[{"data":{"c":{"updated_at":1}}}]"#, blob);
        check(r#"{"c":{"updated_at":1}}"#, blob);
        check(
            r#"[{"stream":{"stream_descriptor":{"name":"c"},"stream_state":null}}]"#,
            &[],
        );
        check(r#"[{"type":"STREAM","stream":null}]"#, &[]);
    }

    #[test]
    fn the_last_entry_of_a_stream_counts() {
        check(
            r#"[{"stream":{"stream_descriptor":{"name":"c"},"stream_state":{"updated_at":1}}},
                {"stream":{"stream_descriptor":{"name":"c"},"stream_state":{"updated_at":2}}}]"#,
            &[("c", r#"{"updated_at":2}"#)],
        );
    }

    #[test]
    fn what_is_no_state_is_told() {
        for text in ["{", "3", "\"x\"", "[1]", "[{}]", "[{\"streams\":1}]"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
