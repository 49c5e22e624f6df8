//! `read`: what the catalog selects, all streams at once, each to its own end.

pub mod context;
mod date_filter;
mod day_windows;
mod days;
mod error;
mod filters;
mod lists;
mod pages;
mod pagination_guard;
mod parents;
mod plan_report;
mod progress;
mod record_warnings;
mod record_writer;
mod row_copies;
mod selection;
mod stats;
mod stream_read;
mod stream_requests;
mod stream_writer;
mod windows;

use std::collections::HashSet;

use futures_util::future::{join, join_all};

use crate::airbyte::log::Level;
use crate::airbyte::state::States;
use crate::cli::ReadFiles;
use crate::commands::config_file::load_config;
use crate::commands::events::EventLogger;
use crate::commands::inputs;
use crate::commands::read::context::{Job, ReadContext};
use crate::commands::read::parents::ParentIds;
use crate::commands::read::progress::{ProgressDisplay, SumAtEnd};
use crate::commands::read::stats::SyncStats;
use crate::config::Config;
use crate::dixa::client::Client;
use crate::dixa::fetch::Fetcher;
use crate::dixa::host::Host;
use crate::dixa::rate_limit::exports_interval;
use crate::dixa::retry_budget::RetryBudget;
use crate::epoch::EpochMs;
use crate::failure::Failure;
use crate::output::Output;
use crate::output::console::Terminal;
use crate::output::format::Format;
use crate::streams::stream::Stream;
use crate::streams::table::STREAMS;

/// How many unknown stream names in a state a warning shows, and how many characters of each.
const MAX_SHOWN_NAMES: usize = 5;
const LONGEST_NAME: usize = 60;

/// Reads what the files select; `false` if a stream failed.
pub async fn read(
    files: &ReadFiles,
    output: &Output,
    terminal: &Terminal,
) -> Result<bool, Failure> {
    let now = EpochMs::now().floor_to_second();
    let config = load_config(&files.config, output)?;
    config.refuse_future(now)?;
    let configured = inputs::select_streams(files)?;
    if files.format == Format::Jsonl && configured.len() != 1 {
        return Err(Failure::config(
            "The format `jsonl` supports only one stream: select it with `--streams NAME`.",
        ));
    }
    // Locked before the state is read: no other run may be about to change it.
    let state_file = inputs::open_state_file(files, output)?;
    let states = inputs::load_state(files, output)?;
    output.track_states(states.clone().into_iter().collect(), state_file);
    let client = Client::new(config.settings.clone());
    let job = Job {
        config,
        configured,
        states,
        now,
    };
    Ok(run(&job, &client, output, terminal).await)
}

/// Reads all the streams of a job; `false` if one failed, which stops no other.
pub async fn run(job: &Job, client: &Client, output: &Output, terminal: &Terminal) -> bool {
    client.host(Host::Exports).leave_one_for_check();
    warn_of_dates(&job.config, job.now, output);
    warn_of_unknown_states(&job.states, output);
    let events = EventLogger::new(output);
    let fetcher = Fetcher {
        client,
        retry_budget: &RetryBudget::READ,
        observer: &events,
    };
    let stats = SyncStats::new(None);
    let exports_interval = exports_interval(job.config.settings.exports_requests_per_minute);
    let progress = ProgressDisplay::new(terminal, &events, exports_interval);
    let configured = selection::unique(&job.configured, output);
    let _sum = SumAtEnd::new(terminal, &stats, configured.len());
    let selected = || {
        configured
            .iter()
            .filter_map(|configured| selection::resolve(configured).ok())
            .map(|(stream, _)| stream)
    };
    let names: HashSet<_> = selected().map(|stream| stream.name).collect();
    let context = ReadContext {
        job,
        fetcher,
        output,
        events: &events,
        stats: &stats,
        parents: ParentIds::of(selected()),
        progress: &progress,
    };
    if job.configured.is_empty() {
        output.log(
            Level::Warn,
            "The catalog selects no stream, so nothing is read.",
        );
    }
    let streams = join_all(configured.iter().map(|configured| context.read(configured)));
    let ids_only = context
        .parents
        .streams()
        .filter(|stream| !names.contains(stream.name));
    let (done, _) = join(
        streams,
        join_all(ids_only.map(|list| context.read_ids(list))),
    )
    .await;
    output.log(Level::Info, &format!("All streams: {}.", stats.summary()));
    done.into_iter().all(|done| done)
}

/// A state written by another program names no stream that we know, so everything is read from the start.
fn warn_of_unknown_states(states: &States, output: &Output) {
    let known: HashSet<_> = STREAMS.iter().flat_map(Stream::names).collect();
    let is_unknown = |name: &&String| !known.contains(name.as_str());
    let mut unknown: Vec<_> = states.keys().filter(is_unknown).collect();
    if unknown.is_empty() {
        return;
    }
    unknown.sort();
    let count = unknown.len();
    let shown = unknown.iter().take(MAX_SHOWN_NAMES);
    let mut names: Vec<_> = shown
        .map(|name| format!("`{}`", name.chars().take(LONGEST_NAME).collect::<String>()))
        .collect();
    if count > MAX_SHOWN_NAMES {
        names.push(format!("{} more", count - MAX_SHOWN_NAMES));
    }
    let warning = format!(
        "The state contains unknown streams ({count} of {}): {}. They are ignored.",
        states.len(),
        names.join(", ")
    );
    output.log(Level::Warn, &warning);
}

fn warn_of_dates(config: &Config, now: EpochMs, output: &Output) {
    if let Some(warning) = config.start_date_warning(now) {
        output.log(Level::Warn, &warning);
    }
    if let Some(end_date) = config.end_date.filter(|end_date| *end_date <= now) {
        let warning =
            format!("`end_date` is set: incremental streams are read only up to {end_date}.");
        output.log(Level::Warn, &warning);
    }
}
