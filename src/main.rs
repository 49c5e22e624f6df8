//! The process: its arguments, signals and exit code.

use std::io;
use std::process::ExitCode;

use clap::error::ErrorKind;
use source_dixa::airbyte::log::Level;
use source_dixa::cli::tap::{TapAction, TapConfig};
use source_dixa::cli::{self, Arguments, Command, ConfigFile, ReadFiles, token_of_environment};
use source_dixa::commands::config_file::redact_known_tokens;
use source_dixa::commands::resume::{ClosingWords, is_read};
use source_dixa::commands::{self, Ended};
use source_dixa::config::TOKEN_VARIABLE;
use source_dixa::failure::Failure;
use source_dixa::output::Output;
use source_dixa::output::console::Terminal;
use source_dixa::output::format::Format;
use source_dixa::stdio::{StandardStream, input_file};
use tokio::runtime::Builder;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// The exit codes that a shell reports for a process ended by SIGTERM (15) or SIGINT (2).
const TERMINATED: u8 = 128 + 15;
const INTERRUPTED: u8 = 128 + 2;
/// The exit code for a command line that cannot be carried out.
const INVALID_USAGE: u8 = 2;

fn main() -> ExitCode {
    let runtime = match Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            let message = format!("cannot create an event queue: {error}");
            Terminal::new(Format::Airbyte, Level::Info).fail(Some(&message));
            return ExitCode::FAILURE;
        }
    };
    let code = runtime.block_on(run());
    // Do not wait for a pending name resolution.
    runtime.shutdown_background();
    code
}

async fn run() -> ExitCode {
    let log_level = std::env::var("LOG_LEVEL").ok();
    let arguments = parse();
    let (level, format) = match &arguments {
        Ok(arguments) => (
            Level::from_flags(arguments.debug, arguments.quiet, log_level.as_deref()),
            arguments.command.format(),
        ),
        Err(_) => (
            Level::from_flags(false, false, log_level.as_deref()),
            if cli::is_tap() {
                Format::Singer
            } else {
                Format::Airbyte
            },
        ),
    };
    let terminal = Terminal::new(format, level);
    let output = match Output::to_stdout(level) {
        Ok(output) => output.in_format(format),
        Err(error) => {
            terminal.fail(Some(&format!("cannot write to stdout: {error}")));
            return ExitCode::FAILURE;
        }
    };
    let arguments = match arguments {
        Ok(arguments) => arguments,
        Err(error) => return usage(&error, output, &terminal).await,
    };
    let mut interrupts = interrupts(&arguments.command, &terminal);
    let is_orderly = interrupts.is_some();
    let work = async move {
        let output = output.with_console(Box::new(terminal.clone()));
        let ended = tokio::select! {
            ended = commands::run(&arguments.command, &output, &terminal) => ended,
            () = output.closed() => Ended::Failed,
            () = next(&mut interrupts) => Ended::Interrupted,
        };
        let words = ClosingWords::new(&arguments.command, &output);
        tokio::select! {
            code = finish(output, ended, words.as_ref(), &terminal) => code,
            // A second Ctrl-C waits for nothing, not even for the reader of stdout.
            () = next(&mut interrupts) => ExitCode::from(INTERRUPTED),
        }
    };
    tokio::select! {
        code = work => code,
        code = shutdown_signal(is_orderly) => ExitCode::from(code),
    }
}

/// The Ctrl-C of a person at a terminal, who wants to know where a read ended. Everything else that sends SIGINT relies on its
/// default action.
fn interrupts(command: &Command, terminal: &Terminal) -> Option<Signal> {
    if !is_read(command) || !terminal.is_tty() {
        return None;
    }
    signal(SignalKind::interrupt()).ok()
}

async fn next(signals: &mut Option<Signal>) {
    match signals {
        Some(signals) => drop(signals.recv().await),
        None => std::future::pending().await,
    }
}

/// The command line, if it can be carried out as far as is known without a request.
fn parse() -> Result<Arguments, clap::Error> {
    let arguments = cli::parse()?;
    match &arguments.command {
        Command::Tap(tap) if matches!(tap.action, TapAction::Sync | TapAction::Test) => {
            check_token_is_given(&tap.files.config)?;
            check_stdout_is_not_input(&tap.files)?;
        }
        Command::Check(file) => check_token_is_given(file)?,
        Command::Probe(probe) if !probe.dry_run => check_token_is_given(&probe.config)?,
        Command::Read(files) => {
            check_state_is_named(files)?;
            check_token_is_given(&files.config)?;
            check_stdout_is_not_input(files)?;
        }
        _ => {}
    }
    Ok(arguments)
}

