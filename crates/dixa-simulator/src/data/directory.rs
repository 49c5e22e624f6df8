//! Records of the main API's lists (docs/dixa-api.md 2.7, SPEC's examples for the order). Optional
//! fields are left out on some rows.

use fastrand::Rng;

use super::clock::{iso_date, local_date_ms};
use super::json::{Object, one_of, uuid};
use super::row::Row;
use super::texts::{NAMES, QUEUE_NAMES, TAG_NAMES};

/// 2020-12-16, as in SPEC's examples.
const FIRST_CREATED_MS: i64 = 1_608_111_703_000;

pub fn agents(random: &mut Rng, count: usize) -> Vec<Row> {
    rows(random, count, |object, random, index| {
        object
            .text("displayName", &format!("Agent {index}"))
            .text("email", &format!("agent.{index}@example.org"));
        if random.bool() {
            object.text(
                "avatarUrl",
                &format!("https://files.dixa.io/public/image_{index}_id"),
            );
        }
        if random.bool() {
            object.text("phoneNumber", &format!("+4511{index:06}"));
        }
        object
            .raw("additionalEmails", "[]")
            .raw("additionalPhoneNumbers", "[]");
        if random.bool() {
            object
                .raw("firstName", one_of(random, NAMES))
                .raw("lastName", one_of(random, NAMES));
        }
        object.raw("middleNames", "[]").raw(
            "roles",
            one_of(random, &[r#"["Agent"]"#, r#"["Admin","TeamLead"]"#]),
        );
    })
}

/// One of these names, and others where there are not enough.
fn known_or(known: &[&str], index: usize, other: fn(usize) -> String) -> String {
    let known = known.get(index).map(|name| (*name).to_owned());
    known.unwrap_or_else(|| other(index))
}

/// Custom attributes are not part of this list (docs/dixa-api.md 2.6: SPEC).
pub fn endusers(random: &mut Rng, count: usize) -> Vec<Row> {
    rows(random, count, |object, random, index| {
        if random.u8(..5) > 0 {
            object
                .raw("displayName", one_of(random, NAMES))
                .text("email", &format!("enduser.{index}@example.org"));
        }
        if random.bool() {
            object
                .text("phoneNumber", &format!("+4522{index:06}"))
                .raw("firstName", one_of(random, NAMES));
        }
        object.raw(
            "additionalEmails",
            &format!(r#"["other.{index}@example.com"]"#),
        );
        object
            .raw("additionalPhoneNumbers", "[]")
            .raw("middleNames", r#"["van","der"]"#);
        if random.bool() {
            object.text("externalId", &format!("#{index:08}"));
        }
    })
}

fn rows(random: &mut Rng, count: usize, fill: impl Fn(&mut Object, &mut Rng, usize)) -> Vec<Row> {
    rows_with_ids(random, count, |object, random, index| {
        let created = FIRST_CREATED_MS + random.i64(0..100_000_000_000);
        object.text("createdAt", &iso_date(created));
        fill(object, random, index);
    })
}

/// `count` rows with a random id, and the fields that `fill` adds.
pub fn rows_with_ids(
    random: &mut Rng,
    count: usize,
    fill: impl Fn(&mut Object, &mut Rng, usize),
) -> Vec<Row> {
    let row = |index| {
        let key = uuid(random);
        let mut object = Object::new();
        object.raw("id", &key);
        fill(&mut object, random, index);
        Row::new(&key, 0, &object.finish())
    };
    (0..count).map(row).collect()
}

pub fn queues(random: &mut Rng, count: usize) -> Vec<Row> {
    let organization = uuid(random);
    let row = |index: usize| {
        let key = uuid(random);
        let mut object = Object::new();
        object
            .raw("id", &key)
            .text(
                "name",
                &known_or(QUEUE_NAMES, index, |index| format!("Queue {index} ☎")),
            )
            .raw("isDefault", if index == 0 { "true" } else { "false" })
            .raw("organizationId", &organization)
            .raw("queueThresholds", r#"{"SlaPercentage":10}"#)
            .text("slaCalculationMethod", "AbandonedIgnored");
        if random.bool() {
            offering(&mut object, &key);
        }
        object
            .raw("doNotOfferTimeouts", r#"{"WidgetChat":1}"#)
            .raw("isDoNotOfferEnabled", "true");
        if random.bool() {
            preferences(&mut object);
        }
        Row::new(&key, 0, &object.finish())
    };
    (0..count).map(row).collect()
}

fn offering(object: &mut Object, key: &str) {
    let usages = r#"{"WidgetChat":[],"PstnPhone":["+4589977790"],"Email":["info@mycorp.dixa.io"]}"#;
    let usages = format!(r#"{{"queueId":{key},"usages":{usages}}}"#);
    object
        .raw("offerTimeout", "10")
        .text("offeringAlgorithm", "OneAtATimeRandom")
        .text("memberListType", "SkillBased")
        .raw("usages", &usages)
        .raw("wrapupTimeout", "10")
        .raw("priority", "1")
        .raw("offerAbandonedConversations", "false");
}

fn preferences(object: &mut Object) {
    let timeouts = r#"{"WhatsApp":300,"Email":43200}"#;
    object
        .raw("isPreferredAgentEnabled", "false")
        .raw("preferredAgentTimeouts", timeouts)
        .raw("preferredAgentOfflineTimeout", "500")
        .raw("personalAgentOfflineTimeout", "500")
        .raw("isRestricted", "false");
}

/// Every fourth is Inactive, which only `includeDeactivated=true` shows (docs/dixa-api.md 2.6:
/// SPEC).
pub fn tags(random: &mut Rng, count: usize) -> Vec<Row> {
    rows_with_ids(random, count, |object, random, index| {
        object.text(
            "name",
            &known_or(TAG_NAMES, index, |index| format!("tag {index} 🏷")),
        );
        if random.bool() {
            object.text("color", &format!("#{:06x}", random.u32(..0x100_0000)));
        }
        object.text("state", if index % 4 == 3 { "Inactive" } else { "Active" });
    })
}

pub fn teams(random: &mut Rng, count: usize) -> Vec<Row> {
    rows_with_ids(random, count, |object, _, index| {
        object.text("name", &format!("Team {index}"));
    })
}

/// The state of each agent at one moment (docs/dixa-api.md 2.4 for the times).
pub fn presence(random: &mut Rng, agents: &[Row]) -> Vec<Row> {
    let row = |agent: &Row| {
        let mut object = Object::new();
        object
            .raw("userId", &agent.key)
            .text("requestTime", &local_date_ms(FIRST_CREATED_MS));
        let is_online = random.bool();
        if is_online {
            object
                .text("lastSeen", &local_date_ms(FIRST_CREATED_MS - 1000))
                .text("presenceStatus", "Working");
        }
        object.text(
            "connectionStatus",
            if is_online { "Online" } else { "Offline" },
        );
        if is_online {
            object.raw("activeChannels", r#"["Email","PstnPhone"]"#);
        }
        Row::new(&agent.key, 0, &object.finish())
    };
    agents.iter().map(row).collect()
}
