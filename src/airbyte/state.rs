//! Loads the state that `read` is given, in any form that a client may pass, as one blob per stream. The file is read value by
//! value, so memory use does not depend on its size.

use std::collections::HashMap;
use std::io::{self, Read};

use serde_json::{Map, Value};

use crate::failure::Failure;

mod values;

use values::{Scanned, ValueScanner};

/// The saved state of each stream, by name. The last entry for a stream wins.
pub type States = HashMap<String, Value>;

/// Whether a name belongs to one of our streams. In a map keyed by stream, such an entry counts whatever its value is.
pub type IsKnownStream<'a> = &'a dyn Fn(&str) -> bool;

/// The content of a state file.
#[derive(Debug, Default)]
pub struct Loaded {
    pub states: States,
    /// The number of lines or entries ignored because they were truncated, not JSON, or not a message.
    pub ignored: u64,
}

const EXPECTED_STATE: &str = "The state must be a list of Airbyte state messages, a Singer state with `bookmarks`, or the output of an earlier read.";

/// A document up to this length is parsed as a whole, and so is a single message. In bytes.
const MAX_PARSED: usize = 1 << 20;
/// More consecutive bytes than this without a message mean that the input is not a state but, say, `/dev/zero`.
const MAX_IGNORED: u64 = 16 << 20;
/// A value is scanned for its end up to this length: many times the longest record. In bytes.
const MAX_VALUE: u64 = 1 << 30;
const READ_BUFFER: usize = 64 * 1024;

/// The kinds of values that we recognize.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// A state, possibly an empty one, or another message that `read` prints.
    ReadOutput,
    /// A message of another command, whose output was passed by mistake.
    OtherOutput,
}

/// Reads a state file. It may be empty, a list of state messages, a single one, a map from stream to
/// blob, a state from Airbyte's UI or API, from Singer or Meltano, or the output of earlier reads;
/// these forms may be nested. Unknown keys, nulls, repeated keys and the platform's own additions
/// are not errors (docs/airbyte-protocol.md 2.3 and 3.3).
pub fn read(mut input: impl Read, is_known: IsKnownStream<'_>) -> Result<Loaded, Failure> {
    let unreadable =
        |error: io::Error| Failure::config(format!("The state cannot be read: {error}."));
    let mut head = Vec::new();
    input
        .by_ref()
        .take(MAX_PARSED as u64 + 1)
        .read_to_end(&mut head)
        .map_err(unreadable)?;
    let text = head.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&head);
    if head.len() <= MAX_PARSED
        && let Ok(document) = serde_json::from_slice(text)
    {
        return parse_document(&document, is_known);
    }
    let mut loader = Loader::new(is_known);
    let mut scanner = ValueScanner::new(MAX_PARSED);
    scanner.feed(&head, |value| loader.add(value));
    let mut block = vec![0; READ_BUFFER];
    loop {
        if loader.ignored_bytes + scanner.junk_length() > MAX_IGNORED
            || scanner.current_length() > MAX_VALUE
        {
            let reason = "The state contains megabytes of data that is neither a state nor a message of `read`.";
            return Err(Failure::config(format!("{reason} {EXPECTED_STATE}")));
        }
        match input.read(&mut block) {
            Ok(0) => break,
            Ok(length) => scanner.feed(&block[..length], |value| loader.add(value)),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(unreadable(error)),
        }
    }
    scanner.finish(|value| loader.add(value));
    loader.finish()
}

/// Parses a file that is a single JSON document. Every entry of a list must be a state.
fn parse_document(document: &Value, is_known: IsKnownStream<'_>) -> Result<Loaded, Failure> {
    let mut states = States::new();
    match document {
        Value::Null => {}
        Value::Array(entries) => {
            for (index, entry) in entries.iter().enumerate() {
                if collect(entry, is_known, &mut states) != Some(Kind::ReadOutput) {
                    return Err(Failure::config(format!(
                        "In the state, entry number {} is neither a state nor a message of `read`. {EXPECTED_STATE}",
                        index + 1
                    )));
                }
            }
        }
        document => match collect(document, is_known, &mut states) {
            Some(Kind::ReadOutput) => {}
            Some(Kind::OtherOutput) | None => return Err(Failure::config(EXPECTED_STATE)),
        },
    }
    Ok(Loaded { states, ignored: 0 })
}

