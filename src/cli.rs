//! The command line: its commands, the files they take, and the `--help` texts. Knows nothing about the files' contents.

pub mod completions;
mod environment;
pub mod probe;
pub mod resume;
pub mod tap;

use std::env;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use clap::builder::{PathBufValueParser, TypedValueParser};
use clap::{Args, CommandFactory, Parser, Subcommand};
use clap_complete::Shell;
use serde_json::Value;

use crate::cli::environment::ENVIRONMENT;
use crate::cli::probe::{PROBE_EXAMPLES, PROBE_HELP, ReportFormat};
use crate::cli::tap::{TAP_NAME, TapAction, TapArguments, TapConfig};
use crate::config::description::{default_text, plain};
use crate::config::{Config, TOKEN_VARIABLE};
use crate::epoch::EpochMs;
use crate::output::format::Format;
use crate::streams::table::{self, STREAMS};

/// The build script always sets it, with or without a commit.
pub const VERSION: &str = env!("SOURCE_DIXA_VERSION");

const EXIT_CODES: &str = "\
Exit codes: 0 = success (for `check`: it printed SUCCEEDED or FAILED); 1 = a stream or the command failed; 2 = invalid command line.";

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
  source-dixa discover
  source-dixa discover | jq -r '.catalog.streams[].name'";

/// Lines of at most 80 columns: wrapped lines cannot be pasted into a shell.
const READ_EXAMPLES: &str = "\
Examples:
  All default streams, from the start, as Airbyte messages:
    source-dixa read --config config.json > messages.jsonl
  Two streams, resuming where the last read ended:
    source-dixa read --config config.json --streams conversations,agents \\
      --state messages.jsonl > more.jsonl
  On a schedule, one run at a time. The new state replaces the old one only
  when the loader succeeds:
    flock -n s.lock bash -o pipefail -c 'source-dixa read \\
      --config config.json --state s.json --allow-missing-state \\
      --state-out s.new | loader && mv s.new s.json'
  Into any Singer target:
    source-dixa read --config config.json --format singer | target-jsonl
  One stream as plain JSON lines:
    source-dixa read --config config.json --streams tags --format jsonl |
      jq .name";

/// Reads conversations and lists from a Dixa account and writes them as Airbyte messages, one JSON object per line.
#[derive(Debug, Parser)]
#[command(name = "source-dixa", version = VERSION, max_term_width = 100)]
#[command(
    after_help = format!("{EXIT_CODES}\n\nThe config needs one key: {{\"api_token\": \"…\"}}. See `--help` for the others."),
    after_long_help = format!("{EXIT_CODES}\n\n{}\n\n{}\n\n{ENVIRONMENT}\n\n{READ_EXAMPLES}", *CONFIG_HELP, *STREAMS_HELP),
)]
pub struct Arguments {
    #[command(subcommand)]
    pub command: Command,
    /// Log every HTTP response: status, timing and size, never the body. Same as `LOG_LEVEL=debug`.
    #[arg(long, global = true)]
    pub debug: bool,
    /// Log only warnings and errors, and show no progress.
    #[arg(long, global = true, conflicts_with = "debug")]
    pub quiet: bool,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Print the connector's specification, including the config's JSON schema.
    #[command(after_help = SPEC_EXAMPLES)]
    Spec,
    /// Check the API token and list the streams that it cannot read.
    #[command(after_help = CHECK_EXAMPLES, after_long_help = format!("{}\n\n{ENVIRONMENT}\n\n{EXIT_CODES}\n\n{CHECK_EXAMPLES}", *CONFIG_HELP))]
    Check(ConfigFile),
    /// Print the available streams and their schemas. Needs no config.
    #[command(after_help = format!("{EXIT_CODES}\n\n{DISCOVER_EXAMPLES}"))]
    Discover(ConfigFile),
    /// Read streams, from the start or from a saved state.
    #[command(after_help = READ_EXAMPLES, after_long_help = format!("{}\n\n{}\n\n{ENVIRONMENT}\n\n{EXIT_CODES}\n\n{READ_EXAMPLES}", *CONFIG_HELP, *STREAMS_HELP))]
    Read(ReadFiles),
    /// Find out how this Dixa account behaves, and print a report that holds no data.
    #[command(after_help = PROBE_EXAMPLES, after_long_help = format!("{PROBE_HELP}\n\n{EXIT_CODES}\n\n{PROBE_EXAMPLES}"))]
    Probe(ProbeArguments),
    /// Print shell completions. For bash: `source <(source-dixa completions bash)`.
    Completions { shell: Shell },
    /// What this program does under the name `tap-dixa`, whose command line is that of [`TapArguments`].
    #[command(skip)]
    Tap(Tap),
}

