//! The files that the command line of a read names, besides the config: the catalog, the state to resume from, the file for the
//! next state.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use crate::airbyte::catalog::{self, ConfiguredStream};
use crate::airbyte::log::Level;
use crate::airbyte::state::{self, States};
use crate::cli::ReadFiles;
use crate::commands::input_file::{Source, load, open};
use crate::failure::Failure;
use crate::output::Output;
use crate::output::state_file::{self, StateFile};
use crate::stdio::{self, FileId, StandardStream};
use crate::streams::stream::Stream;
use crate::streams::table;
use crate::streams::table::STREAMS;

/// A longer catalog is not a catalog.
const MAX_CATALOG_MIB: u64 = 64;

/// The streams that the catalog asks for, or all that are suggested; of these, only the ones named.
pub fn select_streams(files: &ReadFiles) -> Result<Vec<ConfiguredStream>, Failure> {
    let others = files.catalog.iter().chain(&files.state);
    let given = files.config.paths().chain(others);
    if given.filter(|path| path.as_os_str() == "-").count() > 1 {
        return Err(Failure::config(
            "Only one option can read standard input (`-`). Save the other input to a file.",
        ));
    }
    let best = |stream: &Stream| ConfiguredStream::best(stream.name, stream.is_incremental());
    let Some(path) = &files.catalog else {
        return Ok(match files.stream_names() {
            None => STREAMS
                .iter()
                .filter(|stream| stream.is_suggested)
                .map(best)
                .collect(),
            Some(names) => {
                let streams = names.into_iter().filter_map(table::find);
                streams.map(best).collect()
            }
        });
    };
    let mut configured = load(path, "catalog", MAX_CATALOG_MIB, catalog::parse)?;
    let is_known = |stream: &ConfiguredStream| table::find(&stream.name).is_some();
    if files.config.tap.is_some() && !configured.is_empty() && !configured.iter().any(is_known) {
        return Err(Failure::config(format!(
            "The catalog {} selects `{}`, but none of tap-dixa's streams, so it is probably another tap's catalog. Make one with `tap-dixa --discover`.",
            path.display(),
            configured[0].name
        )));
    }
    if let Some(names) = files.stream_names() {
        let is_missing = |name: &&&str| configured.iter().all(|stream| stream.name != **name);
        if let Some(name) = names.iter().find(is_missing) {
            return Err(Failure::usage(format!(
                "`--streams` names `{name}`, which is not in the catalog {}",
                path.display()
            )));
        }
        configured.retain(|stream| names.contains(&stream.name.as_str()));
    }
    Ok(configured)
}

/// The state left by an earlier read.
pub fn load_state(files: &ReadFiles, output: &Output) -> Result<States, Failure> {
    let Some(path) = &files.state else {
        return Ok(States::new());
    };
    let missing = |error: io::Error| error.kind() == ErrorKind::NotFound;
    let is_missing = path.as_os_str() != "-" && fs::symlink_metadata(path).is_err_and(missing);
    if files.allow_missing_state && is_missing {
        let message = format!(
            "The state file {} does not exist yet: everything is read from the start.",
            path.display()
        );
        output.log(Level::Info, &message);
        return Ok(States::new());
    }
    let Source { name, input } = open(path, "state")?;
    let knows = |name: &str| {
        STREAMS
            .iter()
            .any(|stream| stream.names().any(|one| one == name))
    };
    let loaded = state::read(input, &knows).map_err(|failure| failure.context(&name))?;
    if loaded.ignored > 0 {
        let warning = format!(
            "{name}: {} ignored: cut off, or neither a state nor part of a read's output.",
            match loaded.ignored {
                1 => "1 line or entry is".to_owned(),
                count => format!("{count} lines or entries are"),
            }
        );
        output.log(Level::Warn, &warning);
    }
    Ok(loaded.states)
}

/// The file to keep states in, if there is one. It must not be the one that they came from, since a loader may still lose what
/// was written, nor anything else that this run reads or writes; and stdout must be open.
pub fn open_state_file(files: &ReadFiles, output: &Output) -> Result<Option<StateFile>, Failure> {
    let Some(path) = &files.state_out else {
        return Ok(None);
    };
    let (id, target) = (FileId::of_regular_file(path), canonical(path));
    let is_same = |other: &Path| {
        let is_there = id.is_some() && id == stdio::input_file(other);
        is_there || canonical(other).is_some_and(|place| target.as_ref() == Some(&place))
    };
    if files.state.as_deref().is_some_and(is_same) {
        return Err(Failure::config(
            "`--state-out` must be a different file from `--state`: records already written may still be lost downstream. Move it over \
             `--state` once the loader has succeeded: `… && mv s.new s.json`.",
        ));
    }
    let others = [&files.config.config, &files.catalog];
    if others.into_iter().flatten().any(|other| is_same(other)) {
        return Err(Failure::config(
            "`--state-out` names the config or the catalog, which it would replace.",
        ));
    }
    let unusable = |error: io::Error| Failure::config(format!("stdout cannot be used: {error}."));
    let stdout = StandardStream::stdout().map_err(unusable)?;
    let stderr = StandardStream::stderr().ok();
    let written = [Some(&stdout), stderr.as_ref()];
    let mut written = written.into_iter().flatten();
    if id.is_some() && written.any(|stream| stream.regular_file() == id) {
        return Err(Failure::config(format!(
            "The state file {} is also where stdout or stderr goes, so the state would replace what is written there. Choose another \
             file.",
            path.display()
        )));
    }
    if stdout.is_closed_or_null().map_err(unusable)? {
        return Err(Failure::config(
            "stdout is closed (or /dev/null, open for reading and writing), so `--state-out` would save a state without its records. \
             Open it, or discard the records explicitly with `> /dev/null`.",
        ));
    }
    let file = StateFile::open(path)?;
    if let Some(error) = file.lock_error() {
        let warning = format!(
            "The state file {} cannot be locked ({error}). Make sure that no other run uses it at the same time.",
            path.display()
        );
        output.log(Level::Warn, &warning);
    }
    Ok(Some(file))
}

/// Where a file is or would be, however it is named.
fn canonical(path: &Path) -> Option<PathBuf> {
    state_file::target(path).ok()
}
