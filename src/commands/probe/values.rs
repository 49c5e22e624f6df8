//! Values inside records: how often each known value of an enumeration occurs, and the types of fields that may have several.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::commands::probe::fields::type_of;
use crate::commands::probe::report::Answer;

/// Field names from the record down; arrays on the way are walked through.
type FieldPath = &'static [&'static str];

/// A field with a few documented values (docs/dixa-api.md 1.7, 1.8, 2.6 and 2.7).
struct Enumeration {
    stream: &'static str,
    path: FieldPath,
    known: &'static [&'static str],
}

/// As the exports are known to spell channels, and as they may spell the others.
const EXPORT_CHANNELS: &[&str] = &[
    "email",
    "widgetchat",
    "contactform",
    "pstnphone",
    "callback",
    "voicemail",
    "trustpilotreviews",
    "facebookmessenger",
    "messenger",
    "whatsapp",
    "twitter",
    "sms",
];
const CHANNELS: &[&str] = &[
    "WhatsApp",
    "Voicemail",
    "WidgetChat",
    "FacebookMessenger",
    "Twitter",
    "Email",
    "ContactForm",
    "Callback",
    "PstnPhone",
    "Sms",
    "Messenger",
];
const DIRECTIONS: &[&str] = &["inbound", "outbound", "internal"];
const ACTIVITIES: &[&str] = &[
    "ConversationAssigned",
    "ConversationAutoreplySent",
    "ConversationChannelChanged",
    "ConversationClaimed",
    "ConversationClosed",
    "ConversationCreatedByAgent",
    "ConversationCreatedByCustomer",
    "ConversationCustomAttributesUpdated",
    "ConversationEndUserReplaced",
    "ConversationLanguageUpdated",
    "ConversationLinkedFromChild",
    "ConversationLinkedToParent",
    "ConversationMessageRedacted",
    "ConversationOfferAccepted",
    "ConversationOfferRejected",
    "ConversationOfferTimeout",
    "ConversationOffered",
    "ConversationPending",
    "ConversationRated",
    "ConversationRatingCancelled",
    "ConversationRatingNotOffered",
    "ConversationRatingOffered",
    "ConversationRatingScheduled",
    "ConversationRatingUnscheduled",
    "ConversationReopened",
    "ConversationReserved",
    "ConversationResolvedStateToggled",
    "ConversationTranscriptionEnded",
    "ConversationTranscriptionStarted",
    "ConversationUnassigned",
    "ConversationUnlinkedFromChild",
    "ConversationUnlinkedToParent",
    "FollowupAdded",
    "FollowupExpired",
    "FollowupRemoved",
    "MessageAddedByAgent",
    "MessageAddedByCustomer",
    "NoteAdded",
    "TagAdded",
    "TagRemoved",
    "TransferFailed",
    "TransferInitiated",
    "TransferSuccessful",
];

const ENUMERATIONS: &[Enumeration] = &[
    of("conversations", &["initial_channel"], EXPORT_CHANNELS),
    of("conversations", &["direction"], DIRECTIONS),
    of("conversations", &["status"], &["open", "closed"]),
    of("conversations", &["ratings", "rating_type"], &["stars"]),
    of(
        "conversations",
        &["ratings", "rating_status"],
        &["rated", "offered"],
    ),
    of(
        "conversations",
        &["custom_fields", "data_type"],
        &["Text", "Select"],
    ),
    of("messages", &["initial_channel"], EXPORT_CHANNELS),
    of("messages", &["direction"], DIRECTIONS),
    of("agent_presence", &["presenceStatus"], &["Away", "Working"]),
    of(
        "agent_presence",
        &["connectionStatus"],
        &["Offline", "Online"],
    ),
    of("agent_presence", &["activeChannels"], CHANNELS),
    of("tags", &["state"], &["Active", "Inactive"]),
    of("activity_logs", &["_type"], ACTIVITIES),
    of("conversation_flows", &["channel"], CHANNELS),
    of(
        "contact_endpoints",
        &["_type"],
        &["EmailEndpoint", "TelephonyEndpoint"],
    ),
    of(
        "contact_endpoints",
        &["functionality"],
        &["Sms", "VoiceInbound", "VoiceOutbound"],
    ),
    of(
        "custom_attributes",
        &["entityType"],
        &["Contact", "Conversation"],
    ),
    of(
        "custom_attributes",
        &["inputDefinition", "_type"],
        &["Text", "Select"],
    ),
    of("organization", &["status"], &["Active", "Suspended"]),
];

/// Fields with more than one type (docs/dixa-api.md 3).
const MIXED: &[(&str, FieldPath)] = &[
    ("conversations", &["custom_fields", "value"]),
    ("messages", &["to"]),
];

const OTHER: &str = "other";

