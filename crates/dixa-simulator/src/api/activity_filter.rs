//! The two time bounds that the activity log accepts along with paging.

use std::ops::RangeInclusive;

use chrono::NaiveDateTime;

use super::refusal::Refusal;
use super::request::Request;
use super::switches::{Bound, Switches};

/// The milliseconds whose entries a request selects. Whether a bound's own instant is included is unknown
/// (docs/dixa-api.md 2.6: `?`), so a switch decides.
pub fn span(switches: &Switches, request: &Request) -> Result<RangeInclusive<i64>, Refusal> {
    let bound = |name| request.parameter(name).map(instant).transpose();
    let (from, to) = (bound("fromDatetime")?, bound("toDatetime")?);
    if from.zip(to).is_some_and(|(from, to)| from > to) {
        return Err(Refusal::undecodable("from is later than to"));
    }
    let (from, to) = switches
        .rounding
        .apply(from.unwrap_or(0), to.unwrap_or(i64::MAX));
    let first = from + i64::from(switches.after == Bound::Exclusive);
    let last = to - i64::from(switches.before == Bound::Exclusive);
    Ok(first..=last)
}

/// ISO 8601 in whole seconds with `Z`, as clients in production send it (docs/dixa-api.md 2.6: A, TAP);
/// nothing else.
fn instant(text: &str) -> Result<i64, Refusal> {
    let instant = NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%SZ");
    let instant = instant.ok().filter(|_| text.len() == 20);
    let instant = instant.ok_or_else(|| Refusal::undecodable("time format"))?;
    Ok(instant.and_utc().timestamp_millis())
}
