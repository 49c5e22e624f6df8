//! The streams that the probe asks particular questions about.

use crate::streams::stream::Stream;
use crate::streams::table;

fn stream(name: &str) -> &'static Stream {
    table::find(name).unwrap_or_else(|| unreachable!("it is in the table"))
}

pub fn conversations() -> &'static Stream {
    stream("conversations")
}

pub fn messages() -> &'static Stream {
    stream("messages")
}

/// The list that is requested first, and in small pages: every account has some.
pub fn agents() -> &'static Stream {
    stream("agents")
}

/// The only list that is paged and takes a window.
pub fn activity() -> &'static Stream {
    stream("activity_logs")
}

/// The smallest response.
pub fn organization() -> &'static Stream {
    stream("organization")
}

/// The catalogue of what can be requested as analytics data.
pub fn analytics_catalogue() -> &'static Stream {
    stream("analytics_records")
}

/// The data of one record of the catalogue.
pub fn analytics_rows() -> &'static Stream {
    stream("analytics_record_data")
}
