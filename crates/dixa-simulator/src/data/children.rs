//! Records of the streams with one list per parent (docs/dixa-api.md 2.6 and 2.7).

use std::collections::BTreeMap;

use super::json::Object;
use super::row::Row;

/// A stream with one list per parent, whose records start with the id of their parent.
pub struct Child {
    pub stream: &'static str,
    /// The field of the parent's id.
    pub field: &'static str,
    /// Its rows by the id of the parent, made from the lists of all streams without a parent.
    pub rows: fn(&Lists) -> BTreeMap<String, Vec<Row>>,
}

/// Rows by the name of their stream.
pub type Lists = BTreeMap<&'static str, Vec<Row>>;

pub const CHILDREN: &[Child] = &[
    Child {
        stream: "queue_members",
        field: "queue_id",
        rows: |lists| assign_members(&lists["queues"], &lists["agents"], queue_member),
    },
    Child {
        stream: "team_members",
        field: "team_id",
        rows: |lists| assign_members(&lists["teams"], &lists["agents"], team_member),
    },
];

fn queue_member(index: usize, agent: &Row) -> Row {
    let mut object = Object::new();
    object.raw("agentId", &agent.key);
    if index.is_multiple_of(2) {
        object.number("priority", 1);
    }
    Row::new(&agent.key, 0, &object.finish())
}

fn team_member(index: usize, agent: &Row) -> Row {
    let mut object = Object::new();
    object
        .raw("id", &agent.key)
        .text("name", &format!("Agent {index}"));
    if index.is_multiple_of(3) {
        object.text("email", &format!("agent.{index}@example.org"));
    }
    Row::new(&agent.key, 0, &object.finish())
}

/// Puts agents, or other rows, into each of these parents, some into several; the last parent has none.
fn assign_members(
    parents: &[Row],
    agents: &[Row],
    member: fn(usize, &Row) -> Row,
) -> BTreeMap<String, Vec<Row>> {
    let members = |(number, parent): (usize, &Row)| {
        let is_last = number + 1 == parents.len();
        let agents = agents.iter().enumerate();
        let mine = agents.filter(|(index, _)| !is_last && index % (number + 2) == 0);
        let mine = mine.map(|(index, agent)| member(index, agent));
        (parent.id().to_owned(), mine.collect())
    };
    parents.iter().enumerate().map(members).collect()
}
