//! The table: every stream is one row of data. Discover, read, check, the README's table and the tests follow from it.

use std::iter;

use serde_json::Value;

use crate::airbyte::catalog::DiscoveredStream;
use crate::dixa::Host;
use crate::dixa::fields::Fields;
use crate::dixa::records::Frame;
use crate::dixa::times::Times;
use crate::window::Window;

/// What a stream is, in values.
pub struct Stream {
    pub name: &'static str,
    pub host: Host,
    /// Of the endpoint; begins with `/v1/`. In that of [`Each::Parent`], `{id}` stands for the parent's id.
    pub path: &'static str,
    /// Sent with every request; documented parameters only.
    pub query: &'static [(&'static str, &'static str)],
    pub span: Span,
    pub each: Each,
    pub paging: Paging,
    pub frame: Frame,
    /// The fields that tell one record from all others, that of the parent's id included; none where there are no such fields.
    pub primary_key: &'static [&'static str],
    /// Fields whose values are never written; of an object, the values in it.
    pub secrets: &'static [&'static str],
    /// Read where nobody says what to read.
    pub is_suggested: bool,
    /// The text of the JSON schema of its records.
    schema: &'static str,
    /// Names under which other connectors saved a state of it that we understand.
    pub formerly: &'static [&'static str],
}

/// What one read of a stream covers.
pub enum Span {
    /// All there is, every time.
    Everything,
    /// Windows of time, one after another.
    Windows(Windows),
}

/// Windows of time: the two parameters that name one, the field along which they move, and how all three are written.
pub struct Windows {
    pub after: &'static str,
    pub before: &'static str,
    pub cursor: &'static str,
    pub times: Times,
}

impl Windows {
    /// The parameters that ask for a window.
    pub fn query(&self, window: &Window) -> [(&'static str, String); 2] {
        let asked = window.asked(self.times.step());
        [(self.after, asked.after), (self.before, asked.before)]
            .map(|(name, bound)| (name, self.times.parameter(bound)))
    }
}

/// How often a list is asked for: everything that it holds is in one answer, or one answer is only a part.
pub enum Each {
    Once,
    /// Once for each value of a parameter.
    Value {
        parameter: &'static str,
        values: &'static [&'static str],
    },
    /// Once for each id that another list gives.
    Parent(Parent),
}

/// The list that gives the ids for another one.
pub struct Parent {
    /// The name of that list, which is read once in a sync, be it a stream of its own, selected or not, or none.
    pub list: &'static str,
    /// Where in its records the ids are.
    pub ids: Ids,
    /// The field that carries the parent's id, in front of each record; none where the record has an id of its own.
    pub field: Option<&'static str>,
}

