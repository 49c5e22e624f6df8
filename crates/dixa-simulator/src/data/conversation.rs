//! Conversation records as the export has them: fields, order and explicit nulls of
//! docs/dixa-api.md 1.7, and oddities in JSON.

use fastrand::Rng;

use super::json::{Object, array, one_of, quoted, uuid};

/// Names as string tokens: several scripts, combining marks, right to left, escapes.
pub const NAMES: &[&str] = &[
    r#""Ada Lovelace""#,
    r#""Søren Ærø""#,
    r#""Ren\u00e9e O'Hara""#,
    r#""שרה כהן""#,
    r#""محمد علي""#,
    r#""Nguye\u0302\u0303n Văn""#,
    r#""佐藤 花子 🌸""#,
    r#""\"Quoted\" \\ Slashed\/""#,
];

/// Lines of text as string tokens, with every kind of escape.
pub const TEXTS: &[&str] = &[
    r#""Where is my order?""#,
    r#""Two lines\nand a tab\there""#,
    r#""Path C:\\temp\\new and 50\/50, \"so\" to speak""#,
    r#""Caf\u00e9 cr\u00E8me \ud83d\ude00 and a raw 😀👩‍👩‍👧""#,
    r#""مرحبا, where is it? שלום""#,
    r#""e\u0301 is not é; a written \\u0000 and del \u007f, {\"json\": [1,2]}""#,
    "\"line\u{2028}and paragraph\u{2029}separators, raw\"",
    r#""""#,
];

const CHANNELS: &[&str] = &[
    r#""email""#,
    r#""widgetchat""#,
    r#""pstn_phone""#,
    r#""contactform""#,
    r#""sms""#,
];
const STATUSES: &[&str] = &[r#""open""#, r#""pending""#, r#""closed""#];
const TAG_NAMES: &[&str] = &[
    "vip",
    "refund",
    "größe",
    "配送",
    "bug 🐛",
    "a \"quoted\" tag",
];

/// Whether a record has undocumented fields, with numbers that do not fit a float.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Oddities {
    None,
    Some,
}

/// What identifies a record; the rest is random.
pub struct Conversation<'a> {
    pub id: &'a str,
    pub created: i64,
    /// `None` is written as null.
    pub updated: Option<i64>,
    pub oddities: Oddities,
}

