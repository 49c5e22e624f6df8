//! The command line: four verbs and the files they take. Knows nothing of what is in the files.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// Reads a Dixa account, its conversations first, and writes Airbyte messages, one JSON object a line.
#[derive(Debug, Parser)]
#[command(name = "source-dixa", version, max_term_width = 100)]
#[command(
    after_help = "Exit status: 0 done, for check whatever its answer, SUCCEEDED or FAILED; 1 something failed, as the TRACE \
    messages say; 2 the command line is wrong.\n\nThe config needs one key: {\"api_token\": \"…\"}. `spec` tells the others."
)]
pub struct Arguments {
    #[command(subcommand)]
    pub command: Command,
    /// Tell more: the status, times and sizes of each answer, never its content. The same as `LOG_LEVEL=debug`.
    #[arg(long, global = true)]
    pub debug: bool,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Print what the config may hold, as a JSON schema.
    Spec,
    /// Prove that the token is good for both of Dixa's hosts.
    Check(ConfigFile),
    /// Print the streams that can be read, with their schemas.
    Discover(ConfigFile),
    /// Read the streams that a catalog asks for, from where a state left off.
    Read(ReadFiles),
}

#[derive(Args, Debug)]
pub struct ConfigFile {
    /// The config, a JSON file.
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
}

#[derive(Args, Debug)]
pub struct ReadFiles {
    /// The config, a JSON file.
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
    /// The configured catalog, a JSON file: which streams to read, and how.
    #[arg(long, value_name = "FILE")]
    pub catalog: PathBuf,
    /// The state that a former read left, a JSON file. Without it everything is read from the start.
    #[arg(long, value_name = "FILE")]
    pub state: Option<PathBuf>,
}
