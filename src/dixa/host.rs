//! The two hosts of Dixa's API.

use std::fmt;

/// The two hosts of Dixa's API; one token serves both (docs/dixa-api.md 1.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Host {
    /// `exports.dixa.io`: whole windows of time in one body, 10 requests a minute.
    Exports,
    /// `dev.dixa.io`: lists, 10 requests a second.
    Api,
}

/// Dixa's own name for the host's API, as in its documentation.
impl fmt::Display for Host {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Exports => "Dixa's Exports API",
            Self::Api => "Dixa's main API",
        })
    }
}
