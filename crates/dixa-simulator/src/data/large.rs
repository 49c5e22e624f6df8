//! Lists of any length, generated row by row while they are written: what an account with millions of rows answers.

use std::ops::{Range, RangeInclusive};

use fastrand::Rng;

use super::analytics::{CLOSED, DIRECTIONS};
use super::clock::{iso_date, iso_date_ms};
use super::json::{Object, uuid};
use super::metric_record::{MetricField, MetricRecord, MetricValue};

/// How many rows there are. All but the end users are spread evenly over `[from_ms, to_ms)`.
#[derive(Clone, Copy, Debug, Default)]
pub struct LargeLists {
    pub endusers: usize,
    pub messages: usize,
    pub activity: usize,
    /// Rows of analytics, all of them of the kind `ANALYTICS_RECORD`.
    pub analytics: usize,
    pub from_ms: i64,
    pub to_ms: i64,
}

/// The lists that can be this long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LargeList {
    Endusers,
    Messages,
    Activity,
    Analytics,
}

/// The kind that generated rows of analytics have.
pub const ANALYTICS_RECORD: &str = CLOSED;

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
            LargeList::Analytics => self.analytics,
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
            LargeList::Activity => entry(number as u64 / 5, number as u64, at),
            LargeList::Analytics => metric(number, at).json(),
        }
    }
}

/// One row of analytics. All of them have the same channel and direction.
pub fn metric(number: usize, at: i64) -> MetricRecord {
    let number = i64::try_from(number).unwrap_or(i64::MAX);
    let (direction, label) = DIRECTIONS[0];
    MetricRecord {
        timestamp: "closed_at",
        at,
        value: None,
        fields: vec![
            MetricField::new("conversation_id", MetricValue::long(number)),
            MetricField::new("channel", MetricValue::text("EMAIL", "Email")),
            MetricField::new("initial_direction", MetricValue::text(direction, label)),
            MetricField::new("closed_by", MetricValue::text("AGENT", "Agent")),
        ],
    }
}

impl GeneratedRows {
    pub fn iter(&self) -> impl Iterator<Item = String> {
        self.numbers
            .clone()
            .map(|number| self.lists.row(self.list, number))
    }
}

/// `_type`, the deprecated `activityType`, and the attributes.
const SAMPLES: &[(&str, &str, &str)] = &[
    (
        "ConversationCreatedByCustomer",
        "ConversationCreatedByCustomerActivityType",
        r#"{"subject":"Where is my order? 📦","_type":"ConversationCreatedAttribute"}"#,
    ),
    (
        "ConversationAssigned",
        "ConversationAssignedActivityType",
        r#"{"agentId":"a53b25da-f676-4c52-acac-58c9280aa23d","agentName":"Søren \"S\" Ærø","_type":"ConversationAssignedAttribute"}"#,
    ),
    (
        "TagAdded",
        "TagAddedActivityType",
        r#"{"tag":"größe","_type":"TagAddedAttribute"}"#,
    ),
    (
        "ConversationRated",
        "ConversationRatedActivityType",
        r#"{"agent":{"id":"a53b25da-f676-4c52-acac-58c9280aa23d","name":"Søren"},"score":5,"message":"Thanks\n:)","_type":"ConversationRatedAttribute"}"#,
    ),
    (
        "ConversationCustomAttributesUpdated",
        "UnknownActivityType",
        r#"{"updatedAttributeIds":["x"],"updatedAttributeValues":{"x":["a","b"],"y":"c"},"_type":"ConversationCustomAttributesUpdatedAttribute"}"#,
    ),
    ("ConversationClosed", "ConversationClosedActivityType", ""),
];

/// One entry, its random parts from the seed. Every third has a zone's name after its time, as
/// SPEC's example does, though live answers may have none (docs/dixa-api.md 2.4: C).
fn entry(conversation: u64, seed: u64, at: i64) -> String {
    let mut random = Rng::with_seed(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ conversation);
    let (kind, activity, attributes) = SAMPLES[random.usize(..SAMPLES.len())];
    let zone = if random.u8(..3) == 0 { "[GMT]" } else { "" };
    let key = uuid(&mut random);
    let mut object = Object::new();
    object
        .raw("id", &key)
        .raw("conversationId", &conversation.to_string())
        .text("activityTimestamp", &format!("{}{zone}", iso_date_ms(at)))
        .text("activityType", activity)
        .text("_type", kind);
    if random.bool() {
        let author = r#"{"id":"67ff39b6-b1ee-4d5f-91ee-168d4668c4ba","name":"Bob Ross","email":"br@example.org"}"#;
        object.raw("author", author);
    }
    if !attributes.is_empty() {
        object.raw("attributes", attributes);
    }
    object.finish()
}
