//! `discover`: the table of streams as a catalog. Sends nothing to Dixa.

use serde_json::{Value, json};

use crate::airbyte::message::Message;
use crate::cli::ConfigFile;
use crate::commands::config_file::load_config;
use crate::failure::Failure;
use crate::output::Output;
use crate::streams::record_form::RecordForm;
use crate::streams::table::STREAMS;

/// Prints the catalog. A config is not needed; one that is given and not valid is a failure.
pub fn discover(file: &ConfigFile, output: &Output) -> Result<(), Failure> {
    let typed_values = match file.config {
        Some(_) => load_config(file, output)?.typed_values,
        None => false,
    };
    let form = RecordForm {
        typed_values,
        ..RecordForm::default()
    };
    let streams: Vec<Value> = STREAMS
        .iter()
        .map(|stream| form.discovered(stream).to_json())
        .collect();
    output.message(&Message::Catalog {
        catalog: json!({ "streams": streams }),
    });
    Ok(())
}