/// Collects states from the values of a long or mixed file.
struct Loader<'a> {
    is_known: IsKnownStream<'a>,
    loaded: Loaded,
    /// Output of `read` was found.
    found_read_output: bool,
    /// Output of another command was found.
    found_other_output: bool,
    /// The bytes ignored since the last recognized value.
    ignored_bytes: u64,
}

impl<'a> Loader<'a> {
    fn new(is_known: IsKnownStream<'a>) -> Self {
        Self {
            is_known,
            loaded: Loaded::default(),
            found_read_output: false,
            found_other_output: false,
            ignored_bytes: 0,
        }
    }

    fn add(&mut self, scanned: Scanned<'_>) {
        let kind = match scanned {
            // Most values are records, which need no parsing.
            Scanned::Whole { begin, .. } if is_record(begin) => Some(Kind::ReadOutput),
            Scanned::Whole { begin, length } if length == begin.len() as u64 => {
                let value = serde_json::from_slice::<Value>(begin).ok();
                value.and_then(|value| collect(&value, self.is_known, &mut self.loaded.states))
            }
            Scanned::Whole { .. } | Scanned::Broken { .. } => None,
        };
        if let Some(kind) = kind {
            self.found_read_output |= kind == Kind::ReadOutput;
            self.found_other_output |= kind == Kind::OtherOutput;
            self.ignored_bytes = 0;
            return;
        }
        let (begin, length) = scanned.parts();
        self.loaded.ignored += 1;
        self.ignored_bytes += length;
        // Even a file truncated in its very first line is the output of a read.
        self.found_read_output |= is_message(begin);
    }

    fn finish(self) -> Result<Loaded, Failure> {
        let is_unrecognized = !self.found_read_output && self.loaded.ignored > 0;
        if is_unrecognized || (self.found_other_output && self.loaded.states.is_empty()) {
            let reason = "The state is not JSON, or not a state.";
            return Err(Failure::config(format!("{reason} {EXPECTED_STATE}")));
        }
        Ok(self.loaded)
    }
}

