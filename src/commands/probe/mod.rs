//! `probe`: settles the doubts about Dixa on a real account, with a few requests that only read, and reports without any data.

mod analytics;
mod analytics_pages;
mod ask;
mod asks;
mod bounds;
mod exports;
mod fields;
mod lists;
mod pages;
mod plan;
mod records;
mod refusals;
mod report;
mod responses;
mod sender;
mod subjects;
mod values;

use std::time::Duration;

use crate::cli::ProbeArguments;
use crate::cli::probe::ReportFormat;
use crate::commands::config_file::{load_config, load_config_without_token};
use crate::commands::probe::bounds::bounds;
use crate::commands::probe::exports::{Sample, lag, sample};
use crate::commands::probe::fields::{AllFields, absent_values, undeclared_fields};
use crate::commands::probe::lists::Lists;
use crate::commands::probe::records::Reply;
use crate::commands::probe::refusals::{Undocumented, refused_windows, token_forms};
use crate::commands::probe::report::Answer;
pub use crate::commands::probe::report::Report;
use crate::commands::probe::sender::Sender;

use crate::commands::probe::values::ValueFacts;
use crate::dixa::client::Client;
use crate::dixa::error::Error;
use crate::dixa::host::Host;
use crate::epoch::EpochMs;
use crate::failure::{Failure, FailureKind};
use crate::output::Output;
use crate::output::console::Terminal;
use crate::streams::stream::Stream;
use crate::streams::table;

/// Prints the report, or the requests that would be sent.
pub async fn probe(
    arguments: &ProbeArguments,
    output: &Output,
    terminal: &Terminal,
) -> Result<(), Failure> {
    if arguments.dry_run {
        let settings = load_config_without_token(&arguments.config, output)?.settings;
        let [exports, api] = [settings.exports_base_url, settings.api_base_url]
            .map(|url| url.host_str().unwrap_or_default().to_owned());
        output.text(plan::print(&exports, &api).as_bytes());
        return Ok(());
    }
    let config = load_config(&arguments.config, output)?;
    let client = Client::new(config.settings);
    if terminal.is_interactive() {
        terminal.line("Asking Dixa. This takes about two minutes, most of it waiting for the rate limit of the exports.");
    }
    let report = run(&client, EpochMs::now(), config.lookback, output).await?;
    let text = match arguments.format {
        ReportFormat::Markdown => report.to_markdown(),
        ReportFormat::Json => format!("{:#}", report.to_json()),
    };
    output.text(format!("{}\n", output.redacted_lines(&text)).as_bytes());
    Ok(())
}

/// Sends the requests, those with the token in other forms last. `now` is this machine's time, and `lookback` what a read allows
/// for late updates.
pub async fn run(
    client: &Client,
    now: EpochMs,
    lookback: Duration,
    output: &Output,
) -> Result<Report, Failure> {
    let sender = &mut Sender::new(client, now, output);
    let (sample, mut lists) = first_contact(sender).await?;
    let by_date = sender.send(&asks::day_as_dates(sample.day)).await?;
    let bounds = bounds(sender, &sample).await?;
    let lag = lag(sender, lookback).await?;
    let messages = sender.send(&asks::messages(sample.day)).await?;
    lists.ask_all(sender, sample.span).await?;
    let links = pages::links(sender, &lists).await?;
    let undocumented = Undocumented::ask(sender, sample.day).await?;
    let analytics = analytics::answers(sender, &lists).await?;
    let refused_windows = refused_windows(sender, sample.day, &undocumented).await?;
    let token_forms = token_forms(sender, sample.day).await?;

    let replies = lists.replies().chain([&sample.reply, &messages]);
    let [absent_values, mixed_types, enumerations, undeclared_fields] = contents(replies);
    let mut answers = vec![
        bounds,
        sample.order(&by_date),
        sample.dates(&by_date),
        lag,
        pages::page_sizes(&lists),
        links,
        sender.log.date_header(),
        sender.log.retry_after(),
        sender.log.encodings(),
        sender.log.time_to_first_byte(),
        absent_values,
        mixed_types,
        enumerations,
        undeclared_fields,
        undocumented.answer(),
        refused_windows,
    ];
    answers.extend(analytics);
    answers.extend([lists.permissions(&sample.reply), token_forms]);
    Ok(Report {
        sent: sender.sent(),
        answers,
        responses: sender.log.overview(),
    })
}

/// The first request to each host. Fails if neither can be read: there is nothing to report then.
async fn first_contact(sender: &mut Sender<'_>) -> Result<(Sample, Lists), Failure> {
    let sample = sample(sender).await?;
    let mut lists = Lists::default();
    lists
        .ask_one(sender, subjects::agents(), sample.span)
        .await?;
    let agents = lists.0.first().map(|list| &list.first);
    if !sample.reply.is_hopeless() || !agents.is_some_and(Reply::is_hopeless) {
        return Ok((sample, lists));
    }
    Err(match sample.reply.status() {
        Some(status) => Error::Status {
            host: Host::Exports,
            status,
            retry_after: None,
            is_web_page: false,
            text: None,
        }
        .into(),
        None => Failure {
            kind: FailureKind::Transient,
            advice: Some("Check that no proxy or firewall changes the responses.".to_owned()),
            ..Failure::system(format!(
                "There is nothing to report, since neither of Dixa's APIs can be read: {}",
                sample.reply.words()
            ))
        },
    })
}

/// What all records say about fields and values.
fn contents<'a>(replies: impl Iterator<Item = &'a Reply>) -> [Answer; 4] {
    let mut fields = AllFields::default();
    let mut values = ValueFacts::default();
    for records in replies.filter_map(Reply::records) {
        let stream = records.stream.map(|stream: &Stream| stream.name);
        if let Some(stream) = stream.and_then(table::find) {
            let facts = fields.entry(stream.name).or_default();
            facts.merge(&records.fields);
            values.merge(&records.values);
        }
    }
    [
        absent_values(&fields),
        values.mixed_types(),
        values.enumerations(),
        undeclared_fields(&fields),
    ]
}