/// Where in a record the ids are.
pub enum Ids {
    /// It is the record that has an `id`.
    Record,
    /// The objects in every array of this name have one, at any depth.
    Within(&'static str),
}

/// How a list is asked for. A link to a next page is followed in either case.
pub enum Paging {
    /// One body.
    Single,
    /// Pages, of which the parameter `pageLimit` asks for so many records. Neither a default nor a maximum is documented
    /// (dixa-api.md 2.3).
    Pages(u32),
}

/// What is asked for where nobody knows of a larger one.
pub const PAGE_LIMIT: u32 = 1000;
const PAGES: Paging = Paging::Pages(PAGE_LIMIT);

macro_rules! schema {
    ($name:literal) => {
        include_str!(concat!("../schemas/", $name, ".json"))
    };
}

/// What the lists of the main API have in common (dixa-api.md 2.3 and 2.6).
const LIST: Stream = Stream {
    name: "",
    host: Host::Api,
    path: "",
    query: &[],
    span: Span::Everything,
    each: Each::Once,
    paging: Paging::Single,
    frame: Frame::Array(&["data"]),
    primary_key: &["id"],
    secrets: &[],
    is_suggested: true,
    schema: "",
    formerly: &[],
};

pub const STREAMS: &[Stream] = &[
    Stream {
        name: "conversations",
        host: Host::Exports,
        path: "/v1/conversation_export",
        span: Span::Windows(Windows {
            after: "updated_after",
            before: "updated_before",
            cursor: "updated_at",
            times: Times::Milliseconds,
        }),
        frame: Frame::Array(&[]),
        schema: schema!("conversations"),
        formerly: &["conversation_export"],
        ..LIST
    },
    Stream {
        name: "messages",
        host: Host::Exports,
        path: "/v1/message_export",
        span: Span::Windows(Windows {
            after: "created_after",
            before: "created_before",
            cursor: "created_at",
            times: Times::Milliseconds,
        }),
        frame: Frame::Array(&[]),
        is_suggested: false,
        schema: schema!("messages"),
        formerly: &["message_export"],
        ..LIST
    },
    Stream {
        name: "agents",
        path: "/v1/agents",
        paging: PAGES,
        schema: schema!("agents"),
        ..LIST
    },
    Stream {
        name: "agent_presence",
        path: "/v1/agents/presence",
        frame: Frame::Array(&[]),
        primary_key: &["userId"],
        schema: schema!("agent_presence"),
        ..LIST
    },
    Stream {
        name: "endusers",
        path: "/v1/endusers",
        paging: PAGES,
        schema: schema!("endusers"),
        ..LIST
    },
    Stream {
        name: "queues",
        path: "/v1/queues",
        schema: schema!("queues"),
        ..LIST
    },
    Stream {
        name: "queue_members",
        path: "/v1/queues/{id}/members",
        each: Each::Parent(Parent {
            list: "queues",
            ids: Ids::Record,
            field: Some("queue_id"),
        }),
        primary_key: &["queue_id", "agentId"],
        schema: schema!("queue_members"),
        ..LIST
    },
    Stream {
        name: "tags",
        path: "/v1/tags",
        query: &[("includeDeactivated", "true")],
        schema: schema!("tags"),
        ..LIST
    },
    Stream {
        name: "teams",
        path: "/v1/teams",
        schema: schema!("teams"),
        ..LIST
    },
    Stream {
        name: "team_members",
        path: "/v1/teams/{id}/agents",
        each: Each::Parent(Parent {
            list: "teams",
            ids: Ids::Record,
            field: Some("team_id"),
        }),
        primary_key: &["team_id", "id"],
        schema: schema!("team_members"),
        ..LIST
    },
    Stream {
        name: "activity_logs",
        path: "/v1/conversations/activitylog",
        span: Span::Windows(Windows {
            after: "fromDatetime",
            before: "toDatetime",
            cursor: "activityTimestamp",
            times: Times::Text,
        }),
        // As tap-dixa asks, in production (dixa-api.md 2.3).
        paging: Paging::Pages(10_000),
        is_suggested: false,
        schema: schema!("activity_logs"),
        ..LIST
    },
    Stream {
        name: "contact_endpoints",
        path: "/v1/contact-endpoints",
        primary_key: &[],
        schema: schema!("contact_endpoints"),
        ..LIST
    },
    Stream {
        name: "conversation_flows",
        path: "/v1/conversations/flows",
        each: Each::Value {
            parameter: "channel",
            values: CHANNELS_OF_FLOWS,
        },
        primary_key: &["id", "channel"],
        schema: schema!("conversation_flows"),
        ..LIST
    },
    Stream {
        name: "custom_attributes",
        path: "/v1/custom-attributes",
        schema: schema!("custom_attributes"),
        ..LIST
    },
    Stream {
        name: "templates",
        path: "/v1/templates",
        paging: PAGES,
        schema: schema!("templates"),
        ..LIST
    },
    Stream {
        name: "webhooks",
        path: "/v1/webhooks",
        secrets: &["secretKey", "headers"],
        schema: schema!("webhooks"),
        ..LIST
    },
    Stream {
        name: "business_hours_schedules",
        path: "/v1/business-hours/schedules/{id}/definition",
        each: Each::Parent(Parent {
            list: SCHEDULES,
            ids: Ids::Record,
            field: None,
        }),
        frame: Frame::Object(&["data", "schedule"]),
        schema: schema!("business_hours_schedules"),
        ..LIST
    },
    Stream {
        name: "knowledge_collections",
        path: "/v1/knowledge/collections",
        paging: PAGES,
        schema: schema!("knowledge_collections"),
        ..LIST
    },
    Stream {
        name: "knowledge_categories",
        path: "/v1/knowledge/categories/{id}",
        each: Each::Parent(Parent {
            list: CATALOGS,
            ids: Ids::Within("categories"),
            field: None,
        }),
        frame: Frame::Object(&["data"]),
        schema: schema!("knowledge_categories"),
        ..LIST
    },
    Stream {
        name: "knowledge_articles",
        path: "/v1/knowledge/articles/{id}",
        each: Each::Parent(Parent {
            list: CATALOGS,
            ids: Ids::Within("articles"),
            field: None,
        }),
        frame: Frame::Object(&["data"]),
        schema: schema!("knowledge_articles"),
        ..LIST
    },
    Stream {
        name: "organization",
        path: "/v1/organization",
        frame: Frame::Object(&["data"]),
        schema: schema!("organization"),
        ..LIST
    },
    Stream {
        name: "analytics_metrics",
        path: "/v1/analytics/metrics",
        paging: PAGES,
        schema: schema!("analytics_metrics"),
        ..LIST
    },
    Stream {
        name: "analytics_records",
        path: "/v1/analytics/records",
        paging: PAGES,
        schema: schema!("analytics_records"),
        ..LIST
    },
];

/// Lists that are read for their ids only: what each collection holds, since categories and articles have no list
/// (dixa-api.md 2.6), and the schedules, whose definitions hold all that the list does.
const LISTS_OF_IDS: &[Stream] = &[
    Stream {
        name: CATALOGS,
        path: "/v1/knowledge/collections/{id}/catalog",
        each: Each::Parent(Parent {
            list: "knowledge_collections",
            ids: Ids::Record,
            field: None,
        }),
        frame: Frame::Object(&["data"]),
        schema: NO_SCHEMA,
        ..LIST
    },
    Stream {
        name: SCHEDULES,
        path: "/v1/business-hours/schedules",
        frame: Frame::Array(&["data", "schedules"]),
        schema: NO_SCHEMA,
        ..LIST
    },
];

const CATALOGS: &str = "the catalogs of the collections";
const SCHEDULES: &str = "the list of schedules";
const NO_SCHEMA: &str = r#"{"properties":{"id":{}}}"#;

/// The channels that the endpoint names; without one it gives the flows of `PstnPhone` (SPEC).
const CHANNELS_OF_FLOWS: &[&str] = &[
    "WhatsApp",
    "Voicemail",
    "WidgetChat",
    "FacebookMessenger",
    "Email",
    "ContactForm",
    "Callback",
    "PstnPhone",
    "Messenger",
];

/// The stream of this name.
pub fn find(name: &str) -> Option<&'static Stream> {
    STREAMS.iter().find(|stream| stream.name == name)
}

