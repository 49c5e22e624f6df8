//! The laws of the splitter: any chunking and any whitespace of a body give the same records, byte for byte, and what it
//! takes is exactly what is JSON.

use std::fmt::Write;

use proptest::prelude::*;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::*;
use crate::dixa::pieces::{MAX_FRAME, MAX_RECORD};

#[derive(Debug, Default, PartialEq, Eq)]
struct Taken {
    records: Vec<String>,
    keys: Vec<Option<String>>,
    cursors: Vec<Option<String>>,
    empty: usize,
    next: Option<String>,
}

fn fields() -> Fields {
    Fields::new(
        ["id", "name", "updated_at"].into_iter(),
        Some("id"),
        Some("updated_at"),
    )
}

/// Takes a body apart that comes in chunks of these lengths, again and again.
fn take(frame: Frame, body: &[u8], lengths: &[usize]) -> Result<Taken, BodyFault> {
    take_knowing(&mut fields(), frame, body, lengths)
}

/// The same, with what was learned from other bodies.
fn take_knowing(
    fields: &mut Fields,
    frame: Frame,
    body: &[u8],
    lengths: &[usize],
) -> Result<Taken, BodyFault> {
    let mut splitter = Splitter::new(frame);
    let mut taken = Taken::default();
    let mut rest = body;
    let mut lengths = lengths.iter().cycle();
    while !rest.is_empty() {
        let (chunk, after) = rest.split_at((*lengths.next().unwrap()).clamp(1, rest.len()));
        rest = after;
        splitter.feed(chunk, fields, |record| {
            let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
            taken.records.push(text(record.bytes));
            taken.keys.push(record.key.map(text));
            taken.cursors.push(record.cursor.map(text));
            taken.empty += usize::from(record.is_empty);
        })?;
    }
    taken.next = splitter.finish()?;
    Ok(taken)
}

const BARE: Frame = Frame::Array(&[]);
const LIST: Frame = Frame::Array(&["data"]);
const ONE: Frame = Frame::Object(&["data", "schedule"]);

fn check_taken(frame: Frame, body: &str, records: &[&str]) {
    for lengths in [&[usize::MAX][..], &[1], &[2], &[3, 1], &[7]] {
        assert_eq!(
            take(frame, body.as_bytes(), lengths).unwrap().records,
            records,
            "{body} in chunks of {lengths:?}"
        );
    }
}

fn check_refused(frame: Frame, body: impl AsRef<[u8]>, fault: BodyFault) {
    let body = body.as_ref();
    for lengths in [&[usize::MAX][..], &[1], &[2], &[3, 1]] {
        let text = String::from_utf8_lossy(&body[..body.len().min(80)]).into_owned();
        assert_eq!(
            take(frame, body, lengths),
            Err(fault),
            "{text} in chunks of {lengths:?}"
        );
    }
}

