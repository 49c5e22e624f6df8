//! What the program does as `tap-dixa`, a Singer tap with the command line of Singer's SDK.

use serde_json::{Value, json};

use crate::cli::tap::{AboutFormat, TAP_NAME, TapAction};
use crate::cli::{Tap, VERSION};
use crate::commands::config_file::load_config_without_token;
use crate::commands::{check, read};
use crate::config::description::default_text;
use crate::config::tap::tap_settings;
use crate::failure::Failure;
use crate::output::Output;
use crate::output::console::Terminal;
use crate::singer;
use crate::streams::record_form::RecordForm;
use crate::streams::stream::Stream;
use crate::streams::table::STREAMS;

/// By the names of Singer's SDK.
const CAPABILITIES: [&str; 6] = [
    "about",
    "activate-version",
    "catalog",
    "discover",
    "state",
    "test",
];
const DESCRIPTION: &str =
    "Reads conversations, messages, activity logs and the lists of a Dixa account.";

/// Runs the tap; `false` if a stream failed.
pub async fn run(tap: &Tap, output: &Output, terminal: &Terminal) -> Result<bool, Failure> {
    match tap.action {
        TapAction::About(format) => output.text(about(format).as_bytes()),
        TapAction::Discover => discover(tap, output)?,
        TapAction::Test => check::test(&tap.files.config, output, Some(terminal)).await?,
        TapAction::Sync => return read::read(&tap.files, output, terminal).await,
    }
    Ok(true)
}

/// Prints the catalog, in short lines: Meltano reads no line of more than 64 KiB. Neither a config nor a token is needed.
fn discover(tap: &Tap, output: &Output) -> Result<(), Failure> {
    let file = &tap.files.config;
    let is_given =
        file.config.is_some() || file.tap.as_ref().is_some_and(|tap| tap.has_environment);
    let typed_values = is_given && load_config_without_token(file, output)?.typed_values;
    let form = RecordForm {
        typed_values,
        only_declared: true,
        ..RecordForm::default()
    };
    let entry =
        |stream: &Stream| singer::catalog_entry(&form.discovered(stream), stream.is_suggested);
    let streams: Vec<_> = STREAMS.iter().map(entry).collect();
    output.text(format!("{:#}\n", json!({"streams": streams})).as_bytes());
    Ok(())
}

/// What the tap can do, and its settings.
fn about(format: AboutFormat) -> String {
    let settings = tap_settings();
    match format {
        AboutFormat::Json => {
            let about = json!({
                "name": TAP_NAME,
                "description": DESCRIPTION,
                "version": VERSION,
                "capabilities": CAPABILITIES,
                "settings": settings,
            });
            format!("{about:#}\n")
        }
        AboutFormat::Markdown => {
            let rows = rows(&settings)
                .map(|(key, kind, meaning)| format!("| `{key}` | {kind} | {meaning} |\n"));
            let capabilities = CAPABILITIES.map(|name| format!("* `{name}`\n")).concat();
            format!(
                "# `{TAP_NAME}`\n\n{DESCRIPTION}\n\n## Capabilities\n\n{capabilities}\n## Settings\n\n| Setting | Type | Description |\n| :--- | :--- | :--- |\n{}",
                rows.collect::<String>()
            )
        }
        AboutFormat::Text => {
            let rows = rows(&settings)
                .map(|(key, kind, meaning)| format!("  {key} ({kind})\n      {meaning}\n"));
            format!(
                "{TAP_NAME} {VERSION}\n{DESCRIPTION}\nCapabilities: {}\nSettings:\n{}",
                CAPABILITIES.join(", "),
                rows.collect::<String>()
            )
        }
    }
}

/// Each setting, with its type and default, and its meaning.
fn rows(settings: &Value) -> impl Iterator<Item = (&str, String, &str)> {
    let properties = settings["properties"].as_object().into_iter().flatten();
    let required = &settings["required"];
    properties.map(|(key, property)| {
        let text = |keyword: &str| property[keyword].as_str().unwrap_or_default();
        let is_required = required
            .as_array()
            .is_some_and(|keys| keys.contains(&json!(key)));
        let default = match default_text(property) {
            Some(default) => format!(", default {default}"),
            None if is_required => ", required".to_owned(),
            None => String::new(),
        };
        (
            key.as_str(),
            format!("{}{default}", text("type")),
            text("description"),
        )
    })
}