/// Whether a value starts like a message of either protocol.
fn is_message(begin: &[u8]) -> bool {
    starts_with(begin, br#"{"type":""#)
}

/// Whether a value starts like a record, with its keys in any order.
fn is_record(begin: &[u8]) -> bool {
    starts_with(begin, br#"{"type":"RECORD""#) || starts_with(begin, br#"{"record":{"#)
}

/// Whether a JSON text starts with `prefix`, ignoring white space.
fn starts_with(text: &[u8], prefix: &[u8]) -> bool {
    let mut text = text.iter().filter(|byte| !byte.is_ascii_whitespace());
    prefix.iter().all(|byte| text.next() == Some(byte))
}

/// The keys that wrap a state: in a STATE message, in Airbyte's API, in Singer's STATE, in Meltano's files.
const WRAPPERS: [&str; 8] = [
    "state",
    "data",
    "connectionState",
    "value",
    "singer_state",
    "completed",
    "partial_state",
    "partial",
];

/// Collects the states in a value; `None` if it is neither a state nor a message.
fn collect(value: &Value, is_known: IsKnownStream<'_>, states: &mut States) -> Option<Kind> {
    let object = match value {
        Value::Object(object) => object,
        Value::Array(entries) => {
            return entries.iter().try_fold(Kind::ReadOutput, |_, entry| {
                collect(entry, is_known, states)
            });
        }
        _ => return None,
    };
    let kind = object.get("type").and_then(Value::as_str);
    match kind {
        Some("RECORD" | "LOG" | "TRACE" | "CONTROL" | "SCHEMA" | "ACTIVATE_VERSION" | "BATCH") => {
            return Some(Kind::ReadOutput);
        }
        Some("SPEC" | "CATALOG" | "CONNECTION_STATUS") => return Some(Kind::OtherOutput),
        _ => {}
    }
    if object.is_empty() || collect_object(object, is_known, states) {
        return Some(Kind::ReadOutput);
    }
    let may_be_null = ["stream", "global", "streamState", "bookmarks"];
    let is_null = |key: &&str| object.get(*key) == Some(&Value::Null);
    let mut parts = ["stateType", "currently_syncing"].iter();
    let is_empty_state = may_be_null.iter().chain(&WRAPPERS).any(is_null)
        || parts.any(|key| object.contains_key(*key));
    is_empty_state.then_some(Kind::ReadOutput)
}

/// Collects the states in an object that is not a message of another type; `false` if there are none.
fn collect_object(
    object: &Map<String, Value>,
    is_known: IsKnownStream<'_>,
    states: &mut States,
) -> bool {
    if collect_stream(object, states) {
        return true;
    }
    let wrapped = WRAPPERS
        .iter()
        .filter_map(|key| object.get(*key))
        .filter(|value| value.is_object() || value.is_array());
    let mut is_wrapped = false;
    for value in wrapped {
        is_wrapped |= collect(value, is_known, states).is_some();
    }
    if is_wrapped {
        return true;
    }
    if let Some(bookmarks) = object.get("bookmarks").and_then(Value::as_object) {
        collect_map(bookmarks, is_known, states);
        return true;
    }
    if let Some(stream) = object.get("stream").and_then(Value::as_object)
        && collect_stream(stream, states)
    {
        return true;
    }
    let global = ["global", "globalState"]
        .iter()
        .find_map(|key| object.get(*key)?.as_object());
    let streams = global.map_or(either(object, "stream_state", "streamState"), |global| {
        either(global, "stream_states", "streamStates")
    });
    if let Some(streams) = streams.and_then(Value::as_array) {
        let streams = streams.iter().filter_map(Value::as_object);
        streams.for_each(|stream| _ = collect_stream(stream, states));
        return true;
    }
    global.is_some() || collect_map(object, is_known, states)
}

/// Collects one stream's state, which is next to its descriptor; `false` if it has none.
fn collect_stream(stream: &Map<String, Value>, states: &mut States) -> bool {
    let descriptor = either(stream, "stream_descriptor", "streamDescriptor");
    let Some(name) = descriptor.and_then(|descriptor| descriptor["name"].as_str()) else {
        return false;
    };
    let state = either(stream, "stream_state", "streamState");
    if let Some(state) = state.filter(|state| !state.is_null()) {
        states.insert(name.to_owned(), state.clone());
    }
    true
}

fn either<'a>(object: &'a Map<String, Value>, one: &str, other: &str) -> Option<&'a Value> {
    object.get(one).or_else(|| object.get(other))
}

