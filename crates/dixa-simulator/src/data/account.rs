//! What a Dixa account holds, as the exact bytes to send. It is generated from a seed, and can change while the simulator
//! runs.

use std::collections::{BTreeMap, HashSet};

use fastrand::Rng;

use super::children::{CHILDREN, Child};
use super::conversation::{Conversation, Oddities};
use super::json::{quoted, replace_member};
use super::large::LargeLists;
use super::row::Row;
use super::{activity, directory, knowledge, message, settings};

/// Gives dependents random numbers of their own, so that adding to them leaves all else unchanged.
const DEPENDENTS_SEED: u64 = 0x5ca1_ab1e;

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
    /// The configuration of the account, by the name of the stream.
    pub settings: BTreeMap<&'static str, Vec<Row>>,
    pub activity: Vec<Row>,
    /// By the name of the stream and the id of the team or queue.
    pub members: BTreeMap<&'static str, BTreeMap<String, Vec<Row>>>,
    /// What each collection of the knowledge base holds, by its id.
    pub catalogs: BTreeMap<String, Row>,
    /// Very long lists, generated while they are sent.
    pub large: Option<LargeLists>,
    /// When set, every conversation export is answered with this many records, generated while they are sent.
    pub bulk: Option<usize>,
    oddities: Oddities,
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
    /// Whether every fourth conversation has undocumented fields, and one in twelve no `updated_at`: for tests, not for
    /// people who try the connector.
    pub oddities: Oddities,
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
            oddities: Oddities::Some,
        }
    }
}

impl Default for Account {
    fn default() -> Self {
        Self::seeded(1, &Shape::default())
    }
}

impl Account {
    /// An account without data.
    pub fn empty() -> Self {
        Self {
            conversations: Vec::new(),
            messages: Vec::new(),
            agents: Vec::new(),
            endusers: Vec::new(),
            queues: Vec::new(),
            tags: Vec::new(),
            teams: Vec::new(),
            settings: settings::empty(),
            activity: Vec::new(),
            members: BTreeMap::new(),
            catalogs: BTreeMap::new(),
            large: None,
            bulk: None,
            oddities: Oddities::Some,
            random: Rng::with_seed(0),
            last_id: 1000,
        }
    }

    /// The same account for the same seed and shape.
    pub fn seeded(seed: u64, shape: &Shape) -> Self {
        let mut account = Self {
            random: Rng::with_seed(seed),
            oddities: shape.oddities,
            ..Self::empty()
        };
        let mut last_update = shape.from_ms;
        for _ in 0..shape.conversations {
            let created = account.random.i64(shape.from_ms..shape.to_ms);
            let reach = (shape.to_ms - created).min(5 * 86_400_000);
            let (created, updated) = match account.random.u8(..24) {
                0 | 1 if shape.oddities == Oddities::Some => (created, None),
                0 | 1 => (created, Some(created)),
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
        account.settings = settings::seeded(random);
        account.fill_dependents(Rng::with_seed(seed ^ DEPENDENTS_SEED));
        account
    }

    /// What depends on the rest: presence, members, and the catalogs of the knowledge base.
    fn fill_dependents(&mut self, mut random: Rng) {
        let presence = directory::presence(&mut random, &self.agents);
        self.settings.insert("agent_presence", presence);
        let lists = self.rows();
        let members = CHILDREN
            .iter()
            .map(|child| (child.stream, (child.rows)(&lists)));
        self.members = members.collect();
        let [collections, categories, articles] = [
            "knowledge_collections",
            "knowledge_categories",
            "knowledge_articles",
        ]
        .map(|name| self.settings[name].as_slice());
        self.catalogs = knowledge::catalogs(collections, categories, articles);
    }

    /// An account that answers every conversation export with this many records of about 2 KB, without holding them.
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
                replace_member(&json, name, token)
            });
        (row.at, row.json) = (at_ms, json.into());
        self.activity.extend(activity::entries(&row.key, &[at_ms]));
    }

    pub fn rename_agent(&mut self, index: usize, name: &str) {
        let row = &mut self.agents[index];
        row.json = replace_member(&row.json, "displayName", &quoted(name)).into();
    }

    /// The rows of every stream as its reader should see them: members with their parent's id as the first field.
    pub fn rows(&self) -> BTreeMap<&'static str, Vec<Row>> {
        let mut rows = BTreeMap::from([
            ("conversations", self.conversations.clone()),
            ("messages", self.messages.clone()),
            ("activity_logs", self.activity.clone()),
            ("agents", self.agents.clone()),
            ("endusers", self.endusers.clone()),
            ("queues", self.queues.clone()),
            ("tags", self.tags.clone()),
            ("teams", self.teams.clone()),
        ]);
        let children = CHILDREN
            .iter()
            .map(|child| (child.stream, self.children(child)));
        rows.extend(children);
        rows.extend(self.settings.clone());
        rows
    }

    fn children(&self, Child { stream, field, .. }: &Child) -> Vec<Row> {
        let lists = self.members.get(stream).into_iter().flatten();
        let child = |parent: &str, row: &Row| {
            let json = row
                .json
                .replacen('{', &format!(r#"{{"{field}":"{parent}","#), 1);
            Row::new(&format!("{parent} {}", row.key), 0, &json)
        };
        lists
            .flat_map(|(parent, rows)| rows.iter().map(move |row| child(parent, row)))
            .collect()
    }

    /// Rows and distinct keys of every stream.
    pub fn counts(&self) -> BTreeMap<&'static str, (usize, usize)> {
        let distinct = |rows: &[Row]| {
            let keys: HashSet<_> = rows.iter().map(|row| &row.key).collect();
            keys.len()
        };
        let rows = self.rows().into_iter();
        rows.map(|(name, rows)| (name, (rows.len(), distinct(&rows))))
            .collect()
    }

    fn put_conversation(&mut self, created: i64, updated: Option<i64>) {
        self.last_id += self.random.i64(1..4);
        let id = self.last_id.to_string();
        let oddities = match self.random.u8(..4) {
            0 => self.oddities,
            _ => Oddities::None,
        };
        let json = Conversation {
            id: &id,
            created,
            updated,
            oddities,
        }
        .to_json(&mut self.random);
        let count = self.random.i64(1..4);
        let lived = created..updated.unwrap_or(created);
        let messages = message::messages(&mut self.random, &id, lived.clone(), count);
        self.messages.extend(messages);
        let times = [created, i64::midpoint(lived.start, lived.end), lived.end];
        self.activity.extend(activity::entries(&id, &times));
        self.conversations.push(Row {
            key: id,
            at: updated.unwrap_or(created),
            json: json.into(),
        });
    }
}
