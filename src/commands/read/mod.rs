//! `read`: what the catalog asks for, all streams at once, each to its own end.

mod body;
mod files;
mod givers;
mod list;
mod meter;
mod pages;
mod progress;
mod sink;
mod stopped;
pub mod tell;
mod windowed;

use std::cell::RefCell;
use std::collections::HashSet;

use futures_util::future::{join, join_all};
use serde_json::json;

use crate::airbyte::catalog::{ConfiguredStream, SyncMode};
use crate::airbyte::format::Format;
use crate::airbyte::log::Level;
use crate::airbyte::message::Status;
use crate::airbyte::output::Output;
use crate::airbyte::state::States;
use crate::cli::ReadFiles;
use crate::commands::load_config;
use crate::config::Config;
use crate::dixa::client::Client;
use crate::dixa::page::Reader;
use crate::dixa::retry::Patience;
use crate::epoch::EpochMs;
use crate::failure::Failure;
use crate::streams::{self, STREAMS, Span, Stream};
use crate::terminal::Terminal;
use givers::Givers;
use meter::Meter;
use progress::Progress;
use sink::StreamSink;
use stopped::Stopped;
use tell::Teller;

/// What a read is to do.
pub struct Job {
    pub config: Config,
    pub configured: Vec<ConfiguredStream>,
    pub states: States,
    /// The wall clock when the read began, a whole second: read once, so that the read has an end.
    pub now: EpochMs,
}

/// What every stream of a run shares.
struct Run<'a> {
    job: &'a Job,
    reader: Reader<'a>,
    output: &'a Output,
    teller: &'a Teller<'a>,
    meter: &'a Meter<'a>,
    givers: Givers,
    progress: &'a Progress<'a>,
}

/// Reads what the files ask for; `false` if a stream failed.
pub async fn read(
    files: &ReadFiles,
    output: &Output,
    terminal: &Terminal,
) -> Result<bool, Failure> {
    let now = EpochMs::now().floor_to_second();
    let config = load_config(&files.config, output)?;
    let configured = files::chosen(files)?;
    if files.format == Format::Jsonl && configured.len() != 1 {
        return Err(Failure::config(
            "The format jsonl holds the records of one stream: choose it with `--streams NAME`.",
        ));
    }
    let states = files::saved(files, output)?;
    let kept = files::kept(files)?;
    output.keep(states.clone().into_iter().collect(), kept);
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
    warn_of_end_date(&job.config, job.now, output);
    warn_of_strange_states(&job.states, output);
    let teller = Teller::new(output);
    let reader = Reader {
        client,
        patience: &Patience::READ,
        watch: &teller,
    };
    let meter = Meter::new(None);
    let progress = Progress::on(terminal, &teller);
    let once = once(&job.configured, output);
    let found = || {
        once.iter()
            .map(|configured| find(configured))
            .filter_map(Result::ok)
    };
    let selected: HashSet<_> = found().map(|(stream, _)| stream.name).collect();
    let run = Run {
        job,
        reader,
        output,
        teller: &teller,
        meter: &meter,
        givers: Givers::of(found().map(|(stream, _)| stream)),
        progress: &progress,
    };
    if job.configured.is_empty() {
        output.log(
            Level::Warn,
            "The catalog lists no stream, so nothing is read.",
        );
    }
    let done = join_all(once.iter().map(|configured| run.stream(configured)));
    let unselected = run
        .givers
        .streams()
        .filter(|stream| !selected.contains(stream.name));
    let reading = join(done, join_all(unselected.map(|list| run.ids_of(list))));
    let (done, _) = reading.await;
    output.log(Level::Info, &format!("All streams: {meter}."));
    done.into_iter().all(|done| done)
}

/// Each stream once, as the catalog has it first.
fn once<'a>(configured: &'a [ConfiguredStream], output: &Output) -> Vec<&'a ConfiguredStream> {
    let mut seen = HashSet::new();
    let mut once = Vec::new();
    for stream in configured {
        if seen.insert(&stream.name) {
            once.push(stream);
        } else {
            let warning = format!(
                "{}: the catalog lists it twice; it is read once.",
                stream.name
            );
            output.log(Level::Warn, &warning);
        }
    }
    once
}

/// A state in the form of another program names nothing that we know, and everything is read from the start.
fn warn_of_strange_states(states: &States, output: &Output) {
    let known: HashSet<_> = STREAMS.iter().flat_map(Stream::names).collect();
    let is_strange = |name: &&String| !known.contains(name.as_str());
    let strange = states.keys().filter(is_strange).count();
    if strange > 0 {
        let warning = format!(
            "The state names streams that this source does not have ({strange} of {}); that part of it is ignored.",
            states.len()
        );
        output.log(Level::Warn, &warning);
    }
}

