//! The state that `read` is given, in any form in which a client hands it back, as one blob a stream.

use std::collections::HashMap;

use serde_json::{Map, Value};

use crate::failure::Failure;

/// What is saved of each stream, by its name. Of several entries for one stream the last counts.
pub type States = HashMap<String, Value>;

const NO_STATE: &str = "The state must be a list of Airbyte state messages, such as the `state` of the last STATE of each stream, or the messages that a read printed.";

/// Reads a state file: nothing at all, a list of state messages, a single one, the old form, a map from stream to blob, the
/// messages of a former read, a line each, or what a target of Singer printed. Unknown keys, nulls, repeated keys and the
/// platform's own additions are no errors (airbyte.md 2.3 and 3.3).
pub fn parse(text: &str) -> Result<States, Failure> {
    let mut states = States::new();
    if text.trim().is_empty() {
        return Ok(states);
    }
    let state: Value = match serde_json::from_str(text) {
        Ok(state) => state,
        Err(error) => {
            let printed = take_lines(text, &mut states);
            let printed = printed.then_some(states).ok_or_else(|| {
                Failure::config(format!("The state is not JSON. {NO_STATE}")).because(&error)
            });
            return printed;
        }
    };
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
        Value::Object(message) if is_other_message(message) => {}
        Value::Object(message) if is_of_other_command(message) => {
            return Err(Failure::config(NO_STATE));
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

/// Takes the states among the lines that a read printed, or a target of Singer; `false` if they are no such lines. The last
/// line may be cut, as that of a read that was killed: the state before it counts.
fn take_lines(text: &str, states: &mut States) -> bool {
    let lines: Vec<_> = text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .collect();
    for (number, line) in lines.iter().enumerate() {
        let is_of_read = [
            r#"{"type":"LOG""#,
            r#"{"type":"TRACE""#,
            r#"{"type":"RECORD""#,
        ]
        .iter()
        .any(|begin| line.starts_with(begin));
        let is_cut = number + 1 == lines.len() && (number > 0 || is_of_read);
        // Most lines are records, and none of them is looked into.
        let is_record = line.starts_with(r#"{"type":"RECORD""#);
        if is_record && (is_cut || line.ends_with('}')) {
            continue;
        }
        match serde_json::from_str::<Value>(line) {
            Ok(Value::Object(message)) => {
                let is_taken = is_other_message(&message)
                    || take_message(&message, states)
                    || take_map(&message, states);
                if !is_taken || is_of_other_command(&message) {
                    return false;
                }
            }
            Err(_) if is_cut => {}
            _ => return false,
        }
    }
    true
}

/// A message of another command, whose output somebody took for that of a read.
fn is_of_other_command(message: &Map<String, Value>) -> bool {
    is_of_type(message, &["SPEC", "CATALOG", "CONNECTION_STATUS"])
}

/// A message of a read that is no STATE.
fn is_other_message(message: &Map<String, Value>) -> bool {
    is_of_type(message, &["RECORD", "LOG", "TRACE", "SCHEMA"])
}

fn is_of_type(message: &Map<String, Value>, types: &[&str]) -> bool {
    let kind = message.get("type").and_then(Value::as_str);
    kind.is_some_and(|kind| types.contains(&kind))
}

/// Takes what one state message holds; `false` if it is none. A part that is null holds nothing.
fn take_message(message: &Map<String, Value>, states: &mut States) -> bool {
    let part = |key: &str| message.get(key).and_then(Value::as_object);
    if let Some(state) = part("state") {
        return take_message(state, states);
    }
    // Singer's, as a tap writes it or as a target gives it back.
    if let Some(value) = part("value") {
        return take_message(value, states) || take_map(value, states);
    }
    if let Some(bookmarks) = part("bookmarks") {
        take_map(bookmarks, states);
        return true;
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
    fn the_messages_of_a_former_read_are_its_state() {
        let state = |at: u32| {
            format!(
                r#"{{"type":"STATE","state":{{"type":"STREAM","stream":{{"stream_descriptor":{{"name":"c"}},"stream_state":{{"updated_at":{at}}}}}}}}}"#
            )
        };
        let log = r#"{"type":"LOG","log":{"level":"INFO","message":"STATE"}}"#;
        let record =
            r#"{"type":"RECORD","record":{"stream":"c","data":{"state":{}},"emitted_at":1}}"#;
        let last = &[("c", r#"{"updated_at":2}"#)];
        let lines = [
            log.to_owned(),
            record.to_owned(),
            state(1),
            record.to_owned(),
            state(2),
        ]
        .join("\n");
        check(&lines, last);
        check(&format!("{lines}\n"), last);
        for cut in 1..record.len() {
            check(&format!("{lines}\n{}", &record[..cut]), last);
        }
        check(&format!("{log}\n{log}"), &[]);
        check(log, &[]);
    }

    #[test]
    fn what_a_target_of_singer_gives_back_is_a_state() {
        let blob = &[("c", r#"{"updated_at":1}"#)];
        let value = r#"{"bookmarks":{"c":{"updated_at":1}}}"#;
        check(value, blob);
        check(&format!("{{\"bookmarks\":{{}}}}\n{value}\n"), blob);
        check(&format!(r#"{{"type":"STATE","value":{value}}}"#), blob);
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
