//! Whether bounds in milliseconds include their own millisecond, and whether they are exact: windows from and to the times of two
//! known conversations.

use crate::commands::probe::asks::{self, MILLISECOND};
use crate::commands::probe::exports::{Sample, distance, farthest_outside};
use crate::commands::probe::records::{Records, Reply, SeenRecord};
use crate::commands::probe::report::Answer;
use crate::commands::probe::sender::Sender;
use crate::epoch::EpochMs;
use crate::failure::Failure;

/// Two records with different times, and nothing that needs to be near them.
pub type Pair = (SeenRecord, SeenRecord);

/// What a bound turned out to be.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    Inclusive,
    Exclusive,
    /// It lets through what is outside.
    Wider,
    /// It holds back what is inside, or the conversation has changed.
    Narrower,
    Unknown,
}

impl Meaning {
    pub fn name(self) -> Option<&'static str> {
        match self {
            Self::Inclusive => Some("inclusive"),
            Self::Exclusive => Some("exclusive"),
            Self::Wider => Some("wider than requested"),
            Self::Narrower => Some("narrower than requested"),
            Self::Unknown => None,
        }
    }

    fn is_exact(self) -> bool {
        matches!(self, Self::Inclusive | Self::Exclusive)
    }
}

/// Sends the windows and interprets them.
pub async fn bounds(sender: &mut Sender<'_>, sample: &Sample) -> Result<Answer, Failure> {
    let answer = Answer::new(
        "bounds",
        "Do the bounds of an export include their own millisecond, and are they exact?",
        "doubt 1",
    );
    let records = match sample.records() {
        Ok(records) => records,
        Err(why) => return Ok(answer.not_settled(why)),
    };
    let Some((first, last)) = pair(records, sample.span) else {
        return Ok(answer.not_settled("there are no two conversations with different times"));
    };
    let Some(times) = first.time.zip(last.time) else {
        unreachable!("both have times")
    };
    let at = sender.send(&asks::at_times(times)).await?;
    let inside = sender.send(&asks::inside_times(times)).await?;
    let mut replies = vec![at, inside];
    if !has(&replies[0], first) || !has(&replies[0], last) {
        replies.push(sender.send(&asks::around_times(times)).await?);
    }
    let answer = answer.requested(replies.iter().map(|reply| reply.shown.clone()));
    if let Some(failed) = replies.iter().find(|reply| reply.records().is_none()) {
        return Ok(answer.not_settled(failed.words()));
    }
    let around = replies.get(2);
    let meaning = |record| {
        let [at, inside] = [&replies[0], &replies[1]].map(|reply| has(reply, record));
        match (inside, at, around.map(|around| has(around, record))) {
            (true, _, _) => Meaning::Wider,
            (false, true, _) => Meaning::Inclusive,
            (false, false, Some(true)) => Meaning::Exclusive,
            (false, false, Some(false)) => Meaning::Narrower,
            (false, false, None) => Meaning::Unknown,
        }
    };
    let outside = replies[1].records().map(|records| {
        let (after, before) = (times.0.plus(MILLISECOND), times.1.minus(MILLISECOND));
        farthest_outside(records, (after, before))
    });
    let outside = outside
        .unwrap_or_default()
        .max(farthest_outside(records, sample.span));
    let answer = answer.found("farthest_outside_a_window", distance(outside));
    Ok(interpreted(answer, meaning(first), meaning(last)))
}

fn interpreted(answer: Answer, after: Meaning, before: Meaning) -> Answer {
    let answer = answer
        .found("after", after.name())
        .found("before", before.name());
    if after.is_exact() && before.is_exact() {
        return answer.holds(
            "neighbouring windows overlap by a millisecond, which covers both inclusive and exclusive bounds",
        );
    }
    let is = |meaning| after == meaning || before == meaning;
    if is(Meaning::Narrower) || is(Meaning::Unknown) {
        return answer.not_settled(
            "a conversation was not found where it was before: it has changed meanwhile, or bounds are rounded inwards. Run the probe again; if it says the same, report it, since a read would then miss records",
        );
    }
    answer.differs(
        "a window also returns records outside of it",
        "Each of them is written once: repeated records are recognized across all windows, for up to 4 million records outside of theirs.",
    )
}

fn has(reply: &Reply, record: SeenRecord) -> bool {
    reply.records().is_some_and(|records| records.has(record))
}

/// Two records next to each other in time, apart enough for a window between them. Their times are not next to a multiple
/// of ten milliseconds, where a rounded bound could not be told from an exact one.
pub fn pair(records: &Records, (start, end): (EpochMs, EpochMs)) -> Option<Pair> {
    let mut seen = records.seen.clone();
    seen.retain(|record| record.time.is_some_and(|time| start <= time && time < end));
    seen.sort_by_key(|record| record.time);
    seen.dedup_by_key(|record| record.time);
    let is_telling = |record: &SeenRecord| {
        let digit = record.time.map(|time| time.0.rem_euclid(10));
        digit.is_some_and(|digit| (2..=8).contains(&digit))
    };
    let telling: Vec<_> = seen.iter().copied().filter(is_telling).collect();
    closest(&telling).or_else(|| closest(&seen))
}

/// The neighbours with the smallest distance that still has room for a window.
fn closest(seen: &[SeenRecord]) -> Option<Pair> {
    let apart = |pair: &Pair| {
        pair.1
            .time
            .zip(pair.0.time)
            .map(|(last, first)| last.since(first))
    };
    let pairs = seen.windows(2).map(|pair| (pair[0], pair[1]));
    pairs
        .filter(|pair| apart(pair) >= Some(4 * MILLISECOND))
        .min_by_key(apart)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(times: &[i64]) -> Vec<SeenRecord> {
        let record = |time: &i64| SeenRecord {
            fingerprint: u128::from(time.unsigned_abs()),
            time: Some(EpochMs(*time)),
        };
        times.iter().map(record).collect()
    }

    #[test]
    fn the_closest_neighbours_with_room_between_them_are_chosen() {
        let pair = |times: &[i64]| {
            let (first, last) = closest(&seen(times))?;
            Some((first.time?.0, last.time?.0))
        };
        assert_eq!(pair(&[5, 8, 105, 155]), Some((105, 155)));
        assert_eq!(pair(&[5, 8]), None);
        assert_eq!(pair(&[5]), None);
    }
}
