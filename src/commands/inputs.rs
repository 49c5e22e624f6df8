//! The files that the command line names: the config, the catalog, the state to resume from, the file for the next state.

use std::env;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use crate::airbyte::catalog::{self, ConfiguredStream};
use crate::airbyte::log::Level;
use crate::airbyte::state::{self, States};
use crate::cli::{ConfigFile, ReadFiles, token_of_environment};
use crate::commands::stdin;
use crate::config::tap::tap_environment;
use crate::config::{Config, TOKEN_VARIABLE, known_instead};
use crate::failure::Failure;
use crate::output::Output;
use crate::output::state_file::{self, StateFile};
use crate::stdio::{self, FileId, StandardStream};
use crate::streams::stream::Stream;
use crate::streams::table;
use crate::streams::table::STREAMS;

/// Takes the place of a token that is not needed.
const NO_TOKEN: &str = "no-token-needed";
/// A longer config is not a config.
const MAX_CONFIG_MIB: u64 = 1;
/// A longer catalog is not a catalog.
const MAX_CATALOG_MIB: u64 = 64;

/// The streams that the catalog asks for, or all that are suggested; of these, only the ones named.
pub fn select_streams(files: &ReadFiles) -> Result<Vec<ConfiguredStream>, Failure> {
    let others = files.catalog.iter().chain(&files.state);
    let given = files.config.paths().chain(others);
    if given.filter(|path| path.as_os_str() == "-").count() > 1 {
        return Err(Failure::config(
            "Only one file can be standard input (`-`).",
        ));
    }
    let best = |stream: &Stream| ConfiguredStream::best(stream.name, stream.cursor().is_some());
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
            "The catalog {} selects `{}`, but no stream of tap-dixa, so it seems to be the catalog of another tap. Make one with `tap-dixa --discover`.",
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
            "{name}: {} ignored: cut off, or neither a state nor a message of a read.",
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

/// The config in a file, its token redacted from now on; a failure names the file. If it has no token, the one from the
/// environment is used.
pub fn load_config(file: &ConfigFile, output: &Output) -> Result<Config, Failure> {
    load_config_with(token_of_environment().as_deref(), file, output)
}

/// The same for `tap-dixa --discover`, which Meltano may start before a token is set.
pub fn load_config_without_token(file: &ConfigFile, output: &Output) -> Result<Config, Failure> {
    let token = token_of_environment();
    load_config_with(Some(token.as_deref().unwrap_or(NO_TOKEN)), file, output)
}

fn load_config_with(
    token: Option<&str>,
    file: &ConfigFile,
    output: &Output,
) -> Result<Config, Failure> {
    if let Some(token) = token {
        output.redact(token.trim());
    }
    let is_tap = file.tap.is_some();
    let parse = |text: &str| {
        redact_token(text, output);
        let text = match token {
            Some(token) => with_token(text, token),
            None => text.to_owned(),
        };
        if is_tap {
            Config::parse_tap(&text)
        } else {
            Config::parse(&text)
        }
    };
    let config = match (&file.config, merged(file, output)?) {
        (_, Some(keys)) => parse(&Value::Object(keys).to_string())
            .map_err(|failure| with_variables_named(failure, file))?,
        (Some(path), None) => load(path, "config", MAX_CONFIG_MIB, parse)?,
        (None, None) => parse("{}").map_err(|failure| failure.context(TOKEN_VARIABLE))?,
    };
    output.redact(config.settings.token.secret());
    if !config.unknown_keys.is_empty() {
        let keys = config.unknown_keys.iter().map(|key| known_instead(key));
        let keys: Vec<_> = keys.collect();
        let warning = format!("Ignoring unknown config keys: {}.", keys.join(", "));
        output.log(Level::Warn, &warning);
    }
    Ok(config)
}

/// A failure that also says where a key of `--config ENV` comes from.
fn with_variables_named(failure: Failure, file: &ConfigFile) -> Failure {
    if !file.tap.as_ref().is_some_and(|tap| tap.has_environment) {
        return failure;
    }
    let message = failure.message.trim_end_matches('.').to_owned();
    Failure { message, ..failure }
        .with_advice("`--config ENV` takes keys from variables such as TAP_DIXA_API_TOKEN.")
}

/// The keys of a tap's config from several places, of which later ones count, and the environment last, as in Singer's SDK; `None` if there is only one file.
fn merged(file: &ConfigFile, output: &Output) -> Result<Option<Map<String, Value>>, Failure> {
    let Some(tap) = &file.tap else {
        return Ok(None);
    };
    if tap.more.is_empty() && !tap.has_environment {
        return Ok(None);
    }
    let mut keys = Map::new();
    for path in file.paths() {
        let more = load(path, "config", MAX_CONFIG_MIB, |text| {
            redact_token(text, output);
            match serde_json::from_str(text) {
                Ok(Value::Object(more)) => Ok(more),
                Ok(_) => Err(Failure::config("The config must be a JSON object.")),
                Err(error) => Err(Failure::not_json("config", &error)),
            }
        })?;
        keys.extend(more);
    }
    if tap.has_environment {
        let texts = |(name, value): (OsString, OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        keys.extend(tap_environment(env::vars_os().filter_map(texts)));
    }
    Ok(Some(keys))
}

/// Redacts the token in the text of a config from now on, even if the config turns out to be invalid.
fn redact_token(config: &str, output: &Output) {
    let config: Value = serde_json::from_str(config).unwrap_or_default();
    if let Some(token) = config["api_token"].as_str() {
        output.redact(token.trim());
    }
}

/// Redacts the token in the environment, and the one in the config that an invalid command line names, if that can be read.
pub fn redact_known_tokens(arguments: impl Iterator<Item = OsString>, output: &Output) {
    if let Some(token) = token_of_environment() {
        output.redact(token.trim());
    }
    let arguments: Vec<_> = arguments.collect();
    let values = arguments
        .iter()
        .enumerate()
        .filter_map(|(index, argument)| {
            let inline = argument.to_str()?.strip_prefix("--config")?;
            match inline.strip_prefix('=') {
                Some(path) => Some(PathBuf::from(path)),
                None => arguments.get(index + 1).map(PathBuf::from),
            }
        });
    for path in values.filter(|path| FileId::of_regular_file(path).is_some()) {
        let _ = load(&path, "config", MAX_CONFIG_MIB, |text| {
            redact_token(text, output);
            Ok(())
        });
    }
}

/// The text of a config with this token, if it is an object that has none, or an empty one.
fn with_token(text: &str, token: &str) -> String {
    let Ok(Value::Object(mut config)) = serde_json::from_str(text) else {
        return text.to_owned();
    };
    let is_missing = match config.get("api_token") {
        None | Some(Value::Null) => true,
        Some(Value::String(text)) => text.trim().is_empty(),
        Some(_) => false,
    };
    if is_missing {
        config.insert("api_token".to_owned(), token.into());
    }
    Value::Object(config).to_string()
}

/// A file that was opened, or standard input if the path is `-`, and what to call it.
struct Source {
    name: String,
    input: Box<dyn Read>,
}

/// Opens a file named on the command line.
fn open(path: &Path, what: &str) -> Result<Source, Failure> {
    if path.as_os_str() == "-" {
        let name = "standard input".to_owned();
        return match stdin::open() {
            Ok(stdin) => Ok(Source {
                name,
                input: Box::new(stdin),
            }),
            Err(error) => Err(unreadable(what, &name, &error)),
        };
    }
    let name = path.display().to_string();
    match File::open(path) {
        Ok(file) => Ok(Source {
            name,
            input: Box::new(file),
        }),
        Err(_) if name.trim_start().starts_with(['{', '[']) => Err(Failure::config(format!(
            "`--{what}` expects a file path, but the value looks like inline JSON."
        ))),
        Err(error) => Err(unreadable(what, &name, &error)),
    }
}

fn unreadable(what: &str, name: &str, error: &io::Error) -> Failure {
    Failure::config(format!("The {what} file {name} cannot be read: {error}."))
}

/// What `parse` makes of the text of a file that is no longer than this; a failure names the file.
fn load<T>(
    path: &Path,
    what: &str,
    most_mib: u64,
    parse: impl FnOnce(&str) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let Source { name, input } = open(path, what)?;
    let most = most_mib << 20;
    let mut bytes = Vec::new();
    let read = input.take(most + 1).read_to_end(&mut bytes);
    read.map_err(|error| unreadable(what, &name, &error))?;
    if bytes.len() as u64 > most {
        return Err(Failure::config(format!(
            "The {what} file {name} is not a {what}: it is larger than {most_mib} MiB."
        )));
    }
    let text = String::from_utf8(bytes)
        .map_err(|_| Failure::config(format!("The {what} file {name} is not UTF-8 text.")))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    parse(text).map_err(|failure| failure.context(&name))
}