#[test]
fn records_come_as_they_are_but_for_line_breaks_between_tokens() {
    check_taken(BARE, "[]", &[]);
    check_taken(BARE, " [ \n ] \r\n", &[]);
    check_taken(BARE, r#"[{"id":1}]"#, &[r#"{"id":1}"#]);
    check_taken(
        BARE,
        "\r\n[\r\n  {\r\n\t\"id\" : 1.10 ,\n \"x\": [ 1e3,\n-0 ] },\n{} ]\n",
        &["{\t\"id\" : 1.10 , \"x\": [ 1e3,-0 ] }", "{}"],
    );
    check_taken(
        BARE,
        r#"[{"a":"\n\\\"\u00e9 ü","b":12345678901234567890123}]"#,
        &[r#"{"a":"\n\\\"\u00e9 ü","b":12345678901234567890123}"#],
    );
    check_taken(
        BARE,
        r#"[{"a":[{"id":2}]},{"a":{"b":[]}}]"#,
        &[r#"{"a":[{"id":2}]}"#, r#"{"a":{"b":[]}}"#],
    );
}

#[test]
fn a_single_record_is_an_object_at_its_place() {
    check_taken(
        ONE,
        r#"{"data":{"x":{"id":0},"schedule":{"id":1,"schedule":{"id":2}},"y":{"id":3}},"meta":{"next":"/v1/x"}}"#,
        &[r#"{"id":1,"schedule":{"id":2}}"#],
    );
    check_taken(Frame::Object(&[]), " {\n\"id\":1} ", &[r#"{"id":1}"#]);
    for body in [
        r#"{"data":{"schedule":[{"id":1}]}}"#,
        r#"{"data":{"schedule":null}}"#,
        r#"{"data":[{"schedule":{"id":1}}]}"#,
        r#"{"data":{"x":{"id":1}}}"#,
        r#"{"data":{"schedule":{"id":1},"schedule":{"id":2}}}"#,
        "{}",
        "[]",
    ] {
        check_refused(ONE, body, BodyFault::NoRecordThere);
    }
    check_refused(
        ONE,
        r#"{"data":{"schedule":{"id":1}"#,
        BodyFault::Unfinished,
    );
}

#[test]
fn an_envelope_is_looked_through() {
    check_taken(LIST, r#"{"data":[{"id":1}]}"#, &[r#"{"id":1}"#]);
    check_taken(
        LIST,
        r#"{"meta":{"data":[{"id":0}]},"x":[{"id":9}],"data":[{"id":1},{"id":2}],"y":[[1],{"data":[2]}]}"#,
        &[r#"{"id":1}"#, r#"{"id":2}"#],
    );
    check_taken(LIST, r#"{"d\u0061ta":[]}"#, &[]);
    check_taken(
        Frame::Array(&["data", "schedules"]),
        r#"{"x":{"schedules":[{"id":0}]},"data":{"y":[3],"schedules":[{"id":1}]}}"#,
        &[r#"{"id":1}"#],
    );
}

#[test]
fn the_next_page_is_named_or_there_is_none() {
    let next = |meta: &str| {
        take(
            LIST,
            format!(r#"{{"data":[{{"id":1}} , {{"id":2}}]{meta}}}"#).as_bytes(),
            &[3],
        )
        .map(|taken| taken.next)
    };
    assert_eq!(
        next(r#","meta":{"next":"/v1/agents?pageKey=a%3D","previous":null}"#),
        Ok(Some("/v1/agents?pageKey=a%3D".to_owned()))
    );
    for none in [
        "",
        r#","meta":null"#,
        r#","meta":{}"#,
        r#","meta":{"next":null}"#,
        r#","meta":{"next":""}"#,
    ] {
        assert_eq!(next(none), Ok(None), "{none}");
    }
    assert_eq!(next(r#","meta":{"next":3}"#), Err(BodyFault::NoLink));
    assert_eq!(next(r#","meta":[]"#), Err(BodyFault::NoLink));
    assert_eq!(next(r#","meta":["x"]"#), Err(BodyFault::NoLink));
}

#[test]
fn key_and_cursor_are_found_wherever_they_stand() {
    let body = r#"[{"updated_at":5,"x":{"id":9,"updated_at":8},"id":"a"},{"id":null},{"name":"id"},{"id":{"a":1},"updated_at":"5"}]"#;
    for lengths in [&[usize::MAX][..], &[1], &[5]] {
        let taken = take(BARE, body.as_bytes(), lengths).unwrap();
        let text = |token: &str| Some(token.to_owned());
        assert_eq!(taken.keys, [text(r#""a""#), None, None, text(r#"{"a":1}"#)]);
        assert_eq!(taken.cursors, [text("5"), None, None, text(r#""5""#)]);
    }
}

#[test]
fn a_repeated_key_counts_where_it_stands_last_and_an_escaped_one_is_the_same() {
    let taken = take(BARE, br#"[{"id":1,"updated\u005fat":3,"id":2}]"#, &[4]).unwrap();
    assert_eq!(
        (taken.keys, taken.cursors),
        (vec![Some("2".to_owned())], vec![Some("3".to_owned())])
    );
}

#[test]
fn a_body_that_is_not_whole_is_told() {
    let whole = r#"{"data":[{"id":1,"name":"a\u00e9"},{"id":-1.5e3}],"meta":{"next":"x"}}"#;
    for end in 0..whole.len() {
        check_refused(LIST, &whole[..end], BodyFault::Unfinished);
    }
}

#[test]
fn what_is_no_list_of_records_is_told() {
    for body in ["{}", r#"{"message":"no"}"#, r#""x""#, "null", "true", "5"] {
        check_refused(BARE, body, BodyFault::NoArray);
    }
    for body in [
        "[]",
        "{}",
        r#"{"data":{}}"#,
        r#"{"data":null}"#,
        r#"{"meta":{}}"#,
        r#"{"data":[],"data":[]}"#,
    ] {
        check_refused(LIST, body, BodyFault::NoArray);
    }
    for body in [
        "[1]",
        r#"["x"]"#,
        "[null]",
        "[[]]",
        r#"[{"id":1},2]"#,
        "[{},]",
        "[,{}]",
    ] {
        check_refused(BARE, body, BodyFault::NoObject);
    }
    for body in ["[]x", "[] []", "[],", "[]\0"] {
        check_refused(BARE, body, BodyFault::Trailing);
    }
}

#[test]
fn what_is_no_json_is_told() {
    for body in [
        r#"[{"a":1,}]"#,
        r#"[{"a":1]"#,
        "[{]",
        "[{}}",
        r#"[{"a" 1}]"#,
        r#"[{"a":01}]"#,
        r#"[{"a":1.}]"#,
        r#"[{"a":-}]"#,
        r#"[{"a":1e}]"#,
        r#"[{"a":+1}]"#,
        r#"[{"a":.5}]"#,
        r#"[{"a":tru}]"#,
        r#"[{"a":nulll}]"#,
        r#"[{"a":"\x"}]"#,
        r#"[{"a":"\u12g4"}]"#,
        "[{\"a\":\"\n\"}]",
        "[{'a':1}]",
        "[{a:1}]",
        "[{}{}]",
        r#"[{"a":1 2}]"#,
        r#"[{"a":1,,"b":2}]"#,
        "[{\"a\":\u{b}1}]",
        r#"[{"a":NaN}]"#,
    ] {
        assert!(
            matches!(
                take(BARE, body.as_bytes(), &[1]),
                Err(BodyFault::NotJson(_))
            ),
            "{body}"
        );
        assert!(
            matches!(
                take(BARE, body.as_bytes(), &[usize::MAX]),
                Err(BodyFault::NotJson(_))
            ),
            "{body}"
        );
    }
    assert!(matches!(
        take(BARE, b"<html>", &[9]),
        Err(BodyFault::NotJson(_) | BodyFault::NoArray)
    ));
}

#[test]
fn bytes_that_are_no_utf8_are_told() {
    check_refused(BARE, b"[{\"a\":\"\xff\"}]", BodyFault::NotUtf8);
    check_refused(BARE, b"[{\"a\":\"\xed\xa0\x80\"}]", BodyFault::NotUtf8);
    check_refused(LIST, b"{\"x\":\"\xff\",\"data\":[]}", BodyFault::NotUtf8);
}

#[test]
fn depth_and_size_are_bounded() {
    let nested = |depth: usize| format!(r#"[{{"a":{}{}}}]"#, "[".repeat(depth), "]".repeat(depth));
    assert!(take(BARE, nested(MAX_DEPTH - 2).as_bytes(), &[1000]).is_ok());
    check_refused(BARE, nested(MAX_DEPTH - 1), BodyFault::TooDeep);
    check_refused(
        BARE,
        "[{\"a\":".to_owned() + &"[".repeat(1_000_000),
        BodyFault::TooDeep,
    );
    let blanks = format!(
        "{}[{}]",
        " ".repeat(3 * MAX_FRAME),
        "\n ".repeat(3 * MAX_FRAME)
    );
    assert_eq!(
        take(BARE, blanks.as_bytes(), &[4096])
            .unwrap()
            .records
            .len(),
        0
    );
    for (before, blank) in [("", " "), ("[{\"a\":", "\n")] {
        let blanks = [before, &blank.repeat(MAX_GAP + 1)].concat();
        assert_eq!(
            take(BARE, blanks.as_bytes(), &[65_536]),
            Err(BodyFault::NoRecord)
        );
    }
    let frame = format!(r#"{{"x":"{}","data":[]}}"#, "x".repeat(MAX_FRAME));
    assert_eq!(
        take(LIST, frame.as_bytes(), &[4096]),
        Err(BodyFault::FrameTooLarge)
    );
    let record = format!(r#"[{{"x":"{}"}}]"#, "x".repeat(MAX_RECORD));
    assert_eq!(
        take(BARE, record.as_bytes(), &[65_536]),
        Err(BodyFault::RecordTooLarge)
    );
}

/// Any JSON value, with what trips parsers up in its strings and keys.
fn value() -> impl Strategy<Value = Value> {
    let text = prop_oneof![
        "[ -~]{0,12}",
        "\\PC{0,6}",
        Just("\"\\\u{1}\n\u{1f600}".to_owned())
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>()
            .prop_filter("JSON has no infinity", |number| number.is_finite())
            .prop_map(Value::from),
        text.clone().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((text.clone(), inner), 0..6)
                .prop_map(|fields| Value::Object(Map::from_iter(fields))),
        ]
    })
}

fn record() -> impl Strategy<Value = Value> {
    (
        prop::option::of(any::<i64>()),
        prop::option::of(any::<i64>()),
        prop::collection::vec(("[a-z]{1,8}", value()), 0..6),
    )
        .prop_map(|(id, updated_at, others)| {
            let mut record = Map::from_iter(others);
            record.insert("id".to_owned(), id.into());
            record.insert("updated_at".to_owned(), updated_at.into());
            Value::Object(record)
        })
}

/// A value written with the given blanks between its tokens: as sent, and as it is to come out.
struct Written<'a, 'b> {
    sent: String,
    due: String,
    blanks: &'a mut dyn Iterator<Item = &'b String>,
}

impl Written<'_, '_> {
    fn token(&mut self, token: &str) {
        let blank = self.blanks.next().unwrap();
        self.sent.push_str(token);
        self.sent.push_str(blank);
        self.due.push_str(token);
        self.due
            .extend(blank.chars().filter(|blank| !matches!(blank, '\n' | '\r')));
    }

    fn value(&mut self, value: &Value) {
        let mut separator = "";
        match value {
            Value::Array(elements) => {
                self.token("[");
                for element in elements {
                    if !separator.is_empty() {
                        self.token(separator);
                    }
                    separator = ",";
                    self.value(element);
                }
                self.token("]");
            }
            Value::Object(fields) => {
                self.token("{");
                for (name, field) in fields {
                    if !separator.is_empty() {
                        self.token(separator);
                    }
                    separator = ",";
                    self.token(&Value::from(name.as_str()).to_string());
                    self.token(":");
                    self.value(field);
                }
                self.token("}");
            }
            leaf => self.token(&leaf.to_string()),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn any_chunking_and_any_whitespace_give_the_same_records(
        records in prop::collection::vec(record(), 0..6),
        blanks in prop::collection::vec("[ \t\n\r]{0,3}", 1..20),
        lengths in prop::collection::vec(1_usize..40, 1..20),
        in_envelope in any::<bool>(),
    ) {
        let mut blanks = blanks.iter().cycle();
        let mut due = Vec::new();
        let mut body = if in_envelope { "{ \"meta\":{\"x\":[1]},\"data\" : [".to_owned() } else { " [".to_owned() };
        for (index, record) in records.iter().enumerate() {
            let mut written = Written { sent: String::new(), due: String::new(), blanks: &mut blanks };
            written.value(record);
            let separator = if index == 0 { "" } else { "\n," };
            write!(body, "{separator}{}", written.sent).unwrap();
            due.push(written.due.trim_end().to_owned());
        }
        body.push_str(if in_envelope { "]\n}" } else { "] " });
        let taken = take(if in_envelope { LIST } else { BARE }, body.as_bytes(), &lengths).unwrap();
        let token = |record: &Value, field: &str| Some(record[field].to_string()).filter(|token| token != "null");
        prop_assert_eq!(taken.records, due);
        prop_assert_eq!(taken.keys, records.iter().map(|record| token(record, "id")).collect::<Vec<_>>());
        prop_assert_eq!(taken.cursors, records.iter().map(|record| token(record, "updated_at")).collect::<Vec<_>>());
    }

    #[test]
    fn what_is_taken_is_exactly_what_is_a_list_of_objects(
        records in prop::collection::vec(record(), 1..4),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0_u8..3), 0..3),
        symbols in prop::collection::vec(prop::sample::select(&b"{}[]\":,\\0e-+.tn \n"[..]), 1..4),
        lengths in prop::collection::vec(1_usize..40, 1..8),
    ) {
        let mut body = Value::from(records).to_string().into_bytes();
        for (number, (place, byte, change)) in changes.iter().enumerate() {
            let at = place.index(body.len());
            match change {
                0 => { body.remove(at); }
                1 => body[at] = *byte,
                _ => body.insert(at, symbols[number % symbols.len()]),
            }
        }
        let reference: Option<Vec<&RawValue>> = serde_json::from_slice(&body).ok();
        let objects = reference.filter(|records| records.iter().all(|record| record.get().starts_with('{')));
        match (take(BARE, &body, &lengths), objects) {
            (Ok(taken), Some(objects)) => {
                let due: Vec<_> = objects.iter().map(|object| object.get().replace(['\n', '\r'], "")).collect();
                prop_assert_eq!(taken.records, due);
            }
            (Err(_), None) => {}
            (taken, objects) => {
                prop_assert!(false, "{taken:?} but {objects:?} for {}", String::from_utf8_lossy(&body));
            }
        }
    }

    #[test]
    fn what_is_like_something_before_is_judged_as_if_it_came_first(
        alike in prop::collection::vec(record(), 1..4),
        order in prop::collection::vec(any::<prop::sample::Index>(), 3..12),
        blank in prop::sample::select(&["", " ", "  "][..]),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), 0_usize..60), 0..4),
        symbols in prop::collection::vec(prop::sample::select(&b"{}[]\":,\\0e-+.tn \n\x01\xff"[..]), 1..4),
        lengths in prop::collection::vec(1_usize..2_000, 1..8),
    ) {
        let blanks = [blank.to_owned()];
        let mut written = Written { sent: String::new(), due: String::new(), blanks: &mut blanks.iter().cycle() };
        written.value(&order.iter().map(|index| index.get(&alike).clone()).collect());
        let mut body = written.sent.into_bytes();
        let mut fields = fields();
        let whole = take_knowing(&mut fields, BARE, &body, &[usize::MAX]);
        prop_assert_eq!(&take_knowing(&mut fields, BARE, &body, &lengths), &whole);
        prop_assert_eq!(&take(BARE, &body, &[1]), &whole);
        for (number, (from, to, length)) in changes.iter().enumerate() {
            let (from, to) = (from.index(body.len()), to.index(body.len()));
            match length {
                0 => { body.remove(to); }
                1..10 => body[to] = symbols[number % symbols.len()],
                10..20 => body.insert(to, symbols[number % symbols.len()]),
                // A piece of the body in another place.
                length => {
                    let piece = body[from..body.len().min(from + length - 20)].to_vec();
                    body.splice(to..to, piece);
                }
            }
        }
        let changed = take_knowing(&mut fields, BARE, &body, &lengths).ok();
        prop_assert_eq!(&changed, &take(BARE, &body, &[1]).ok(), "{}", String::from_utf8_lossy(&body));
        let reference: Option<Vec<&RawValue>> = serde_json::from_slice(&body).ok();
        let is_list = reference.is_some_and(|records| records.iter().all(|record| record.get().starts_with('{')));
        prop_assert_eq!(changed.is_some(), is_list, "{}", String::from_utf8_lossy(&body));
    }

    #[test]
    fn no_bytes_make_it_panic(body in prop::collection::vec(any::<u8>(), 0..200), lengths in prop::collection::vec(1_usize..40, 1..8)) {
        let _ = take(BARE, &body, &lengths);
        let _ = take(LIST, &[b"{\"data\":[", &body[..]].concat(), &lengths);
    }
}
