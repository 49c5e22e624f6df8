//! The files that the command line names.

use super::{Case, case};
use crate::support::bench::Bench;

const CORRECT: &str = "Correct the value.";
const CORRECT_JSON: &str = "Correct the file at that place.";

pub fn config() -> Vec<Case> {
    [not_a_config(), tokens(), values()]
        .into_iter()
        .flatten()
        .collect()
}

fn not_a_config() -> Vec<Case> {
    let check = |text: &str| Bench::check().config(text);
    vec![
        case(
            "a config file that does not exist",
            "Correct the path.",
            Bench::new("check --config {dir}/nowhere.json"),
        ),
        case(
            "a folder as the config",
            "Name a file.",
            Bench::new("check --config {dir}"),
        ),
        case(
            "a config that is not text",
            "Save it as UTF-8.",
            Bench::check().config(b"\xff\xfe{}".to_vec()),
        ),
        case(
            "a config of more than 1 MiB",
            "Name the right file.",
            check(&" ".repeat(1 << 21)),
        ),
        case(
            "an empty config file",
            "Write the config into it.",
            check(""),
        ),
        case(
            "a comma behind the last key",
            CORRECT_JSON,
            check(r#"{"api_token":"{token}",}"#),
        ),
        case("single quotes", CORRECT_JSON, check("{'api_token':'x'}")),
        case(
            "a missing colon",
            CORRECT_JSON,
            check(r#"{"api_token" "x"}"#),
        ),
        case(
            "a config that is cut off",
            CORRECT_JSON,
            check(r#"{"api_token":"x"#),
        ),
        case(
            "a comment in the config",
            CORRECT_JSON,
            check("{ // the token\n\"api_token\":\"x\"}"),
        ),
        case("a config that is a list", "Make it an object.", check("[]")),
    ]
}

fn tokens() -> Vec<Case> {
    let check = |text: &str| Bench::check().config(text);
    vec![
        case(
            "a config without a token",
            "Set `api_token`, or DIXA_API_TOKEN.",
            check("{}"),
        ),
        case(
            "a misspelt `api_token`",
            "Rename the key.",
            check(r#"{"api_tokn":"x"}"#),
        ),
        case(
            "another connector's key for the token",
            "Rename the key.",
            check(r#"{"api_key":"x"}"#),
        ),
        case(
            "keys in an object of their own",
            "Move them up.",
            check(r#"{"config":{"api_token":"x"}}"#),
        ),
        case(
            "an empty `api_token`",
            "Put the token there, or set DIXA_API_TOKEN.",
            check(r#"{"api_token":"  "}"#),
        ),
        case(
            "`api_token` with `Bearer` in front",
            "Remove it.",
            check(r#"{"api_token":"Bearer x"}"#),
        ),
        case(
            "`api_token` with letters that no token has",
            "",
            check(r#"{"api_token":"tøken"}"#),
        ),
        case(
            "`api_token` that is a number",
            CORRECT,
            check(r#"{"api_token":5}"#),
        ),
    ]
}

fn values() -> Vec<Case> {
    let key = |key: &str| Bench::check().key(key);
    let warned = |key: &str| Bench::read().key(key);
    vec![
        case(
            "a `start_date` in another format",
            CORRECT,
            key(r#""start_date":"31/01/2024""#),
        ),
        case(
            "a `start_date` that no calendar has",
            CORRECT,
            key(r#""start_date":"2023-02-30""#),
        ),
        case(
            "a `start_date` with an offset",
            CORRECT,
            key(r#""start_date":"2024-01-01T00:00:00+02:00""#),
        ),
        case(
            "an `end_date` before `start_date`",
            CORRECT,
            key(r#""start_date":"2024-01-01","end_date":"2023-01-01""#),
        ),
        case("`window_days` of 32", CORRECT, key(r#""window_days":32"#)),
        case(
            "`window_days` as text",
            CORRECT,
            key(r#""window_days":"30""#),
        ),
        case(
            "a negative lookback",
            CORRECT,
            key(r#""lookback_minutes":-5"#),
        ),
        case(
            "a rate of 0",
            CORRECT,
            key(r#""exports_requests_per_minute":0"#),
        ),
        case(
            "a base URL without a scheme",
            CORRECT,
            key(r#""api_base_url":"dev.dixa.io""#),
        ),
        case(
            "a base URL with `/v1`",
            CORRECT,
            key(r#""api_base_url":"https://dev.dixa.io/v1""#),
        ),
        case(
            "plain http to another machine",
            CORRECT,
            key(r#""api_base_url":"http://dev.dixa.io""#),
        ),
        case(
            "a key that does not exist",
            "Correct the name, or remove the key.",
            warned(r#""start_dat":"2024-01-01""#),
        ),
        case(
            "a key of another connector",
            "Rename the key.",
            warned(r#""batch_size":31"#),
        ),
    ]
}

pub fn catalog() -> Vec<Case> {
    let read = |text: &str| {
        Bench::new("read --config {dir}/config.json --catalog {dir}/c.json").file("c.json", text)
    };
    let stream = |name: &str, rest: &str| {
        read(&format!(
            r#"{{"streams":[{{"stream":{{"name":"{name}"}}{rest}}}]}}"#
        ))
    };
    vec![
        case(
            "a catalog that does not exist",
            "Correct the path.",
            Bench::new("read --config {dir}/config.json --catalog {dir}/nowhere.json"),
        ),
        case(
            "a catalog that is not JSON",
            "Write it again with `discover`.",
            read("streams: tags"),
        ),
        case(
            "a catalog without streams",
            "Write it again with `discover`.",
            read("{}"),
        ),
        case(
            "an entry without a name",
            "",
            read(r#"{"streams":[{"sync_mode":"full_refresh"}]}"#),
        ),
        case(
            "a stream in the catalog that does not exist",
            "Correct the name, or remove the entry.",
            stream("conversation_export", ""),
        ),
        case(
            "an unknown sync mode",
            CORRECT,
            stream("tags", r#","sync_mode":"append""#),
        ),
        case(
            "a cursor field that is not the stream's",
            CORRECT,
            stream(
                "messages",
                r#","sync_mode":"incremental","cursor_field":["id"]"#,
            ),
        ),
        case(
            "a catalog that selects nothing",
            "Select a stream.",
            read(r#"{"streams":[]}"#),
        ),
    ]
}

pub fn state() -> Vec<Case> {
    let read = |text: &str| {
        Bench::new("read --config {dir}/config.json --streams conversations --state {dir}/s.json")
            .file("s.json", text)
    };
    let saved = |value: &str| {
        read(&format!(
            r#"{{"type":"STREAM","stream":{{"stream_descriptor":{{"name":"conversations"}},"stream_state":{value}}}}}"#
        ))
    };
    vec![
        case(
            "a state file that does not exist",
            "Correct the path, or add `--allow-missing-state` for the first run.",
            Bench::read().and("--state {dir}/nowhere.json"),
        ),
        case(
            "a state file that holds something else",
            "Name the right file.",
            read(r#"{"api_token":"x"}"#),
        ),
        case(
            "a state without a position",
            "Nothing, or correct the state.",
            saved("{}"),
        ),
        case(
            "a position in seconds",
            "Nothing, or give it in milliseconds.",
            saved(r#"{"updated_at":1767312000}"#),
        ),
        case(
            "a position in the future",
            "Check this machine's clock, or reset the stream.",
            saved(r#"{"updated_at":4102444800000}"#),
        ),
        case(
            "a state that tap-dixa saved",
            "Nothing: it is read again.",
            saved(r#"{"updated_at":"2026-01-05T00:00:00Z"}"#),
        ),
        case(
            "a state of a stream that does not exist",
            "Nothing, or correct the name.",
            read(
                r#"{"type":"STREAM","stream":{"stream_descriptor":{"name":"invoices"},"stream_state":{"a":1}}}"#,
            ),
        ),
        case(
            "a line of the state that is cut off",
            "Nothing, if the run was killed while writing it.",
            read(
                "{\"type\":\"STREAM\",\"stream\":{\"stream_descriptor\":{\"name\":\"conversations\"},\"stream_state\":{\"updated_at\":1767312000000}}}\n{\"type\":\"STA",
            ),
        ),
    ]
}

pub fn state_out() -> Vec<Case> {
    let read = |path: &str| Bench::read().and(&format!("--state-out {path}"));
    vec![
        case(
            "`--state-out` in a folder that does not exist",
            "Create the folder.",
            read("{dir}/nowhere/s.json"),
        ),
        case(
            "`--state-out` that is a folder",
            "Name a file.",
            read("{dir}"),
        ),
        case(
            "`--state-out` that is a device",
            "Name a regular file.",
            read("/dev/null"),
        ),
        case(
            "`--state-out` that is the file of `--state`",
            "",
            read("{dir}/s.json")
                .and("--state {dir}/s.json")
                .file("s.json", "[]"),
        ),
        case(
            "`--state-out` that is the config",
            "Name another file.",
            read("{dir}/config.json"),
        ),
    ]
}
