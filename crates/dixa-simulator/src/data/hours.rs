//! When people write and work: nights and weekends in UTC.

use fastrand::Rng;

pub const SECOND: i64 = 1000;
pub const MINUTE: i64 = 60 * SECOND;
pub const HOUR: i64 = 60 * MINUTE;
pub const DAY: i64 = 24 * HOUR;

const OPENS: i64 = 7;
const CLOSES: i64 = 19;

/// Days since 1970.
pub fn day(at: i64) -> i64 {
    at.div_euclid(DAY)
}

/// The day of the Monday of its ISO week; 1970 began on a Thursday.
pub fn monday(at: i64) -> i64 {
    day(at) - (day(at) + 3).rem_euclid(7)
}

fn is_weekend(at: i64) -> bool {
    day(at) - monday(at) >= 5
}

fn is_open(at: i64) -> bool {
    !is_weekend(at) && (OPENS..CLOSES).contains(&(at.rem_euclid(DAY) / HOUR))
}

/// An instant of this span: at night and on weekends, people write less.
pub fn busy_instant(random: &mut Rng, from: i64, to: i64) -> i64 {
    loop {
        let at = random.i64(from..to);
        if is_open(at) || random.u8(..10) < 4 {
            return at;
        }
    }
}

/// When an agent gets to what is due now: outside the opening hours, one of five times there is somebody.
pub fn attended(random: &mut Rng, at: i64) -> i64 {
    if is_open(at) || random.u8(..5) == 0 {
        return at;
    }
    let mut morning = day(at) * DAY + OPENS * HOUR;
    while morning < at || is_weekend(morning) {
        morning += DAY;
    }
    morning + random.i64(0..90 * MINUTE)
}

/// A wait around this one: mostly shorter, at times several times as long.
pub fn wait(random: &mut Rng, usual: i64) -> i64 {
    let chance = random.f64();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        reason = "a wait is far below 2^52 ms"
    )]
    let waited = (usual as f64 * (0.1 - (1.0 - chance).ln())) as i64;
    waited.max(SECOND)
}
