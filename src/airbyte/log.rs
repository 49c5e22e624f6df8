//! How much is told: the levels of LOG, and which of them are asked for.

use serde::Serialize;

/// A LOG message's weight (airbyte.md 1.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Level {
    Debug,
    Info,
    Warn,
    Error,
}

impl Level {
    /// The level that `--debug`, `--quiet` or the value of `LOG_LEVEL` asks for; INFO without any.
    pub fn asked_for(debug: bool, quiet: bool, log_level: Option<&str>) -> Self {
        match log_level.map(str::to_lowercase).as_deref() {
            _ if quiet => Self::Warn,
            _ if debug => Self::Debug,
            Some("debug" | "trace") => Self::Debug,
            Some("warn" | "warning") => Self::Warn,
            Some("error" | "fatal") => Self::Error,
            _ => Self::Info,
        }
    }
}
