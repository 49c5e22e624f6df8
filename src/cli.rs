//! The command line: its verbs, the files they take, and what `--help` teaches. Knows nothing of what is in the files.

use std::env;
use std::path::PathBuf;
use std::sync::LazyLock;

use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;
use serde_json::Value;

use crate::airbyte::format::Format;

/// Holds the token where no config does.
pub const TOKEN_VARIABLE: &str = "DIXA_API_TOKEN";

const VERSION: &str = match option_env!("SOURCE_DIXA_COMMIT") {
    Some(_) => concat!(env!("CARGO_PKG_VERSION"), env!("SOURCE_DIXA_COMMIT")),
    None => env!("CARGO_PKG_VERSION"),
};

const EXIT_STATUS: &str = "\
Exit status: 0 done, for check whatever its answer, SUCCEEDED or FAILED; 1 something failed, as the TRACE messages say; 2 the \
command line is wrong.";

const SPEC_EXAMPLES: &str = "\
Examples:
  source-dixa spec | jq '.spec.connectionSpecification.properties | keys'";

const CHECK_EXAMPLES: &str = "\
Examples:
  source-dixa check --config config.json
  DIXA_API_TOKEN=… source-dixa check
  vault read … | source-dixa check --config -";

const DISCOVER_EXAMPLES: &str = "\
Examples:
  source-dixa discover --config config.json
  source-dixa discover --config config.json | jq -r '.catalog.streams[].name'";

const READ_EXAMPLES: &str = "\
Examples:
  Everything that is suggested, from the start, as Airbyte messages:
    source-dixa read --config config.json > messages.jsonl
  Two streams, from where the messages of the last read end:
    source-dixa read --config config.json --streams conversations,agents --state messages.jsonl
  The same line from the first run on, in bash; the state is taken over only once the loader is content:
    set -o pipefail; source-dixa read --config config.json --state s.json --allow-missing-state --state-out s.new | loader && mv s.new s.json
  Into any target of Singer:
    source-dixa read --config config.json --format singer | target-jsonl
  One stream as plain rows:
    source-dixa read --config config.json --format jsonl --streams tags | jq .name";

/// Reads a Dixa account, its conversations first, and writes Airbyte messages, one JSON object a line.
#[derive(Debug, Parser)]
#[command(name = "source-dixa", version = VERSION, max_term_width = 100)]
#[command(
    after_help = format!("{EXIT_STATUS}\n\nThe config needs one key: {{\"api_token\": \"…\"}}. `--help` tells the others."),
    after_long_help = format!("{EXIT_STATUS}\n\n{}\n\n{READ_EXAMPLES}", *CONFIG_HELP),
)]
pub struct Arguments {
    #[command(subcommand)]
    pub command: Command,
    /// Tell more: the status, times and sizes of each answer, never its content. The same as `LOG_LEVEL=debug`.
    #[arg(long, global = true)]
    pub debug: bool,
    /// Tell less: warnings and errors only, and no progress.
    #[arg(long, global = true, conflicts_with = "debug")]
    pub quiet: bool,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Print what the config may hold, as a JSON schema.
    #[command(after_help = SPEC_EXAMPLES)]
    Spec,
    /// Prove that the token is good, and tell what it may not read.
    #[command(after_help = CHECK_EXAMPLES, after_long_help = format!("{}\n\n{EXIT_STATUS}\n\n{CHECK_EXAMPLES}", *CONFIG_HELP))]
    Check(ConfigFile),
    /// Print the streams that can be read, with their schemas.
    #[command(after_help = format!("{EXIT_STATUS}\n\n{DISCOVER_EXAMPLES}"))]
    Discover(ConfigFile),
    /// Read streams, from where a state left off.
    #[command(after_help = READ_EXAMPLES, after_long_help = format!("{}\n\n{EXIT_STATUS}\n\n{READ_EXAMPLES}", *CONFIG_HELP))]
    Read(ReadFiles),
    /// Print what a shell needs to complete this command line: `source <(source-dixa completions bash)`.
    Completions { shell: Shell },
}

impl Command {
    /// In what form records are written.
    pub fn format(&self) -> Format {
        match self {
            Self::Read(files) => files.format,
            _ => Format::Airbyte,
        }
    }
}

#[derive(Args, Debug)]
pub struct ConfigFile {
    /// The config, a JSON file; `-` is standard input. Not needed where the variable `DIXA_API_TOKEN` holds the token.
    #[arg(long, value_name = "FILE", required = !has_token())]
    pub config: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub struct ReadFiles {
    #[command(flatten)]
    pub config: ConfigFile,
    /// Which streams to read, and how: a configured catalog, or what `discover` printed, of which each stream is read in its best
    /// mode. Without it, every stream is read that is suggested: all but the few that are very large.
    #[arg(long, value_name = "FILE")]
    pub catalog: Option<PathBuf>,
    /// Read these streams only.
    #[arg(long, value_name = "NAME,…", value_delimiter = ',')]
    pub streams: Option<Vec<String>>,
    /// The state that a former read left: a list of states, a single one, or the messages that it printed. Without it everything
    /// is read from the start.
    #[arg(long, value_name = "FILE")]
    pub state: Option<PathBuf>,
    /// Read from the start if the file of `--state` is not there yet.
    #[arg(long, requires = "state")]
    pub allow_missing_state: bool,
    /// Keep the newest state of all streams in this file, another one than that of `--state`. It is replaced as a whole, each time
    /// after what it says was written to standard output.
    #[arg(long, value_name = "FILE")]
    pub state_out: Option<PathBuf>,
    /// How records are written.
    #[arg(long, value_enum, default_value_t = Format::Airbyte)]
    pub format: Format,
}

fn has_token() -> bool {
    env::var(TOKEN_VARIABLE).is_ok_and(|token| !token.trim().is_empty())
}

/// What the config may hold, from the specification.
static CONFIG_HELP: LazyLock<String> = LazyLock::new(|| {
    let spec: Value = serde_json::from_str(include_str!("../spec.json"))
        .unwrap_or_else(|_| unreachable!("a test parses it"));
    let properties = spec["connectionSpecification"]["properties"].as_object();
    let lines = properties.into_iter().flatten().map(|(key, property)| {
        let default = match &property["default"] {
            Value::Null if key == "api_token" => "required".to_owned(),
            Value::Null => "none".to_owned(),
            Value::String(text) => text.clone(),
            default => default.to_string(),
        };
        let meaning = property["description"].as_str().unwrap_or_default();
        let meaning = meaning.replace("<b>", "").replace("</b>", "");
        format!("  {key} ({default})\n      {meaning}")
    });
    let lines: Vec<_> = lines.collect();
    format!(
        "The config may hold (and what holds without):\n{}",
        lines.join("\n")
    )
});
