//! Loads the config that the command line names, the keys of a Singer tap in other files and in the environment included.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;

use serde_json::{Map, Value};

use crate::airbyte::log::Level;
use crate::cli::{ConfigFile, token_of_environment};
use crate::commands::input_file::load;
use crate::config::tap::tap_environment;
use crate::config::{Config, TOKEN_VARIABLE, known_instead};
use crate::failure::Failure;
use crate::output::Output;
use crate::stdio::FileId;

/// Takes the place of a token that is not needed.
const NO_TOKEN: &str = "no-token-needed";
/// A longer config is not a config.
const MAX_CONFIG_MIB: u64 = 1;

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
        keys.extend(tap_environment(env::vars_os())?);
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
            let argument = argument.to_str()?;
            let long = argument.strip_prefix("--config");
            let inline = long.or_else(|| argument.strip_prefix("-c"))?;
            match inline {
                "" => arguments.get(index + 1).map(PathBuf::from),
                path => Some(PathBuf::from(path.strip_prefix('=').unwrap_or(path))),
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
