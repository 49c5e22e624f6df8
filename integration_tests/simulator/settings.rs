//! Records of what an organization has set up (dixa-api.md 2.7, SPEC): custom attributes, templates, knowledge, analytics.
//! Optional fields are left out on some rows.

use std::collections::BTreeMap;

use fastrand::Rng;

use super::account::Row;
use super::clock::iso_date;
use super::directory::keyed;
use super::json::{Object, one_of, quoted, uuid};

/// 2021-05-04.
const MADE_MS: i64 = 1_620_122_400_000;

type Rows = fn(&mut Rng) -> Vec<Row>;

/// What makes the rows of each list, by the name of the stream.
const LISTS: [(&str, Rows); 5] = [
    ("custom_attributes", |random| {
        keyed(random, 5, custom_attribute)
    }),
    ("templates", |random| keyed(random, 12, template)),
    ("knowledge_collections", |random| {
        keyed(random, 3, collection)
    }),
    ("analytics_metrics", |_| named(METRICS, metric)),
    ("analytics_records", |_| named(RECORDS, record)),
];

/// Each list without a row.
pub fn none() -> BTreeMap<&'static str, Vec<Row>> {
    LISTS.map(|(name, _)| (name, Vec::new())).into()
}

/// The rows of each list, by the name of the stream.
pub fn lists(random: &mut Rng) -> BTreeMap<&'static str, Vec<Row>> {
    LISTS.map(|(name, rows)| (name, rows(random))).into()
}

fn named(names: &[&str], fill: fn(&mut Object)) -> Vec<Row> {
    let row = |name: &&str| {
        let mut object = Object::new();
        object
            .text("id", name)
            .text("description", &format!("Counts {name}"))
            .raw(
                "filters",
                r#"[{"filterAttribute":"channel","description":"By channel"}]"#,
            );
        fill(&mut object);
        Row::new(&quoted(name), 0, &object.written())
    };
    names.iter().map(row).collect()
}

fn custom_attribute(object: &mut Object, random: &mut Rng, place: usize) {
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
        .text("identifier", &format!("attribute_{place}"))
        .text("label", &format!("Attribute {place} ø"))
        .raw(
            "inputDefinition",
            if place.is_multiple_of(2) {
                &select
            } else {
                text
            },
        );
    if random.bool() {
        object.text("description", "What it is for");
    }
    object.text("createdAt", &iso_date(MADE_MS));
    if random.bool() {
        object.text("updatedAt", &iso_date(MADE_MS + 60_000));
    }
    object
        .raw("isRequired", "false")
        .raw("isArchived", "false")
        .raw("isDeactivated", "false");
}

fn template(object: &mut Object, random: &mut Rng, place: usize) {
    let by = uuid(random);
    object
        .text("name", &format!("Template {place}"))
        .text("content", "<p>Hi {{name}},\n\"we\" are on it ✓</p>")
        .raw("createdBy", &by)
        .text("createdAt", &iso_date(MADE_MS));
    if random.bool() {
        object
            .raw("lastEditedBy", &by)
            .text("lastEditedAt", &iso_date(MADE_MS + 60_000))
            .raw(
                "translations",
                r#"[{"locale":"da","content":"Hej","isDeactivated":false,"subject":"Svar"}]"#,
            );
    }
    let kind = if place.is_multiple_of(3) {
        object.text("subject", "We got your message");
        "EmailAutoReply"
    } else {
        "QuickResponse"
    };
    object.text("_type", kind);
}

fn collection(object: &mut Object, random: &mut Rng, place: usize) {
    object.text("title", &format!("Collection {place}"));
    if random.bool() {
        object.text("description", "For everybody");
    }
    let restrictions = r#"{"isRestricted":false,"inheritedRestrictions":[]}"#;
    object
        .raw("internalKbEnabled", "true")
        .raw("restrictions", restrictions);
}

const METRICS: &[&str] = &["closed_conversations", "first_response_time", "csat"];
const RECORDS: &[&str] = &["ratings", "closed_conversations"];

fn metric(object: &mut Object) {
    let aggregations = r#"[{"measure":"Count","description":"How many"},{"measure":"Average","description":"On average"}]"#;
    object
        .raw("aggregations", aggregations)
        .raw("relatedRecordIds", r#"["ratings"]"#);
}

fn record(object: &mut Object) {
    let fields = r#"[{"field":"score","description":"The score","nullable":true}]"#;
    object
        .raw("relatedMetricIds", r#"["csat"]"#)
        .raw("fieldsMetadata", fields);
}
