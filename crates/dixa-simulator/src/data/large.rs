//! Lists of any length, generated row by row while they are written: what an account with millions of rows answers.

use std::ops::{Range, RangeInclusive};

use super::activity;
use super::clock::iso_date;

/// How many rows there are. Messages and entries of the activity log are spread evenly over `[from_ms, to_ms)`.
#[derive(Clone, Copy, Debug, Default)]
pub struct LargeLists {
    pub endusers: usize,
    pub messages: usize,
    pub activity: usize,
    pub from_ms: i64,
    pub to_ms: i64,
}

/// The lists that can be this long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LargeList {
    Endusers,
    Messages,
    Activity,
}

/// Some rows of a list, by number.
pub struct GeneratedRows {
    pub lists: LargeLists,
    pub list: LargeList,
    pub numbers: Range<usize>,
}

impl LargeLists {
    pub fn count(&self, list: LargeList) -> usize {
        match list {
            LargeList::Endusers => self.endusers,
            LargeList::Messages => self.messages,
            LargeList::Activity => self.activity,
        }
    }

    /// When a row was created, in milliseconds.
    fn at(&self, list: LargeList, number: usize) -> i64 {
        let span = i128::from(self.to_ms - self.from_ms);
        let since = span * number as i128 / self.count(list).max(1) as i128;
        self.from_ms + i64::try_from(since).unwrap_or_default()
    }

    /// The rows created in a span.
    pub fn within(&self, list: LargeList, span: &RangeInclusive<i64>) -> Range<usize> {
        let first_at = |instant: i64| {
            let (mut low, mut high) = (0, self.count(list));
            while low < high {
                let middle = usize::midpoint(low, high);
                if self.at(list, middle) < instant {
                    low = middle + 1;
                } else {
                    high = middle;
                }
            }
            low
        };
        first_at(*span.start())..first_at(span.end().saturating_add(1))
    }

    /// The row's bytes; its id is its number.
    fn row(&self, list: LargeList, number: usize) -> String {
        let at = self.at(list, number);
        match list {
            LargeList::Endusers => {
                let created = iso_date(at);
                format!(
                    r#"{{"id":"{number:08x}-0000-4000-8000-000000000000","createdAt":"{created}","displayName":"Søren Ærø","email":"enduser.{number}@example.org","additionalEmails":["other.{number}@example.com"],"additionalPhoneNumbers":[],"middleNames":["van","der"],"externalId":"{number:08}"}}"#
                )
            }
            LargeList::Messages => format!(
                r#"{{"id":"{number:08x}-0000-4000-8000-000000000001","csid":{},"created_at":{at},"initial_channel":"email","author_name":"Søren Ærø","author_email":"author@example.org","direction":"inbound","text":"Hello,\nwhere is order {number}? \"It\" was due …","from_phone_number":null,"to_phone_number":null,"duration":null,"recording_url":null,"voicemail_url":null,"to":["info@example.org"],"from":"author@example.org","cc":[],"bcc":[],"attached_files":[],"is_automated_message":null,"chat_input_question":null,"chat_input_answer":null,"chat_menu_text":null}}"#,
                number / 10
            ),
            LargeList::Activity => {
                let row = activity::entry(number as u64 / 5, number as u64, at);
                row.json.to_string()
            }
        }
    }
}

impl GeneratedRows {
    pub fn iter(&self) -> impl Iterator<Item = String> {
        self.numbers
            .clone()
            .map(|number| self.lists.row(self.list, number))
    }
}
