//! The top-level fields of a stream's records: which is the key, which the cursor, and which nobody declared.

use std::borrow::Cow;
use std::mem;

use crate::dixa::paths::{Paths, Place};

/// So many undeclared fields are named; a body that makes up names without end costs no more memory than these.
const MAX_UNDECLARED: usize = 200;
/// A longer name, in bytes, is neither remembered nor shown.
const LONGEST_NAME: usize = 100;
/// As it is written, with escapes, none that we know is longer.
const LONGEST_WRITTEN: usize = 6 * LONGEST_NAME;
/// What stands for names that are not shown.
const NOT_SHOWN: &str = "a name that cannot be shown";

/// What a field is to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Key,
    Cursor,
    Plain,
}

/// What is known of a stream's fields, and of where values stand in its records.
pub struct Fields {
    pub(super) paths: Paths,
    key: Place,
    cursor: Place,
    undeclared: Vec<String>,
    has_unnamed: bool,
    room: usize,
}

impl Fields {
    /// The fields that a schema declares, and which of them are the key and the cursor.
    pub fn new<'a>(
        declared: impl Iterator<Item = &'a str>,
        key: Option<&str>,
        cursor: Option<&str>,
    ) -> Self {
        let mut paths = Paths::default();
        for name in declared {
            paths.value(Place::RECORD, name.as_bytes());
        }
        let place = |name: &str| paths.known_value(Place::RECORD, name.as_bytes());
        Self {
            key: key.and_then(place).unwrap_or(Place::UNKNOWN),
            cursor: cursor.and_then(place).unwrap_or(Place::UNKNOWN),
            paths,
            undeclared: Vec::new(),
            has_unnamed: false,
            room: MAX_UNDECLARED,
        }
    }

    /// The undeclared fields seen since the last call; each is told once.
    pub fn take_undeclared(&mut self) -> Vec<String> {
        mem::take(&mut self.undeclared)
    }

    /// What the value at a place is to us.
    #[inline]
    pub(super) fn role(&self, place: Place) -> Role {
        if place == Place::UNKNOWN {
            Role::Plain
        } else if place == self.key {
            Role::Key
        } else if place == self.cursor {
            Role::Cursor
        } else {
            Role::Plain
        }
    }

    /// The place of the field inside an object whose name is written so, between its quotes.
    pub(super) fn field(&mut self, inside: Place, written: &[u8]) -> Place {
        if inside != Place::RECORD {
            return match written.len() {
                0..=LONGEST_WRITTEN => self.paths.value(inside, written),
                _ => Place::UNKNOWN,
            };
        }
        let name = Some(written)
            .filter(|written| written.len() <= LONGEST_WRITTEN)
            .and_then(unescape)
            .filter(|name| name.len() <= LONGEST_NAME);
        let Some(name) = name else {
            if !self.has_unnamed {
                self.has_unnamed = true;
                self.undeclared.push(NOT_SHOWN.to_owned());
            }
            return Place::UNKNOWN;
        };
        if let Some(place) = self.paths.known_value(inside, &name) {
            return place;
        }
        if self.room == 0 {
            return Place::UNKNOWN;
        }
        self.room -= 1;
        self.undeclared
            .push(String::from_utf8_lossy(&name).into_owned());
        self.paths.value(inside, &name)
    }
}

/// A name that is written with escapes (`"updated\u005fat"`) is the name it stands for; `None` if that is no text.
pub(super) fn unescape(written: &[u8]) -> Option<Cow<'_, [u8]>> {
    if !written.contains(&b'\\') {
        return Some(written.into());
    }
    let quoted = [b"\"", written, b"\""].concat();
    let name = serde_json::from_slice::<String>(&quoted).ok()?;
    Some(name.into_bytes().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields() -> Fields {
        Fields::new(
            ["id", "name", "updated_at"].into_iter(),
            Some("id"),
            Some("updated_at"),
        )
    }

    fn role_of(fields: &mut Fields, name: &[u8]) -> Role {
        let place = fields.field(Place::RECORD, name);
        fields.role(place)
    }

    #[test]
    fn a_field_has_its_role_in_any_order() {
        let mut fields = fields();
        for (name, role) in [
            ("updated_at", Role::Cursor),
            ("id", Role::Key),
            ("name", Role::Plain),
            ("id", Role::Key),
        ] {
            assert_eq!(role_of(&mut fields, name.as_bytes()), role, "{name}");
        }
        assert!(fields.take_undeclared().is_empty());
    }

    #[test]
    fn a_name_written_with_escapes_is_the_same_name() {
        assert_eq!(role_of(&mut fields(), br"updated\u005fat"), Role::Cursor);
    }

    #[test]
    fn an_undeclared_field_is_told_once() {
        let mut fields = fields();
        fields.field(Place::RECORD, b"new");
        fields.field(Place::RECORD, b"new");
        assert_eq!(fields.take_undeclared(), ["new"]);
        assert!(fields.take_undeclared().is_empty());
    }

    #[test]
    fn a_name_that_is_too_long_or_no_text_is_not_shown() {
        let mut fields = fields();
        let long = "x".repeat(LONGEST_NAME + 1);
        for name in [long.as_str(), "\\u0074ok\\ud800", "\\udc00"] {
            assert_eq!(role_of(&mut fields, name.as_bytes()), Role::Plain);
        }
        assert_eq!(fields.take_undeclared(), [NOT_SHOWN]);
    }

    #[test]
    fn names_without_end_cost_no_memory() {
        let mut fields = fields();
        for number in 0..10_000 {
            fields.field(Place::RECORD, format!("field {number}").as_bytes());
        }
        assert_eq!(fields.take_undeclared().len(), MAX_UNDECLARED);
    }
}
