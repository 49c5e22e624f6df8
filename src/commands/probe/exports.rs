//! A day of conversations, twice, and what it says about order, dates and late updates.

use std::collections::HashSet;
use std::time::Duration;

use crate::commands::probe::asks::{self, HOUR, MILLISECOND, WHOLE_DAY};
use crate::commands::probe::records::{Records, Reply, SeenRecord};
use crate::commands::probe::report::Answer;
use crate::commands::probe::responses::rough;
use crate::commands::probe::sender::Sender;
use crate::epoch::EpochMs;
use crate::failure::Failure;
use crate::window::LONGEST_SPAN;

/// Conversations of a day, or of a month if that day has none.
pub struct Sample {
    pub reply: Reply,
    /// The requested span.
    pub span: (EpochMs, EpochMs),
    /// A day in it that has conversations, if any has.
    pub day: EpochMs,
    requested: Vec<String>,
}

/// The start of an instant's day, UTC.
pub fn start_of_day(at: EpochMs) -> EpochMs {
    let day = i64::try_from(WHOLE_DAY.as_millis()).unwrap_or(i64::MAX);
    EpochMs(at.0.div_euclid(day) * day)
}

/// Conversations of yesterday; of a month before, if there are none.
pub async fn sample(sender: &mut Sender<'_>) -> Result<Sample, Failure> {
    let today = start_of_day(sender.now());
    let yesterday = today.minus(WHOLE_DAY);
    let reply = sender.send(&asks::day(yesterday)).await?;
    let mut sample = Sample {
        requested: vec![reply.shown.clone()],
        reply,
        span: (yesterday, today),
        day: yesterday,
    };
    if sample
        .reply
        .records()
        .is_none_or(|records| !records.seen.is_empty())
    {
        return Ok(sample);
    }
    let reply = sender.send(&asks::month(today)).await?;
    sample.requested.push(reply.shown.clone());
    if let Some(records) = reply.records() {
        sample.span = (today.minus(LONGEST_SPAN), today);
        let newest = records
            .times()
            .into_iter()
            .filter(|time| *time < today)
            .max();
        sample.day = newest.map_or(yesterday, start_of_day);
        sample.reply = reply;
    }
    Ok(sample)
}

impl Sample {
    /// Its records; why there are none.
    pub fn records(&self) -> Result<&Records, String> {
        match self.reply.records() {
            Some(records) if records.seen.is_empty() => {
                Err("there is no conversation in the last 31 days".to_owned())
            }
            Some(records) => Ok(records),
            None => Err(self.reply.words()),
        }
    }

    /// Those of its day.
    fn of_day(&self) -> Vec<SeenRecord> {
        let is_of_day = |record: &SeenRecord| {
            let is_inside = |time| (self.day..self.day.plus(WHOLE_DAY)).contains(&time);
            record.time.is_some_and(is_inside)
        };
        let records = self.records().map(|records| &records.seen[..]);
        records
            .unwrap_or_default()
            .iter()
            .copied()
            .filter(is_of_day)
            .collect()
    }

    /// The order of the records, and whether it was the same in the response by dates.
    pub fn order(&self, by_date: &Reply) -> Answer {
        let answer = Answer::new("order", "In which order does an export come?", "doubt 7")
            .requested(self.requested.clone());
        let records = match self.records() {
            Ok(records) => records,
            Err(why) => return answer.not_settled(why),
        };
        let times = records.times();
        let distinct: HashSet<_> = times.iter().collect();
        if distinct.len() < 3 {
            return answer.not_settled("there are fewer than 3 conversations with different times");
        }
        let breaks = times.windows(2).filter(|pair| pair[0] > pair[1]).count();
        let order = if breaks == 0 {
            "ascending"
        } else if times.is_sorted_by(|one, next| one >= next) {
            "descending"
        } else {
            "none"
        };
        let again = by_date
            .records()
            .map(|again| is_same_order(&self.of_day(), &again.seen));
        answer
            .found("order", order)
            .found("records", records.seen.len())
            .found("ascending_runs", breaks + 1)
            .found("same_order_again", again.flatten())
            .holds("the connector assumes no order, and a different one each time")
    }

