//! The main API's endpoints as a table: paths, parameters, fields that may be left out, envelopes.

use serde_json::Value;

use crate::data::account::Account;
use crate::data::large::LargeList;
use crate::data::row::Row;

/// One endpoint of the main API: a list, or a single thing by its id.
pub struct Endpoint {
    /// `{id}` stands for any id.
    pub path: &'static str,
    /// All rows, for the id in the path if there is one; `None` if nothing has that id.
    pub rows: fn(&Account, &str) -> Option<Vec<Row>>,
    /// Which of the generated lists it serves, where the account has one.
    pub large: Option<LargeList>,
    /// Whether it takes `pageLimit` and `pageKey`.
    pub paged: bool,
    /// Filters that exclude one another.
    pub filters: &'static [(&'static str, &'static str)],
    /// Other parameters.
    pub parameters: &'static [&'static str],
    /// Fields that may be left out.
    pub optional: &'static [&'static str],
    /// The status for an id that nothing has.
    pub unknown_id: u16,
    /// What is written before and after the rows.
    pub envelope: (&'static str, &'static str),
}

/// The envelope of lists (docs/dixa-api.md 2.3: A).
const LIST: Endpoint = Endpoint {
    path: "",
    rows: |_, _| None,
    large: None,
    paged: false,
    filters: &[],
    parameters: &[],
    optional: &[],
    unknown_id: 404,
    envelope: (r#"{"data":["#, "]"),
};

/// The envelope of a single thing (docs/dixa-api.md 2.6: SPEC).
const SINGLE: Endpoint = Endpoint {
    envelope: (r#"{"data":"#, ""),
    ..LIST
};

fn setting(account: &Account, name: &str) -> Option<Vec<Row>> {
    account.settings.get(name).cloned()
}

/// The one row with this id.
fn by_id(rows: &[Row], id: &str) -> Option<Vec<Row>> {
    let found = rows.iter().find(|row| row.id() == id);
    found.map(|row| vec![row.clone()])
}

/// Name and id of a schedule, which is all that the list of schedules has (docs/dixa-api.md 2.6: SPEC).
fn name_and_id(schedule: &Row) -> Row {
    let record: Value = serde_json::from_str(&schedule.json).unwrap_or_default();
    let json = format!(r#"{{"name":{},"id":{}}}"#, record["name"], schedule.key);
    Row::new(&schedule.key, 0, &json)
}

/// docs/dixa-api.md 2.6 and 2.7, SPEC: paths, paging, filters, and which fields are optional.
pub const ENDPOINTS: &[Endpoint] = &[
    Endpoint {
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
    Endpoint {
        path: "/v1/endusers",
        large: Some(LargeList::Endusers),
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
    Endpoint {
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
    Endpoint {
        path: TAGS,
        rows: |account, _| Some(account.tags.clone()),
        optional: &["color"],
        ..LIST
    },
    Endpoint {
        path: "/v1/teams",
        rows: |account, _| Some(account.teams.clone()),
        ..LIST
    },
    Endpoint {
        path: "/v1/custom-attributes",
        rows: |account, _| setting(account, "custom_attributes"),
        optional: &["description", "updatedAt"],
        ..LIST
    },
    Endpoint {
        path: "/v1/templates",
        rows: |account, _| setting(account, "templates"),
        paged: true,
        filters: &[("type", "_type")],
        optional: &["lastEditedBy", "lastEditedAt", "translations", "subject"],
        ..LIST
    },
    Endpoint {
        path: "/v1/knowledge/collections",
        rows: |account, _| setting(account, "knowledge_collections"),
        paged: true,
        optional: &["description"],
        ..LIST
    },
    Endpoint {
        path: "/v1/analytics/metrics",
        rows: |account, _| setting(account, "analytics_metrics"),
        paged: true,
        ..LIST
    },
    Endpoint {
        path: METRIC_RECORDS,
        rows: |account, _| setting(account, "analytics_records"),
        paged: true,
        ..LIST
    },
    Endpoint {
        path: "/v1/analytics/filter/{id}",
        rows: |account, attribute| account.filter_values(attribute),
        paged: true,
        optional: &["label"],
        ..LIST
    },
    Endpoint {
        path: ACTIVITY,
        rows: |account, _| Some(account.activity.clone()),
        large: Some(LargeList::Activity),
        paged: true,
        parameters: &["fromDatetime", "toDatetime"],
        optional: &["author", "attributes"],
        ..LIST
    },
    Endpoint {
        path: "/v1/agents/presence",
        rows: |account, _| setting(account, "agent_presence"),
        optional: &["lastSeen", "presenceStatus", "activeChannels"],
        envelope: ("[", "]"),
        ..LIST
    },
    Endpoint {
        path: "/v1/teams/{id}/agents",
        rows: |account, id| account.members.get("team_members")?.get(id).cloned(),
        optional: &["name", "email", "phoneNumber"],
        // The only error of an id that is documented (docs/dixa-api.md 2.6: SPEC).
        unknown_id: 400,
        ..LIST
    },
    Endpoint {
        path: "/v1/queues/{id}/members",
        rows: |account, id| account.members.get("queue_members")?.get(id).cloned(),
        optional: &["priority"],
        ..LIST
    },
    Endpoint {
        path: "/v1/contact-endpoints",
        rows: |account, _| setting(account, "contact_endpoints"),
        filters: &[("_type", "_type")],
        optional: &["name"],
        ..LIST
    },
    Endpoint {
        path: FLOWS,
        rows: |account, _| setting(account, "conversation_flows"),
        parameters: &["channel"],
        ..LIST
    },
    Endpoint {
        path: "/v1/webhooks",
        rows: |account, _| setting(account, "webhooks"),
        optional: &["subscribedEvents", "filters"],
        ..LIST
    },
    Endpoint {
        path: "/v1/business-hours/schedules",
        rows: |account, _| {
            let schedules = setting(account, "business_hours_schedules")?;
            Some(schedules.iter().map(name_and_id).collect())
        },
        envelope: (r#"{"data":{"schedules":["#, "]}"),
        ..LIST
    },
    Endpoint {
        path: "/v1/business-hours/schedules/{id}/definition",
        rows: |account, id| by_id(&account.settings["business_hours_schedules"], id),
        optional: &["businessHours", "exceptions"],
        envelope: (r#"{"data":{"schedule":"#, "}"),
        ..LIST
    },
    Endpoint {
        path: "/v1/knowledge/collections/{id}/catalog",
        rows: |account, id| Some(vec![account.catalogs.get(id)?.clone()]),
        parameters: &["language"],
        ..SINGLE
    },
    Endpoint {
        path: "/v1/knowledge/categories/{id}",
        rows: |account, id| by_id(&account.settings["knowledge_categories"], id),
        parameters: &["language"],
        optional: &[
            "title",
            "isDefaultLocation",
            "parentCategory",
            "parentCollections",
        ],
        ..SINGLE
    },
    Endpoint {
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
        ..SINGLE
    },
    Endpoint {
        path: "/v1/organization",
        rows: |account, _| setting(account, "organization"),
        optional: &["avatarUrl"],
        ..SINGLE
    },
];

/// A GET is answered with the catalogue, a POST with the rows of one of its ids.
pub const METRIC_RECORDS: &str = "/v1/analytics/records";
pub const TAGS: &str = "/v1/tags";
pub const ACTIVITY: &str = "/v1/conversations/activitylog";
pub const FLOWS: &str = "/v1/conversations/flows";

/// The channels that the list of flows accepts (SPEC); there are others.
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
