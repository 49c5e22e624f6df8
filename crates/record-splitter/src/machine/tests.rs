//! The laws of the splitter: any chunking and any whitespace of a body give the same records, byte for byte, and what it
//! accepts is exactly what is JSON.

use std::fmt::Write;

use proptest::prelude::*;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::*;
use crate::buffer::{MAX_ENVELOPE, MAX_RECORD};

#[derive(Debug, Default, PartialEq, Eq)]
struct Taken {
    records: Vec<String>,
    keys: Vec<Option<String>>,
    cursors: Vec<Option<String>>,
    empty: usize,
    suspects: Vec<bool>,
    undeclared: Vec<bool>,
    frame: String,
}

fn fields() -> Fields {
    Fields::new(
        ["id", "name", "updated_at"].into_iter(),
        Some("id"),
        Some("updated_at"),
    )
}

/// Splits a body that comes in chunks of these lengths, which are repeated.
fn take(frame: RecordPath, body: &[u8], lengths: &[usize]) -> Result<Taken, SplitError> {
    take_knowing(&mut fields(), frame, body, lengths)
}

/// The same, with what was learned from other bodies.
fn take_knowing(
    fields: &mut Fields,
    frame: RecordPath,
    body: &[u8],
    lengths: &[usize],
) -> Result<Taken, SplitError> {
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
            taken.suspects.push(record.may_need_repair);
            taken.undeclared.push(record.has_undeclared);
        })?;
    }
    taken.frame = splitter.finish()?.to_owned();
    Ok(taken)
}

const BARE: RecordPath = RecordPath::Array(&[]);
const LIST: RecordPath = RecordPath::Array(&["data"]);
const ONE: RecordPath = RecordPath::Object(&["data", "schedule"]);

fn check_taken(frame: RecordPath, body: &str, records: &[&str]) {
    for lengths in [&[usize::MAX][..], &[1], &[2], &[3, 1], &[7]] {
        assert_eq!(
            take(frame, body.as_bytes(), lengths).unwrap().records,
            records,
            "{body} in chunks of {lengths:?}"
        );
    }
}

