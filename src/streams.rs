//! The table: every stream is one row of data. Discover, read, check, the README's table and the tests follow from it.

use std::iter;

use serde_json::Value;

use crate::airbyte::catalog::DiscoveredStream;
use crate::dixa::Host;
use crate::dixa::fields::Fields;
use crate::window::Window;

/// What a stream is, in values.
pub struct Stream {
    pub name: &'static str,
    pub host: Host,
    /// Of the endpoint; begins with `/v1/`.
    pub path: &'static str,
    /// Sent with every request; documented parameters only.
    pub query: &'static [(&'static str, &'static str)],
    pub span: Span,
    pub paging: Paging,
    /// The keys that lead to the array of records; none for a bare array.
    pub frame: &'static [&'static str],
    pub primary_key: &'static str,
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

/// Windows of time: the two parameters that name one, and the field along which they move, all in milliseconds.
pub struct Windows {
    pub after: &'static str,
    pub before: &'static str,
    pub cursor: &'static str,
}

impl Windows {
    /// The parameters that ask for a window.
    pub fn query(&self, window: &Window) -> [(&'static str, String); 2] {
        let asked = window.asked();
        [(self.after, asked.after), (self.before, asked.before)]
            .map(|(name, bound)| (name, bound.0.to_string()))
    }
}

/// How a list is asked for. A link to a next page is followed in either case.
pub enum Paging {
    /// One body.
    Single,
    /// Pages, whose size the parameter `pageLimit` asks for.
    Pages,
}

/// So many records are asked for in a page. Neither a default nor a maximum is documented (dixa-api.md 2.3).
pub const PAGE_LIMIT: u32 = 1000;

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
    paging: Paging::Single,
    frame: &["data"],
    primary_key: "id",
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
        }),
        frame: &[],
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
        }),
        frame: &[],
        schema: schema!("messages"),
        formerly: &["message_export"],
        ..LIST
    },
    Stream {
        name: "agents",
        path: "/v1/agents",
        paging: Paging::Pages,
        schema: schema!("agents"),
        ..LIST
    },
    Stream {
        name: "endusers",
        path: "/v1/endusers",
        paging: Paging::Pages,
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
        name: "custom_attributes",
        path: "/v1/custom-attributes",
        schema: schema!("custom_attributes"),
        ..LIST
    },
    Stream {
        name: "templates",
        path: "/v1/templates",
        paging: Paging::Pages,
        schema: schema!("templates"),
        ..LIST
    },
    Stream {
        name: "knowledge_collections",
        path: "/v1/knowledge/collections",
        paging: Paging::Pages,
        schema: schema!("knowledge_collections"),
        ..LIST
    },
    Stream {
        name: "analytics_metrics",
        path: "/v1/analytics/metrics",
        paging: Paging::Pages,
        schema: schema!("analytics_metrics"),
        ..LIST
    },
    Stream {
        name: "analytics_records",
        path: "/v1/analytics/records",
        paging: Paging::Pages,
        schema: schema!("analytics_records"),
        ..LIST
    },
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
            self.primary_key,
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
            for field in stream.cursor().into_iter().chain([stream.primary_key]) {
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
    fn exports_are_windows_and_the_main_api_wants_no_window_in_milliseconds() {
        for stream in STREAMS {
            assert_eq!(
                matches!(stream.span, Span::Windows(_)),
                stream.host == Host::Exports,
                "{}",
                stream.name
            );
            assert!(stream.path.starts_with("/v1/"), "{}", stream.name);
        }
    }
}
