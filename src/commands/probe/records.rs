//! A response to the probe: the records of a list, each only looked at, or the form of a refusal.

use std::cell::RefCell;

use record_splitter::{Record, Splitter};
use serde_json::Value;
use xxhash_rust::xxh3::xxh3_128;

use crate::commands::probe::ask::Ask;
use crate::commands::probe::fields::FieldFacts;
use crate::commands::probe::values::ValueFacts;
use crate::dixa::byte_order_mark::without_mark;
use crate::dixa::error::{BodyFault, Error};
use crate::dixa::next_page::{NextPage, next_page};
use crate::dixa::response::Response;
use crate::epoch::EpochMs;
use crate::streams::stream::{Span, Stream};

/// A longer body is not read to its end.
const MAX_BODY: u64 = 200 * 1024 * 1024;
/// As much of a refusal is looked at.
const MAX_REFUSAL: usize = 64 * 1024;

/// What came of a request, and the request as it is shown.
pub struct Reply {
    pub shown: String,
    pub outcome: Outcome,
}

/// What came of a request.
pub enum Outcome {
    Records(Box<Records>),
    Status(Refused),
    Failed(Fault),
}

/// A status other than 200 and 204.
#[derive(Clone, Copy)]
pub struct Refused {
    pub status: u16,
    /// The form of the body.
    pub form: &'static str,
}

impl Refused {
    /// Whether the same request may succeed a little later.
    pub fn is_transient(self) -> bool {
        matches!(self.status, 408 | 429 | 500..=599)
    }
}

/// Why a request brought nothing.
#[derive(Clone, Copy)]
pub enum Fault {
    NotSent,
    /// Other requests to the host were refused for the token, and so would this one.
    Denied,
    Cut,
    TimedOut,
    Encoding,
    TooLarge,
    Invalid,
}

impl Reply {
    pub fn new(ask: &Ask, outcome: Outcome) -> Self {
        Self {
            shown: ask.to_string(),
            outcome,
        }
    }

    pub fn records(&self) -> Option<&Records> {
        match &self.outcome {
            Outcome::Records(records) => Some(records),
            _ => None,
        }
    }

    pub fn status(&self) -> Option<u16> {
        match &self.outcome {
            Outcome::Records(_) => Some(200),
            Outcome::Status(refused) => Some(refused.status),
            Outcome::Failed(_) => None,
        }
    }

    /// Whether the token was refused.
    pub fn is_denied(&self) -> bool {
        matches!(self.status(), Some(401 | 403))
    }

    /// Whether other requests to the host are not worth sending, if the other host says the same: it sends nothing that can be read,
    /// and the request is not to blame.
    pub fn is_hopeless(&self) -> bool {
        match &self.outcome {
            Outcome::Records(_) => false,
            Outcome::Status(refused) => refused.status != 400,
            Outcome::Failed(fault) => matches!(fault, Fault::Invalid | Fault::Encoding),
        }
    }

    /// What came, in a few words.
    pub fn words(&self) -> String {
        match &self.outcome {
            Outcome::Records(records) => format!("200, {} records", records.seen.len()),
            Outcome::Status(refused) => refused.status.to_string(),
            Outcome::Failed(fault) => match fault {
                Fault::NotSent => "not sent, since the probe's limit of requests was reached",
                Fault::Denied => "not sent, since the token was refused",
                Fault::Cut => "the response was cut off",
                Fault::TimedOut => "the response took too long",
                Fault::Encoding => "the response has an encoding that was not requested",
                Fault::TooLarge => "the response is larger than 200 MB",
                Fault::Invalid => "the response is not the expected JSON",
            }
            .to_owned(),
        }
    }
}

/// One record: what identifies it, and its time.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SeenRecord {
    pub fingerprint: u128,
    pub time: Option<EpochMs>,
}

/// The records of a response.
pub struct Records {
    pub stream: Option<&'static Stream>,
    /// In their order.
    pub seen: Vec<SeenRecord>,
    pub fields: FieldFacts,
    pub values: ValueFacts,
    /// The first record; never shown.
    pub first: Option<Value>,
    /// What surrounds the records.
    pub envelope: Value,
    pub next: Option<NextPage>,
    pub server_time: Option<EpochMs>,
    pub is_indented: bool,
    pub bytes: u64,
}

impl Records {
    fn new(ask: &Ask) -> Self {
        Self {
            stream: ask.stream,
            seen: Vec::new(),
            fields: FieldFacts::default(),
            values: ValueFacts::default(),
            first: None,
            envelope: Value::Null,
            next: None,
            server_time: None,
            is_indented: false,
            bytes: 0,
        }
    }

