//! The four commands: the only place where both shores meet.

pub mod check;
pub mod discover;
pub mod read;
pub mod spec;

use std::fs;
use std::panic::{self, AssertUnwindSafe};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::FutureExt;

use crate::airbyte::log::Level;
use crate::airbyte::output::Output;
use crate::cli::Command;
use crate::config::Config;
use crate::failure::Failure;

/// Runs a command; `false` if not everything asked for was done, or if this program is at fault. Why not is in the output.
pub async fn run(command: &Command, output: &Output) -> bool {
    guarded(attempt(command, output), output).await
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

async fn attempt(command: &Command, output: &Output) -> bool {
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
