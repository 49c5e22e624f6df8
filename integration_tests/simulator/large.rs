//! Lists of any length, made up row by row while they are written: what an account of millions answers.

use std::ops::{Range, RangeInclusive};

use super::activity;
use super::clock::iso_date;

/// How many rows there are. Messages and entries of the activity log are spread evenly over `[from_ms, to_ms)`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Large {
    pub endusers: usize,
    pub messages: usize,
    pub activity: usize,
    pub from_ms: i64,
    pub to_ms: i64,
}

/// The kinds of rows there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Endusers,
    Messages,
    Activity,
}

/// Some rows of a list, by number.
pub struct Made {
    pub large: Large,
    pub kind: Kind,
    pub numbers: Range<usize>,
}

impl Large {
    pub fn count(&self, kind: Kind) -> usize {
        match kind {
            Kind::Endusers => self.endusers,
            Kind::Messages => self.messages,
            Kind::Activity => self.activity,
        }
    }

    /// When a row came to be, in milliseconds.
    fn at(&self, kind: Kind, number: usize) -> i64 {
        let span = i128::from(self.to_ms - self.from_ms);
        let since = span * number as i128 / self.count(kind).max(1) as i128;
        self.from_ms + i64::try_from(since).unwrap_or_default()
    }

    /// The rows that came to be in a span.
    pub fn within(&self, kind: Kind, span: &RangeInclusive<i64>) -> Range<usize> {
        let first_at = |instant: i64| {
            let (mut low, mut high) = (0, self.count(kind));
            while low < high {
                let middle = usize::midpoint(low, high);
                if self.at(kind, middle) < instant {
                    low = middle + 1;
                } else {
                    high = middle;
                }
            }
            low
        };
        first_at(*span.start())..first_at(span.end().saturating_add(1))
    }

    /// A row's bytes; its id is its number.
    fn row(&self, kind: Kind, number: usize) -> String {
        let at = self.at(kind, number);
        match kind {
            Kind::Endusers => {
                let created = iso_date(at);
                format!(
                    r#"{{"id":"{number:08x}-0000-4000-8000-000000000000","createdAt":"{created}","displayName":"Søren Ærø","email":"enduser.{number}@example.org","additionalEmails":["other.{number}@example.com"],"additionalPhoneNumbers":[],"middleNames":["van","der"],"externalId":"{number:08}"}}"#
                )
            }
            Kind::Messages => format!(
                r#"{{"id":"{number:08x}-0000-4000-8000-000000000001","csid":{},"created_at":{at},"initial_channel":"email","author_name":"Søren Ærø","author_email":"author@example.org","direction":"inbound","text":"Hello,\nwhere is order {number}? \"It\" was due …","from_phone_number":null,"to_phone_number":null,"duration":null,"recording_url":null,"voicemail_url":null,"to":["info@example.org"],"from":"author@example.org","cc":[],"bcc":[],"attached_files":[],"is_automated_message":null,"chat_input_question":null,"chat_input_answer":null,"chat_menu_text":null}}"#,
                number / 10
            ),
            Kind::Activity => {
                let row = activity::entry(number as u64 / 5, number as u64, at);
                row.json.to_string()
            }
        }
    }
}

impl Made {
    pub fn rows(&self) -> impl Iterator<Item = String> {
        self.numbers
            .clone()
            .map(|number| self.large.row(self.kind, number))
    }
}
