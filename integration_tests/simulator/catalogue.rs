//! The main API's lists, and what it gives by an id: paths, parameters, fields that may be left out, envelopes.

use serde_json::Value;

use super::account::{Account, Row};
use super::large::Kind;

/// One list of the main API, or what it gives by an id.
pub struct List {
    /// `{id}` stands for any id.
    pub path: &'static str,
    /// All rows, for the id in the path if there is one; `None` if nothing has that id.
    pub rows: fn(&Account, &str) -> Option<Vec<Row>>,
    /// Made up on the way, where the account says so.
    pub large: Option<Kind>,
    /// Whether it takes `pageLimit` and `pageKey`.
    pub paged: bool,
    /// Filters that exclude one another.
    pub filters: &'static [(&'static str, &'static str)],
    /// Other parameters.
    pub parameters: &'static [&'static str],
    /// Fields that may be left out.
    pub optional: &'static [&'static str],
    /// What stands around the rows.
    pub around: (&'static str, &'static str),
}

/// The envelope of lists (dixa-api.md 2.3: A).
const LIST: List = List {
    path: "",
    rows: |_, _| None,
    large: None,
    paged: false,
    filters: &[],
    parameters: &[],
    optional: &[],
    around: (r#"{"data":["#, "]"),
};

/// The envelope of a single thing (dixa-api.md 2.6: SPEC).
const ONE: List = List {
    around: (r#"{"data":"#, ""),
    ..LIST
};

fn setting(account: &Account, name: &str) -> Option<Vec<Row>> {
    account.settings.get(name).cloned()
}

/// The one of these with this id.
fn by_id(rows: &[Row], id: &str) -> Option<Vec<Row>> {
    let found = rows.iter().find(|row| row.key.trim_matches('"') == id);
    found.map(|row| vec![row.clone()])
}

/// Name and id of a schedule, which is all that its list has (dixa-api.md 2.6: SPEC).
fn brief(schedule: &Row) -> Row {
    let json: Value = serde_json::from_str(&schedule.json).unwrap_or_default();
    let brief = format!(r#"{{"name":{},"id":{}}}"#, json["name"], schedule.key);
    Row::new(&schedule.key, 0, &brief)
}

/// dixa-api.md 2.6 and 2.7, SPEC: paths, paging, filters, and which fields are optional.
pub const LISTS: &[List] = &[
    List {
        path: "/v1/agents",
        rows: |account, _| Some(account.agents.clone()),
        paged: true,
        filters: &[("email", "email"), ("phone", "phoneNumber")],
        optional: &[
            "avatarUrl",
            "phoneNumber",
            "additionalEmails",
            "additionalPhoneNumbers",
            "firstName",
            "lastName",
            "middleNames",
            "roles",
        ],
        ..LIST
    },
    List {
        path: "/v1/endusers",
        large: Some(Kind::Endusers),
        rows: |account, _| Some(account.endusers.clone()),
        paged: true,
        filters: &[
            ("email", "email"),
            ("phone", "phoneNumber"),
            ("externalId", "externalId"),
        ],
        optional: &[
            "displayName",
            "email",
            "phoneNumber",
            "additionalEmails",
            "additionalPhoneNumbers",
            "firstName",
            "lastName",
            "middleNames",
            "avatarUrl",
            "externalId",
        ],
        ..LIST
    },
    List {
        path: "/v1/queues",
        rows: |account, _| Some(account.queues.clone()),
        optional: &[
            "offerTimeout",
            "offeringAlgorithm",
            "memberListType",
            "usages",
            "wrapupTimeout",
            "priority",
            "offerAbandonedConversations",
            "isPreferredAgentEnabled",
            "preferredAgentTimeouts",
            "preferredAgentOfflineTimeout",
            "personalAgentOfflineTimeout",
            "isRestricted",
        ],
        ..LIST
    },
    List {
        path: TAGS,
        rows: |account, _| Some(account.tags.clone()),
        optional: &["color"],
        ..LIST
    },
    List {
        path: "/v1/teams",
        rows: |account, _| Some(account.teams.clone()),
        ..LIST
    },
    List {
        path: "/v1/custom-attributes",
        rows: |account, _| setting(account, "custom_attributes"),
        optional: &["description", "updatedAt"],
        ..LIST
    },
    List {
        path: "/v1/templates",
        rows: |account, _| setting(account, "templates"),
        paged: true,
        filters: &[("type", "_type")],
        optional: &["lastEditedBy", "lastEditedAt", "translations", "subject"],
        ..LIST
    },
    List {
        path: "/v1/knowledge/collections",
        rows: |account, _| setting(account, "knowledge_collections"),
        paged: true,
        optional: &["description"],
        ..LIST
    },
    List {
        path: "/v1/analytics/metrics",
        rows: |account, _| setting(account, "analytics_metrics"),
        paged: true,
        ..LIST
    },
    List {
        path: "/v1/analytics/records",
        rows: |account, _| setting(account, "analytics_records"),
        paged: true,
        ..LIST
    },
    List {
        path: ACTIVITY,
        rows: |account, _| Some(account.activity.clone()),
        large: Some(Kind::Activity),
        paged: true,
        parameters: &["fromDatetime", "toDatetime"],
        optional: &["author", "attributes"],
        ..LIST
    },
    List {
        path: "/v1/agents/presence",
        rows: |account, _| setting(account, "agent_presence"),
        optional: &["lastSeen", "presenceStatus", "activeChannels"],
        around: ("[", "]"),
        ..LIST
    },
    List {
        path: "/v1/teams/{id}/agents",
        rows: |account, id| account.members.get("team_members")?.get(id).cloned(),
        optional: &["name", "email", "phoneNumber"],
        ..LIST
    },
    List {
        path: "/v1/queues/{id}/members",
        rows: |account, id| account.members.get("queue_members")?.get(id).cloned(),
        optional: &["priority"],
        ..LIST
    },
    List {
        path: "/v1/contact-endpoints",
        rows: |account, _| setting(account, "contact_endpoints"),
        filters: &[("_type", "_type")],
        optional: &["name"],
        ..LIST
    },
    List {
        path: FLOWS,
        rows: |account, _| setting(account, "conversation_flows"),
        parameters: &["channel"],
        ..LIST
    },
    List {
        path: "/v1/webhooks",
        rows: |account, _| setting(account, "webhooks"),
        optional: &["subscribedEvents", "filters"],
        ..LIST
    },
    List {
        path: "/v1/business-hours/schedules",
        rows: |account, _| {
            let schedules = setting(account, "business_hours_schedules")?;
            Some(schedules.iter().map(brief).collect())
        },
        around: (r#"{"data":{"schedules":["#, "]}"),
        ..LIST
    },
    List {
        path: "/v1/business-hours/schedules/{id}/definition",
        rows: |account, id| by_id(&account.settings["business_hours_schedules"], id),
        optional: &["businessHours", "exceptions"],
        around: (r#"{"data":{"schedule":"#, "}"),
        ..LIST
    },
    List {
        path: "/v1/knowledge/collections/{id}/catalog",
        rows: |account, id| Some(vec![account.catalogs.get(id)?.clone()]),
        parameters: &["language"],
        ..ONE
    },
    List {
        path: "/v1/knowledge/categories/{id}",
        rows: |account, id| by_id(&account.settings["knowledge_categories"], id),
        parameters: &["language"],
        optional: &[
            "title",
            "isDefaultLocation",
            "parentCategory",
            "parentCollections",
        ],
        ..ONE
    },
    List {
        path: "/v1/knowledge/articles/{id}",
        rows: |account, id| by_id(&account.settings["knowledge_articles"], id),
        parameters: &["language"],
        optional: &[
            "isDefaultLocation",
            "tags",
            "indexedAt",
            "createdBy",
            "updatedBy",
            "ownedBy",
        ],
        ..ONE
    },
    List {
        path: "/v1/organization",
        rows: |account, _| setting(account, "organization"),
        optional: &["avatarUrl"],
        ..ONE
    },
];

pub const TAGS: &str = "/v1/tags";

pub const ACTIVITY: &str = "/v1/conversations/activitylog";
pub const FLOWS: &str = "/v1/conversations/flows";

/// The channels that the list of flows knows (SPEC); it is not all there are.
pub const CHANNELS_OF_FLOWS: &[&str] = &[
    "WhatsApp",
    "Voicemail",
    "WidgetChat",
    "FacebookMessenger",
    "Email",
    "ContactForm",
    "Callback",
    "PstnPhone",
    "Messenger",
];
