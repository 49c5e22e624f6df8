//! What the `--help` of `probe` says, and the formats of its report.

use clap::ValueEnum;

pub const PROBE_HELP: &str = "\
What is sent: at most 12 requests to the Exports API and 60 to the main API, within
Dixa's rate limits. They only read; the one POST asks for analytics data of yesterday.
The last two send the token in another form, in case that is refused. `--dry-run`
prints all of them and sends nothing.

What is printed: a report without any data of your account. It has no names, texts,
ids, addresses, times of records, values of custom fields, nor the token. It has:
  - verdicts, and what they mean for a read
  - counts of records, statuses, and documented values such as `open`
  - types of fields, and names of top-level fields that no schema declares
  - page sizes, sizes of responses, and durations
  - names of well-known headers
Nothing is stored, and nothing is sent to anyone but Dixa.";

pub const PROBE_EXAMPLES: &str = "\
Examples:
  source-dixa probe --dry-run
  source-dixa probe --config config.json > report.md
  source-dixa probe --config config.json --format json | jq .verdict";

/// The format of the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ReportFormat {
    /// For people
    Markdown,
    /// For programs
    Json,
}
