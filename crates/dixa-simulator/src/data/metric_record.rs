//! One row of Dixa's analytics, in the form of SPEC's examples (docs/dixa-api.md 2.8). It has no id.

use super::clock::iso_date_ms;
use super::json::{Object, array, quoted};

/// One row. Rows can be equal in everything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetricRecord {
    /// The name of the primary timestamp, such as `created_at`.
    pub timestamp: &'static str,
    /// The primary timestamp in ms, which the interval of a request selects by.
    pub at: i64,
    pub value: Option<MetricValue>,
    pub fields: Vec<MetricField>,
}

/// A field of a row, which may have no value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetricField {
    pub name: &'static str,
    pub value: Option<MetricValue>,
}

/// A value and its label, as JSON tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetricValue {
    /// Such as `LongField`.
    pub kind: &'static str,
    pub token: String,
    pub label: Option<String>,
}

impl MetricValue {
    pub fn long(number: i64) -> Self {
        Self {
            kind: "LongField",
            token: number.to_string(),
            label: None,
        }
    }

    pub fn text(value: &str, label: &str) -> Self {
        Self {
            kind: "StringField",
            token: quoted(value),
            label: Some(quoted(label)),
        }
    }

    /// The id and the name are tokens; a name of `null` is left out.
    pub fn uuid(id: &str, name: &str) -> Self {
        Self {
            kind: "UUIDField",
            token: id.to_owned(),
            label: (name != "null").then(|| name.to_owned()),
        }
    }

    fn json(&self) -> String {
        let mut object = Object::with_capacity(96);
        object.raw("value", &self.token);
        if let Some(label) = &self.label {
            object.raw("label", label);
        }
        object.text("_type", self.kind).finish()
    }
}

impl MetricField {
    pub fn new(name: &'static str, value: impl Into<Option<MetricValue>>) -> Self {
        let value = value.into();
        Self { name, value }
    }

    fn json(&self) -> String {
        let mut object = Object::with_capacity(128);
        object.text("name", self.name);
        if let Some(value) = &self.value {
            object.raw("field", &value.json());
        }
        object.finish()
    }
}

impl MetricRecord {
    /// The bytes that are served.
    pub fn json(&self) -> String {
        let mut object = Object::with_capacity(1024);
        object.raw("primaryTimestampField", &self.primary_timestamp());
        if let Some(value) = &self.value {
            object.raw("value", &value.json());
        }
        let fields: Vec<_> = self.fields.iter().map(MetricField::json).collect();
        object.raw("fields", &array(&fields)).finish()
    }

    /// The same row in other bytes: its keys and its fields in the opposite order.
    pub fn json_reversed(&self) -> String {
        let mut object = Object::with_capacity(1024);
        let fields: Vec<_> = self.fields.iter().rev().map(MetricField::json).collect();
        object.raw("fields", &array(&fields));
        if let Some(value) = &self.value {
            object.raw("value", &value.json());
        }
        object
            .raw("primaryTimestampField", &self.primary_timestamp())
            .finish()
    }

    fn primary_timestamp(&self) -> String {
        let mut object = Object::with_capacity(96);
        object
            .text("name", self.timestamp)
            .text("timestamp", &iso_date_ms(self.at))
            .finish()
    }

    /// The field of this name, with or without a value.
    pub fn field(&self, name: &str) -> Option<&MetricField> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// Whether the field of this name has one of these values.
    pub fn has_one_of(&self, name: &str, values: &[String]) -> bool {
        let value = self.field(name).and_then(|field| field.value.as_ref());
        value.is_some_and(|value| values.iter().any(|wanted| quoted(wanted) == value.token))
    }
}