    pub fn has(&self, record: SeenRecord) -> bool {
        let mut seen = self.seen.iter();
        seen.any(|seen| seen.fingerprint == record.fingerprint)
    }

    /// All known times, in order of the response.
    pub fn times(&self) -> Vec<EpochMs> {
        self.seen.iter().filter_map(|record| record.time).collect()
    }

    fn add(&mut self, record: Record<'_>) {
        let value = serde_json::from_slice::<Value>(record.bytes);
        let format = self.stream.map(Stream::time_format);
        let time = match self.stream.map(|stream| &stream.span) {
            Some(Span::Days { time }) => {
                let time = value.as_ref().ok().and_then(|value| value.pointer(time));
                time.and_then(|time| format?.read(time.to_string().as_bytes()))
            }
            _ => record.cursor.and_then(|token| format?.read(token)),
        };
        self.seen.push(SeenRecord {
            fingerprint: xxh3_128(record.key.unwrap_or(record.bytes)),
            time,
        });
        let Ok(value) = value else {
            return;
        };
        self.fields.add(&value);
        if let Some(stream) = self.stream {
            self.values.add(stream.name, &value);
        }
        self.first.get_or_insert(value);
    }
}

/// Reads the records of a response to its end.
pub async fn read_records(ask: &Ask, response: &mut Response<'_>) -> Result<Records, Error> {
    let host = ask.host;
    let broken = |fault: BodyFault| Error::Body { host, fault };
    let mut records = Records::new(ask);
    records.server_time = response.head.server_time_when_sent();
    if response.head.status == 204 {
        return Ok(records);
    }
    let fields = RefCell::new(ask.stream.map_or_else(no_fields, Stream::fields));
    let mut splitter = Splitter::new(ask.frame);
    let (mut mark, mut opening) = (Some(0), Vec::new());
    while let Some(chunk) = response.chunk().await? {
        let before = records.seen.len();
        let mut wire = &chunk[..];
        while let Some(piece) = response.decoder.next(&mut wire).map_err(broken)? {
            records.bytes += piece.len() as u64;
            if records.bytes > MAX_BODY {
                return Err(Error::TooLong { host });
            }
            opening.extend(piece.iter().take(2_usize.saturating_sub(opening.len())));
            for piece in without_mark(&mut mark, piece) {
                let emit = |record: Record<'_>| records.add(record);
                splitter
                    .feed(piece, &mut fields.borrow_mut(), emit)
                    .map_err(|fault| broken(fault.into()))?;
            }
        }
        if records.seen.len() > before {
            response.record_received();
        }
    }
    response.decoder.finish().map_err(broken)?;
    let frame = splitter.finish().map_err(|fault| broken(fault.into()))?;
    records.next = next_page(ask.frame, frame).map_err(broken)?;
    records.envelope = serde_json::from_str(frame).unwrap_or_default();
    records.is_indented = opening.get(1).is_some_and(u8::is_ascii_whitespace);
    Ok(records)
}

fn no_fields() -> record_splitter::Fields {
    record_splitter::Fields::new(["id"].into_iter(), Some("id"), None)
}

/// The form of a refusal.
pub async fn read_refusal(response: &mut Response<'_>) -> Refused {
    let mut body = Vec::new();
    while body.len() < MAX_REFUSAL
        && let Ok(Some(chunk)) = response.chunk().await
    {
        let mut wire = &chunk[..];
        while let Ok(Some(piece)) = response.decoder.next(&mut wire) {
            body.extend_from_slice(piece);
        }
    }
    Refused {
        status: response.head.status,
        form: form(&body),
    }
}

/// The form of an error's body.
fn form(body: &[u8]) -> &'static str {
    let body = body.trim_ascii();
    match serde_json::from_slice::<Value>(body) {
        Ok(value) if value["message"].is_string() => "JSON with a `message`",
        Ok(_) => "other JSON",
        Err(_) if body.is_empty() => "empty",
        Err(_) if body.starts_with(b"<") => "HTML",
        Err(_) => "plain text",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_of_a_refusal_is_recognized() {
        for (body, expected) in [
            (r#"{"message":"no"}"#, "JSON with a `message`"),
            (r#"{"error":"no"}"#, "other JSON"),
            (" \n", "empty"),
            ("<html>", "HTML"),
            ("no", "plain text"),
        ] {
            assert_eq!(form(body.as_bytes()), expected);
        }
    }
}