const fn of(stream: &'static str, path: FieldPath, known: &'static [&'static str]) -> Enumeration {
    Enumeration {
        stream,
        path,
        known,
    }
}

type Counts = BTreeMap<&'static str, u64>;

/// Counts by field, each named as in `conversations.status`.
#[derive(Default)]
pub struct ValueFacts {
    values: BTreeMap<String, Counts>,
    types: BTreeMap<String, Counts>,
}

impl ValueFacts {
    /// Counts the values in a record of this stream.
    pub fn add(&mut self, stream: &str, record: &Value) {
        for field in ENUMERATIONS.iter().filter(|field| field.stream == stream) {
            for value in values_at(record, field.path) {
                let each: &[Value] = match value {
                    Value::Array(items) => items,
                    one => std::slice::from_ref(one),
                };
                for value in each {
                    let known = field.known.iter().find(|known| *value == **known);
                    let counted = match value {
                        Value::Null => "null",
                        _ => known.copied().unwrap_or(OTHER),
                    };
                    count(&mut self.values, stream, field.path, counted);
                }
            }
        }
        for (_, path) in MIXED.iter().filter(|(of, _)| *of == stream) {
            for value in values_at(record, path) {
                count(&mut self.types, stream, path, detailed_type(value));
            }
        }
    }

    pub fn merge(&mut self, other: &Self) {
        for (all, more) in [
            (&mut self.values, &other.values),
            (&mut self.types, &other.types),
        ] {
            for (field, counts) in more {
                for (value, count) in counts {
                    *all.entry(field.clone())
                        .or_default()
                        .entry(value)
                        .or_default() += count;
                }
            }
        }
    }

    /// The values of enumerations.
    pub fn enumerations(&self) -> Answer {
        let answer = Answer::new(
            "enumerations",
            "How often does each documented value occur, and are there others?",
            "doubt 9",
        );
        let answer = with_counts(answer, &self.values);
        let has_others = self
            .values
            .values()
            .any(|counts| counts.contains_key(OTHER));
        if self.values.is_empty() {
            answer.not_settled("no record has such a field")
        } else if has_others {
            answer.differs(
                "some fields have values that are not documented",
                "They are passed on unchanged: the schemas declare text, not a list of values.",
            )
        } else {
            answer.holds("all values are documented")
        }
    }

    /// The types of fields that may have several.
    pub fn mixed_types(&self) -> Answer {
        let answer = Answer::new(
            "field_types",
            "Of which types are `to` of messages and `value` of custom fields?",
            "doubt 10, 1.7, 1.8",
        );
        let answer = with_counts(answer, &self.types);
        let is_known =
            |kind: &&str| matches!(*kind, "null" | "string" | "array of string" | "empty array");
        if self.types.is_empty() {
            answer.not_settled("no record has such a field")
        } else if self.types.values().flat_map(BTreeMap::keys).all(is_known) {
            answer.holds("the schemas declare text and arrays of text, which covers all of them")
        } else {
            answer.differs(
                "there are types other than text, arrays of text and null",
                "They are passed on unchanged, but may not fit the columns of a typed destination.",
            )
        }
    }
}

fn with_counts(answer: Answer, fields: &BTreeMap<String, Counts>) -> Answer {
    fields.iter().fold(answer, |answer, (field, counts)| {
        let counts = counts.iter();
        let counts: Map<_, Value> = counts
            .map(|(value, count)| ((*value).to_owned(), (*count).into()))
            .collect();
        answer.found(field.as_str(), counts)
    })
}

fn count(all: &mut BTreeMap<String, Counts>, stream: &str, path: FieldPath, counted: &'static str) {
    let field = format!("{stream}.{}", path.join("."));
    *all.entry(field).or_default().entry(counted).or_default() += 1;
}

/// The values at a path.
fn values_at<'a>(value: &'a Value, path: &[&str]) -> Vec<&'a Value> {
    let Some((first, rest)) = path.split_first() else {
        return vec![value];
    };
    match value {
        Value::Array(items) => items
            .iter()
            .flat_map(|item| values_at(item, path))
            .collect(),
        _ => value
            .get(first)
            .map_or_else(Vec::new, |member| values_at(member, rest)),
    }
}

/// The type of a value, and of what an array holds.
fn detailed_type(value: &Value) -> &'static str {
    let Value::Array(items) = value else {
        return type_of(value);
    };
    let Some(first) = items.first() else {
        return "empty array";
    };
    if items.iter().any(|item| type_of(item) != type_of(first)) {
        return "array of several types";
    }
    match first {
        Value::String(_) => "array of string",
        Value::Object(_) => "array of object",
        _ => "other array",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn known_values_are_counted_and_others_are_only_counted_as_others() {
        let mut facts = ValueFacts::default();
        for (status, kind) in [("open", "stars"), ("open", "Berta"), ("Anna", "stars")] {
            let ratings = json!([{"rating_type": kind}, {"rating_type": null}]);
            facts.add(
                "conversations",
                &json!({"status": status, "ratings": ratings}),
            );
        }
        let channels = json!(["Email", "Email", "Fax"]);
        facts.add("agent_presence", &json!({"activeChannels": channels}));
        assert_eq!(
            Value::Object(facts.enumerations().found),
            json!({
                "agent_presence.activeChannels": {"Email": 2, "other": 1},
                "conversations.ratings.rating_type": {"null": 3, "other": 1, "stars": 2},
                "conversations.status": {"open": 2, "other": 1},
            })
        );
    }

    #[test]
    fn types_tell_what_an_array_holds() {
        let mut facts = ValueFacts::default();
        for to in [
            json!("a"),
            json!(["a", "b"]),
            json!([]),
            json!(null),
            json!([1, "a"]),
        ] {
            facts.add("messages", &json!({"to": to}));
        }
        let expected = json!({"messages.to": {
            "array of several types": 1, "array of string": 1, "empty array": 1, "null": 1, "string": 1,
        }});
        assert_eq!(Value::Object(facts.mixed_types().found), expected);
    }
}
