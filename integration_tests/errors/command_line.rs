//! Flags and arguments.

use super::{Case, case};
use crate::support::bench::Bench;

const BOTH: &str = r#"{"streams":[{"stream":{"name":"tags"},"sync_mode":"full_refresh"}]}"#;

pub fn cases() -> Vec<Case> {
    let read = |arguments: &str| Bench::read().and(arguments);
    let catalog = |arguments: &str| {
        Bench::new(&format!(
            "read --config {{dir}}/config.json --catalog {{dir}}/c.json {arguments}"
        ))
        .file("c.json", BOTH)
    };
    vec![
        case("no command", "", Bench::new("")),
        case("an unknown command", "", Bench::new("sync")),
        case("an unknown option", "", Bench::new("spec --verbose")),
        case(
            "an option without its value",
            "",
            Bench::new("check --config"),
        ),
        case("an argument too many", "", Bench::new("check --config a b")),
        case(
            "neither a config nor a token in the environment",
            "",
            Bench::new("check"),
        ),
        case(
            "a misspelt stream",
            "",
            Bench::new("read --config c --streams tags,conversatoins"),
        ),
        case(
            "a stream that does not exist",
            "",
            Bench::new("read --config c --streams invoices"),
        ),
        case(
            "a table's name in another product",
            "",
            Bench::new("read --config c --streams end_user"),
        ),
        case(
            "`--streams` with nothing but commas",
            "",
            Bench::new("read --config c --streams ,"),
        ),
        case(
            "a stream that is not in the catalog",
            "Correct the name, or add the stream to the catalog.",
            catalog("--streams teams"),
        ),
        case("an unknown format", "", read("--format csv")),
        case("`--quiet` with `--debug`", "", read("--quiet --debug")),
        case(
            "`--allow-missing-state` without `--state`",
            "",
            read("--allow-missing-state"),
        ),
        case("`--state-out -`", "", read("--state-out -")),
        case(
            "completions for an unknown shell",
            "",
            Bench::new("completions tcsh"),
        ),
        case(
            "two files from standard input",
            "Save the other input to a file.",
            Bench::new("read --config {dir}/config.json --state - --catalog -"),
        ),
        case(
            "the format `jsonl` with several streams",
            "Select one.",
            Bench::new("read --config {dir}/config.json --format jsonl"),
        ),
        case(
            "JSON in place of a file's path",
            "Write it to a file, or pipe it in with `--config -`.",
            Bench::new("check --config {\"api_token\":\"x\"}"),
        ),
    ]
}
