//! The command line, config and catalog of `tap-dixa`, where they differ from those of `source-dixa`.

use super::{Case, case};
use crate::support::bench::Bench;

/// A catalog of one stream, with this metadata of a field besides.
fn catalog(stream: &str, of_field: &str) -> Bench {
    let of_stream = r#"{"breadcrumb":[],"metadata":{"selected":true}}"#;
    let entry = format!(
        r#"{{"tap_stream_id":"{stream}","stream":"{stream}","schema":{{}},"metadata":[{of_stream}{of_field}]}}"#
    );
    Bench::tap("--config {dir}/config.json --catalog {dir}/c.json")
        .file("c.json", format!(r#"{{"streams":[{entry}]}}"#))
}

pub fn cases() -> Vec<Case> {
    let sync = || Bench::tap("--config {dir}/config.json");
    vec![
        case("no config for the tap", "", Bench::tap("")),
        case(
            "an option that the tap does not have",
            "",
            Bench::tap("--streams tags"),
        ),
        case(
            "an unknown format of `--about`",
            "",
            Bench::tap("--about --format yaml"),
        ),
        case(
            "`--config ENV` with text in place of a number",
            "",
            sync()
                .and("--config ENV")
                .env("TAP_DIXA_WINDOW_DAYS", "many"),
        ),
        case(
            "`--config ENV` without a token",
            "",
            Bench::tap("--config ENV"),
        ),
        case(
            "`emit_activate_version_messages` with a text",
            "Correct the config.",
            sync().key(r#""emit_activate_version_messages":"yes""#),
        ),
        case(
            "a second config file that does not exist",
            "Correct the path.",
            sync().and("--config {dir}/missing.json"),
        ),
        case("the catalog of another tap", "", catalog("issues", "")),
        case(
            "a misspelt field in the catalog",
            "",
            catalog(
                "tags",
                r#",{"breadcrumb":["properties","nmae"],"metadata":{"selected":false}}"#,
            ),
        ),
        case(
            "`--test` with a wrong token",
            "",
            sync().and("--test").key(r#""api_token":"wrong""#),
        ),
    ]
}
