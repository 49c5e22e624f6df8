//! The protocol's messages as we write them, one JSON object per line (docs/airbyte-protocol.md 1).
//! RECORD is not among them: `output` wraps records as bytes.

use serde::Serialize;
use serde_json::Value;

use crate::airbyte::log::Level;
use crate::epoch::EpochMs;
use crate::failure::{Failure, FailureKind};

/// Any message except RECORD.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Message<'a> {
    Spec {
        spec: &'a Value,
    },
    ConnectionStatus {
        #[serde(rename = "connectionStatus")]
        connection_status: ConnectionStatus<'a>,
    },
    Catalog {
        catalog: Value,
    },
    State {
        state: State<'a>,
    },
    Log {
        log: Log<'a>,
    },
    Trace {
        trace: Trace<'a>,
    },
}

#[derive(Debug, Serialize)]
#[serde(tag = "status", rename_all = "UPPERCASE")]
pub enum ConnectionStatus<'a> {
    Succeeded,
    Failed { message: &'a str },
}

#[derive(Debug, Serialize)]
pub struct Log<'a> {
    pub level: Level,
    pub message: &'a str,
}

/// A `STREAM` state; `recordCount` is written with a decimal point (docs/airbyte-protocol.md 1.3).
#[derive(Debug, Serialize)]
pub struct State<'a> {
    r#type: &'static str,
    stream: StreamState<'a>,
    #[serde(rename = "sourceStats")]
    source_stats: SourceStats,
}

#[derive(Debug, Serialize)]
struct StreamState<'a> {
    stream_descriptor: StreamDescriptor<'a>,
    stream_state: &'a Value,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct SourceStats {
    record_count: f64,
}

#[derive(Debug, Serialize)]
pub struct StreamDescriptor<'a> {
    name: &'a str,
}

#[derive(Debug, Serialize)]
pub struct Trace<'a> {
    emitted_at: i64,
    #[serde(flatten)]
    kind: TraceKind<'a>,
}

#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "SCREAMING_SNAKE_CASE")]
enum TraceKind<'a> {
    Error { error: TraceError<'a> },
    StreamStatus { stream_status: TraceStatus<'a> },
}

#[derive(Debug, Serialize)]
struct TraceError<'a> {
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    internal_message: Option<&'a str>,
    failure_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream_descriptor: Option<StreamDescriptor<'a>>,
}

#[derive(Debug, Serialize)]
struct TraceStatus<'a> {
    stream_descriptor: StreamDescriptor<'a>,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasons: Option<[Value; 1]>,
}

/// The status of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Started,
    Running,
    /// Running, but rate-limited by Dixa until this instant.
    RateLimited {
        until: EpochMs,
    },
    Complete,
    Incomplete,
}

impl<'a> Message<'a> {
    /// A stream's checkpoint, with the number of its records since the previous one.
    #[expect(
        clippy::cast_precision_loss,
        reason = "there are never more than 2^53 records between two states"
    )]
    pub fn state(stream: &'a str, stream_state: &'a Value, records: u64) -> Self {
        let stream = StreamState {
            stream_descriptor: StreamDescriptor { name: stream },
            stream_state,
        };
        let source_stats = SourceStats {
            record_count: records as f64,
        };
        Self::State {
            state: State {
                r#type: "STREAM",
                stream,
                source_stats,
            },
        }
    }

    /// A state in the form that is saved and that `--state` accepts.
    pub fn saved(stream: &str, stream_state: &Value) -> String {
        let descriptor = serde_json::json!({ "name": stream });
        let stream =
            serde_json::json!({"stream_descriptor": descriptor, "stream_state": stream_state});
        serde_json::json!({"type": "STREAM", "stream": stream}).to_string()
    }

    pub fn status(stream: &'a str, status: Status, at: EpochMs) -> Self {
        let (status, reasons) = match status {
            Status::Started => ("STARTED", None),
            Status::Running => ("RUNNING", None),
            Status::RateLimited { until } => {
                let limited = serde_json::json!({"type": "RATE_LIMITED", "rate_limited": {"quota_reset": until.0}});
                ("RUNNING", Some([limited]))
            }
            Status::Complete => ("COMPLETE", None),
            Status::Incomplete => ("INCOMPLETE", None),
        };
        let stream_status = TraceStatus {
            stream_descriptor: StreamDescriptor { name: stream },
            status,
            reasons,
        };
        Self::Trace {
            trace: Trace {
                emitted_at: at.0,
                kind: TraceKind::StreamStatus { stream_status },
            },
        }
    }

    /// A failure, and the stream that it belongs to, if any.
    pub fn error(failure: &'a Failure, stream: Option<&'a str>, at: EpochMs) -> Self {
        let error = TraceError {
            message: failure.text(),
            internal_message: failure.cause.as_deref(),
            failure_type: match failure.kind {
                FailureKind::Config | FailureKind::Usage => "config_error",
                FailureKind::Transient => "transient_error",
                FailureKind::System => "system_error",
            },
            stream_descriptor: stream.map(|name| StreamDescriptor { name }),
        };
        Self::Trace {
            trace: Trace {
                emitted_at: at.0,
                kind: TraceKind::Error { error },
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(message: &Message<'_>, line: &str) {
        assert_eq!(serde_json::to_string(message).unwrap(), line);
    }

    #[test]
    fn messages_have_the_form_of_the_protocol() {
        let state = serde_json::json!({"updated_at": 5});
        check(
            &Message::state("tags", &state, 3),
            r#"{"type":"STATE","state":{"type":"STREAM","stream":{"stream_descriptor":{"name":"tags"},"stream_state":{"updated_at":5}},"sourceStats":{"recordCount":3.0}}}"#,
        );
        check(
            &Message::status(
                "tags",
                Status::RateLimited { until: EpochMs(9) },
                EpochMs(7),
            ),
            r#"{"type":"TRACE","trace":{"emitted_at":7,"type":"STREAM_STATUS","stream_status":{"stream_descriptor":{"name":"tags"},"status":"RUNNING","reasons":[{"type":"RATE_LIMITED","rate_limited":{"quota_reset":9}}]}}}"#,
        );
        check(
            &Message::error(&Failure::config("No."), Some("tags"), EpochMs(7)),
            r#"{"type":"TRACE","trace":{"emitted_at":7,"type":"ERROR","error":{"message":"No.","failure_type":"config_error","stream_descriptor":{"name":"tags"}}}}"#,
        );
        check(
            &Message::ConnectionStatus {
                connection_status: ConnectionStatus::Succeeded,
            },
            r#"{"type":"CONNECTION_STATUS","connectionStatus":{"status":"SUCCEEDED"}}"#,
        );
        check(
            &Message::Log {
                log: Log {
                    level: Level::Warn,
                    message: "m",
                },
            },
            r#"{"type":"LOG","log":{"level":"WARN","message":"m"}}"#,
        );
    }
}
