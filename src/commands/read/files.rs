//! What the command line names: the streams to read, the state to go on from, the file to keep the next one in.

use std::collections::HashSet;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::airbyte::catalog::{self, ConfiguredStream};
use crate::airbyte::keeper::StateFile;
use crate::airbyte::log::Level;
use crate::airbyte::output::Output;
use crate::airbyte::state::{self, States};
use crate::cli::ReadFiles;
use crate::commands::load;
use crate::failure::Failure;
use crate::streams::{self, STREAMS, Stream};

/// The streams that the catalog asks for, or all that are suggested; of them, those that are named.
pub fn chosen(files: &ReadFiles) -> Result<Vec<ConfiguredStream>, Failure> {
    let given = [&files.config.config, &files.catalog, &files.state];
    let from_stdin = given
        .into_iter()
        .flatten()
        .filter(|path| path.as_os_str() == "-");
    if from_stdin.count() > 1 {
        return Err(Failure::config(
            "Standard input, `-`, can be one file only.",
        ));
    }
    let best = |stream: &Stream| ConfiguredStream::best(stream.name, stream.cursor().is_some());
    let Some(path) = &files.catalog else {
        return Ok(match &files.streams {
            None => STREAMS
                .iter()
                .filter(|stream| stream.is_suggested)
                .map(best)
                .collect(),
            Some(names) => {
                let find = |name: &String| {
                    streams::find(name).map_or_else(|| ConfiguredStream::best(name, false), best)
                };
                let mut known = HashSet::new();
                let once = names.iter().filter(|name| known.insert(*name));
                once.map(find).collect()
            }
        });
    };
    let mut configured = load(path, "catalog", catalog::parse)?;
    if let Some(names) = &files.streams {
        let is_missing = |name: &&String| configured.iter().all(|stream| stream.name != **name);
        if let Some(name) = names.iter().find(is_missing) {
            return Err(Failure::config(format!(
                "`--streams` names `{name}`, which is not in the catalog {}.",
                path.display()
            )));
        }
        configured.retain(|stream| names.contains(&stream.name));
    }
    Ok(configured)
}

/// The state that a former read left.
pub fn saved(files: &ReadFiles, output: &Output) -> Result<States, Failure> {
    let Some(path) = &files.state else {
        return Ok(States::new());
    };
    let missing = |error: std::io::Error| error.kind() == ErrorKind::NotFound;
    let is_missing = path.as_os_str() != "-" && fs::symlink_metadata(path).is_err_and(missing);
    if files.allow_missing_state && is_missing {
        let message = format!(
            "The state file {} is not there yet: everything is read from the start.",
            path.display()
        );
        output.log(Level::Info, &message);
        return Ok(States::new());
    }
    load(path, "state", state::parse)
}

/// The file to keep states in, if there is one, which must not be the one that they came from: a loader may still lose what was written.
pub fn kept(files: &ReadFiles) -> Result<Option<StateFile>, Failure> {
    let Some(path) = &files.state_out else {
        return Ok(None);
    };
    if files
        .state
        .as_deref()
        .is_some_and(|given| place(given) == place(path))
    {
        return Err(Failure::config(
            "`--state-out` must be another file than `--state`: what was written may still be lost behind this program. Move it over \
             the other one once the loader has ended well: `… && mv s.new s.json`.",
        ));
    }
    let others = [&files.config.config, &files.catalog];
    if others
        .into_iter()
        .flatten()
        .any(|other| place(other) == place(path))
    {
        return Err(Failure::config(
            "`--state-out` names the config or the catalog, which it would replace.",
        ));
    }
    StateFile::new(path).map(Some).map_err(|error| {
        Failure::config(format!(
            "The state file {} cannot be written: {error}.",
            path.display()
        ))
    })
}

/// Where a file is or would be, however it is named.
fn place(path: &Path) -> Option<PathBuf> {
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    let place = folder.canonicalize().ok()?.join(path.file_name()?);
    Some(place.canonicalize().unwrap_or(place))
}