impl Command {
    /// The output format.
    pub fn format(&self) -> Format {
        match self {
            Self::Read(files) => files.format,
            Self::Tap(_) => Format::Singer,
            // Only the report goes to stdout.
            Self::Probe(_) => Format::Jsonl,
            _ => Format::Airbyte,
        }
    }
}

#[derive(Args, Debug)]
pub struct ConfigFile {
    /// Path to the JSON config file, or `-` for standard input. Optional if `DIXA_API_TOKEN` is set.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// As a Singer tap: further configs, whose keys replace those before, and keys of the tap only.
    #[arg(skip)]
    pub tap: Option<TapConfig>,
}

impl ConfigFile {
    /// All config files.
    pub fn paths(&self) -> impl Iterator<Item = &PathBuf> {
        let more = self.tap.iter().flat_map(|tap| &tap.more);
        self.config.iter().chain(more)
    }
}

#[derive(Args, Debug)]
pub struct ProbeArguments {
    #[command(flatten)]
    pub config: ConfigFile,
    /// The format of the report.
    #[arg(long, value_enum, default_value_t = ReportFormat::Markdown)]
    pub format: ReportFormat,
    /// Print the requests, and send none. Needs no token.
    #[arg(long)]
    pub dry_run: bool,
}

#[derive(Args, Debug)]
pub struct ReadFiles {
    #[command(flatten)]
    pub config: ConfigFile,
    #[arg(long, value_name = "FILE", help = CATALOG_HELP.as_str())]
    pub catalog: Option<PathBuf>,
    /// Read only these streams.
    #[arg(long, value_name = "NAME,…", value_parser = stream_names)]
    pub streams: Option<Vec<StreamNames>>,
    /// Continue from the state of an earlier read: its state file, its output, or a single state. `-` reads standard input.
    /// Default: read from the start.
    #[arg(long, value_name = "FILE")]
    pub state: Option<PathBuf>,
    /// Read from the start if the file of `--state` does not exist yet.
    #[arg(long)]
    pub allow_missing_state: bool,
    /// Write the latest state of all streams to FILE. It is replaced atomically, after the records that it covers have been
    /// written to stdout. Must differ from `--state`.
    #[arg(long, value_name = "FILE", value_parser = PathBufValueParser::new().try_map(state_file))]
    pub state_out: Option<PathBuf>,
    /// The output format.
    #[arg(long, value_enum, default_value_t = Format::Airbyte)]
    pub format: Format,
}

/// What the tap is to do, with the files for it.
#[derive(Debug)]
pub struct Tap {
    pub action: TapAction,
    pub files: ReadFiles,
}

impl From<TapArguments> for Tap {
    fn from(mut arguments: TapArguments) -> Self {
        let (config, tap) = arguments.take_config();
        Self {
            action: arguments.action(),
            files: ReadFiles {
                config: ConfigFile {
                    config,
                    tap: Some(tap),
                },
                catalog: arguments.catalog,
                streams: None,
                state: arguments.state,
                allow_missing_state: false,
                state_out: None,
                format: Format::Singer,
            },
        }
    }
}

/// Whether the program was started as `tap-dixa`.
pub fn is_tap() -> bool {
    let program = env::args_os().next().unwrap_or_default();
    Path::new(&program).file_stem() == Some(TAP_NAME.as_ref())
}

/// The command line, by the name under which the program was started.
pub fn parse() -> Result<Arguments, clap::Error> {
    if !is_tap() {
        return Arguments::try_parse();
    }
    Ok(Arguments {
        command: Command::Tap(TapArguments::try_parse()?.into()),
        debug: false,
        quiet: false,
    })
}

