//! What a Dixa account holds, as the exact bytes to send. It is generated from a seed, and can change while the simulator
//! runs.

use std::collections::{BTreeMap, HashSet};

use fastrand::Rng;

use super::cast::Cast;
use super::children::{CHILDREN, Child};
use super::conversation::{self, Oddities};
use super::hours::busy_instant;
use super::json::{quoted, replace_member};
use super::large::LargeLists;
use super::metric_record::MetricRecord;
use super::plot::{self, StoryEnd};
use super::row::Row;
use super::story::Story;
use super::{activity, analytics, directory, knowledge, message, settings};

/// Gives dependents random numbers of their own, so that adding to them leaves all else unchanged.
const DEPENDENTS_SEED: u64 = 0x5ca1_ab1e;

/// How long ago a new conversation began: within the lookback that readers are advised to have, so that they see its messages.
const NEW_MS: i64 = 45 * 60_000;

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
    /// The rows of analytics by the id of their kind, in the order in which they came to be.
    pub analytics: BTreeMap<String, Vec<MetricRecord>>,
    /// By the name of the stream and the id of the team or queue.
    pub members: BTreeMap<&'static str, BTreeMap<String, Vec<Row>>>,
    /// What each collection of the knowledge base holds, by its id.
    pub catalogs: BTreeMap<String, Row>,
    /// Very long lists, generated while they are sent.
    pub large: Option<LargeLists>,
    /// When set, every conversation export is answered with this many records, generated while they are sent.
    pub bulk: Option<usize>,
    /// What the conversations, messages and entries of the activity log tell, in order of their ids.
    pub stories: Vec<Story>,
    /// The agents, end users, queues and tags that the stories are about.
    pub cast: Cast,
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
            analytics: BTreeMap::new(),
            members: BTreeMap::new(),
            catalogs: BTreeMap::new(),
            large: None,
            bulk: None,
            stories: Vec::new(),
            cast: Cast::default(),
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
        let random = &mut account.random;
        account.agents = directory::agents(random, shape.agents);
        account.endusers = directory::endusers(random, shape.endusers);
        account.queues = directory::queues(random, shape.queues);
        account.tags = directory::tags(random, shape.tags);
        account.teams = directory::teams(random, shape.teams);
        account.settings = settings::seeded(random);
        account.cast = Cast::new(
            &account.agents,
            &account.endusers,
            &account.queues,
            &account.tags,
        );
        account.fill_dependents(Rng::with_seed(seed ^ DEPENDENTS_SEED));
        for story in account.made_up(shape) {
            account.put(story);
        }
        for edge in &shape.edges {
            for at in [edge - 1, *edge, edge + 1] {
                account.add_conversation(at);
            }
        }
        account
    }

    /// The stories of the account's days, by their beginning. Nights and weekends are quieter; some stories end at the same
    /// millisecond, and some when they begin.
    fn made_up(&mut self, shape: &Shape) -> Vec<Story> {
        let Shape { from_ms, to_ms, .. } = *shape;
        let mut last_update = (from_ms + 60_000).min(to_ms - 1);
        let mut stories = Vec::with_capacity(shape.conversations);
        for _ in 0..shape.conversations {
            let random = &mut self.random;
            let created = busy_instant(random, from_ms, to_ms);
            let (created, end) = match random.u8(..24) {
                0 | 1 => (created, StoryEnd::AtOnce),
                2..=4 => (last_update - 60_000, StoryEnd::At(last_update)),
                _ => (created, StoryEnd::Before(to_ms)),
            };
            let mut story = plot::story(random, &self.cast, created, end);
            story.hides_update =
                matches!(end, StoryEnd::AtOnce) && shape.oddities == Oddities::Some;
            last_update = story.updated().unwrap_or(last_update);
            stories.push(story);
        }
        stories.sort_by_key(Story::created);
        stories
    }

    /// What depends on the other lists: presence, members, and the catalogs of the knowledge base.
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
        let end = StoryEnd::At(at_ms);
        let story = plot::story(&mut self.random, &self.cast, at_ms - NEW_MS, end);
        self.put(story);
        self.conversations.len() - 1
    }

    /// A conversation is updated: it is reopened by its customer, or answered and closed by an agent.
    ///
    /// # Panics
    /// When the conversation was not made here.
    pub fn touch(&mut self, index: usize, at_ms: i64) {
        let id = self.conversations[index].key.parse();
        let stories = &mut self.stories;
        let place = id.map(|id| stories.binary_search_by_key(&id, |story: &Story| story.id));
        let Ok(Ok(place)) = place else {
            panic!("conversation {index} has no story");
        };
        let told = stories[place].events.len();
        let story = stories[place].clone();
        stories[place] = plot::touch(&mut self.random, &self.cast, story, at_ms);
        self.tell(place, told);
        self.conversations[index] = self.conversation(place);
    }

    /// Adds the messages, entries and rows of analytics of a story's events from this one on.
    fn tell(&mut self, place: usize, from: usize) {
        let story = &self.stories[place];
        let messages = message::messages(story, &self.cast, from);
        self.messages.extend(messages);
        let entries = activity::entries(story, &self.cast, from);
        self.activity.extend(entries);
        for (kind, row) in analytics::metrics(story, &self.cast, from) {
            self.analytics.entry(kind.to_owned()).or_default().push(row);
        }
    }

    fn conversation(&self, place: usize) -> Row {
        let story = &self.stories[place];
        let json = conversation::render(story, &self.cast, self.oddities);
        let at = story.updated().unwrap_or_else(|| story.created());
        Row::new(&story.id.to_string(), at, &json)
    }

    pub fn rename_agent(&mut self, index: usize, name: &str) {
        let row = &mut self.agents[index];
        row.json = replace_member(&row.json, "displayName", &quoted(name)).into();
        if let Some(agent) = self.cast.agents.get_mut(index) {
            agent.name = quoted(name);
        }
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
        rows.insert("analytics_record_data", self.numbered_metrics());
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

    /// The next conversation.
    fn put(&mut self, mut story: Story) {
        self.last_id += 1;
        story.id = self.last_id;
        story.events.shrink_to_fit();
        let place = self.stories.len();
        self.stories.push(story);
        self.tell(place, 0);
        self.conversations.push(self.conversation(place));
    }
}
