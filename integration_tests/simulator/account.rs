//! What a Dixa account holds, as the exact bytes to send; made from a seed, changed while the simulator runs.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use fastrand::Rng;

use super::conversation::{Conversation, Oddities};
use super::json::{quoted, with_member};
use super::{directory, message, settings};

/// One record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The id's raw JSON token: `17`, or `"93b8…"` with its quotes.
    pub key: String,
    /// What the time filter sees, in ms: `updated_at`, or `created_at` where that is null. Lists do not use it.
    pub at: i64,
    /// The bytes that are sent.
    pub json: Arc<str>,
}

impl Row {
    pub fn new(key: &str, at: i64, json: &str) -> Self {
        Self {
            key: key.to_owned(),
            at,
            json: json.into(),
        }
    }

    /// A top-level integer field.
    pub fn time(&self, name: &str) -> Option<i64> {
        let record: serde_json::Value = serde_json::from_str(&self.json).ok()?;
        record.get(name)?.as_i64()
    }
}

/// Everything in an account. The fields may be changed at will; the methods keep records consistent.
#[derive(Clone, Debug)]
pub struct Account {
    pub conversations: Vec<Row>,
    pub messages: Vec<Row>,
    pub agents: Vec<Row>,
    pub endusers: Vec<Row>,
    pub queues: Vec<Row>,
    pub tags: Vec<Row>,
    pub teams: Vec<Row>,
    /// What is set up, by the name of the stream.
    pub settings: BTreeMap<&'static str, Vec<Row>>,
    /// When set, every conversation export is answered with so many records made up on the way.
    pub bulk: Option<usize>,
    random: Rng,
    last_id: i64,
}

/// How much a seeded account holds.
#[derive(Clone, Debug)]
pub struct Shape {
    /// Conversations are updated in `[from_ms, to_ms)`.
    pub from_ms: i64,
    pub to_ms: i64,
    pub conversations: usize,
    /// Instants in ms; each adds three conversations updated one ms before, at, and one ms after it.
    pub edges: Vec<i64>,
    pub agents: usize,
    pub endusers: usize,
    pub queues: usize,
    /// Every fourth is Inactive.
    pub tags: usize,
    pub teams: usize,
}

/// January 2026 and February up to the 20th, 50 days.
impl Default for Shape {
    fn default() -> Self {
        Self {
            from_ms: 1_767_225_600_000,
            to_ms: 1_771_545_600_000,
            conversations: 200,
            edges: Vec::new(),
            agents: 30,
            endusers: 60,
            queues: 4,
            tags: 8,
            teams: 3,
        }
    }
}

impl Default for Account {
    fn default() -> Self {
        Self::seeded(1, &Shape::default())
    }
}

impl Account {
    /// Nothing at all.
    pub fn empty() -> Self {
        Self {
            conversations: Vec::new(),
            messages: Vec::new(),
            agents: Vec::new(),
            endusers: Vec::new(),
            queues: Vec::new(),
            tags: Vec::new(),
            teams: Vec::new(),
            settings: settings::none(),
            bulk: None,
            random: Rng::with_seed(0),
            last_id: 1000,
        }
    }

    /// The same account for the same seed and shape.
    pub fn seeded(seed: u64, shape: &Shape) -> Self {
        let mut account = Self {
            random: Rng::with_seed(seed),
            ..Self::empty()
        };
        let mut last_update = shape.from_ms;
        for _ in 0..shape.conversations {
            let created = account.random.i64(shape.from_ms..shape.to_ms);
            let reach = (shape.to_ms - created).min(5 * 86_400_000);
            let (created, updated) = match account.random.u8(..24) {
                0 | 1 => (created, None),
                2..=4 => (last_update - 60_000, Some(last_update)),
                _ => (created, Some(created + account.random.i64(0..reach))),
            };
            account.put_conversation(created, updated);
            last_update = updated.unwrap_or(last_update);
        }
        for edge in &shape.edges {
            for at in [edge - 1, *edge, edge + 1] {
                account.add_conversation(at);
            }
        }
        let random = &mut account.random;
        account.agents = directory::agents(random, shape.agents);
        account.endusers = directory::endusers(random, shape.endusers);
        account.queues = directory::queues(random, shape.queues);
        account.tags = directory::tags(random, shape.tags);
        account.teams = directory::teams(random, shape.teams);
        account.settings = settings::lists(random);
        account
    }

    /// An account that answers every conversation export with so many records of about 2 KB, held nowhere.
    pub fn bulk(records_per_window: usize) -> Self {
        let shape = Shape {
            conversations: 0,
            ..Shape::default()
        };
        Self {
            bulk: Some(records_per_window),
            ..Self::seeded(1, &shape)
        }
    }

    /// A new conversation updated at exactly this time; returns its index.
    pub fn add_conversation(&mut self, at_ms: i64) -> usize {
        self.put_conversation(at_ms - 3_600_000, Some(at_ms));
        self.conversations.len() - 1
    }

    /// A conversation is updated: same id, new `updated_at`, other status, subject and tags.
    pub fn touch(&mut self, index: usize, at_ms: i64) {
        let row = &mut self.conversations[index];
        let status = if row.json.contains(r#""status":"closed""#) {
            "open"
        } else {
            "closed"
        };
        let changes = [
            ("updated_at", at_ms.to_string()),
            ("status", quoted(status)),
            ("subject", quoted(&format!("Changed at {at_ms} ✏️"))),
            ("tags", format!("[{}]", quoted(&format!("changed-{at_ms}")))),
        ];
        let json = changes
            .iter()
            .fold(row.json.to_string(), |json, (name, token)| {
                with_member(&json, name, token)
            });
        (row.at, row.json) = (at_ms, json.into());
    }

    pub fn rename_agent(&mut self, index: usize, name: &str) {
        let row = &mut self.agents[index];
        row.json = with_member(&row.json, "displayName", &quoted(name)).into();
    }

    /// Rows and distinct keys of every stream.
    pub fn counts(&self) -> BTreeMap<&'static str, (usize, usize)> {
        let streams = [
            ("conversations", &self.conversations),
            ("messages", &self.messages),
            ("agents", &self.agents),
            ("endusers", &self.endusers),
            ("queues", &self.queues),
            ("tags", &self.tags),
            ("teams", &self.teams),
        ];
        let distinct = |rows: &[Row]| {
            rows.iter()
                .map(|row| &row.key)
                .collect::<HashSet<_>>()
                .len()
        };
        let settings = self.settings.iter().map(|(name, rows)| (*name, rows));
        streams
            .into_iter()
            .chain(settings)
            .map(|(name, rows)| (name, (rows.len(), distinct(rows))))
            .collect()
    }

    fn put_conversation(&mut self, created: i64, updated: Option<i64>) {
        self.last_id += self.random.i64(1..4);
        let id = self.last_id.to_string();
        let oddities = if self.random.u8(..4) == 0 {
            Oddities::Some
        } else {
            Oddities::None
        };
        let json = Conversation {
            id: &id,
            created,
            updated,
            oddities,
        }
        .written(&mut self.random);
        let count = self.random.i64(1..4);
        let lived = created..updated.unwrap_or(created);
        let messages = message::messages(&mut self.random, &id, lived, count);
        self.messages.extend(messages);
        self.conversations.push(Row {
            key: id,
            at: updated.unwrap_or(created),
            json: json.into(),
        });
    }
}
