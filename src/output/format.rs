//! The output formats: Airbyte messages, Singer messages, or plain JSON lines.

use chrono::SecondsFormat;
use clap::ValueEnum;
use serde::Serialize;
use serde_json::Value;

use crate::airbyte::catalog::DiscoveredStream;
use crate::airbyte::log::Level;
use crate::airbyte::message::{Log, Message, Status};
use crate::epoch::EpochMs;
use crate::failure::Failure;
use crate::output::state_file::LatestStates;
use crate::singer;

/// An output format.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Airbyte messages: RECORD, STATE, TRACE, LOG
    #[default]
    Airbyte,
    /// Singer messages, for any target: SCHEMA, RECORD, STATE
    Singer,
    /// Only the records of one stream, one per line
    Jsonl,
}

impl Format {
    /// The start of the line of each record of a stream, in Singer with the version of its table, if it has one.
    pub fn record_prefix(self, stream: &str, version: Option<i64>) -> Vec<u8> {
        let prefix = match (self, version) {
            (Self::Airbyte, _) => {
                format!(r#"{{"type":"RECORD","record":{{"stream":"{stream}","data":"#)
            }
            (Self::Singer, None) => format!(r#"{{"type":"RECORD","stream":"{stream}","record":"#),
            (Self::Singer, Some(version)) => {
                format!(r#"{{"type":"RECORD","stream":"{stream}","version":{version},"record":"#)
            }
            (Self::Jsonl, _) => String::new(),
        };
        prefix.into()
    }

    /// The end of the line of a record written at `now`.
    pub fn record_suffix(self, now: EpochMs) -> Vec<u8> {
        let suffix = match self {
            Self::Airbyte => format!(",\"emitted_at\":{}}}}}\n", now.0),
            Self::Singer => {
                let time = now.to_rfc3339(SecondsFormat::Micros);
                format!(",\"time_extracted\":\"{time}\"}}\n")
            }
            Self::Jsonl => "\n".to_owned(),
        };
        suffix.into()
    }
}

/// Any line except a record.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Line<'a> {
    Airbyte(Message<'a>),
    Singer(Value),
}

/// The lines of each format; `None` if the format has no such message.
impl Format {
    /// Only Airbyte's protocol has log messages.
    pub fn log(self, level: Level, message: &str) -> Option<Line<'_>> {
        let log = Log { level, message };
        self.airbyte(|| Message::Log { log })
    }

    pub fn status(self, stream: &str, status: Status) -> Option<Line<'_>> {
        self.airbyte(|| Message::status(stream, status, EpochMs::now()))
    }

    pub fn error<'a>(self, failure: &'a Failure, stream: Option<&'a str>) -> Option<Line<'a>> {
        self.airbyte(|| Message::error(failure, stream, EpochMs::now()))
    }

    /// The line before the first record of a stream.
    pub fn schema<'a>(
        self,
        discovered: impl FnOnce() -> DiscoveredStream<'a>,
    ) -> Option<Line<'static>> {
        (self == Self::Singer).then(|| Line::Singer(singer::schema(&discovered())))
    }

    /// A stream's checkpoint, with the number of its records since the previous one. In Singer it holds the states of all streams.
    pub fn state<'a>(
        self,
        stream: &'a str,
        state: &'a Value,
        records: u64,
        all: &LatestStates,
    ) -> Option<Line<'a>> {
        match self {
            Self::Airbyte => Some(Line::Airbyte(Message::state(stream, state, records))),
            Self::Singer => Some(Line::Singer(singer::state(all.states()))),
            Self::Jsonl => None,
        }
    }

    /// The line after the last record of a table that was read completely, if it has a version.
    pub fn activate_version(self, stream: &str, version: i64) -> Option<Line<'static>> {
        (self == Self::Singer).then(|| Line::Singer(singer::activate_version(stream, version)))
    }

    fn airbyte<'a>(self, message: impl FnOnce() -> Message<'a>) -> Option<Line<'a>> {
        (self == Self::Airbyte).then(|| Line::Airbyte(message()))
    }
}
