//! The lists whose ids child streams need: each is read once in a sync, and its children wait for it.

use std::collections::HashMap;
use std::rc::Rc;

use record_splitter::IdCollector;
use tokio::sync::SetOnce;

use crate::commands::read::error::ReadError;
use crate::streams::stream::Stream;

/// The ids of every parent list, or why there are none.
pub struct ParentIds(HashMap<&'static str, ParentList>);

struct ParentList {
    stream: &'static Stream,
    ids: SetOnce<Result<Rc<FoundIds>, ReadError>>,
}

/// The ids in a parent list.
pub struct FoundIds {
    pub ids: IdCollector,
    /// A part of the list was skipped that may have more.
    pub lacks_part: bool,
}

impl ParentIds {
    /// For the parents of these streams, and their parents in turn.
    pub fn of(streams: impl Iterator<Item = &'static Stream>) -> Self {
        let mut lists = HashMap::new();
        for mut stream in streams {
            while let Some(parent) = stream.parent() {
                let list = ParentList {
                    stream: parent,
                    ids: SetOnce::new(),
                };
                lists.insert(parent.name, list);
                stream = parent;
            }
        }
        Self(lists)
    }

    pub fn streams(&self) -> impl Iterator<Item = &'static Stream> {
        self.0.values().map(|list| list.stream)
    }

    /// Whether a child needs the ids of this stream.
    pub fn are_needed_of(&self, stream: &Stream) -> bool {
        self.0.contains_key(stream.name)
    }

    /// The list was read, or failed.
    pub fn publish(&self, stream: &Stream, ids: Result<FoundIds, ReadError>) {
        if let Some(list) = self.0.get(stream.name) {
            // Only the one that reads it publishes it.
            drop(list.ids.set(ids.map(Rc::new)));
        }
    }

    /// The ids of a parent list, once it was read.
    pub async fn ids_of(&self, parent: &Stream) -> Result<Rc<FoundIds>, ReadError> {
        match self.0.get(parent.name) {
            Some(list) => list.ids.wait().await.clone(),
            None => unreachable!("every parent is here"),
        }
    }
}
