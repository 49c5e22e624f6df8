//! The command line under the name `tap-dixa`: that of Singer's SDK.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};

use crate::cli::environment::ENVIRONMENT;

/// The name under which the program is a Singer tap.
pub const TAP_NAME: &str = "tap-dixa";

const TAP_EXIT_CODES: &str =
    "Exit codes: 0 = success; 1 = a stream or the command failed; 2 = invalid command line.

`tap-dixa --about` lists the config keys.";

/// What follows the options in `--help`.
fn tap_help() -> String {
    format!("{TAP_EXIT_CODES}\n\n{ENVIRONMENT}")
}

/// Reads conversations and lists from a Dixa account as a Singer tap: writes SCHEMA, RECORD and STATE messages.
#[derive(Debug, Parser)]
#[command(name = TAP_NAME, version = env!("SOURCE_DIXA_VERSION"), max_term_width = 100, args_override_self = true)]
#[command(after_help = tap_help())]
pub struct TapArguments {
    /// The config, a JSON file. With several, later keys replace earlier ones. `ENV` adds, after all of them, the environment
    /// variables that begin with `TAP_DIXA_`, such as `TAP_DIXA_API_TOKEN`.
    #[arg(short, long, value_name = "FILE")]
    pub config: Vec<PathBuf>,
    /// Print the catalog: the streams, their schemas, and what can be selected.
    #[arg(short, long)]
    pub discover: bool,
    /// The catalog that selects the streams and fields to read. Default: all streams except `messages`, `activity_logs` and `analytics_record_data`.
    #[arg(short = 'p', long, visible_alias = "properties", value_name = "FILE")]
    pub catalog: Option<PathBuf>,
    /// The state of an earlier run. Default: read from the start.
    #[arg(short, long, value_name = "FILE")]
    pub state: Option<PathBuf>,
    /// Check the API token, and print which streams it can read. KIND is accepted for compatibility and ignored.
    #[arg(long, value_name = "KIND", num_args = 0..=1, default_missing_value = "all")]
    pub test: Option<String>,
    /// Print the tap's capabilities and settings.
    #[arg(long)]
    pub about: bool,
    /// The format of `--about`.
    #[arg(long, value_enum, ignore_case = true, default_value_t)]
    pub format: AboutFormat,
}

/// How `--about` is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum AboutFormat {
    #[default]
    Text,
    Json,
    Markdown,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TapAction {
    About(AboutFormat),
    Discover,
    Test,
    Sync,
}

impl TapArguments {
    /// The action that the options ask for. Options that it does not need do not matter.
    pub fn action(&self) -> TapAction {
        match (self.about, self.discover, &self.test) {
            (true, _, _) => TapAction::About(self.format),
            (_, true, _) => TapAction::Discover,
            (.., Some(_)) => TapAction::Test,
            _ => TapAction::Sync,
        }
    }

    /// The first config file, and what else the config consists of.
    pub fn take_config(&mut self) -> (Option<PathBuf>, TapConfig) {
        let is_environment = |path: &PathBuf| path.as_os_str() == "ENV";
        let has_environment = self.config.iter().any(is_environment);
        let mut files = self.config.drain(..).filter(|path| !is_environment(path));
        let first = files.next();
        let more = files.collect();
        (
            first,
            TapConfig {
                more,
                has_environment,
            },
        )
    }
}

/// What a tap's config may be beyond the first file.
#[derive(Debug)]
pub struct TapConfig {
    /// Further files.
    pub more: Vec<PathBuf>,
    /// The variables of the environment that begin with `TAP_DIXA_` are config keys.
    pub has_environment: bool,
}
