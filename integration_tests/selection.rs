//! Any selection of fields, against the whole records.

use proptest::prelude::*;
use proptest::sample::subsequence;
use serde_json::{Value, json};

use crate::support::read::Read;
use crate::support::sim::Sim;
use crate::support::singer::{all, selecting, singer};
use crate::support::streams::stream_names;

/// Adds the breadcrumbs of all fields of a schema, nested ones too.
fn add_breadcrumbs(schema: &Value, breadcrumb: &[&str], all: &mut Vec<Vec<String>>) {
    let mut breadcrumb = breadcrumb.to_vec();
    let schema = match schema.get("items") {
        Some(items) => {
            breadcrumb.push("items");
            items
        }
        None => schema,
    };
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        let of_field = [&breadcrumb[..], &["properties", name]].concat();
        all.push(of_field.iter().map(|&part| part.to_owned()).collect());
        add_breadcrumbs(field, &of_field, all);
    }
}

/// Takes the field at a breadcrumb out of a record, or out of its schema.
fn remove(value: &mut Value, breadcrumb: &[String], is_schema: bool) {
    let value = match value.get_mut("properties") {
        Some(properties) if is_schema && breadcrumb[0] == "properties" => properties,
        _ => value,
    };
    match breadcrumb {
        [items, rest @ ..] if items == "items" && is_schema => {
            remove(&mut value["items"], rest, true);
        }
        [items, rest @ ..] if items == "items" => {
            let elements = value.as_array_mut().into_iter().flatten();
            elements.for_each(|element| remove(element, rest, false));
        }
        [_, name] => {
            value
                .as_object_mut()
                .and_then(|fields| fields.shift_remove(name));
        }
        [_, name, rest @ ..] => {
            value
                .get_mut(name)
                .into_iter()
                .for_each(|field| remove(field, rest, is_schema));
        }
        _ => unreachable!("a breadcrumb is a path of names"),
    }
}

#[test]
fn any_selection_of_fields_gives_exactly_those_of_the_whole_records() {
    let simulator = Sim::new().start();
    let read = |typed: bool| all(&simulator).config(json!({"typed_values": typed}));
    let whole = [singer(&read(false)), singer(&read(true))];
    let mut fields = Vec::new();
    for (stream, schema) in &whole[0].schemas {
        let mut breadcrumbs = Vec::new();
        add_breadcrumbs(schema, &[], &mut breadcrumbs);
        let is_selectable = |breadcrumb: &Vec<String>| {
            let needed = &whole[0].needed[stream];
            breadcrumb.len() > 2 || !needed.contains(&breadcrumb[1])
        };
        breadcrumbs.retain(is_selectable);
        fields.extend(
            breadcrumbs
                .into_iter()
                .map(|breadcrumb| (stream.clone(), breadcrumb)),
        );
    }
    let all_of_them = fields.len();
    assert!(all_of_them > 300, "{all_of_them}");
    let config = ProptestConfig {
        cases: 10,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    proptest!(config, |(left_out in subsequence(fields, 0..=all_of_them), is_typed in any::<bool>())| {
        let mut catalog = json!({"streams": []});
        let whole = &whole[usize::from(is_typed)];
        let mut expected = whole.clone();
        for stream in stream_names() {
            let left_out = left_out.iter().filter(|(of_stream, _)| of_stream == stream);
            let left_out: Vec<_> = left_out.map(|(_, breadcrumb)| breadcrumb).collect();
            let names: Vec<Vec<&str>> =
                left_out.iter().map(|parts| parts.iter().map(String::as_str).collect()).collect();
            let deselected: Vec<_> =
                names.iter().map(|parts| (&parts[..], json!({"selected": false}))).collect();
            let entry = selecting(stream, &deselected)["streams"][0].take();
            catalog["streams"].as_array_mut().unwrap().push(entry);
            // The innermost fields first.
            for breadcrumb in left_out.iter().rev() {
                remove(expected.schemas.get_mut(stream).unwrap(), breadcrumb, true);
                expected.records.get_mut(stream).unwrap().iter_mut().for_each(|record| remove(record, breadcrumb, false));
            }
        }
        let selected = singer(&Read::of(&simulator).config(json!({"typed_values": is_typed})).catalog(&catalog));
        selected.check();
        for stream in stream_names() {
            prop_assert_eq!(&selected.schemas[stream], &expected.schemas[stream]);
            prop_assert!(selected.sorted(stream) == expected.sorted(stream), "{}", stream);
        }
    });
}