    /// Whether dates mean midnight in UTC.
    pub fn dates(&self, by_date: &Reply) -> Answer {
        let answer = Answer::new(
            "date_parameters",
            "Do dates give the same conversations as milliseconds?",
            "doubt 4",
        )
        .requested([self.reply.shown.clone(), by_date.shown.clone()]);
        if let Err(why) = self.records() {
            return answer.not_settled(why);
        }
        let Some(dated) = by_date.records() else {
            return match by_date.status() {
                Some(400) => answer.differs("dates are refused", SENDS_MS),
                _ => answer.not_settled(by_date.words()),
            };
        };
        let expected = self.of_day();
        let end = self.day.plus(WHOLE_DAY);
        let missing = expected
            .iter()
            .filter(|record| !dated.has(**record))
            .count();
        let is_outside = |record: &&SeenRecord| {
            record
                .time
                .is_some_and(|time| time < self.day || time > end)
        };
        let outside = dated.seen.iter().filter(is_outside).count();
        let answer = answer
            .found("by_milliseconds", expected.len())
            .found("by_dates", dated.seen.len())
            .found("missing_by_dates", missing)
            .found("of_other_days", outside);
        if missing == 0 && outside == 0 {
            return answer.holds(
                "a date means 00:00 UTC, and the day named in `*_before` is not in the response",
            );
        }
        answer.differs(
            "dates and milliseconds give different conversations",
            SENDS_MS,
        )
    }
}

const SENDS_MS: &str = "The connector sends milliseconds only.";

/// Whether the records that two responses share come in the same order; `None` for fewer than three.
fn is_same_order(one: &[SeenRecord], other: &[SeenRecord]) -> Option<bool> {
    let shared = |these: &[SeenRecord], those: &[SeenRecord]| {
        let known: HashSet<_> = those.iter().map(|record| record.fingerprint).collect();
        let fingerprints = these.iter().map(|record| record.fingerprint);
        fingerprints
            .filter(|record| known.contains(record))
            .collect::<Vec<_>>()
    };
    let (one, other) = (shared(one, other), shared(other, one));
    (one.len() > 2).then(|| one == other)
}

/// How late updates appear.
pub async fn lag(sender: &mut Sender<'_>, lookback: Duration) -> Result<Answer, Failure> {
    let reply = sender.send(&asks::last_hour(sender.now())).await?;
    let answer = Answer::new(
        "update_lag",
        "How soon does an update appear in an export?",
        "doubt 7",
    )
    .requested([reply.shown.clone()]);
    let Some(records) = reply.records() else {
        return Ok(answer.not_settled(reply.words()));
    };
    let now = records.server_time.unwrap_or(sender.now());
    let answer = answer.found("updated_in_the_last_hour", records.seen.len());
    let newest = records.times().into_iter().max();
    if newest.is_some_and(|newest| newest > now.plus(asks::SECOND)) {
        return Ok(answer.not_settled("the newest update is ahead of Dixa's clock"));
    }
    let Some(age) = newest
        .map(|newest| now.since(newest))
        .filter(|age| *age <= HOUR)
    else {
        return Ok(answer.not_settled("no conversation was updated in the last hour"));
    };
    let answer = answer.found("age_of_the_newest_update", rough(age));
    Ok(if age <= lookback {
        answer.holds("the lag is at most this age, which `lookback_minutes` covers")
    } else {
        answer.differs(
            "the newest update is older than `lookback_minutes`",
            "If updates appear that late, a read misses them until the conversation changes again: set a larger `lookback_minutes`.",
        )
    })
}

/// How far outside of a window its records are.
pub fn farthest_outside(records: &Records, (after, before): (EpochMs, EpochMs)) -> Duration {
    let distances = records.times().into_iter().map(|time| {
        let early = after.since(time);
        early.max(time.since(before))
    });
    distances.max().unwrap_or_default()
}

/// A distance from a window, in rough words.
pub fn distance(outside: Duration) -> &'static str {
    match outside {
        Duration::ZERO => "none",
        outside if outside <= MILLISECOND => "1 ms",
        outside if outside < Duration::from_secs(1) => "less than a second",
        outside => rough(outside),
    }
}
