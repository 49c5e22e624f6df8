//! Records of what an organization has set up (docs/dixa-api.md 2.7, SPEC): custom attributes,
//! templates, flows, webhooks, hours, knowledge, analytics. Optional fields are left out on some
//! rows.

use std::collections::BTreeMap;

use fastrand::Rng;

use super::analytics;
use super::clock::iso_date;
use super::directory::rows_with_ids;
use super::json::{Object, one_of, quoted, uuid};
use super::knowledge;
use super::row::Row;

/// 2021-05-04.
const CREATED_MS: i64 = 1_620_122_400_000;

type Rows = fn(&mut Rng) -> Vec<Row>;

/// What makes the rows of each list, by the name of the stream.
const LISTS: [(&str, Rows); 13] = [
    ("custom_attributes", |random| {
        rows_with_ids(random, 5, custom_attribute)
    }),
    ("templates", |random| rows_with_ids(random, 12, template)),
    ("knowledge_collections", |random| {
        rows_with_ids(random, 3, collection)
    }),
    ("analytics_metrics", |_| {
        METRICS.iter().map(metric).collect()
    }),
    ("analytics_records", |_| analytics::catalogue()),
    ("contact_endpoints", |_| endpoints()),
    ("conversation_flows", flows),
    ("webhooks", |random| rows_with_ids(random, 4, webhook)),
    ("business_hours_schedules", |random| {
        rows_with_ids(random, 3, schedule)
    }),
    ("knowledge_categories", knowledge::categories),
    ("knowledge_articles", knowledge::articles),
    ("organization", |random| {
        rows_with_ids(random, 1, organization)
    }),
    ("agent_presence", |_| Vec::new()),
];

/// Every list empty, except that there is always an organization.
pub fn empty() -> BTreeMap<&'static str, Vec<Row>> {
    let mut lists = BTreeMap::from(LISTS.map(|(name, _)| (name, Vec::new())));
    lists.insert(
        "organization",
        rows_with_ids(&mut Rng::with_seed(0), 1, organization),
    );
    lists
}

/// The rows of each list, by the name of the stream.
pub fn seeded(random: &mut Rng) -> BTreeMap<&'static str, Vec<Row>> {
    LISTS.map(|(name, rows)| (name, rows(random))).into()
}

