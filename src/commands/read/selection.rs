//! Which streams of the table the catalog selects, and in which sync mode.

use std::collections::HashSet;

use crate::airbyte::catalog::{ConfiguredStream, SyncMode};
use crate::airbyte::log::Level;
use crate::failure::Failure;
use crate::output::Output;
use crate::streams::stream::Stream;
use crate::streams::table;

/// Each stream once, as it first appears in the catalog.
pub fn unique<'a>(
    configured: &'a [ConfiguredStream],
    output: &Output,
) -> Vec<&'a ConfiguredStream> {
    let mut seen = HashSet::new();
    let mut once = Vec::new();
    for stream in configured {
        if seen.insert(&stream.name) {
            once.push(stream);
        } else {
            let warning = format!(
                "{}: the catalog lists it twice; reading it once.",
                stream.name
            );
            output.log(Level::Warn, &warning);
        }
    }
    once
}

/// The stream that is meant, and its sync mode.
pub fn resolve(configured: &ConfiguredStream) -> Result<(&'static Stream, SyncMode), Failure> {
    let name = &configured.name;
    let Some(stream) = table::find(name) else {
        let unknown = table::unknown(name);
        return Err(Failure::config(format!("In the catalog: {unknown}")));
    };
    let Some(mode) = configured.sync_mode else {
        return Err(Failure::config(format!(
            "The catalog's `sync_mode` of stream `{name}` must be `full_refresh` or `incremental` (in a Singer catalog, its `replication-method` `FULL_TABLE` or `INCREMENTAL`)."
        )));
    };
    let is_named_rightly = match configured.cursor_field.as_deref() {
        Some([]) => true,
        Some([field]) => Some(field.as_str()) == stream.cursor(),
        _ => false,
    };
    if mode == SyncMode::Incremental && !is_named_rightly {
        let allowed = stream
            .cursor()
            .map_or("no cursor field".to_owned(), |cursor| {
                format!("`{cursor}` as its only cursor field")
            });
        return Err(Failure::config(format!(
            "The catalog's `cursor_field` is not valid for stream `{name}`, which has {allowed}."
        )));
    }
    Ok((stream, mode))
}
