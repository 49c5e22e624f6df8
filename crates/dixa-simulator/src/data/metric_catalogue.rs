//! An account's analytics: the kinds of rows it has, the rows, and the values that they can be filtered by.

use std::collections::HashMap;

use super::account::Account;
use super::analytics::{DIRECTIONS, catalogue_row, channels};
use super::cast::{Label, Person};
use super::json::{Object, quoted};
use super::metric_record::MetricRecord;
use super::row::Row;

/// The list of settings that is the catalogue.
const CATALOGUE: &str = "analytics_records";

impl Account {
    /// Adds a kind of rows to the catalogue.
    pub fn add_record_id(&mut self, id: &str, label: &str) {
        let kind = catalogue_row(id, label, &[]);
        self.settings.entry(CATALOGUE).or_default().push(kind);
    }

    /// Removes a kind from the catalogue, along with its rows.
    pub fn remove_record_id(&mut self, id: &str) {
        self.settings
            .entry(CATALOGUE)
            .or_default()
            .retain(|kind| kind.id() != id);
        self.analytics.remove(id);
    }

    pub fn has_record_id(&self, id: &str) -> bool {
        let mut kinds = self.settings.get(CATALOGUE).into_iter().flatten();
        kinds.any(|kind| kind.id() == id)
    }

    pub fn add_metric(&mut self, record_id: &str, metric: MetricRecord) {
        let rows = self.analytics.entry(record_id.to_owned());
        rows.or_default().push(metric);
    }

    /// The rows of this kind, in the order in which they came to be.
    pub fn metrics(&self, record_id: &str) -> &[MetricRecord] {
        self.analytics.get(record_id).map_or(&[], Vec::as_slice)
    }

    /// All rows of all kinds, each as the id of its kind and the bytes that are served.
    pub fn analytics_rows(&self) -> Vec<(&str, String)> {
        let kinds = self.analytics.iter();
        kinds
            .flat_map(|(id, rows)| rows.iter().map(|row| (id.as_str(), row.json())))
            .collect()
    }

    /// All rows of all kinds in the catalogue, each with its kind and the number of its copy in front: a row has no key, and equal
    /// ones are not the same row.
    pub(super) fn numbered_metrics(&self) -> Vec<Row> {
        let mut copies = HashMap::new();
        let rows = self.analytics_rows().into_iter();
        rows.filter(|(kind, _)| self.has_record_id(kind))
            .map(|(kind, row)| {
                let copy = copies.entry((kind, row.clone())).or_insert(0);
                *copy += 1;
                let front = format!(r#"{{"record":{},"copy":{copy},"#, quoted(kind));
                Row::new(
                    &format!("{kind} {row} {copy}"),
                    0,
                    &row.replacen('{', &front, 1),
                )
            })
            .collect()
    }

    /// The values of a filter attribute; `None` if there is no such attribute.
    pub fn filter_values(&self, attribute: &str) -> Option<Vec<Row>> {
        let known = |values: &[(&str, &str)]| {
            let values = values.iter();
            values
                .map(|(value, label)| filter_value(&quoted(value), &quoted(label)))
                .collect()
        };
        let person = |person: &Person| filter_value(&person.id, &person.name);
        let label = |label: &Label| filter_value(&label.id, &label.name);
        let plain = |row: &Row| filter_value(&row.key, &row.key);
        Some(match attribute {
            "agent_id" => self.cast.agents.iter().map(person).collect(),
            "queue_id" => self.cast.queues.iter().map(label).collect(),
            "tag_id" => self.cast.tags.iter().map(label).collect(),
            "channel" => known(&channels()),
            "initial_direction" => known(&DIRECTIONS),
            "contact_point" => self.settings["contact_endpoints"]
                .iter()
                .map(plain)
                .collect(),
            "team" => self.teams.iter().map(plain).collect(),
            _ => return None,
        })
    }
}

/// The value and its label are tokens; a label of `null` is left out.
fn filter_value(value: &str, label: &str) -> Row {
    let mut object = Object::new();
    object.raw("value", value);
    if label != "null" {
        object.raw("label", label);
    }
    Row::new(value, 0, &object.finish())
}
