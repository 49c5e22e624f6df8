//! The four commands: the only place where both shores meet.

pub mod check;
pub mod discover;
pub mod read;
pub mod spec;

use std::fs;
use std::path::Path;

use crate::airbyte::log::Level;
use crate::airbyte::output::Output;
use crate::cli::Command;
use crate::config::Config;
use crate::failure::Failure;

/// Runs a command; `false` if not everything asked for was done. Why not is in the output.
pub async fn run(command: &Command, output: &Output) -> bool {
    let done = match command {
        Command::Spec => {
            spec::spec(output);
            Ok(true)
        }
        Command::Check(file) => check::check(file, output).await,
        Command::Discover(file) => discover::discover(file, output).map(|()| true),
        Command::Read(files) => read::read(files, output).await,
    };
    done.unwrap_or_else(|failure| {
        output.error(&failure, None);
        false
    })
}

/// The config in a file, its token concealed from now on; a failure names the file.
fn load_config(path: &Path, output: &Output) -> Result<Config, Failure> {
    let config = load(path, "config", Config::parse)?;
    output.conceal(config.settings.token.forms());
    if !config.unknown_keys.is_empty() {
        let keys = config.unknown_keys.join("`, `");
        let warning =
            format!("The config holds what this source does not know and does not use: `{keys}`.");
        output.log(Level::Warn, &warning);
    }
    Ok(config)
}

/// What `parse` makes of a file's text; a failure names the file.
fn load<T>(
    path: &Path,
    what: &str,
    parse: impl FnOnce(&str) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let bytes = fs::read(path).map_err(|error| {
        Failure::config(format!(
            "The {what} file {} cannot be read: {error}.",
            path.display()
        ))
    })?;
    let text = String::from_utf8(bytes).map_err(|_| {
        Failure::config(format!(
            "The {what} file {} is not UTF-8 text.",
            path.display()
        ))
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    parse(text).map_err(|failure| failure.about(&path.display().to_string()))
}