/// Refuses a command line without a config if the environment has no token either.
fn check_token_is_given(file: &ConfigFile) -> Result<(), clap::Error> {
    let has_environment = |tap: &TapConfig| tap.has_environment;
    if file.config.is_some()
        || file.tap.as_ref().is_some_and(has_environment)
        || token_of_environment().is_some()
    {
        return Ok(());
    }
    let of_tap = match file.tap {
        Some(_) => ", or give `--config ENV` and set TAP_DIXA_API_TOKEN",
        None => "",
    };
    let message = format!(
        "no API token was given. Give a config with `--config FILE`: {{\"api_token\": \"…\"}}, or set the environment variable {TOKEN_VARIABLE}{of_tap}"
    );
    Err(cli::usage().error(ErrorKind::MissingRequiredArgument, message))
}

/// Refuses `--allow-missing-state` without `--state`.
fn check_state_is_named(files: &ReadFiles) -> Result<(), clap::Error> {
    if !files.allow_missing_state || files.state.is_some() {
        return Ok(());
    }
    let message = "`--allow-missing-state` requires `--state FILE`. Add `--state FILE`, or remove `--allow-missing-state`";
    Err(cli::usage().error(ErrorKind::MissingRequiredArgument, message))
}

/// Refuses a read whose stdout is one of its input files: with `>` the shell has already emptied the file, and with `>>` the
/// read would never end.
fn check_stdout_is_not_input(files: &ReadFiles) -> Result<(), clap::Error> {
    let configs = files.config.paths().map(|path| ("--config", path));
    let catalog = files.catalog.iter().map(|path| ("--catalog", path));
    let state = files.state.iter().map(|path| ("--state", path));
    for (option, path) in configs.chain(catalog).chain(state) {
        let input = input_file(path);
        let stdout = StandardStream::stdout().ok();
        if input.is_some() && input == stdout.and_then(|stdout| stdout.regular_file()) {
            let message = format!(
                "standard output is the same file as `{option}`. Redirect to a different file: `>` empties the file before it is read"
            );
            return Err(cli::usage().error(ErrorKind::ArgumentConflict, message));
        }
    }
    Ok(())
}

/// Prints help or the version. Anything else is an error, which is reported to people on stderr and to the platform on stdout.
async fn usage(error: &clap::Error, output: Output, terminal: &Terminal) -> ExitCode {
    if matches!(
        error.kind(),
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
    ) {
        if StandardStream::stdout().is_ok_and(|stdout| stdout.is_terminal()) {
            // clap prints it in colour.
            let _ = error.print();
        } else {
            output.text(error.render().to_string().as_bytes());
        }
        return finish(output, Ended::Succeeded, None, terminal).await;
    }
    redact_known_tokens(std::env::args_os(), &output);
    let text = error.render().to_string();
    let text = output.redacted_lines(text.trim_end());
    let paragraph = text.split("\n\n").next().unwrap_or_default();
    let what = paragraph
        .strip_prefix("error: ")
        .unwrap_or("no command was given");
    let words: Vec<_> = what.split_whitespace().collect();
    let message = format!("Invalid command line: {}", words.join(" "));
    let advice = format!("Run `{} --help` for usage.", cli::usage().get_name());
    let failure = Failure::usage(message).with_advice(&advice);
    output.error(&failure, None);
    let _ = output.close().await;
    if cli::is_tap() {
        // Meltano shows the last line only.
        terminal.fail(Some(&failure.text()));
    } else {
        terminal.text(&text);
    }
    ExitCode::from(INVALID_USAGE)
}

/// Writes the remaining output and returns the exit code. A failed write is an error, which is printed last on stderr.
async fn finish(
    output: Output,
    ended: Ended,
    words: Option<&ClosingWords>,
    terminal: &Terminal,
) -> ExitCode {
    let error = match output.close().await {
        Ok(()) => None,
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
            Some("stdout was closed by its reader before all output was written.".to_owned())
        }
        // Errors other than the system's are complete messages.
        Err(error) if error.kind() == io::ErrorKind::Other => Some(error.to_string()),
        Err(error) => Some(format!("cannot write to stdout: {error}")),
    };
    if error.is_none() && ended == Ended::Succeeded {
        terminal.succeed();
    } else {
        terminal.fail(error.as_deref());
    }
    if let (None, Some(words)) = (&error, words) {
        words.print(ended, terminal);
    }
    match (ended, error) {
        (Ended::Succeeded, None) => ExitCode::SUCCESS,
        (Ended::Usage, None) => ExitCode::from(INVALID_USAGE),
        (Ended::Interrupted, _) => ExitCode::from(INTERRUPTED),
        _ => ExitCode::FAILURE,
    }
}

/// Waits for SIGTERM or SIGINT if this is the first process of a container, for which the kernel would
/// ignore them. Otherwise they keep their default action, which clients rely on
/// (docs/airbyte-protocol.md 2.2 and 4.4). A SIGINT that ends the read in order is not taken.
async fn shutdown_signal(is_orderly: bool) -> u8 {
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
        _ = interrupt.recv(), if !is_orderly => INTERRUPTED,
    }
}
