//! The stream table. A new stream is one row here and one schema file; no other file in `src/` knows a particular stream,
//! except for what `probe` asks about some of them.

use record_splitter::RecordPath;

use crate::dixa::host::Host;
use crate::dixa::timestamp::TimeFormat;
use crate::nearest::nearest;
use crate::streams::stream::{
    COPY, IdSource, Method, PAGE_LIMIT, Paging, Parent, Partitions, ROW_HASH, RecordsQuery, Span,
    Stream, WindowParams,
};

const PAGES: Paging = Paging::Pages(PAGE_LIMIT);

macro_rules! schema {
    ($name:literal) => {
        include_str!(concat!("../../schemas/", $name, ".json"))
    };
}

/// Every endpoint for one parent documents 400 for a bad id, and all but that of teams 404 for one that was not found
/// (docs/dixa-api.md 2.6: SPEC).
const GONE: &[u16] = &[400, 404];

/// The defaults, which most lists of the main API share (docs/dixa-api.md 2.3 and 2.6).
const LIST: Stream = Stream {
    name: "",
    host: Host::Api,
    path: "",
    query: &[],
    method: Method::Get,
    span: Span::Everything,
    partitions: Partitions::One,
    paging: Paging::Single,
    frame: RecordPath::Array(&["data"]),
    primary_key: &["id"],
    secrets: &[],
    is_suggested: true,
    schema: "",
    aliases: &[],
    known_as: &[],
};