fn check_refused(frame: RecordPath, body: impl AsRef<[u8]>, fault: SplitError) {
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
fn records_are_unchanged_except_for_line_breaks_between_tokens() {
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
fn a_single_record_is_the_object_at_its_path() {
    check_taken(
        ONE,
        r#"{"data":{"x":{"id":0},"schedule":{"id":1,"schedule":{"id":2}},"y":{"id":3}},"meta":{"next":"/v1/x"}}"#,
        &[r#"{"id":1,"schedule":{"id":2}}"#],
    );
    check_taken(RecordPath::Object(&[]), " {\n\"id\":1} ", &[r#"{"id":1}"#]);
    for body in [
        r#"{"data":{"schedule":[{"id":1}]}}"#,
        r#"{"data":{"schedule":null}}"#,
        r#"{"data":[{"schedule":{"id":1}}]}"#,
        r#"{"data":{"x":{"id":1}}}"#,
        r#"{"data":{"schedule":{"id":1},"schedule":{"id":2}}}"#,
        "{}",
        "[]",
    ] {
        check_refused(ONE, body, SplitError::NoRecordThere);
    }
    check_refused(
        ONE,
        r#"{"data":{"schedule":{"id":1}"#,
        SplitError::Unfinished,
    );
}

#[test]
fn records_are_found_inside_an_envelope() {
    check_taken(LIST, r#"{"data":[{"id":1}]}"#, &[r#"{"id":1}"#]);
    check_taken(
        LIST,
        r#"{"meta":{"data":[{"id":0}]},"x":[{"id":9}],"data":[{"id":1},{"id":2}],"y":[[1],{"data":[2]}]}"#,
        &[r#"{"id":1}"#, r#"{"id":2}"#],
    );
    check_taken(LIST, r#"{"d\u0061ta":[]}"#, &[]);
    check_taken(
        RecordPath::Array(&["data", "schedules"]),
        r#"{"x":{"schedules":[{"id":0}]},"data":{"y":[3],"schedules":[{"id":1}]}}"#,
        &[r#"{"id":1}"#],
    );
}

#[test]
fn the_frame_is_what_surrounds_the_records() {
    let frame = |frame: RecordPath, body: &str| take(frame, body.as_bytes(), &[3]).unwrap().frame;
    assert_eq!(
        frame(
            LIST,
            r#"{"data" : [{"id":1} , {"id":2}],"meta":{"next":"/v1/x"}}"#
        ),
        r#"{"data":[],"meta":{"next":"/v1/x"}}"#
    );
    assert_eq!(frame(BARE, r#" [{"id":1}, {"id":2}] "#), "[]");
}

#[test]
fn key_and_cursor_are_found_wherever_they_are() {
    let body = r#"[{"updated_at":5,"x":{"id":9,"updated_at":8},"id":"a"},{"id":null},{"name":"id"},{"id":{"a":1},"updated_at":"5"}]"#;
    for lengths in [&[usize::MAX][..], &[1], &[5]] {
        let taken = take(BARE, body.as_bytes(), lengths).unwrap();
        let text = |token: &str| Some(token.to_owned());
        assert_eq!(taken.keys, [text(r#""a""#), None, None, text(r#"{"a":1}"#)]);
        assert_eq!(taken.cursors, [text("5"), None, None, text(r#""5""#)]);
    }
}

#[test]
fn the_last_of_repeated_keys_counts_and_an_escaped_one_is_the_same() {
    let taken = take(BARE, br#"[{"id":1,"updated\u005fat":3,"id":2}]"#, &[4]).unwrap();
    assert_eq!(
        (taken.keys, taken.cursors),
        (vec![Some("2".to_owned())], vec![Some("3".to_owned())])
    );
}

#[test]
fn an_incomplete_body_is_reported() {
    let whole = r#"{"data":[{"id":1,"name":"a\u00e9"},{"id":-1.5e3}],"meta":{"next":"x"}}"#;
    for end in 0..whole.len() {
        check_refused(LIST, &whole[..end], SplitError::Unfinished);
    }
}

#[test]
fn a_body_that_is_not_a_list_of_records_is_reported() {
    for body in ["{}", r#"{"message":"no"}"#, r#""x""#, "null", "true", "5"] {
        check_refused(BARE, body, SplitError::NoArray);
    }
    for body in [
        "[]",
        "{}",
        r#"{"data":{}}"#,
        r#"{"data":null}"#,
        r#"{"meta":{}}"#,
        r#"{"data":[],"data":[]}"#,
    ] {
        check_refused(LIST, body, SplitError::NoArray);
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
        check_refused(BARE, body, SplitError::NoObject);
    }
    for body in ["[]x", "[] []", "[],", "[]\0"] {
        check_refused(BARE, body, SplitError::Trailing);
    }
}

#[test]
fn invalid_json_is_reported() {
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
                Err(SplitError::NotJson(_))
            ),
            "{body}"
        );
        assert!(
            matches!(
                take(BARE, body.as_bytes(), &[usize::MAX]),
                Err(SplitError::NotJson(_))
            ),
            "{body}"
        );
    }
    assert!(matches!(
        take(BARE, b"<html>", &[9]),
        Err(SplitError::NotJson(_) | SplitError::NoArray)
    ));
}

#[test]
fn invalid_utf8_is_reported() {
    check_refused(BARE, b"[{\"a\":\"\xff\"}]", SplitError::NotUtf8);
    check_refused(BARE, b"[{\"a\":\"\xed\xa0\x80\"}]", SplitError::NotUtf8);
    check_refused(LIST, b"{\"x\":\"\xff\",\"data\":[]}", SplitError::NotUtf8);
}

#[test]
fn depth_and_size_are_bounded() {
    let nested = |depth: usize| format!(r#"[{{"a":{}{}}}]"#, "[".repeat(depth), "]".repeat(depth));
    assert!(take(BARE, nested(MAX_DEPTH - 2).as_bytes(), &[1000]).is_ok());
    check_refused(BARE, nested(MAX_DEPTH - 1), SplitError::TooDeep);
    check_refused(
        BARE,
        "[{\"a\":".to_owned() + &"[".repeat(1_000_000),
        SplitError::TooDeep,
    );
    let blanks = format!(
        "{}[{}]",
        " ".repeat(3 * MAX_ENVELOPE),
        "\n ".repeat(3 * MAX_ENVELOPE)
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
            Err(SplitError::NoRecord)
        );
    }
    let frame = format!(r#"{{"x":"{}","data":[]}}"#, "x".repeat(MAX_ENVELOPE));
    assert_eq!(
        take(LIST, frame.as_bytes(), &[4096]),
        Err(SplitError::EnvelopeTooLarge)
    );
    let record = format!(r#"[{{"x":"{}"}}]"#, "x".repeat(MAX_RECORD));
    assert_eq!(
        take(BARE, record.as_bytes(), &[65_536]),
        Err(SplitError::RecordTooLarge)
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
        prop::collection::vec(
            (prop_oneof![Just("name".to_owned()), "[a-z]{1,8}"], value()),
            0..6,
        ),
    )
        .prop_map(|(id, updated_at, others)| {
            let mut record = Map::from_iter(others);
            record.insert("id".to_owned(), id.into());
            record.insert("updated_at".to_owned(), updated_at.into());
            Value::Object(record)
        })
}

/// A value written with the given blanks between its tokens: as sent, and as it should come out.
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
        let is_undeclared = |name: &String| !["id", "name", "updated_at"].contains(&name.as_str());
        let has_undeclared = |record: &Value| record.as_object().unwrap().keys().any(is_undeclared);
        prop_assert_eq!(taken.undeclared, records.iter().map(has_undeclared).collect::<Vec<_>>());
        prop_assert_eq!(taken.keys, records.iter().map(|record| token(record, "id")).collect::<Vec<_>>());
        prop_assert_eq!(taken.cursors, records.iter().map(|record| token(record, "updated_at")).collect::<Vec<_>>());
    }

    #[test]
    fn a_body_is_accepted_if_and_only_if_it_is_a_list_of_objects(
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
    fn a_record_like_an_earlier_one_is_judged_as_if_it_came_first(
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
    fn records_with_other_fields_in_another_order_and_layout_are_as_if_each_came_first(
        seed in any::<u64>(),
        (count, layout, mixes) in (1_usize..12, 0_usize..3, any::<bool>()),
        lengths in prop::sample::select(vec![vec![100_000], vec![1], vec![97, 5, 300], vec![1000]]),
    ) {
        const FIELDS: [(&str, &str); 10] = [
            ("id", r#""a-key""#), ("updated_at", "1770000000000"), ("name", r#""é \"x\" \n""#), ("none", "null"),
            ("tags", r#"[{"name":"vip","n":[1,[],{}]},{"n":-1.5e3,"name":"b"}]"#), ("empty", "[]"), ("inside", r#"{"b":{"c":[true,false]},"a":{}}"#),
            ("zero", "0"), ("long", r#""text that is longer than one block of forty-eight bytes, by far""#), ("undeclared", "[[],[[1],2]]"),
        ];
        let mut random = fastrand::Rng::with_seed(seed);
        let mut record = || {
            let mut fields = FIELDS.to_vec();
            if mixes {
                random.shuffle(&mut fields);
                fields.retain(|_| random.u8(..3) > 0);
            }
            let fields: Vec<_> = fields.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
            let value: Value = serde_json::from_str(&format!("{{{}}}", fields.join(","))).unwrap();
            match layout {
                0 => value.to_string(),
                1 => serde_json::to_string_pretty(&value).unwrap(),
                _ => serde_json::to_string_pretty(&value).unwrap().replace('\n', "\r\n"),
            }
        };
        let records: Vec<_> = (0..count).map(|_| record()).collect();
        let all = take(BARE, format!("[{}\n]", records.join(",\n")).as_bytes(), &lengths).unwrap();
        prop_assert_eq!(all.records.len(), count);
        for (number, record) in records.iter().enumerate() {
            let alone = take(BARE, format!("[{record}]").as_bytes(), &[1]).unwrap();
            prop_assert_eq!(&all.records[number], &alone.records[0]);
            prop_assert_eq!(&all.records[number], &record.replace(['\n', '\r'], ""));
            prop_assert_eq!((&all.keys[number], &all.cursors[number]), (&alone.keys[0], &alone.cursors[0]));
            prop_assert_eq!((all.suspects[number], all.undeclared[number]), (alone.suspects[0], alone.undeclared[0]));
        }
    }

    #[test]
    fn no_bytes_make_it_panic(body in prop::collection::vec(any::<u8>(), 0..200), lengths in prop::collection::vec(1_usize..40, 1..8)) {
        let _ = take(BARE, &body, &lengths);
        let _ = take(LIST, &[b"{\"data\":[", &body[..]].concat(), &lengths);
    }

    /// The records of a body are alike except for one text, so that most of each is compared with the one before it.
    #[test]
    fn what_a_parser_may_reject_is_detected_in_any_record_and_any_chunking(
        texts in prop::collection::vec(prop::sample::select(vec![
            r"a", r"\\u0000", r"\n", r"\u0000", r"\ud83d", r"\ud83d\ude00", r"\uDC00", r"\u00e9", r"x\u0000y and more than a block of text",
        ]), 1..8),
        place in 0..4,
        numbers in prop::collection::vec(prop::sample::select(vec!["1", "1.5", "1e400", "-2E+999", "1e3"]), 8),
        deep in 0..8_usize,
        length in 1..200_usize,
    ) {
        let mut body = String::from("[");
        for (number, text) in texts.iter().enumerate() {
            let [name, value, inner, list] = [0, 1, 2, 3].map(|here| if here == place { *text } else { "x" });
            let (open, close) = if number == deep { ("[".repeat(200), "]".repeat(200)) } else { (String::new(), String::new()) };
            let begin = if number == 0 { "" } else { "," };
            write!(
                body,
                r#"{begin}{{"id":{number},"n{name}":"{value}","o":{{"{inner}":{},"l":["{list}",{open}1{close}]}},"updated_at":5}}"#,
                numbers[number],
            ).unwrap();
        }
        // Room after the last record for the comparison of blocks.
        body.push_str(&" ".repeat(100));
        body.push(']');
        let taken = take(RecordPath::Array(&[]), body.as_bytes(), &[length]).unwrap();
        prop_assert_eq!(taken.records.len(), texts.len());
        for (record, may_need_repair) in taken.records.iter().zip(&taken.suspects) {
            let repaired = crate::repair::repair(record);
            let has_work = repaired.is_unusual || repaired.text != *record;
            prop_assert!(*may_need_repair || !has_work, "{}", record);
            let has_cause = ["\\u0000", "\\ud8", "\\uDC", "e4", "E+", "e3", "[[["].iter().any(|cause| record.contains(cause));
            prop_assert!(!may_need_repair || has_cause, "{}", record);
        }
    }
}
