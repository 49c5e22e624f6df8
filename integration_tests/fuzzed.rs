//! The laws of the fuzz targets, on stable: their seeds, and bytes made from those.

use std::fs;

use proptest::prelude::*;
use proptest::sample::Index;

#[path = "../fuzz/laws.rs"]
mod laws;

/// The seeds of a target, in the order of their names.
fn seeds(target: &str) -> Vec<Vec<u8>> {
    let folder = fs::read_dir(format!("fuzz/seeds/{target}")).unwrap();
    let mut files: Vec<_> = folder.map(|file| file.unwrap().path()).collect();
    files.sort();
    files
        .into_iter()
        .map(|file| fs::read(file).unwrap())
        .collect()
}

/// What is done to a seed: a byte changed, taken out, put in, everything after it cut, or a piece said twice.
type Change = (Index, u8, u8);

fn changed(mut bytes: Vec<u8>, changes: &[Change]) -> Vec<u8> {
    for (place, byte, kind) in changes {
        if bytes.is_empty() {
            break;
        }
        let at = place.index(bytes.len());
        match kind {
            0 => bytes[at] = *byte,
            1 => drop(bytes.remove(at)),
            2 => bytes.insert(at, *byte),
            3 => bytes.truncate(at),
            _ => {
                let piece = bytes[at..bytes.len().min(at + usize::from(*byte))].to_vec();
                bytes.splice(at..at, piece);
            }
        }
    }
    bytes
}

/// Bytes that mean something to JSON, more often than others.
fn byte() -> impl Strategy<Value = u8> {
    prop_oneof![
        prop::sample::select(&b"{}[]\":,\\u0e-+.tfn \n\r\xff"[..]),
        any::<u8>()
    ]
}

fn check(target: &str, law: fn(&[u8])) {
    let seeds = seeds(target);
    assert!(seeds.len() > 3, "{target} has seeds");
    for seed in &seeds {
        law(seed);
    }
    let changes = prop::collection::vec((any::<Index>(), byte(), 0_u8..5), 1..6);
    let config = ProptestConfig {
        cases: 3_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    proptest!(config, |(seed in prop::sample::select(seeds), changes in changes)| law(&changed(seed, &changes)));
}

#[test]
fn a_body_is_taken_if_and_only_if_it_is_a_list_of_objects_in_any_pieces() {
    check("body", laws::body);
}

#[test]
fn a_page_says_what_stands_in_it_and_links_to_no_other_origin() {
    check("page", laws::page);
}

#[test]
fn compressed_bytes_unpack_the_same_in_any_pieces() {
    check("gzip", laws::gzip);
}

#[test]
fn any_text_is_a_state_or_is_refused() {
    check("state", laws::state);
}

#[test]
fn any_text_is_a_catalog_or_is_refused() {
    check("catalog", laws::catalog);
}
