//! `discover`: the table as a catalog. Asks Dixa nothing.

use serde_json::{Value, json};

use crate::airbyte::message::Message;
use crate::airbyte::output::Output;
use crate::cli::ConfigFile;
use crate::commands::load_config;
use crate::failure::Failure;
use crate::streams::STREAMS;

/// Prints the catalog. A config that is not valid is a failure, although nothing in the catalog depends on it.
pub fn discover(file: &ConfigFile, output: &Output) -> Result<(), Failure> {
    load_config(file, output)?;
    let streams: Vec<Value> = STREAMS
        .iter()
        .map(|stream| stream.discovered().to_json())
        .collect();
    output.message(&Message::Catalog {
        catalog: json!({ "streams": streams }),
    });
    Ok(())
}
