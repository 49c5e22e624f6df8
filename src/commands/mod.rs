//! The four commands: the only place where both shores meet.

pub mod check;
pub mod discover;
pub mod read;
pub mod spec;

use std::env;
use std::fs;
use std::io::{self, Read};
use std::panic::{self, AssertUnwindSafe};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use clap::CommandFactory;
use clap_complete::generate;
use futures_util::FutureExt;
use serde_json::Value;

use crate::airbyte::log::Level;
use crate::airbyte::output::Output;
use crate::cli::{Arguments, Command, ConfigFile, TOKEN_VARIABLE};
use crate::config::Config;
use crate::failure::Failure;
use crate::terminal::Terminal;

/// Runs a command; `false` if not everything asked for was done, or if this program is at fault. Why not is in the output.
pub async fn run(command: &Command, output: &Output, terminal: &Terminal) -> bool {
    guarded(attempt(command, output, terminal), output).await
}

/// Tells of a panic as of any other failure: where it was, and not what it said, which may hold anything.
async fn guarded(work: impl Future<Output = bool>, output: &Output) -> bool {
    let place: Arc<Mutex<Option<String>>> = Arc::default();
    let seen = Arc::clone(&place);
    panic::set_hook(Box::new(move |panic| {
        *seen.lock().unwrap_or_else(PoisonError::into_inner) =
            panic.location().map(ToString::to_string);
    }));
    match AssertUnwindSafe(work).catch_unwind().await {
        Ok(done) => done,
        Err(_) => {
            let message = "This program has failed in itself. Please report it with this message; a sync goes on from its last saved state.";
            let place = place.lock().unwrap_or_else(PoisonError::into_inner).take();
            let failure = Failure::system(message).because(&place.unwrap_or_default());
            output.error(&failure, None);
            false
        }
    }
}

async fn attempt(command: &Command, output: &Output, terminal: &Terminal) -> bool {
    let done = match command {
        Command::Spec => {
            spec::spec(output);
            Ok(true)
        }
        Command::Check(file) => check::check(file, output, terminal).await,
        Command::Discover(file) => discover::discover(file, output).map(|()| true),
        Command::Read(files) => read::read(files, output, terminal).await,
        Command::Completions { shell } => {
            let mut script = Vec::new();
            generate(
                *shell,
                &mut Arguments::command(),
                "source-dixa",
                &mut script,
            );
            output.text(&script);
            Ok(true)
        }
    };
    done.unwrap_or_else(|failure| {
        output.error(&failure, None);
        false
    })
}

/// The config in a file, its token concealed from now on; a failure names the file. Where it has no token, the one of the
/// environment stands in.
fn load_config(file: &ConfigFile, output: &Output) -> Result<Config, Failure> {
    let token = env::var(TOKEN_VARIABLE)
        .ok()
        .filter(|token| !token.trim().is_empty());
    let parse = |text: &str| match &token {
        Some(token) => Config::parse(&with_token(text, token)),
        None => Config::parse(text),
    };
    let config = match &file.config {
        Some(path) => load(path, "config", parse)?,
        None => parse("{}").map_err(|failure| failure.about(TOKEN_VARIABLE))?,
    };
    output.conceal(config.settings.token.forms());
    if !config.unknown_keys.is_empty() {
        let keys = config.unknown_keys.join("`, `");
        let warning =
            format!("The config holds what this source does not know and does not use: `{keys}`.");
        output.log(Level::Warn, &warning);
    }
    Ok(config)
}

/// The text of a config with this token, if it is an object that has none.
fn with_token(text: &str, token: &str) -> String {
    let Ok(Value::Object(mut config)) = serde_json::from_str(text) else {
        return text.to_owned();
    };
    if config.get("api_token").is_none_or(Value::is_null) {
        config.insert("api_token".to_owned(), token.into());
    }
    Value::Object(config).to_string()
}

/// What `parse` makes of a file's text; a failure names the file.
fn load<T>(
    path: &Path,
    what: &str,
    parse: impl FnOnce(&str) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let name = match path.as_os_str() {
        dash if dash == "-" => "standard input".into(),
        _ => path.display().to_string(),
    };
    let bytes = if path.as_os_str() == "-" {
        let mut bytes = Vec::new();
        io::stdin().read_to_end(&mut bytes).map(|_| bytes)
    } else {
        fs::read(path)
    };
    let bytes = bytes.map_err(|error| {
        if name.trim_start().starts_with('{') {
            let hint =
                format!("What is given as the {what} is no file, but looks like its content.");
            return Failure::config(hint);
        }
        Failure::config(format!("The {what} file {name} cannot be read: {error}."))
    })?;
    let text = String::from_utf8(without_cut_character(bytes))
        .map_err(|_| Failure::config(format!("The {what} file {name} is not UTF-8 text.")))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    parse(text).map_err(|failure| failure.about(&name))
}

/// The file of a program that was killed may end within a character.
fn without_cut_character(mut bytes: Vec<u8>) -> Vec<u8> {
    if let Err(error) = str::from_utf8(&bytes)
        && error.error_len().is_none()
    {
        bytes.truncate(error.valid_up_to());
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process;

    const CHILD: &str = "SOURCE_DIXA_TEST_PANIC";

    /// Runs in a process of its own, since its panics are everybody's.
    #[test]
    fn a_panic_is_a_failure_that_says_where_and_not_what() {
        if std::env::var_os(CHILD).is_some() {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .build()
                .unwrap();
            let done = runtime.block_on(async {
                let output = Output::to_stdout(Level::Info);
                let work = async { panic!("a token in a message") };
                let done = guarded(work, &output).await;
                output.close().await.unwrap();
                done
            });
            let _ = panic::take_hook();
            assert!(!done);
            return;
        }
        let name = "commands::tests::a_panic_is_a_failure_that_says_where_and_not_what";
        let child = process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", name, "--nocapture"])
            .env(CHILD, "1")
            .output()
            .unwrap();
        let told = [child.stdout, child.stderr].concat();
        let told = String::from_utf8(told).unwrap();
        assert!(child.status.success(), "{told}");
        assert!(!told.contains("a token in a message"), "{told}");
        let line = told.lines().find(|line| line.starts_with('{')).unwrap();
        assert!(
            line.contains("system_error") && line.contains("src/commands/mod.rs:"),
            "{line}"
        );
    }
}
