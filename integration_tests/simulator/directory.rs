//! Records of the main API's lists (dixa-api.md 2.7, SPEC's examples for the order). Optional fields are left out on some rows.

use std::collections::BTreeMap;

use fastrand::Rng;

use super::account::Row;
use super::clock::{iso_date, local_date_ms};
use super::conversation::NAMES;
use super::json::{Object, one_of, uuid};

/// 2020-12-16, as in SPEC's examples.
const FIRST_CREATED_MS: i64 = 1_608_111_703_000;

pub fn agents(random: &mut Rng, count: usize) -> Vec<Row> {
    rows(random, count, |object, random, place| {
        object
            .text("displayName", &format!("Agent {place}"))
            .text("email", &format!("agent.{place}@example.org"));
        if random.bool() {
            object.text(
                "avatarUrl",
                &format!("https://files.dixa.io/public/image_{place}_id"),
            );
        }
        if random.bool() {
            object.text("phoneNumber", &format!("+4511{place:06}"));
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

/// Custom attributes are not part of this list (dixa-api.md 2.6: SPEC).
pub fn endusers(random: &mut Rng, count: usize) -> Vec<Row> {
    rows(random, count, |object, random, place| {
        if random.u8(..5) > 0 {
            object
                .raw("displayName", one_of(random, NAMES))
                .text("email", &format!("enduser.{place}@example.org"));
        }
        if random.bool() {
            object
                .text("phoneNumber", &format!("+4522{place:06}"))
                .raw("firstName", one_of(random, NAMES));
        }
        object.raw(
            "additionalEmails",
            &format!(r#"["other.{place}@example.com"]"#),
        );
        object
            .raw("additionalPhoneNumbers", "[]")
            .raw("middleNames", r#"["van","der"]"#);
        if random.bool() {
            object.text("externalId", &format!("#{place:08}"));
        }
    })
}

fn rows(random: &mut Rng, count: usize, fill: impl Fn(&mut Object, &mut Rng, usize)) -> Vec<Row> {
    keyed(random, count, |object, random, place| {
        let created = FIRST_CREATED_MS + random.i64(0..100_000_000_000);
        object.text("createdAt", &iso_date(created));
        fill(object, random, place);
    })
}

/// So many rows with an id, and whatever else fills them.
pub fn keyed(
    random: &mut Rng,
    count: usize,
    fill: impl Fn(&mut Object, &mut Rng, usize),
) -> Vec<Row> {
    let row = |place| {
        let key = uuid(random);
        let mut object = Object::new();
        object.raw("id", &key);
        fill(&mut object, random, place);
        Row::new(&key, 0, &object.written())
    };
    (0..count).map(row).collect()
}

pub fn queues(random: &mut Rng, count: usize) -> Vec<Row> {
    let organization = uuid(random);
    let row = |place: usize| {
        let key = uuid(random);
        let mut object = Object::new();
        object
            .raw("id", &key)
            .text("name", &format!("MyCorp queue {place} ☎"))
            .raw("isDefault", if place == 0 { "true" } else { "false" })
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
        Row::new(&key, 0, &object.written())
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

/// Every fourth is Inactive, which only `includeDeactivated=true` shows (dixa-api.md 2.6: SPEC).
pub fn tags(random: &mut Rng, count: usize) -> Vec<Row> {
    keyed(random, count, |object, random, place| {
        object.text("name", &format!("tag {place} 🏷"));
        if random.bool() {
            object.text("color", &format!("#{:06x}", random.u32(..0x100_0000)));
        }
        object.text("state", if place % 4 == 3 { "Inactive" } else { "Active" });
    })
}

pub fn teams(random: &mut Rng, count: usize) -> Vec<Row> {
    keyed(random, count, |object, _, place| {
        object.text("name", &format!("Team {place}"));
    })
}

/// The state of each agent at one moment (dixa-api.md 2.4 for the times).
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
        Row::new(&agent.key, 0, &object.written())
    };
    agents.iter().map(row).collect()
}

/// The members of each of these teams, by its id: agents, some of them in several, and nobody in the last.
pub fn team_members(teams: &[Row], agents: &[Row]) -> BTreeMap<String, Vec<Row>> {
    dealt(teams, agents, |place| {
        let agent = &agents[place];
        let mut object = Object::new();
        object
            .raw("id", &agent.key)
            .text("name", &format!("Agent {place}"));
        if place.is_multiple_of(3) {
            object.text("email", &format!("agent.{place}@example.org"));
        }
        Row::new(&agent.key, 0, &object.written())
    })
}

/// The same of queues.
pub fn queue_members(queues: &[Row], agents: &[Row]) -> BTreeMap<String, Vec<Row>> {
    dealt(queues, agents, |place| {
        let mut object = Object::new();
        object.raw("agentId", &agents[place].key);
        if place.is_multiple_of(2) {
            object.number("priority", 1);
        }
        Row::new(&agents[place].key, 0, &object.written())
    })
}

fn dealt(
    parents: &[Row],
    agents: &[Row],
    member: impl Fn(usize) -> Row,
) -> BTreeMap<String, Vec<Row>> {
    let members = |(number, parent): (usize, &Row)| {
        let is_last = number + 1 == parents.len();
        let mine = (0..agents.len()).filter(|place| !is_last && place % (number + 2) == 0);
        (
            parent.key.trim_matches('"').to_owned(),
            mine.map(&member).collect(),
        )
    };
    parents.iter().enumerate().map(members).collect()
}
