//! The saved positions of a stream that has one for each id of its parent.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::checkpoint::{SavedPosition, UNFINISHED};
use crate::dixa::timestamp::TimeFormat;

/// The key in a state for the positions, each under its id.
const POSITIONS: &str = "positions";
/// The key of the time in each of them.
const POSITION: &str = "position";
const FORMAT: TimeFormat = TimeFormat::Text;

/// A position for each id. That of an id that the parent no longer lists is kept, since it may return.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Positions {
    by_id: BTreeMap<String, SavedPosition>,
    /// Saved during a full refresh that was not complete.
    pub unfinished: bool,
}

impl Positions {
    /// Parses a state blob. The errors are the reasons why the positions of some ids, or the whole state, cannot be used.
    pub fn parse(blob: &Value) -> Result<(Self, Vec<String>), String> {
        let Some(ids) = blob[POSITIONS].as_object() else {
            return Err(format!("it has no `{POSITIONS}`"));
        };
        let unfinished = blob[UNFINISHED] == true;
        let (mut by_id, mut unusable) = (BTreeMap::new(), Vec::new());
        for (id, position) in ids {
            match SavedPosition::parse(position, POSITION, FORMAT) {
                Ok(saved) => {
                    let saved = SavedPosition {
                        unfinished,
                        ..saved
                    };
                    by_id.insert(id.clone(), saved);
                }
                Err(reason) => unusable.push(format!("of `{id}`, {reason}")),
            }
        }
        Ok((Self { by_id, unfinished }, unusable))
    }

    pub fn to_blob(&self) -> Value {
        let position = |saved: &SavedPosition| {
            let saved = SavedPosition {
                unfinished: false,
                ..*saved
            };
            saved.to_blob(POSITION, FORMAT)
        };
        let positions: Map<_, _> = self
            .by_id
            .iter()
            .map(|(id, saved)| (id.clone(), position(saved)))
            .collect();
        let mut blob = json!({ POSITIONS: positions });
        if self.unfinished {
            blob[UNFINISHED] = true.into();
        }
        blob
    }

    pub fn of(&self, id: &str) -> Option<SavedPosition> {
        self.by_id.get(id).copied()
    }

    pub fn set(&mut self, id: &str, position: SavedPosition) {
        self.by_id.insert(id.to_owned(), position);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_written_and_read() {
        let blob = json!({
            "positions": {
                "gone": {"position": "2026-01-02T00:00:00Z"},
                "ratings": {"covered_from": "2026-01-01T00:00:00Z", "position": "2026-02-01T10:00:00Z"},
            },
            "unfinished": true,
        });
        let (positions, unusable) = Positions::parse(&blob).unwrap();
        assert_eq!(unusable, Vec::<String>::new());
        assert!(positions.of("ratings").unwrap().unfinished);
        assert_eq!(positions.to_blob(), blob);
    }

    #[test]
    fn one_unusable_position_spoils_no_other() {
        let blob = json!({"positions": {"a": {"position": "soon"}, "b": {"position": "2026-01-02T00:00:00Z"}, "c": 7}});
        let (positions, unusable) = Positions::parse(&blob).unwrap();
        assert!(positions.of("a").is_none() && positions.of("b").is_some());
        assert_eq!(
            unusable,
            [
                "of `a`, its `position` is not a date-time such as 2025-01-31T00:00:00Z",
                "of `c`, it is not a JSON object"
            ]
        );
        for blob in [json!({}), json!({"positions": []}), json!(7)] {
            assert!(Positions::parse(&blob).is_err(), "{blob}");
        }
    }
}
