//! Dates and spans of time, in milliseconds since 1970.

use dixa_simulator::data::clock::iso_date_ms;
use dixa_simulator::http::log::LoggedRequest;

pub const HOUR: i64 = 3_600_000;
pub const DAY: i64 = 24 * HOUR;

/// 2026-01-01, the start date of the tests.
pub const START: i64 = 1_767_225_600_000;
/// 2026-03-01, the end date of the tests.
pub const END: i64 = 1_772_323_200_000;

/// An instant, to the second.
pub fn date_time(ms: i64) -> String {
    iso_date_ms(ms.div_euclid(1000) * 1000).replace(".000Z", "Z")
}

/// The day of an instant.
pub fn date(ms: i64) -> String {
    iso_date_ms(ms).split('T').next().unwrap().to_owned()
}

/// The earliest bound of this name among requests. Windows are requested in order, but their requests may arrive in any order.
pub fn earliest(requests: &[LoggedRequest], bound: &str) -> i64 {
    let bounds = requests
        .iter()
        .filter_map(|request| request.parameter(bound));
    bounds
        .map(|bound| bound.parse().unwrap())
        .min()
        .expect("a request has the bound")
}