/// Both members of the union; they have no id (docs/dixa-api.md 2.6: SPEC).
fn endpoints() -> Vec<Row> {
    let email = |index: usize| {
        let address = quoted(&format!("support.{index}@example.org"));
        let name = if index == 1 {
            ""
        } else {
            r#""name":"Support ✉","#
        };
        let json = format!(r#"{{"address":{address},{name}"_type":"EmailEndpoint"}}"#);
        Row::new(&address, 0, &json)
    };
    let telephone = |index: usize| {
        let number = quoted(&format!("+4531{index:06}"));
        let json = format!(
            r#"{{"number":{number},"functionality":["VoiceInbound","VoiceOutbound"],"name":"DK","_type":"TelephonyEndpoint"}}"#
        );
        Row::new(&number, 0, &json)
    };
    (0..3).map(email).chain((0..2).map(telephone)).collect()
}

fn flows(random: &mut Rng) -> Vec<Row> {
    let channels = ["PstnPhone", "PstnPhone", "Email", "WidgetChat", "Messenger"];
    let flow = |channel: &&str| {
        let id = uuid(random);
        let mut object = Object::new();
        object
            .raw("id", &id)
            .text("name", &format!("Default {channel} flow"))
            .text("channel", channel)
            .text("contactEndpointId", "+559912443333");
        Row::new(&format!("{id} {channel}"), 0, &object.finish())
    };
    channels.iter().map(flow).collect()
}

/// The secret key of every webhook. It is in no other field.
pub const SECRET_KEY: &str = "4g4h988p468g785965b780684bde5546c52gge658d76b4q33fb69c526ea4bdbc";
pub const HEADER: &str = "Basic d2ViaG9va191c2VyOndlYmhvb2tfcGFzc3dvcmQ=";

fn webhook(object: &mut Object, random: &mut Rng, index: usize) {
    let headers = match index {
        0 => "{}".to_owned(),
        1 => format!(r#"{{"Authorization":"{HEADER}","X-\"Other\"\u00e9":"{HEADER}\n"}}"#),
        _ => format!(r#"{{"Authorization":"{HEADER}"}}"#),
    };
    object.text("name", &format!("Dashboard {index}"));
    if random.bool() {
        object.raw(
            "subscribedEvents",
            r#"["ConversationCreated","ConversationClosed"]"#,
        );
    }
    let by = uuid(random);
    object
        .text("url", &format!("https://example.org/webhook/{index}"))
        .raw("headers", &headers)
        .text("secretKey", SECRET_KEY)
        .raw("enabled", "true")
        .text("createdAt", &iso_date(CREATED_MS))
        .raw("createdBy", &by)
        .text("updatedAt", &iso_date(CREATED_MS + 60_000))
        .raw("updatedBy", &by);
    if index.is_multiple_of(2) {
        object.raw(
            "filters",
            r#"{"Conversation":{"strategy":"All","conditions":[{"field":"InitialChannel","values":["email","pstn_phone"],"_type":"IsOneOf"}],"_type":"CombinedFilters"}}"#,
        );
    }
}

/// A whole definition (SPEC's example); the list has only its `name` and `id`.
fn schedule(object: &mut Object, random: &mut Rng, index: usize) {
    object
        .text("name", &format!("Schedule {index}"))
        .text("timezone", "Europe/Copenhagen");
    if random.bool() {
        object.raw(
            "businessHours",
            r#"[{"name":"Monday","dayOfWeek":1,"businessHourType":"Regular","status":"Open","intervals":[{"startTime":"08:00","endTime":"16:00"}],"startDate":"2026-01-05"}]"#,
        );
    }
    object.raw(
        "exceptions",
        r#"[{"name":"New Year","businessHourType":"Holiday","status":"Closed","intervals":[],"recurring":{"dayOfMonth":1,"monthOfYear":1},"startDate":"2026-01-01"}]"#,
    );
}

fn organization(object: &mut Object, _: &mut Rng, _: usize) {
    object
        .text("name", "Example Organization ø")
        .text("subdomain", "example-org")
        .text("status", "Active");
}

fn custom_attribute(object: &mut Object, random: &mut Rng, index: usize) {
    let option = uuid(random);
    let nested = uuid(random);
    let select = format!(
        r#"{{"options":[{{"id":{option},"label":"Late","value":"late","nestedOptions":[{{"id":{nested},"label":"Very","value":"very","nestedOptions":[],"isDeactivated":false,"orderIndex":0}}],"isDeactivated":false,"orderIndex":0}}],"_type":"Select"}}"#
    );
    let text = r#"{"placeholder":"Order number","_type":"Text"}"#;
    object
        .raw(
            "entityType",
            one_of(random, &[r#""Contact""#, r#""Conversation""#]),
        )
        .text("identifier", &format!("attribute_{index}"))
        .text("label", &format!("Attribute {index} ø"))
        .raw(
            "inputDefinition",
            if index.is_multiple_of(2) {
                &select
            } else {
                text
            },
        );
    if random.bool() {
        object.text("description", "What it is for");
    }
    object.text("createdAt", &iso_date(CREATED_MS));
    if random.bool() {
        object.text("updatedAt", &iso_date(CREATED_MS + 60_000));
    }
    object
        .raw("isRequired", "false")
        .raw("isArchived", "false")
        .raw("isDeactivated", "false");
}

fn template(object: &mut Object, random: &mut Rng, index: usize) {
    let by = uuid(random);
    object
        .text("name", &format!("Template {index}"))
        .text("content", "<p>Hi {{name}},\n\"we\" are on it ✓</p>")
        .raw("createdBy", &by)
        .text("createdAt", &iso_date(CREATED_MS));
    if random.bool() {
        object
            .raw("lastEditedBy", &by)
            .text("lastEditedAt", &iso_date(CREATED_MS + 60_000))
            .raw(
                "translations",
                r#"[{"locale":"da","content":"Hej","isDeactivated":false,"subject":"Svar"}]"#,
            );
    }
    let kind = if index.is_multiple_of(3) {
        object.text("subject", "We got your message");
        "EmailAutoReply"
    } else {
        "QuickResponse"
    };
    object.text("_type", kind);
}

fn collection(object: &mut Object, random: &mut Rng, index: usize) {
    object.text("title", &format!("Collection {index}"));
    if random.bool() {
        object.text("description", "For everybody");
    }
    let restrictions = r#"{"isRestricted":false,"inheritedRestrictions":[]}"#;
    object
        .raw("internalKbEnabled", "true")
        .raw("restrictions", restrictions);
}

const METRICS: &[&str] = &["closed_conversations", "first_response_time", "csat"];

fn metric(name: &&str) -> Row {
    let aggregations = r#"[{"measure":"Count","description":"How many"},{"measure":"Average","description":"On average"}]"#;
    let mut object = Object::new();
    object
        .text("id", name)
        .text("description", &format!("Counts {name}"))
        .raw(
            "filters",
            r#"[{"filterAttribute":"channel","description":"By channel"}]"#,
        )
        .raw("aggregations", aggregations)
        .raw("relatedRecordIds", r#"["ratings"]"#);
    Row::new(&quoted(name), 0, &object.finish())
}
