//! How analytics data can be requested: filters, bounds, whether rows have the same bytes each time, and the status of an unknown
//! record id.

use serde_json::Value;

use crate::commands::probe::analytics_pages::{Accepted, Sizes, page_limit};
use crate::commands::probe::ask::Ask;
use crate::commands::probe::asks::{self, AnalyticsQuery, Period};
use crate::commands::probe::bounds::{Meaning, pair};
use crate::commands::probe::exports::start_of_day;
use crate::commands::probe::lists::Lists;
use crate::commands::probe::records::{Records, Reply};
use crate::commands::probe::report::Answer;
use crate::commands::probe::sender::Sender;
use crate::commands::probe::subjects;
use crate::epoch::EpochMs;
use crate::failure::Failure;
use crate::streams::stream::Partitions;

/// Answers every question about analytics, with the first record of the catalogue.
pub async fn answers(sender: &mut Sender<'_>, lists: &Lists) -> Result<Vec<Answer>, Failure> {
    let (filters, accepted) = filters(sender, lists).await?;
    let mut answers = vec![filters];
    let Some(accepted) = accepted else {
        let why = "no analytics data could be requested";
        answers.extend(open().map(|answer| answer.not_settled(why)));
        return Ok(answers);
    };
    let [pages, links, rows, bounds, ids] = open();
    let sized = accepted.query.ask().with("pageLimit", page_limit());
    let whole = sender.send(&sized).await?;
    let (ask, sample) = match whole.records() {
        Some(_) => (sized, &whole),
        None => (accepted.query.ask(), &accepted.reply),
    };
    let rows = same_rows(sender, rows, &ask, sample).await?;
    let pages_asked = Sizes::ask(sender, &accepted, &whole).await?;
    answers.push(pages_asked.pages(pages));
    answers.push(pages_asked.links(sender, links, &ask));
    answers.push(rows);
    answers.push(interval(sender, bounds, &accepted.query, &whole, sample).await?);
    answers.push(unknown_id(sender, ids, &accepted.query).await?);
    Ok(answers)
}

/// The questions besides that of the filter.
fn open() -> [Answer; 5] {
    [
        Answer::new(
            "analytics_pages",
            "Which page sizes does analytics data take?",
            "doubt 20",
        ),
        Answer::new(
            "analytics_links",
            "How does a page of analytics data name the next one?",
            "doubt 21",
        ),
        Answer::new(
            "analytics_rows",
            "Are the bytes of a row of analytics the same in every response?",
            "doubt 23",
        ),
        Answer::new(
            "analytics_bounds",
            "Does an interval of analytics include its bounds?",
            "doubt 22",
        ),
        Answer::new(
            "analytics_ids",
            "Which status has a record id that is not in the catalogue?",
            "doubt 24",
        ),
    ]
}

/// Whether a filter is needed, and what was returned first: of yesterday, or of a month if that day has no rows.
async fn filters(
    sender: &mut Sender<'_>,
    lists: &Lists,
) -> Result<(Answer, Option<Accepted>), Failure> {
    let answer = Answer::new(
        "analytics_filters",
        "Can analytics data be requested without a filter?",
        "doubt 19",
    );
    let Some(id) = lists.first_id(subjects::analytics_catalogue().name) else {
        let why = "the catalogue of analytics records is empty or not readable";
        return Ok((answer.not_settled(why), None));
    };
    let mut query = AnalyticsQuery {
        id,
        directions: Vec::new(),
        period: Period::day_before(start_of_day(sender.now())),
    };
    let mut reply = sender.send(&query.ask()).await?;
    let mut answer = answer
        .requested([reply.shown.clone()])
        .found("without_filter", reply.status());
    if reply.status() == Some(400) {
        let values = sender.send(&asks::filter_values()).await?;
        answer = answer.requested([values.shown.clone()]);
        let first = values.records().and_then(|records| records.first.as_ref());
        let Some(Value::String(value)) = first.map(|first| &first["value"]) else {
            let why = "the request without a filter got 400, and the values of a filter could not be read";
            return Ok((answer.not_settled(why), None));
        };
        query.directions = vec![value.clone()];
        reply = sender.send(&query.ask()).await?;
        answer = answer
            .requested([reply.shown.clone()])
            .found("with_a_filter", reply.status());
    }
    if reply.records().is_none() {
        return Ok((answer.not_settled(reply.words()), None));
    }
    answer = if query.directions.is_empty() {
        answer.holds("no filter is needed")
    } else {
        answer.differs(
            "a filter is needed, although the documentation says that it is optional",
            "It is requested again with every value of one attribute.",
        )
    };
    let (answer, accepted) = with_rows(sender, answer, Accepted { query, reply }).await?;
    Ok((answer, Some(accepted)))
}