/// Collects a map from stream to blob; `false` if the object is not one.
fn collect_map(map: &Map<String, Value>, is_known: IsKnownStream<'_>, states: &mut States) -> bool {
    let is_entry = |(name, blob): &(&String, &Value)| blob.is_object() || is_known(name);
    let entries = map.iter().filter(is_entry);
    let blobs = entries.clone().filter(|(_, blob)| !blob.is_null());
    states.extend(blobs.map(|(name, blob)| (name.clone(), blob.clone())));
    entries.count() > 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn is_known(name: &str) -> bool {
        ["c", "m"].contains(&name)
    }

    fn load(text: impl AsRef<[u8]>) -> Result<Loaded, Failure> {
        read(text.as_ref(), &is_known)
    }

    fn check(text: &str, expected: &[(&str, &str)]) {
        let expected: States = expected
            .iter()
            .map(|(name, blob)| ((*name).to_owned(), serde_json::from_str(blob).unwrap()))
            .collect();
        assert_eq!(load(text).unwrap().states, expected, "{text}");
    }

    /// A STATE message of the stream `c`.
    fn state(at: u32) -> String {
        format!(
            r#"{{"type":"STATE","state":{{"type":"STREAM","stream":{{"stream_descriptor":{{"name":"c"}},"stream_state":{{"updated_at":{at}}}}}}}}}"#
        )
    }

    const LOG: &str = r#"{"type":"LOG","log":{"level":"INFO","message":"a \"STATE\" {é"}}"#;
    const RECORD: &str =
        r#"{"type":"RECORD","record":{"stream":"c","data":{"state":{}},"emitted_at":1}}"#;

    #[test]
    fn an_empty_state_has_many_forms() {
        for text in [
            "",
            " \n",
            "[]",
            "null",
            "{}",
            "\u{feff}",
            "\u{feff}[]\r\n",
            "[]\n[]\n",
            "null\nnull",
            r#"[{"type":"STREAM","stream":null}]"#,
            r#"[{"stream":{"stream_descriptor":{"name":"c"},"stream_state":null}}]"#,
            r#"{"stateType":"not_set","connectionId":"x"}"#,
            r#"{"c":null}"#,
            r#"{"bookmarks":null}"#,
            r#"{"singer_state":null}"#,
            r#"{"completed":null,"partial":{}}"#,
            r#"{"currently_syncing":"c"}"#,
        ] {
            check(text, &[]);
        }
    }

    /// The forms in which a client or a person may write a state of `c`.
    fn forms(position: &Value) -> Vec<Value> {
        let snake = json!({"stream_descriptor": {"name": "c", "namespace": null}, "stream_state": position});
        let camel = json!({"streamDescriptor": {"name": "c"}, "streamState": position});
        vec![
            json!({"type": "STREAM", "stream": snake, "sourceStats": {"recordCount": 1.0}, "id": 3, "data": null}),
            json!({"state": {"stream": snake, "type": "STREAM"}, "type": "STATE"}),
            json!({"type": "STREAM", "stream": camel}),
            json!({"type": "GLOBAL", "global": {"shared_state": {"x": 1}, "stream_states": [snake]}}),
            json!({"data": {"c": position}}),
            json!({"c": position}),
            snake,
            camel.clone(),
            json!({"stateType": "stream", "connectionId": "x", "streamState": [camel]}),
            json!({"stateType": "global", "globalState": {"sharedState": null, "streamStates": [camel]}}),
            json!({"stateType": "legacy", "state": {"c": position}, "streamState": null}),
            json!({"connectionState": {"stateType": "stream", "streamState": [camel]}}),
            json!({"bookmarks": {"c": position}, "currently_syncing": "m"}),
            json!({"type": "STATE", "value": {"bookmarks": {"c": position}}}),
            json!({"value": {"c": position}, "type": "STATE"}),
            json!({"singer_state": {"bookmarks": {"c": position}}}),
            json!({"completed": {"singer_state": {"bookmarks": {"c": position}}}, "partial": {}}),
        ]
    }

    #[test]
    fn every_form_of_a_state_is_read_in_every_layout() {
        let due = [("c", r#"{"updated_at":1}"#)];
        let record = json!({"type": "RECORD", "record": {"stream": "c", "data": {}}});
        for form in forms(&json!({"updated_at": 1})) {
            let line = form.to_string();
            let spaced = line.replace(':', ": ").replace(',', ", ");
            let pretty = serde_json::to_string_pretty(&form).unwrap();
            let list = serde_json::to_string_pretty(&json!([record, form])).unwrap();
            let unindented = pretty.lines().map(str::trim_start).collect::<Vec<_>>();
            for text in [
                line.clone(),
                spaced,
                unindented.join("\n"),
                json!([form]).to_string(),
                json!([[form]]).to_string(),
                json!({ "state": form }).to_string(),
                json!({ "value": form }).to_string(),
                format!("\u{feff}{pretty}\r\n").replace('\n', "\r\n"),
                format!("{LOG}\r\n\r\n{line}\r\n{LOG}\r\n"),
                format!("{LOG}\n{pretty}\n{LOG}\n"),
                format!("{list}\n{LOG}\n"),
                format!("{LOG}\n{list}"),
                format!("{LOG}{line}{LOG}"),
                format!("[\n{LOG},\n{line}\n]\n{LOG}"),
                list,
            ] {
                check(&text, &due);
                assert_eq!(load(&text).unwrap().ignored, 0, "{text}");
            }
        }
    }

    #[test]
    fn a_value_that_is_not_an_object_counts_only_for_a_known_stream() {
        for form in forms(&json!("2023-11-14T22:13:20Z")) {
            let text = form.to_string();
            check(&text, &[("c", r#""2023-11-14T22:13:20Z""#)]);
        }
        check(
            r#"{"bookmarks":{"c":17,"other":18,"more":{"x":1}}}"#,
            &[("c", "17"), ("more", r#"{"x":1}"#)],
        );
    }

    #[test]
    fn repeated_and_unknown_keys_are_not_errors() {
        check(
            r#"[{"type":"STREAM","stream":{"stream_descriptor":{"name":"c"},"stream_state":{"updated_at":1}},"global_":null,"global_":null}]"#,
            &[("c", r#"{"updated_at":1}"#)],
        );
    }

    #[test]
    fn the_last_entry_of_a_stream_wins() {
        let last = &[("c", r#"{"updated_at":2}"#)];
        check(&format!("[{},{}]", state(1), state(2)), last);
        check(&format!("{}\n{RECORD}\n{}", state(1), state(2)), last);
    }

    #[test]
    fn the_output_of_an_earlier_read_is_a_state() {
        let last = &[("c", r#"{"updated_at":2}"#)];
        let lines = [LOG, RECORD, &state(1), RECORD, &state(2)].join("\n");
        check(&lines, last);
        check(&format!("{lines}\n"), last);
        check(&format!("{LOG}\n{LOG}"), &[]);
        check(LOG, &[]);
    }

    #[test]
    fn a_truncated_line_is_ignored_and_counted_wherever_it_is() {
        for line in [LOG, RECORD, &state(7)] {
            for end in 1..line.len() {
                let cut = &line.as_bytes()[..end];
                let (before, after) = (state(1), format!("{LOG}\n{}\n", state(2)));
                let glued = [before.as_bytes(), b"\n", cut, after.as_bytes()].concat();
                let alone = [before.as_bytes(), b"\n", cut, b"\n", after.as_bytes()].concat();
                let last = [after.as_bytes(), cut].concat();
                for text in [glued, alone, last] {
                    let loaded = load(&text).unwrap();
                    let shown = String::from_utf8_lossy(&text);
                    assert_eq!(loaded.states["c"], json!({"updated_at": 2}), "{shown}");
                    assert!((1..=2).contains(&loaded.ignored), "{shown}");
                }
            }
        }
    }

    #[test]
    fn a_file_with_only_a_truncated_first_line_is_the_output_of_a_read() {
        for end in 10..LOG.len() {
            let loaded = load(&LOG.as_bytes()[..end]).unwrap();
            assert_eq!((loaded.states.len(), loaded.ignored), (0, 1));
        }
    }

    #[test]
    fn zeros_left_by_a_crash_are_ignored() {
        let text = format!("{}\n{}\n{}\n", state(1), "\0".repeat(5000), state(2));
        check(&text, &[("c", r#"{"updated_at":2}"#)]);
        let text = format!("{}\n{}", state(2), "\0".repeat(5000));
        check(&text, &[("c", r#"{"updated_at":2}"#)]);
    }

    #[test]
    fn anything_but_a_state_is_refused() {
        let catalog = r#"{"type":"CATALOG","catalog":{"streams":[]}}"#;
        for text in [
            "{",
            "3",
            "\"x\"",
            "[1]",
            "[{\"streams\":1}]",
            "hello",
            "a,b\n1,2\n",
            catalog,
            &format!("[{catalog}]"),
            &format!("{LOG}\n{catalog}\n"),
        ] {
            assert!(load(text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_endless_input_without_messages_is_refused() {
        let random = std::iter::repeat_with(|| fastrand::u8(..));
        let sources: [Box<dyn Read>; 4] = [
            Box::new(io::repeat(0)),
            Box::new(io::repeat(b'7')),
            Box::new(io::repeat(b'\n').take(0).chain(Cycle(b"y\n"))),
            Box::new(Cycle(&random.take(1 << 20).collect::<Vec<_>>().leak()[..])),
        ];
        for source in sources {
            let refused = read(source, &is_known).unwrap_err();
            assert!(refused.message.contains("neither"), "{}", refused.message);
        }
    }

    #[test]
    fn documents_and_records_of_any_length_are_accepted() {
        let long = RECORD.replace("{}", &format!("{{\"x\":\"{}\"}}", "y".repeat(3 << 20)));
        let reversed = format!(
            r#"{{"record":{{"data":"{}"}},"type":"RECORD"}}"#,
            "y".repeat(2 << 20)
        );
        let records = vec![RECORD; 30_000].join(",\n  ");
        let one_line = records.replace('\n', "");
        for text in [
            format!("{long}\n{}\n{long}", state(5)),
            format!("{reversed}\n{}\n", state(5)),
            format!("[{records},{}]", state(5)),
            format!("[{one_line},{},{long}]", state(5)),
            format!("{}{long}{}", state(4), state(5)),
        ] {
            let loaded = load(&text).unwrap();
            assert_eq!(loaded.states["c"], json!({"updated_at": 5}));
            assert_eq!(loaded.ignored, 0);
        }
    }

    #[test]
    fn an_unterminated_list_is_counted_as_ignored() {
        let loaded = load(format!("[\n{},\n", state(1))).unwrap();
        assert_eq!(loaded.states["c"], json!({"updated_at": 1}));
        assert_eq!(loaded.ignored, 1);
    }

    /// Repeats the same bytes forever.
    struct Cycle<'a>(&'a [u8]);

    impl Read for Cycle<'_> {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let length = into.len() / self.0.len() * self.0.len();
            let length = if length == 0 { into.len() } else { length };
            for (target, byte) in into[..length].iter_mut().zip(self.0.iter().cycle()) {
                *target = *byte;
            }
            Ok(length)
        }
    }

    proptest! {
        #[test]
        fn a_file_yields_the_same_values_in_pieces_of_any_length(
            parts in prop::collection::vec(0_usize..6, 0..12), cut in 0_usize..200, length in 1_usize..50,
        ) {
            let states = [state(1), state(2)];
            let kinds = [LOG, RECORD, &states[0], &states[1], "[\n", "]\n"];
            let mut text = parts.iter().map(|part| kinds[*part]).collect::<Vec<_>>().join("\n").into_bytes();
            text.truncate(text.len().saturating_sub(cut));
            let scan = |length: usize| {
                let mut scanned = Vec::new();
                let mut scanner = ValueScanner::new(100);
                let mut keep = |value: Scanned<'_>| {
                    scanned.push((value.parts().0.to_vec(), value.parts().1, matches!(value, Scanned::Whole { .. })));
                };
                text.chunks(length).for_each(|piece| scanner.feed(piece, &mut keep));
                scanner.finish(&mut keep);
                scanned
            };
            prop_assert_eq!(scan(length), scan(usize::MAX));
        }
    }
}
