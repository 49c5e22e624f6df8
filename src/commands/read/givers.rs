//! The lists that give ids to others: each is read once in a sync, and whoever needs its ids waits for them.

use std::collections::HashMap;
use std::rc::Rc;

use tokio::sync::SetOnce;

use crate::commands::read::stopped::Stopped;
use crate::dixa::object::FoundIds;
use crate::streams::Stream;

/// What each of them gave, or why it gave nothing.
pub struct Givers(HashMap<&'static str, Giver>);

struct Giver {
    stream: &'static Stream,
    found: SetOnce<Result<Rc<FoundIds>, Stopped>>,
}

impl Givers {
    /// Those that these streams need, and those that they need in turn.
    pub fn of(streams: impl Iterator<Item = &'static Stream>) -> Self {
        let mut givers = HashMap::new();
        for mut stream in streams {
            while let Some(list) = stream.parent() {
                let found = SetOnce::new();
                givers.insert(
                    list.name,
                    Giver {
                        stream: list,
                        found,
                    },
                );
                stream = list;
            }
        }
        Self(givers)
    }

    pub fn streams(&self) -> impl Iterator<Item = &'static Stream> {
        self.0.values().map(|giver| giver.stream)
    }

    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// The list was read, or not.
    pub fn tell(&self, name: &str, found: Result<FoundIds, Stopped>) {
        if let Some(giver) = self.0.get(name) {
            // It is told once, by the one that reads it.
            drop(giver.found.set(found.map(Rc::new)));
        }
    }

    /// The ids of a list, once it was read.
    pub async fn wait(&self, name: &str) -> Result<Rc<FoundIds>, Stopped> {
        match self.0.get(name) {
            Some(giver) => giver.found.wait().await.clone(),
            None => unreachable!("every list that is needed is here"),
        }
    }
}