/// Every stream, in the order that `discover` prints.
pub const STREAMS: &[Stream] = &[
    Stream {
        name: "conversations",
        host: Host::Exports,
        path: "/v1/conversation_export",
        span: Span::Windows(WindowParams {
            after: "updated_after",
            before: "updated_before",
            cursor: "updated_at",
            time_format: TimeFormat::Milliseconds,
        }),
        frame: RecordPath::Array(&[]),
        schema: schema!("conversations"),
        aliases: &["conversation_export"],
        known_as: &[
            "conversation",
            "conversation_ratings",
            "conversation_rating",
            "conversation_tag",
            "conversation_internal_note",
            "conversation_custom_field",
        ],
        ..LIST
    },
    Stream {
        name: "messages",
        host: Host::Exports,
        path: "/v1/message_export",
        span: Span::Windows(WindowParams {
            after: "created_after",
            before: "created_before",
            cursor: "created_at",
            time_format: TimeFormat::Milliseconds,
        }),
        frame: RecordPath::Array(&[]),
        is_suggested: false,
        schema: schema!("messages"),
        aliases: &["message_export"],
        known_as: &["conversation_messages", "conversation_message"],
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
        frame: RecordPath::Array(&[]),
        primary_key: &["userId"],
        schema: schema!("agent_presence"),
        ..LIST
    },
    Stream {
        name: "endusers",
        path: "/v1/endusers",
        paging: PAGES,
        schema: schema!("endusers"),
        known_as: &["end_user", "end_users", "contacts"],
        ..LIST
    },
    QUEUES,
    Stream {
        name: "queue_members",
        path: "/v1/queues/{id}/members",
        partitions: Partitions::Parent(Parent {
            list: &QUEUES,
            ids: IdSource::Record,
            field: Some("queue_id"),
            // 409 is documented for the availability of a queue without channels, and expected here.
            none_here: &[400, 404, 409],
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
    TEAMS,
    Stream {
        name: "team_members",
        path: "/v1/teams/{id}/agents",
        partitions: Partitions::Parent(Parent {
            list: &TEAMS,
            ids: IdSource::Record,
            field: Some("team_id"),
            none_here: GONE,
        }),
        primary_key: &["team_id", "id"],
        schema: schema!("team_members"),
        ..LIST
    },
    Stream {
        name: "activity_logs",
        path: "/v1/conversations/activitylog",
        span: Span::Windows(WindowParams {
            after: "fromDatetime",
            before: "toDatetime",
            cursor: "activityTimestamp",
            time_format: TimeFormat::Text,
        }),
        // The page size that tap-dixa uses in production (docs/dixa-api.md 2.3).
        paging: Paging::Pages(10_000),
        is_suggested: false,
        schema: schema!("activity_logs"),
        known_as: &["conversation_activity_log", "conversation_activity_logs"],
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
        partitions: Partitions::Values {
            parameter: "channel",
            values: FLOW_CHANNELS,
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
        partitions: Partitions::Parent(Parent {
            list: &SCHEDULES,
            ids: IdSource::Record,
            field: None,
            none_here: GONE,
        }),
        frame: RecordPath::Object(&["data", "schedule"]),
        schema: schema!("business_hours_schedules"),
        ..LIST
    },
    COLLECTIONS,
    Stream {
        name: "knowledge_categories",
        path: "/v1/knowledge/categories/{id}",
        partitions: Partitions::Parent(Parent {
            list: &CATALOGS,
            ids: IdSource::Within("categories"),
            field: None,
            none_here: GONE,
        }),
        frame: RecordPath::Object(&["data"]),
        schema: schema!("knowledge_categories"),
        ..LIST
    },
    Stream {
        name: "knowledge_articles",
        path: "/v1/knowledge/articles/{id}",
        partitions: Partitions::Parent(Parent {
            list: &CATALOGS,
            ids: IdSource::Within("articles"),
            field: None,
            none_here: GONE,
        }),
        frame: RecordPath::Object(&["data"]),
        schema: schema!("knowledge_articles"),
        ..LIST
    },
    Stream {
        name: "organization",
        path: "/v1/organization",
        frame: RecordPath::Object(&["data"]),
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
    ANALYTICS_RECORDS,
    Stream {
        name: "analytics_record_data",
        path: "/v1/analytics/records",
        method: Method::Post(RecordsQuery {
            filter_values: &FILTER_VALUES,
            // Every conversation has a direction.
            filter_attributes: &["initial_direction", "channel"],
        }),
        span: Span::Days {
            time: "/primaryTimestampField/timestamp",
        },
        partitions: Partitions::Parent(Parent {
            list: &ANALYTICS_RECORDS,
            ids: IdSource::Record,
            field: Some("record"),
            none_here: &[400, 401, 403, 404],
        }),
        // The documented maximum (docs/dixa-api.md 2.3).
        paging: Paging::Pages(300),
        primary_key: &["record", ROW_HASH, COPY],
        is_suggested: false,
        schema: schema!("analytics_record_data"),
        ..LIST
    },
];

/// The channels that the endpoint accepts. Without one it returns the flows of `PstnPhone` (SPEC).
const FLOW_CHANNELS: &[&str] = &[
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

const ID_SCHEMA: &str = r#"{"properties":{"id":{}}}"#;

const QUEUES: Stream = Stream {
    name: "queues",
    path: "/v1/queues",
    schema: schema!("queues"),
    ..LIST
};

const TEAMS: Stream = Stream {
    name: "teams",
    path: "/v1/teams",
    schema: schema!("teams"),
    ..LIST
};

const ANALYTICS_RECORDS: Stream = Stream {
    name: "analytics_records",
    path: "/v1/analytics/records",
    paging: PAGES,
    schema: schema!("analytics_records"),
    ..LIST
};

/// The values of an attribute that analytics records can be filtered by. Not a stream.
const FILTER_VALUES: Stream = Stream {
    name: "analytics filter values",
    path: "/v1/analytics/filter/{id}",
    paging: PAGES,
    schema: ID_SCHEMA,
    ..LIST
};

const COLLECTIONS: Stream = Stream {
    name: "knowledge_collections",
    path: "/v1/knowledge/collections",
    paging: PAGES,
    schema: schema!("knowledge_collections"),
    ..LIST
};

/// The catalog of each collection, since Dixa does not list categories or articles (docs/dixa-api.md 2.6). Not a stream.
const CATALOGS: Stream = Stream {
    name: "collection catalogs",
    path: "/v1/knowledge/collections/{id}/catalog",
    partitions: Partitions::Parent(Parent {
        list: &COLLECTIONS,
        ids: IdSource::Record,
        field: None,
        none_here: GONE,
    }),
    frame: RecordPath::Object(&["data"]),
    schema: ID_SCHEMA,
    ..LIST
};

/// The list of schedules, whose definitions contain everything in this list. Not a stream.
const SCHEDULES: Stream = Stream {
    name: "business-hours schedules",
    path: "/v1/business-hours/schedules",
    frame: RecordPath::Array(&["data", "schedules"]),
    schema: ID_SCHEMA,
    ..LIST
};

/// The stream with this name.
pub fn find(name: &str) -> Option<&'static Stream> {
    STREAMS.iter().find(|stream| stream.name == name)
}

/// The stream that an unknown name means: what other connectors call so, or the most similar name.
pub fn meant_by(name: &str) -> Option<&'static Stream> {
    let calls = |stream: &&Stream| {
        let mut others = stream.aliases.iter().chain(stream.known_as);
        others.any(|other| *other == name)
    };
    let similar = || find(nearest(name, STREAMS.iter().map(|stream| stream.name))?);
    STREAMS.iter().find(calls).or_else(similar)
}

/// What to say of a name that no stream has.
pub fn unknown(name: &str) -> String {
    match meant_by(name) {
        Some(stream) => format!(
            "there is no stream `{name}`; did you mean `{}`?",
            stream.name
        ),
        None => {
            let names: Vec<_> = STREAMS.iter().map(|stream| stream.name).collect();
            format!(
                "there is no stream `{name}`; the streams are: {}",
                names.join(", ")
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;
    use std::collections::BTreeSet;
    use std::fs;
    use std::iter;

    #[test]
    fn names_are_unique_and_need_no_escapes_in_json() {
        let all: Vec<_> = STREAMS.iter().flat_map(Stream::names).collect();
        let names: BTreeSet<_> = all.iter().collect();
        assert_eq!(names.len(), all.len());
        assert!(names.iter().all(|name| {
            name.bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte == b'_')
        }));
    }

    #[test]
    fn rows_and_schema_files_match() {
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
                "{} has the schema of another stream",
                stream.name
            );
        }
    }

    #[test]
    fn keys_and_cursors_are_declared_scalars() {
        for stream in STREAMS {
            let schema = stream.marked_schema();
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
                let path = format!("{name}.{field}");
                assert!(
                    property["type"]
                        .as_array()
                        .is_some_and(|types| types.contains(&"null".into())),
                    "{path}"
                );
                assert!(
                    property["description"]
                        .as_str()
                        .is_some_and(|text| !text.contains('\n')),
                    "{path}"
                );
                check(&path, property);
                check(&path, &property["items"]);
            }
        }
        for stream in STREAMS {
            check(stream.name, &stream.marked_schema());
            jsonschema::validator_for(&stream.marked_schema()).unwrap();
        }
    }

    #[test]
    fn exactly_the_exports_use_windows_in_milliseconds() {
        for stream in STREAMS {
            let is_in_milliseconds = match &stream.span {
                Span::Windows(windows) => windows.time_format == TimeFormat::Milliseconds,
                Span::Everything | Span::Days { .. } => false,
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

    /// Every stream, and each list that is read only for its ids.
    fn with_parents() -> impl Iterator<Item = &'static Stream> {
        STREAMS
            .iter()
            .flat_map(|stream| iter::successors(Some(stream), |stream| stream.parent()))
    }

    #[test]
    fn a_path_contains_an_id_if_and_only_if_the_stream_has_a_parent() {
        for stream in with_parents() {
            let has_parent = matches!(stream.partitions, Partitions::Parent(_));
            let name = stream.name;
            let is_id_in_path = matches!(stream.method, Method::Get);
            assert_eq!(
                stream.path.contains("{id}"),
                has_parent && is_id_in_path,
                "{name}"
            );
            assert_eq!(stream.parent().is_some(), has_parent, "{name}");
            if let Partitions::Parent(Parent {
                field: Some(field), ..
            }) = stream.partitions
            {
                assert_eq!(stream.primary_key[0], field, "{name}");
                assert_ne!(stream.record_key(), Some(field), "{name}");
            }
        }
    }
}