/// Asks for a month instead, if the day has no rows.
async fn with_rows(
    sender: &mut Sender<'_>,
    answer: Answer,
    mut accepted: Accepted,
) -> Result<(Answer, Accepted), Failure> {
    let records = accepted.reply.records();
    if records.is_none_or(|records| !records.seen.is_empty() || records.next.is_some()) {
        return Ok((answer, accepted));
    }
    accepted.query.period = Period::month_before(accepted.query.period.end);
    accepted.reply = sender.send(&accepted.query.ask()).await?;
    let shown = accepted.reply.shown.clone();
    Ok((answer.requested([shown]), accepted))
}

/// Whether the same request gets the same rows again, if they are all on one page.
async fn same_rows(
    sender: &mut Sender<'_>,
    answer: Answer,
    ask: &Ask,
    sample: &Reply,
) -> Result<Answer, Failure> {
    let again = sender.send(ask).await?;
    let answer = answer.requested([sample.shown.clone(), again.shown.clone()]);
    let (Some(one), Some(other)) = (all_rows(sample), all_rows(&again)) else {
        let why = "there are no rows, or not all of them are on one page";
        return Ok(answer.not_settled(why));
    };
    Ok(if one == other {
        answer
            .found("bytes", "same")
            .holds("a row that is read again has the same key")
    } else {
        answer.found("bytes", "differ").differs(
            "the same request got other bytes for its rows",
            "A row's key is made of its bytes: rows that are read again appear twice, but none is lost.",
        )
    })
}

/// What identifies the bytes of all rows; `None` if there are none, or more on another page.
fn all_rows(reply: &Reply) -> Option<Vec<u128>> {
    let records = reply.records()?;
    let mut rows: Vec<_> = records.seen.iter().map(|row| row.fingerprint).collect();
    rows.sort_unstable();
    (!rows.is_empty() && records.next.is_none()).then_some(rows)
}

/// Asks for an interval from the time of one row to that of another.
async fn interval(
    sender: &mut Sender<'_>,
    answer: Answer,
    query: &AnalyticsQuery,
    whole: &Reply,
    sample: &Reply,
) -> Result<Answer, Failure> {
    let span = (query.period.start, query.period.end);
    let rows = sample.records().and_then(|records| pair(records, span));
    let Some((start, end)) = rows.and_then(|(first, last)| first.time.zip(last.time)) else {
        return Ok(answer.not_settled("there are no two rows with different times"));
    };
    let ask = query.during(Period::between((start, end))).ask();
    let ask = match whole.records() {
        Some(_) => ask.with("pageLimit", page_limit()),
        None => ask,
    };
    let reply = sender.send(&ask).await?;
    let answer = answer.requested([reply.shown.clone()]);
    let Some(records) = reply.records() else {
        return Ok(answer.not_settled(reply.words()));
    };
    let [from, to] = [
        meaning(records, start, |time| time < start),
        meaning(records, end, |time| time > end),
    ];
    let answer = answer.found("start", from.name()).found("end", to.name());
    Ok(if [from, to].contains(&Meaning::Wider) {
        answer.differs(
            "an interval also returns rows outside of it",
            "Such a row may be written twice, with the same key.",
        )
    } else if [from, to].contains(&Meaning::Unknown) {
        answer.not_settled("a row was not found where it was before, and there are more pages")
    } else {
        answer.holds("each request starts a millisecond before its window, which covers both inclusive and exclusive bounds")
    })
}

/// What a bound is, by the times of the rows within it. Dixa has a row at that time.
fn meaning(records: &Records, bound: EpochMs, is_outside: impl Fn(EpochMs) -> bool) -> Meaning {
    let times = records.times();
    if times.iter().any(|time| is_outside(*time)) {
        Meaning::Wider
    } else if times.contains(&bound) {
        Meaning::Inclusive
    } else if records.next.is_none() {
        Meaning::Exclusive
    } else {
        Meaning::Unknown
    }
}

/// Asks for a record that is not in the catalogue.
async fn unknown_id(
    sender: &mut Sender<'_>,
    answer: Answer,
    query: &AnalyticsQuery,
) -> Result<Answer, Failure> {
    let reply = sender.send(&query.of_unknown_id().ask()).await?;
    let answer = answer
        .requested([reply.shown.clone()])
        .found("unknown_id", reply.status());
    let skipped: &[u16] = match &subjects::analytics_rows().partitions {
        Partitions::Parent(parent) => parent.none_here,
        Partitions::One | Partitions::Values { .. } => &[],
    };
    Ok(match reply.status() {
        Some(200) => answer.holds("an unknown record id is not refused"),
        Some(status) if skipped.contains(&status) => {
            answer.holds("a record id with this status is skipped, with a warning")
        }
        Some(_) => answer.differs(
            "an unknown record id gets another status than 400, 401, 403 or 404",
            "If a record leaves the catalogue during a read, the stream fails.",
        ),
        None => answer.not_settled(reply.words()),
    })
}
