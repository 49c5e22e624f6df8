//! The process: its arguments, its signals, its exit code.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;
use source_dixa::airbyte::log::Level;
use source_dixa::airbyte::output::Output;
use source_dixa::cli::Arguments;
use source_dixa::commands;
use source_dixa::failure::Failure;
use source_dixa::terminal::Terminal;
use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};

/// What the shell says of a process that SIGTERM (15) or SIGINT (2) ended.
const TERMINATED: u8 = 128 + 15;
const INTERRUPTED: u8 = 128 + 2;

fn main() -> ExitCode {
    let runtime = match Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            tell_on_stderr(&format!(
                "source-dixa: the system gives no event queue: {error}"
            ));
            return ExitCode::FAILURE;
        }
    };
    let code = runtime.block_on(run());
    // A name that is still being looked up must not hold the end up.
    runtime.shutdown_background();
    code
}

async fn run() -> ExitCode {
    let log_level = std::env::var("LOG_LEVEL").ok();
    match Arguments::try_parse() {
        Ok(arguments) => {
            let level = Level::asked_for(arguments.debug, arguments.quiet, log_level.as_deref());
            let format = arguments.command.format();
            let terminal = Terminal::new(format, level);
            let output = Output::to_stdout(level)
                .in_format(format)
                .beside(Box::new(terminal.clone()));
            let work = async move {
                let done = tokio::select! {
                    done = commands::run(&arguments.command, &output, &terminal) => done,
                    () = output.closed() => false,
                };
                end(output, done).await
            };
            tokio::select! {
                code = work => code,
                code = told_to_end() => ExitCode::from(code),
            }
        }
        Err(error) => {
            let level = Level::asked_for(false, false, log_level.as_deref());
            usage(&error, Output::to_stdout(level)).await
        }
    }
}

/// Help and version are answers; anything else is told to the person on stderr and to the platform on stdout.
async fn usage(error: &clap::Error, output: Output) -> ExitCode {
    let _ = error.print();
    if !matches!(
        error.kind(),
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
    ) {
        let message =
            "The command line is wrong; stderr says where, and `source-dixa --help` how it goes.";
        let cause = error.kind().as_str().unwrap_or("no command was given");
        output.error(&Failure::config(message).because(&cause), None);
    }
    let _ = output.close().await;
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
}

/// The exit code, once everything is written: it is not success if something could not be.
async fn end(output: Output, done: bool) -> ExitCode {
    match output.close().await {
        Ok(()) if done => ExitCode::SUCCESS,
        Ok(()) => ExitCode::FAILURE,
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::FAILURE,
        Err(error) => {
            // What is no error of the system's says itself what it is of.
            let what = if error.kind() == io::ErrorKind::Other {
                error.to_string()
            } else {
                format!("stdout cannot be written: {error}")
            };
            tell_on_stderr(&format!("source-dixa: {what}"));
            ExitCode::FAILURE
        }
    }
}

/// There is nowhere else to say it.
fn tell_on_stderr(message: &str) {
    drop(writeln!(io::stderr(), "{message}"));
}

/// Waits for SIGTERM or SIGINT where the kernel would ignore them: in the first process of a container. Anywhere else
/// they keep their default action, which clients rely on (airbyte.md 2.2 and 4.4).
async fn told_to_end() -> u8 {
    if std::process::id() != 1 {
        return std::future::pending().await;
    }
    let (Ok(mut terminate), Ok(mut interrupt)) = (
        signal(SignalKind::terminate()),
        signal(SignalKind::interrupt()),
    ) else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => TERMINATED,
        _ = interrupt.recv() => INTERRUPTED,
    }
}
