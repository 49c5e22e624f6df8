//! The commands: the only place that uses both `airbyte` and `dixa`.

pub mod check;
pub mod config_file;
pub mod discover;
pub mod events;
mod input_file;
pub mod inputs;
mod numbers;
pub mod probe;
pub mod read;
pub mod resume;
pub mod spec;
mod stdin;
mod tap;

use std::panic::{self, AssertUnwindSafe};
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::FutureExt;

use crate::cli::{Command, completions};
use crate::epoch::EpochMs;
use crate::failure::{Failure, FailureKind};
use crate::output::Output;
use crate::output::console::Terminal;

/// How a command ended. The output says why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    Succeeded,
    Failed,
    /// The command line cannot be carried out, so nothing was done.
    Usage,
    /// A person has stopped it.
    Interrupted,
}

/// Runs a command.
pub async fn run(command: &Command, output: &Output, terminal: &Terminal) -> Ended {
    catch_panics(dispatch(command, output, terminal), output).await
}

/// Reports a panic like any other failure: where it was, not what it said, which may hold anything.
async fn catch_panics(work: impl Future<Output = Ended>, output: &Output) -> Ended {
    let place: Arc<Mutex<Option<String>>> = Arc::default();
    let seen = Arc::clone(&place);
    panic::set_hook(Box::new(move |panic| {
        *seen.lock().unwrap_or_else(PoisonError::into_inner) =
            panic.location().map(ToString::to_string);
    }));
    match AssertUnwindSafe(work).catch_unwind().await {
        Ok(done) => done,
        Err(_) => {
            let message = "Internal error (a bug in source-dixa). Please report it with this message. The next sync resumes from the last saved state.";
            let place = place.lock().unwrap_or_else(PoisonError::into_inner).take();
            let failure = Failure::system(message).with_cause(&place.unwrap_or_default());
            output.error(&failure, None);
            Ended::Failed
        }
    }
}

async fn dispatch(command: &Command, output: &Output, terminal: &Terminal) -> Ended {
    let done = match command {
        Command::Check(_) | Command::Read(_) | Command::Probe(_) | Command::Tap(_)
            if EpochMs::now() < EpochMs(0) =>
        {
            Err(Failure::config(format!(
                "This machine's clock says {}, which is before 1970. Set it and run again.",
                EpochMs::now()
            )))
        }
        Command::Spec => {
            spec::spec(output);
            Ok(true)
        }
        Command::Check(file) => check::check(file, output, terminal).await,
        Command::Discover(file) => discover::discover(file, output).map(|()| true),
        Command::Read(files) => read::read(files, output, terminal).await,
        Command::Probe(arguments) => probe::probe(arguments, output, terminal)
            .await
            .map(|()| true),
        Command::Tap(tap) => tap::run(tap, output, terminal).await,
        Command::Completions { shell } => {
            output.text(completions::script(*shell).as_bytes());
            Ok(true)
        }
    };
    match done {
        Ok(true) => Ended::Succeeded,
        Ok(false) => Ended::Failed,
        Err(failure) => {
            output.error(&failure, None);
            if failure.kind == FailureKind::Usage {
                Ended::Usage
            } else {
                Ended::Failed
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::airbyte::log::Level;
    use std::process;

    const CHILD: &str = "SOURCE_DIXA_TEST_PANIC";

    /// Runs in a process of its own, since a panic hook applies to the whole process.
    #[test]
    fn a_panic_is_a_failure_that_says_where_and_not_what() {
        if std::env::var_os(CHILD).is_some() {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .build()
                .unwrap();
            let done = runtime.block_on(async {
                let output = Output::to_stdout(Level::Info).unwrap();
                let work = async { panic!("a token in a message") };
                let done = catch_panics(work, &output).await;
                output.close().await.unwrap();
                done
            });
            let _ = panic::take_hook();
            assert_eq!(done, Ended::Failed);
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