impl Stream {
    /// Its name, and then those under which other connectors know it.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        iter::once(self.name).chain(self.formerly.iter().copied())
    }

    /// The field along which an incremental read moves.
    pub fn cursor(&self) -> Option<&'static str> {
        match self.span {
            Span::Everything => None,
            Span::Windows(Windows { cursor, .. }) => Some(cursor),
        }
    }

    /// So many records are asked for in a page, where there are pages.
    pub fn page_limit(&self) -> Option<u32> {
        match self.paging {
            Paging::Single => None,
            Paging::Pages(limit) => Some(limit),
        }
    }

    /// How its instants are written.
    pub fn times(&self) -> Times {
        match self.span {
            Span::Everything => Times::Text,
            Span::Windows(Windows { times, .. }) => times,
        }
    }

    /// The list whose ids it is asked for with.
    pub fn parent(&self) -> Option<&'static Stream> {
        let Each::Parent(Parent { list, .. }) = self.each else {
            return None;
        };
        let mut lists = STREAMS.iter().chain(LISTS_OF_IDS);
        lists.find(|stream| stream.name == list)
    }

    /// The field that tells a record from the others that come with it.
    fn record_key(&self) -> Option<&'static str> {
        let in_front = match &self.each {
            Each::Parent(parent) => parent.field,
            Each::Once | Each::Value { .. } => None,
        };
        let mut fields = self.primary_key.iter().copied();
        fields.find(|field| Some(*field) != in_front)
    }

    /// What every request of it carries.
    pub fn fixed_query(&self) -> impl Iterator<Item = (&'static str, String)> + use<> {
        self.query
            .iter()
            .map(|(name, value)| (*name, (*value).to_owned()))
    }

    /// The JSON schema of its records.
    pub fn json_schema(&self) -> Value {
        serde_json::from_str(self.schema)
            .unwrap_or_else(|_| unreachable!("a test parses every schema"))
    }

    /// What its records' fields are to us.
    pub fn fields(&self) -> Fields {
        let schema = self.json_schema();
        let declared = schema["properties"]
            .as_object()
            .into_iter()
            .flat_map(|properties| properties.keys());
        Fields::new(
            declared.map(String::as_str),
            self.record_key(),
            self.cursor(),
        )
    }

    pub fn discovered(&self) -> DiscoveredStream<'_> {
        DiscoveredStream {
            name: self.name,
            json_schema: self.json_schema(),
            primary_key: self.primary_key,
            cursor: self.cursor(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::fs;

    #[test]
    fn names_are_unique_and_fit_into_a_json_string_as_they_are() {
        let all: Vec<_> = STREAMS.iter().flat_map(Stream::names).collect();
        let names: BTreeSet<_> = all.iter().collect();
        assert_eq!(names.len(), all.len());
        assert!(names.iter().all(|name| {
            name.bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte == b'_')
        }));
    }

    #[test]
    fn each_row_has_its_schema_and_each_schema_its_row() {
        let rows: BTreeSet<_> = STREAMS
            .iter()
            .map(|stream| format!("{}.json", stream.name))
            .collect();
        let files: BTreeSet<_> = fs::read_dir("schemas")
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        assert_eq!(rows, files);
        for stream in STREAMS {
            let file = fs::read_to_string(format!("schemas/{}.json", stream.name)).unwrap();
            assert_eq!(
                file, stream.schema,
                "{} has the schema of another",
                stream.name
            );
        }
    }

    #[test]
    fn keys_and_cursors_are_declared_scalars() {
        for stream in STREAMS {
            let schema = stream.json_schema();
            for field in stream.cursor().iter().chain(stream.primary_key) {
                let types = schema["properties"][field]["type"].as_array().unwrap();
                assert!(types.iter().all(|name| ["null", "integer", "string"].contains(&name.as_str().unwrap())));
            }
        }
    }

    #[test]
    fn every_field_at_every_depth_is_nullable_and_described() {
        fn check(name: &str, schema: &Value) {
            for (field, property) in schema["properties"].as_object().into_iter().flatten() {
                let place = format!("{name}.{field}");
                assert!(
                    property["type"]
                        .as_array()
                        .is_some_and(|types| types.contains(&"null".into())),
                    "{place}"
                );
                assert!(
                    property["description"]
                        .as_str()
                        .is_some_and(|text| !text.contains('\n')),
                    "{place}"
                );
                check(&place, property);
                check(&place, &property["items"]);
            }
        }
        for stream in STREAMS {
            check(stream.name, &stream.json_schema());
            jsonschema::validator_for(&stream.json_schema()).unwrap();
        }
    }

    #[test]
    fn the_exports_are_windows_in_milliseconds_and_nothing_else_is() {
        for stream in STREAMS {
            let is_in_milliseconds = match &stream.span {
                Span::Windows(windows) => windows.times == Times::Milliseconds,
                Span::Everything => false,
            };
            assert_eq!(
                is_in_milliseconds,
                stream.host == Host::Exports,
                "{}",
                stream.name
            );
            assert!(stream.path.starts_with("/v1/"), "{}", stream.name);
        }
    }

    #[test]
    fn a_path_has_room_for_an_id_where_a_parent_gives_one() {
        for stream in STREAMS.iter().chain(LISTS_OF_IDS) {
            let has_parent = matches!(stream.each, Each::Parent(_));
            let name = stream.name;
            assert_eq!(stream.path.contains("{id}"), has_parent, "{name}");
            assert_eq!(stream.parent().is_some(), has_parent, "{name}");
            if let Each::Parent(Parent {
                field: Some(field), ..
            }) = stream.each
            {
                assert_eq!(stream.primary_key[0], field, "{name}");
                assert_ne!(stream.record_key(), Some(field), "{name}");
            }
        }
    }
}
