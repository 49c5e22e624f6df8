//! Message records as the export has them: fields and order of docs/dixa-api.md 1.8, keyed by `id`,
//! filtered by `created_at`.

use std::ops::Range;

use fastrand::Rng;

use super::conversation::{NAMES, TEXTS};
use super::json::{Object, one_of, uuid};
use super::row::Row;

const MESSAGE_CHANNELS: &[&str] = &[r#""email""#, r#""widgetchat""#];
const DIRECTIONS: &[&str] = &[r#""inbound""#, r#""outbound""#];
/// A plain string in D-exp's sample, an array for those who read live data (docs/dixa-api.md 1.8):
/// both.
const RECIPIENTS: &[&str] = &[
    r#"["info@mycorp.dixa.io"]"#,
    r#""info@mycorp.dixa.io""#,
    "null",
];
const FILES: &[&str] = &["[]", r#"["https://files.dixa.io/private/1/a%20b.pdf"]"#];
const FLAGS: &[&str] = &["null", "true", "false"];

/// The messages of one conversation, from its beginning to its last update.
pub fn messages(random: &mut Rng, csid: &str, lived: Range<i64>, count: i64) -> Vec<Row> {
    let pause = (lived.end - lived.start) / count.max(1);
    (0..count)
        .map(|index| message(random, csid, lived.start + index * pause))
        .collect()
}

fn message(random: &mut Rng, csid: &str, created: i64) -> Row {
    let key = uuid(random);
    let mut object = Object::new();
    object
        .raw("id", &key)
        .raw("csid", csid)
        .number("created_at", created)
        .raw("initial_channel", one_of(random, MESSAGE_CHANNELS))
        .raw("author_name", one_of(random, NAMES))
        .text("author_email", "author@example.org")
        .raw("direction", one_of(random, DIRECTIONS))
        .raw("text", one_of(random, TEXTS))
        .nulls(&["from_phone_number", "to_phone_number", "duration"])
        .nulls(&["recording_url", "voicemail_url"])
        .raw("to", one_of(random, RECIPIENTS))
        .text("from", "author@example.org")
        .raw("cc", "[]")
        .raw("bcc", "[]")
        .raw("attached_files", one_of(random, FILES))
        .raw("is_automated_message", one_of(random, FLAGS))
        .nulls(&["chat_input_question", "chat_input_answer", "chat_menu_text"]);
    Row::new(&key, created, &object.finish())
}
