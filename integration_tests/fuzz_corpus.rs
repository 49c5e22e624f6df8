//! Runs the laws of the fuzz targets on stable Rust: on their seeds, and on mutations of them.

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

/// A mutation of a seed: a byte is changed, removed or inserted, the rest is cut off, or a piece is repeated.
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
fn no_next_page_link_leads_to_another_origin() {
    check("link", laws::link);
}

#[test]
fn any_bytes_are_an_http_response_or_are_rejected() {
    check("response", laws::response);
}

#[test]
fn gzip_decompresses_the_same_in_chunks_of_any_size() {
    check("gzip", laws::gzip);
}

#[test]
fn any_bytes_are_a_valid_state_or_are_rejected() {
    check("state", laws::state);
}

#[test]
fn any_text_is_a_valid_catalog_or_is_rejected() {
    check("catalog", laws::catalog);
}

#[test]
fn any_text_is_a_valid_config_or_is_rejected_without_printing_the_token() {
    check("config", laws::config);
}
