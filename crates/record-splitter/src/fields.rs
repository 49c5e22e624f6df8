//! The top-level fields of records: which is the key, which is the cursor, and which are undeclared.

use std::borrow::Cow;
use std::mem;

use crate::record::Role;
use crate::shape::{NodeId, ShapeCache};

/// The maximum number of undeclared fields that are reported, which bounds the memory for a body with ever more names.
const MAX_UNDECLARED: usize = 200;
/// The maximum length in bytes of a name that is cached and reported.
const MAX_NAME: usize = 100;
/// The maximum length of such a name with escapes.
const MAX_ESCAPED: usize = 6 * MAX_NAME;
/// Reported in place of names that are too long or not valid text.
const NOT_SHOWN: &str = "a name that cannot be shown";

/// The fields of a stream, and the cached structure of its records.
pub struct Fields {
    pub(super) shapes: ShapeCache,
    /// Names that are not reported yet.
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
        let mut shapes = ShapeCache::default();
        for name in declared {
            shapes.value(NodeId::RECORD, name.as_bytes());
        }
        for (name, role) in [(cursor, Role::Cursor), (key, Role::Key)] {
            let node = name.and_then(|name| shapes.known_value(NodeId::RECORD, name.as_bytes()));
            if let Some(node) = node {
                shapes.set_role(node, role);
            }
        }
        Self {
            shapes,
            undeclared: Vec::new(),
            has_unnamed: false,
            room: MAX_UNDECLARED,
        }
    }

    /// The undeclared fields found since the last call. Each is reported once.
    pub fn take_undeclared(&mut self) -> Vec<String> {
        mem::take(&mut self.undeclared)
    }

    /// The node of a field inside an object, by its name as written between the quotes.
    pub(super) fn field(&mut self, inside: NodeId, escaped: &[u8]) -> NodeId {
        if inside != NodeId::RECORD {
            return match escaped.len() {
                0..=MAX_ESCAPED => self.shapes.value(inside, escaped),
                _ => NodeId::UNKNOWN,
            };
        }
        let name = Some(escaped)
            .filter(|escaped| escaped.len() <= MAX_ESCAPED)
            .and_then(unescape)
            .filter(|name| name.len() <= MAX_NAME);
        let Some(name) = name else {
            if !self.has_unnamed {
                self.has_unnamed = true;
                self.undeclared.push(NOT_SHOWN.to_owned());
            }
            return NodeId::UNKNOWN;
        };
        if let Some(node) = self.shapes.known_value(inside, &name) {
            return node;
        }
        if self.room == 0 {
            return NodeId::UNKNOWN;
        }
        self.room -= 1;
        self.undeclared
            .push(String::from_utf8_lossy(&name).into_owned());
        let node = self.shapes.value(inside, &name);
        self.shapes.set_role(node, Role::Undeclared);
        node
    }
}

/// The name that a name with escapes (`"updated\u005fat"`) represents; `None` if that is not valid text.
pub(super) fn unescape(escaped: &[u8]) -> Option<Cow<'_, [u8]>> {
    if !escaped.contains(&b'\\') {
        return Some(escaped.into());
    }
    let quoted = [b"\"", escaped, b"\""].concat();
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
        let node = fields.field(NodeId::RECORD, name);
        fields.shapes.role(node)
    }

    #[test]
    fn a_field_has_its_role_in_any_order() {
        let mut fields = fields();
        for (name, role) in [
            ("updated_at", Role::Cursor),
            ("id", Role::Key),
            ("name", Role::Plain),
            ("id", Role::Key),
            ("new", Role::Undeclared),
            ("new", Role::Undeclared),
        ] {
            assert_eq!(role_of(&mut fields, name.as_bytes()), role, "{name}");
        }
        assert_eq!(fields.take_undeclared(), ["new"]);
    }

    #[test]
    fn a_name_written_with_escapes_is_the_same_name() {
        assert_eq!(role_of(&mut fields(), br"updated\u005fat"), Role::Cursor);
    }

    #[test]
    fn an_undeclared_field_is_reported_once() {
        let mut fields = fields();
        fields.field(NodeId::RECORD, b"new");
        fields.field(NodeId::RECORD, b"new");
        assert_eq!(fields.take_undeclared(), ["new"]);
        assert!(fields.take_undeclared().is_empty());
    }

    #[test]
    fn a_name_that_is_too_long_or_not_valid_text_is_not_shown() {
        let mut fields = fields();
        let long = "x".repeat(MAX_NAME + 1);
        for name in [long.as_str(), "\\u0074ok\\ud800", "\\udc00"] {
            assert_eq!(role_of(&mut fields, name.as_bytes()), Role::Plain);
        }
        assert_eq!(fields.take_undeclared(), [NOT_SHOWN]);
    }

    #[test]
    fn ever_new_names_do_not_grow_memory() {
        let mut fields = fields();
        for number in 0..10_000 {
            fields.field(NodeId::RECORD, format!("field {number}").as_bytes());
        }
        assert_eq!(fields.take_undeclared().len(), MAX_UNDECLARED);
    }
}
