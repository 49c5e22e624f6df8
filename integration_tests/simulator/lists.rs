//! The rules of the main API's lists: which there are, their parameters and filters.

use std::sync::Arc;

use super::World;
use super::account::{Account, Row};
use super::answer::{Answer, Body};
use super::pages::page;
use super::request::Request;
use super::rules::Refusal;
use super::switches::Absent;

/// One list of the main API.
struct List {
    path: &'static str,
    rows: fn(&Account) -> &Vec<Row>,
    /// Whether it takes `pageLimit` and `pageKey`.
    paged: bool,
    /// Filters that exclude one another.
    filters: &'static [(&'static str, &'static str)],
    /// Fields that may be left out.
    optional: &'static [&'static str],
}

/// dixa-api.md 2.6 and 2.7, SPEC: paths, paging, filters, and which fields are optional.
const LISTS: &[List] = &[
    List {
        path: "/v1/agents",
        rows: |account| &account.agents,
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
    },
    List {
        path: "/v1/endusers",
        rows: |account| &account.endusers,
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
    },
    List {
        path: "/v1/queues",
        rows: |account| &account.queues,
        paged: false,
        filters: &[],
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
    },
    List {
        path: TAGS,
        rows: |account| &account.tags,
        paged: false,
        filters: &[],
        optional: &["color"],
    },
    List {
        path: "/v1/teams",
        rows: |account| &account.teams,
        paged: false,
        filters: &[],
        optional: &[],
    },
    List {
        path: "/v1/custom-attributes",
        rows: |account| &account.settings["custom_attributes"],
        paged: false,
        filters: &[],
        optional: &["description", "updatedAt"],
    },
    List {
        path: "/v1/templates",
        rows: |account| &account.settings["templates"],
        paged: true,
        filters: &[("type", "_type")],
        optional: &["lastEditedBy", "lastEditedAt", "translations", "subject"],
    },
    List {
        path: "/v1/knowledge/collections",
        rows: |account| &account.settings["knowledge_collections"],
        paged: true,
        filters: &[],
        optional: &["description"],
    },
    List {
        path: "/v1/analytics/metrics",
        rows: |account| &account.settings["analytics_metrics"],
        paged: true,
        filters: &[],
        optional: &[],
    },
    List {
        path: "/v1/analytics/records",
        rows: |account| &account.settings["analytics_records"],
        paged: true,
        filters: &[],
        optional: &[],
    },
];

const TAGS: &str = "/v1/tags";

pub fn is_known(path: &str) -> bool {
    LISTS.iter().any(|list| list.path == path)
}

/// One page, or the whole of a list that is not paged.
pub fn answer(world: &World, request: &Request) -> Result<Answer, Refusal> {
    let Some(list) = LISTS.iter().find(|list| list.path == request.path) else {
        return Err(Refusal::new(
            404,
            "unknown path",
            "The requested resource could not be found",
        ));
    };
    if world.switches.strict_queries {
        documented_parameters(list, request)?;
    }
    exclusive_filters(list, request)?;
    let inactive_too = inactive_too(request)?;
    let account = world.account();
    let rows = (list.rows)(&account).iter();
    let rows = rows.filter(|row| {
        inactive_too || list.path != TAGS || !row.json.contains(r#""state":"Inactive""#)
    });
    let rows: Vec<&Row> = rows
        .filter(|row| matches_filter(list, request, row))
        .collect();
    let (page, meta) = if list.paged {
        page(world, request, &rows)?
    } else {
        (rows.as_slice(), String::new())
    };
    let rows = page
        .iter()
        .map(|row| with_absent(row, list.optional, world.switches.absent))
        .collect();
    let body = Body::Rows {
        opening: r#"{"data":["#,
        rows,
        closing: format!("]{meta}}}"),
    };
    Ok(Answer::new(200, "application/json", body))
}

/// Dixa is said to ignore unknown parameters (dixa-api.md 2.6: C, TAP); refused by switch.
fn documented_parameters(list: &List, request: &Request) -> Result<(), Refusal> {
    for (name, _) in &request.pairs {
        let of_paging = list.paged && matches!(name.as_str(), "pageLimit" | "pageKey");
        let of_tags = list.path == TAGS && name == "includeDeactivated";
        if !of_paging && !of_tags && list.filters.iter().all(|(filter, _)| filter != name) {
            return Err(Refusal::new(
                400,
                "undocumented parameter",
                "Decoding failure in request",
            ));
        }
    }
    Ok(())
}

/// More than one filter is refused (dixa-api.md 2.6: SPEC, "mutually exclusive").
fn exclusive_filters(list: &List, request: &Request) -> Result<(), Refusal> {
    let used = list
        .filters
        .iter()
        .filter(|(filter, _)| request.parameter(filter).is_some());
    if used.count() > 1 {
        return Err(Refusal::new(
            400,
            "exclusive filters",
            "Decoding failure in request",
        ));
    }
    Ok(())
}

fn matches_filter(list: &List, request: &Request, row: &Row) -> bool {
    list.filters.iter().all(|(filter, field)| {
        let wanted = request.parameter(filter);
        wanted.is_none_or(|wanted| row.json.contains(&format!(r#""{field}":"{wanted}""#)))
    })
}

/// `includeDeactivated`, a boolean; only active tags without it (dixa-api.md 2.6: SPEC, with the message of its 400).
fn inactive_too(request: &Request) -> Result<bool, Refusal> {
    match request.parameter("includeDeactivated") {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(_) => Err(Refusal::new(
            400,
            "includeDeactivated",
            "Invalid value in request",
        )),
    }
}

/// Optional fields are left out as stored, or written as null, by switch (dixa-api.md 2.3; doubt 11).
fn with_absent(row: &Row, optional: &[&str], absent: Absent) -> Arc<str> {
    let Some(open) = row
        .json
        .strip_suffix('}')
        .filter(|_| absent == Absent::Null)
    else {
        return Arc::clone(&row.json);
    };
    let missing = optional
        .iter()
        .filter(|name| !open.contains(&format!(r#""{name}":"#)));
    let nulls: Vec<String> = missing.map(|name| format!(r#","{name}":null"#)).collect();
    format!("{open}{}}}", nulls.concat()).into()
}