/// What a command line may be, by the name under which the program was started.
pub fn usage() -> clap::Command {
    if is_tap() {
        TapArguments::command()
    } else {
        Arguments::command()
    }
}

/// A state file is replaced, which is not possible for standard output.
fn state_file(path: PathBuf) -> Result<PathBuf, &'static str> {
    if path.as_os_str() == "-" {
        return Err("the state cannot be written to standard output; name a file");
    }
    Ok(path)
}

/// One value of `--streams`.
#[derive(Clone, Debug)]
pub struct StreamNames(pub Vec<String>);

/// The names between commas. Blanks around them do not count.
fn stream_names(text: &str) -> Result<StreamNames, String> {
    let names = text.split(',').map(str::trim);
    let names: Vec<_> = names.filter(|name| !name.is_empty()).collect();
    if names.is_empty() {
        return Err("no stream was given".to_owned());
    }
    match names.iter().find(|name| table::find(name).is_none()) {
        Some(unknown) => Err(table::unknown(unknown)),
        None => Ok(StreamNames(names.into_iter().map(str::to_owned).collect())),
    }
}

impl ReadFiles {
    /// The streams of `--streams`, each once, in order; `None` without it.
    pub fn stream_names(&self) -> Option<Vec<&str>> {
        let given = self.streams.as_ref()?;
        let mut once: Vec<&str> = Vec::new();
        for name in given.iter().flat_map(|names| &names.0) {
            if !once.contains(&name.as_str()) {
                once.push(name);
            }
        }
        Some(once)
    }
}

/// The token in the environment, if it is there.
pub fn token_of_environment() -> Option<String> {
    let token = env::var(TOKEN_VARIABLE).ok();
    token.filter(|token| !token.trim().is_empty())
}

static CATALOG_HELP: LazyLock<String> = LazyLock::new(|| {
    let large = STREAMS.iter().filter(|stream| !stream.is_suggested);
    let large: Vec<_> = large.map(|stream| format!("`{}`", stream.name)).collect();
    format!(
        "The streams to read: a configured catalog, or the output of `discover`, whose streams are read incrementally where \
         supported. Default: every stream except {}",
        large.join(" and ")
    )
});

/// The streams, in lines of at most 80 columns.
static STREAMS_HELP: LazyLock<String> = LazyLock::new(|| {
    let mut lines = vec!["Streams (* = large; read only if you name it):".to_owned()];
    let mut line = String::new();
    for stream in STREAMS {
        let mark = if stream.is_suggested { "" } else { "*" };
        if line.len() + stream.name.len() > 70 {
            lines.push(std::mem::take(&mut line));
        }
        line = format!(
            "{line}{}{}{mark}",
            if line.is_empty() { "  " } else { ", " },
            stream.name
        );
    }
    lines.push(line);
    lines.push(first_read_cost());
    lines.join("\n")
});

/// What the default `start_date` costs today.
fn first_read_cost() -> String {
    let Ok(config) = Config::parse(r#"{"api_token":"-"}"#) else {
        unreachable!("the defaults are valid")
    };
    let (requests, minutes) = config.first_read_cost(EpochMs::now());
    format!(
        "  A first read of conversations since {} takes {requests} requests, about {minutes} minutes\n  \
         at Dixa's rate limit. A later `start_date` takes less.",
        &config.start_date.to_string()[..4]
    )
}

/// The config keys, from the specification.
static CONFIG_HELP: LazyLock<String> = LazyLock::new(|| {
    let spec: Value = serde_json::from_str(include_str!("../spec.json"))
        .unwrap_or_else(|_| unreachable!("a test parses it"));
    let properties = spec["connectionSpecification"]["properties"].as_object();
    let lines = properties.into_iter().flatten().map(|(key, property)| {
        let without = if key == "api_token" {
            "required"
        } else {
            "none"
        };
        let default = default_text(property).unwrap_or_else(|| without.to_owned());
        let meaning = plain(property["description"].as_str().unwrap_or_default());
        format!("  {key} ({default})\n      {meaning}")
    });
    let lines: Vec<_> = lines.collect();
    format!(
        "Config keys (default); dates look like 2024-01-31 or 2024-01-31T08:00:00Z:\n{}",
        lines.join("\n")
    )
});
