//! Runs the laws of the fuzz targets on stable Rust: on their seeds, and on mutations of them.
#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

use std::fs;

use proptest::prelude::*;
use proptest::sample::Index;

#[path = "../fuzz/laws.rs"]
mod laws;

/// The seeds of a target, sorted by name.
fn seeds(target: &str) -> Vec<Vec<u8>> {
    let folder = fs::read_dir(format!("fuzz/seeds/{target}")).unwrap();
    let mut files: Vec<_> = folder.map(|file| file.unwrap().path()).collect();
    files.sort();
    files
        .into_iter()
        .map(|file| fs::read(file).unwrap())
        .collect()
}

/// A mutation of a seed: a byte is changed, removed or inserted, the rest is cut off, or a piece is repeated.
type Change = (Index, u8, u8);

fn changed(mut bytes: Vec<u8>, changes: &[Change]) -> Vec<u8> {
    for (index, byte, kind) in changes {
        if bytes.is_empty() {
            break;
        }
        let at = index.index(bytes.len());
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

/// A byte, often one with a meaning in JSON.
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
fn a_body_is_accepted_if_and_only_if_it_is_a_list_of_objects_in_any_pieces() {
    check("body", laws::body);
}

#[test]
fn a_page_yields_its_records_and_its_frame() {
    check("page", laws::page);
}
