//! What the streams of one read share.

use crate::airbyte::catalog::ConfiguredStream;
use crate::airbyte::log::Level;
use crate::airbyte::state::States;
use crate::checkpoint::ReadBounds;
use crate::commands::events::EventLogger;
use crate::commands::read::parents::ParentIds;
use crate::commands::read::progress::ProgressDisplay;
use crate::commands::read::stats::SyncStats;
use crate::config::Config;
use crate::dixa::fetch::Fetcher;
use crate::epoch::EpochMs;
use crate::output::Output;
use crate::streams::stream::Stream;

/// What a read is to do.
pub struct Job {
    pub config: Config,
    pub configured: Vec<ConfiguredStream>,
    pub states: States,
    /// The wall clock when the read began, a whole second: read once, so that the read has an end.
    pub now: EpochMs,
}

impl Job {
    /// What the plan of a read depends on, apart from its saved state.
    pub fn bounds(&self) -> ReadBounds {
        ReadBounds {
            start_date: self.config.start_date,
            end_date: self.config.end_date,
            lookback: self.config.lookback,
            now: self.now,
        }
    }
}

/// What every stream of a read shares. How each kind of stream is read is in `windows`, `days`, `lists` and `pages`.
pub struct ReadContext<'a> {
    pub job: &'a Job,
    pub fetcher: Fetcher<'a>,
    pub output: &'a Output,
    pub events: &'a EventLogger<'a>,
    pub stats: &'a SyncStats<'a>,
    pub parents: ParentIds,
    pub progress: &'a ProgressDisplay<'a>,
}

impl ReadContext<'_> {
    /// Logs a message about a stream.
    pub fn log_of(&self, stream: &Stream, level: Level, message: &str) {
        self.output
            .log(level, &format!("{}: {message}", stream.name));
    }
}