impl Conversation<'_> {
    /// About 2 KB, every known field present.
    pub fn to_json(&self, random: &mut Rng) -> String {
        let mut object = Object::new();
        object.raw("id", self.id).number("created_at", self.created);
        object.raw("initial_channel", one_of(random, CHANNELS));
        requester(&mut object, random);
        queue_and_rating(&mut object, random, self.created);
        assignment(&mut object, random, self.created);
        integrations(&mut object, random);
        tags_and_notes(&mut object, random);
        self.end(&mut object, random);
        if self.oddities == Oddities::Some {
            oddities(&mut object, random);
        }
        object.finish()
    }

    fn end(&self, object: &mut Object, random: &mut Rng) {
        let updated = or_null(self.updated);
        let last_message = (random.u8(..5) > 0).then_some(self.created + random.i64(0..86_400_000));
        object
            .nulls(&["transferee_name", "transferee_number", "transfer_time"])
            .raw(
                "originating_country",
                one_of(random, &["null", r#""DK""#, r#""DE""#]),
            )
            .raw("status", one_of(random, STATUSES))
            .raw("updated_at", &updated)
            .raw("last_message_created_at", &or_null(last_message))
            .raw("subject", one_of(random, TEXTS))
            .raw(
                "anonymized_at",
                &or_null((random.u8(..20) == 0).then_some(self.created + 1)),
            )
            .raw("custom_fields", &custom_fields(random));
    }
}

fn or_null(time: Option<i64>) -> String {
    time.map_or_else(|| "null".to_owned(), |time| time.to_string())
}

fn phone(random: &mut Rng) -> String {
    quoted(&format!("+45{:08}", random.u32(..100_000_000)))
}

fn address(random: &mut Rng, domain: &str) -> String {
    quoted(&format!("person.{}@{domain}", random.u32(..100_000)))
}

fn requester(object: &mut Object, random: &mut Rng) {
    let phones = if random.bool() {
        array(&[phone(random), phone(random)])
    } else {
        "[]".to_owned()
    };
    let emails = if random.bool() {
        array(&[address(random, "example.org")])
    } else {
        "[]".to_owned()
    };
    object
        .raw("requester_id", &uuid(random))
        .raw("requester_name", one_of(random, NAMES))
        .raw("requester_email", &address(random, "example.com"))
        .raw("requester_additional_emails", &emails)
        .raw("requester_phone_number", &phone(random))
        .raw("requester_additional_phone_numbers", &phones);
}

fn queue_and_rating(object: &mut Object, random: &mut Rng, created: i64) {
    object
        .number("queued_at", created + random.i64(0..60_000))
        .raw("queue_id", &uuid(random))
        .raw(
            "queue_name",
            one_of(random, &[r#""Support""#, r#""Faktura \u0026 Betaling""#]),
        )
        .raw(
            "closed_at",
            &or_null(
                random
                    .bool()
                    .then_some(created + random.i64(60_000..86_400_000)),
            ),
        );
    if random.bool() {
        object
            .nulls(&["rating_score", "rating_message"])
            .raw("ratings", "[]");
    } else {
        let score = random.i64(1..6);
        object
            .number("rating_score", score)
            .raw("rating_message", one_of(random, TEXTS));
        object.raw("ratings", &array(&[rating(random, score, created)]));
    }
}

/// docs/dixa-api.md 1.7, `ratings[]` members.
fn rating(random: &mut Rng, score: i64, created: i64) -> String {
    Object::new()
        .number("rating_score", score)
        .raw("rating_message", one_of(random, TEXTS))
        .text("rating_type", "stars")
        .text("rating_status", "rated")
        .text("rating_language", "en")
        .number("rating_created_timestamp", created + 1000)
        .number("rating_offered_timestamp", created + 2000)
        .number("rating_modified_timestamp", created + 4000)
        .number("rating_rated_timestamp", created + 3000)
        .nulls(&[
            "rating_scheduled_timestamp",
            "rating_scheduled_for_timestamp",
        ])
        .nulls(&["rating_unscheduled_timestamp", "rating_cancelled_timestamp"])
        .finish()
}

fn assignment(object: &mut Object, random: &mut Rng, created: i64) {
    object.raw(
        "direction",
        one_of(random, &[r#""inbound""#, r#""outbound""#]),
    );
    if random.u8(..6) == 0 {
        object.nulls(&[
            "assigned_at",
            "assignee_id",
            "assignee_name",
            "assignee_email",
        ]);
    } else {
        object
            .number("assigned_at", created + random.i64(0..600_000))
            .raw("assignee_id", &uuid(random))
            .raw("assignee_name", one_of(random, NAMES))
            .raw("assignee_email", &address(random, "agents.example"));
    }
    object
        .nulls(&[
            "assignee_phone_number",
            "to_provisioned_phone_number_id",
            "to_provisioned_phone_number_name",
        ])
        .nulls(&[
            "from_provisioned_phone_number_id",
            "from_provisioned_phone_number_name",
        ])
        .number("total_duration", random.i64(0..10_000_000))
        .number("handling_duration", random.i64(0..1_000_000));
}

fn integrations(object: &mut Object, random: &mut Rng) {
    object
        .raw(
            "dixa_email_integration_id",
            one_of(random, &["null", r#""info@mycorp.email.dixa.io""#]),
        )
        .raw(
            "dixa_email_integration_sender_name",
            one_of(random, &["null", r#""MyCorp \/ Info""#]),
        )
        .nulls(&["forwarding_email", "facebook_page_id", "facebook_page_name"]);
    if random.bool() {
        object.nulls(&["widget_id", "widget_name"]);
    } else {
        object
            .raw("widget_id", &uuid(random))
            .text("widget_name", "Shop window");
    }
}

fn tags_and_notes(object: &mut Object, random: &mut Rng) {
    let mut names = TAG_NAMES.to_vec();
    random.shuffle(&mut names);
    names.truncate(random.usize(..4));
    let tags: Vec<String> = names.iter().map(|name| quoted(name)).collect();
    let details = tags.iter().map(|name| {
        let mut tag = Object::new();
        tag.raw("id", &uuid(random))
            .raw("name", name)
            .raw("is_deactivated", "false")
            .finish()
    });
    let details: Vec<String> = details.collect();
    let notes: Vec<String> = (0..random.usize(..5))
        .map(|_| one_of(random, TEXTS).to_owned())
        .collect();
    object
        .raw("tags", &array(&tags))
        .raw("tags_info", &array(&details))
        .raw("conversation_wrapup_notes", &array(&notes));
}

/// `value` is a string, an array of strings or null (docs/dixa-api.md 1.7: B; Select gives
/// string[], Text a string).
fn custom_fields(random: &mut Rng) -> String {
    let values = [
        ("order_number", format!("\"{}\"", random.u32(..))),
        ("reason", r#"["late","größe \u2713"]"#.to_owned()),
        ("comment", "null".to_owned()),
    ];
    let count = random.usize(..=values.len());
    let fields = values[..count].iter().map(|(name, value)| {
        let data_type = if value.starts_with('[') {
            "Select"
        } else {
            "Text"
        };
        let mut field = Object::new();
        field
            .raw("attribute_id", &uuid(random))
            .text("identifier", name)
            .raw("value", value);
        field
            .text("data_type", data_type)
            .raw("archived", "false")
            .finish()
    });
    array(&fields.collect::<Vec<_>>())
}

fn oddities(object: &mut Object, random: &mut Rng) {
    object.raw("x_experimental", r#"{"deep":[1.10,{"n":null}]}"#);
    object.raw(
        "x_numbers",
        "[1.10,1e3,-0,1E+2,0.1000000000000000055,18446744073709551616,-9223372036854775809]",
    );
    if random.bool() {
        object.raw("x_big", &format!("{}9223372036854775808", random.u8(1..10)));
        object
            .raw("x_escaped\\u002d\\\"name", one_of(random, TEXTS))
            .raw("x_empty", r#"{"":[],"{":{}}"#);
    }
}