fn warn_of_end_date(config: &Config, now: EpochMs, output: &Output) {
    if let Some(end_date) = config.end_date.filter(|end_date| *end_date <= now) {
        let warning = format!(
            "`end_date` is set: what streams with a cursor have at {end_date} or later is not read."
        );
        output.log(Level::Warn, &warning);
    }
}

impl Run<'_> {
    /// Reads one stream and tells how it ended; `false` if it failed.
    async fn stream(&self, configured: &ConfiguredStream) -> bool {
        let name = configured.name.as_str();
        let ended = match find(configured) {
            Ok((stream, mode)) => {
                self.output.status(name, Status::Started);
                self.teller.begin(stream);
                let ended = self.read_stream(stream, mode).await;
                self.teller.end(stream);
                ended
            }
            Err(failure) => Err(Stopped::Failed(failure)),
        };
        match &ended {
            Ok(()) => self.output.status(name, Status::Complete),
            Err(Stopped::Closed) => {}
            Err(Stopped::Failed(failure)) => {
                self.output.status(name, Status::Incomplete);
                self.output.error(failure, Some(name));
            }
        }
        ended.is_ok()
    }

    async fn read_stream(&self, stream: &'static Stream, mode: SyncMode) -> Result<(), Stopped> {
        let mut sink = StreamSink::new(stream, self.output, &self.job.config, self.meter);
        sink.ids = self.givers.has(stream.name).then(RefCell::default);
        self.output.stream(|| stream.discovered());
        let work = self.read_span(stream, mode, &sink);
        let ended = self.progress.of(stream, &sink.meter, work).await;
        let end = if ended.is_ok() {
            "done"
        } else {
            "not finished"
        };
        let message = format!("{}: {end}, {}.", stream.name, sink.meter);
        self.output.log(Level::Info, &message);
        // What it waited for is for those who look into it: `--debug` shows it here, too.
        let short = message
            .split_once(". Waits")
            .map_or(&*message, |(short, _)| short);
        self.progress.line(&format!("{short}."));
        self.give(sink, ended.clone());
        ended
    }

    async fn read_span(
        &self,
        stream: &'static Stream,
        mode: SyncMode,
        sink: &StreamSink<'_>,
    ) -> Result<(), Stopped> {
        if let Span::Windows(span) = &stream.span {
            return self.read_windows(span, mode, sink).await;
        }
        if mode == SyncMode::Incremental {
            let message = format!(
                "{}: Dixa tells nothing of changes to it, so it is read whole.",
                stream.name
            );
            self.output.log(Level::Info, &message);
        }
        self.read_list(sink).await?;
        sink.checkpoint(json!({ "complete": true }));
        Ok(())
    }

    /// Reads a list that nobody asked for but those that need its ids.
    async fn ids_of(&self, stream: &'static Stream) {
        let mut sink = StreamSink::new(stream, self.output, &self.job.config, self.meter);
        sink.is_silent = true;
        sink.ids = Some(RefCell::default());
        let ended = self.read_list(&sink).await;
        self.give(sink, ended);
    }

    /// Gives the ids that were found to those that need them.
    fn give(&self, sink: StreamSink<'_>, ended: Result<(), Stopped>) {
        if let Some(ids) = sink.ids {
            self.givers
                .tell(sink.stream.name, ended.map(|()| ids.into_inner()));
        }
    }
}

/// `1 window`, `2 windows`.
fn counted(count: impl Into<u64>, thing: &str) -> String {
    match count.into() {
        1 => format!("1 {thing}"),
        count => format!("{count} {thing}s"),
    }
}

/// The row that is meant, and how it is to be read.
fn find(configured: &ConfiguredStream) -> Result<(&'static Stream, SyncMode), Failure> {
    let name = &configured.name;
    let Some(stream) = streams::find(name) else {
        let names: Vec<_> = STREAMS.iter().map(|stream| stream.name).collect();
        let now = STREAMS
            .iter()
            .find(|stream| stream.names().any(|other| other == name))
            .map(|stream| format!(" `{name}` of other connectors is `{}` here.", stream.name));
        return Err(Failure::config(format!(
            "The catalog asks for the stream `{name}`, which this source does not have. It has: {}.{}",
            names.join(", "),
            now.unwrap_or_default()
        )));
    };
    let Some(mode) = configured.sync_mode else {
        return Err(Failure::config(format!(
            "The catalog's `sync_mode` of stream `{name}` must be `full_refresh` or `incremental`."
        )));
    };
    let is_named_rightly = match configured.cursor_field.as_deref() {
        Some([]) => true,
        Some([field]) => Some(field.as_str()) == stream.cursor(),
        _ => false,
    };
    if mode == SyncMode::Incremental && !is_named_rightly {
        let allowed = stream
            .cursor()
            .map_or("no cursor field".to_owned(), |cursor| {
                format!("`{cursor}` as its only cursor field")
            });
        return Err(Failure::config(format!(
            "The catalog's `cursor_field` is not the stream's: `{name}` has {allowed}."
        )));
    }
    Ok((stream, mode))
}
