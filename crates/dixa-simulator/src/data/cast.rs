//! Who and what the conversations of an account are about: its agents, end users, queues and tags.

use std::collections::HashMap;

use serde_json::value::RawValue;

use super::row::Row;

/// An agent or an end user; each field is a JSON token, `null` where it is not known.
#[derive(Clone, Debug)]
pub struct Person {
    pub id: String,
    pub name: String,
    pub email: String,
    pub phone: String,
}

/// A queue or a tag, its fields as JSON tokens.
#[derive(Clone, Debug)]
pub struct Label {
    pub id: String,
    pub name: String,
    /// Of a tag.
    pub is_deactivated: bool,
}

/// The lists that stories refer to by index.
#[derive(Clone, Debug, Default)]
pub struct Cast {
    pub agents: Vec<Person>,
    pub customers: Vec<Person>,
    pub queues: Vec<Label>,
    pub tags: Vec<Label>,
}

impl Cast {
    pub fn new(agents: &[Row], endusers: &[Row], queues: &[Row], tags: &[Row]) -> Self {
        Self {
            agents: agents.iter().map(person).collect(),
            customers: endusers.iter().map(person).collect(),
            queues: queues.iter().map(label).collect(),
            tags: tags.iter().map(label).collect(),
        }
    }
}

type Members<'a> = HashMap<&'a str, &'a RawValue>;

/// The fields as they are written, so that an escape stays an escape.
fn members(row: &Row) -> Members<'_> {
    serde_json::from_str(&row.json).unwrap_or_default()
}

fn token(members: &Members<'_>, name: &str) -> String {
    members
        .get(name)
        .map_or("null", |value| value.get())
        .to_owned()
}

fn person(row: &Row) -> Person {
    let members = members(row);
    Person {
        id: row.key.clone(),
        name: token(&members, "displayName"),
        email: token(&members, "email"),
        phone: token(&members, "phoneNumber"),
    }
}

fn label(row: &Row) -> Label {
    let members = members(row);
    Label {
        id: row.key.clone(),
        name: token(&members, "name"),
        is_deactivated: token(&members, "state") == r#""Inactive""#,
    }
}
