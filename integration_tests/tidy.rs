//! The rules of the house that the compiler does not hold.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::connector::{discovered, key_of, stream_names};

/// Top to bottom. A module imports from lower layers only, never from its own.
const LAYERS: &[&[&str]] = &[
    &["main"],
    &["commands"],
    &["cli", "config", "streams", "checkpoint", "seam", "terminal"],
    &["window"],
    &["airbyte", "dixa"],
    &["epoch", "failure"],
];

fn rust_files(folder: &str) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
    {
        if entry.is_dir() {
            files.extend(rust_files(entry.to_str().unwrap()));
        } else if entry.extension().is_some_and(|extension| extension == "rs") {
            files.push(entry);
        }
    }
    files
}

/// The module below `src/` that a file belongs to.
fn top_module(file: &Path) -> String {
    let first = file
        .strip_prefix("src")
        .unwrap()
        .components()
        .next()
        .unwrap();
    first
        .as_os_str()
        .to_str()
        .unwrap()
        .trim_end_matches(".rs")
        .to_owned()
}

fn layer(module: &str) -> usize {
    LAYERS
        .iter()
        .position(|layer| layer.contains(&module))
        .unwrap_or_else(|| panic!("`{module}` has no layer"))
}

/// The modules that a file imports from, its own apart.
fn imports(file: &Path) -> BTreeSet<String> {
    let text = fs::read_to_string(file).unwrap();
    let module = top_module(file);
    let first_word = |rest: &str| {
        rest.split(|character: char| !character.is_alphanumeric() && character != '_')
            .next()
            .unwrap()
            .to_owned()
    };
    let named = ["crate::", "source_dixa::"]
        .into_iter()
        .flat_map(|front| text.split(front).skip(1));
    named
        .map(first_word)
        .filter(|imported| *imported != module)
        .collect()
}

#[test]
fn imports_point_down() {
    for file in rust_files("src")
        .into_iter()
        .filter(|file| !file.ends_with("lib.rs"))
    {
        let module = top_module(&file);
        for imported in imports(&file) {
            assert!(
                layer(&module) < layer(&imported),
                "{}: `{module}` must not import `{imported}`",
                file.display()
            );
        }
    }
}

#[test]
fn the_simulator_shares_no_code_with_the_connector() {
    for file in rust_files("integration_tests/simulator") {
        let text = fs::read_to_string(&file).unwrap();
        let lines = text
            .lines()
            .filter(|line| line.trim_start().starts_with("use source_dixa"));
        assert_eq!(lines.count(), 0, "{}", file.display());
    }
}

#[test]
fn every_file_says_what_it_knows() {
    for file in ["src", "integration_tests"]
        .into_iter()
        .flat_map(rust_files)
    {
        let text = fs::read_to_string(&file).unwrap();
        let header = text
            .lines()
            .take_while(|line| line.starts_with("//!"))
            .count();
        assert!(
            (1..=20).contains(&header),
            "{} has no header",
            file.display()
        );
    }
}

#[test]
fn nothing_is_left_to_do_or_switched_off() {
    let marks = [
        "TODO",
        "FIXME",
        "dbg!",
        "todo!",
        "unimplemented!",
        "#[ignore",
        "#[should_panic",
    ];
    for file in ["src", "integration_tests"]
        .into_iter()
        .flat_map(rust_files)
        .filter(|file| !file.ends_with("tidy.rs"))
    {
        let text = fs::read_to_string(&file).unwrap();
        for mark in marks {
            assert!(!text.contains(mark), "{}: {mark}", file.display());
        }
        assert!(
            text.lines().all(|line| line.trim_end() == line),
            "{}: trailing blanks",
            file.display()
        );
    }
}

/// The rows of the first table in the README whose head begins like this, as the text of their cells.
fn readme_table(head: &str) -> Vec<Vec<String>> {
    let readme = fs::read_to_string("README.md").unwrap();
    let rows = readme
        .lines()
        .skip_while(|line| !line.starts_with(head))
        .skip(2)
        .take_while(|line| line.starts_with('|'));
    let cells = |row: &str| {
        row.trim_matches('|')
            .split('|')
            .map(|cell| cell.trim().replace('`', ""))
            .collect()
    };
    rows.map(cells).collect()
}

/// Code apart from comments and tests.
fn code(file: &Path) -> String {
    let text = fs::read_to_string(file).unwrap();
    let code = text.split("#[cfg(test)]\nmod ").next().unwrap();
    let lines = code
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

/// Their names, and those of their endpoints.
#[test]
fn nothing_but_the_table_knows_a_stream() {
    let table = Path::new("src/streams.rs");
    let paths = code(table);
    let paths = paths.split('"').filter(|text| text.starts_with("/v1/"));
    let words: Vec<_> = stream_names()
        .iter()
        .flat_map(|name| [format!("\"{name}\""), format!("`{name}`")])
        .chain(paths.map(str::to_owned))
        .collect();
    assert!(words.len() > 60, "{words:?}");
    let is_other = |file: &&PathBuf| *file != table && !file.ends_with("tests.rs");
    for file in rust_files("src").iter().filter(is_other) {
        let code = code(file);
        for word in &words {
            assert!(!code.contains(word), "{}: {word}", file.display());
        }
    }
}

#[test]
fn the_readme_lists_every_stream_as_it_is() {
    let rows = readme_table("| stream |");
    let streams = discovered();
    assert_eq!(rows.len(), streams.len());
    for (row, stream) in rows.iter().zip(streams) {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let mode = match stream.get("default_cursor_field") {
            Some(cursor) => format!("incremental on {}, full refresh", text(&cursor[0])),
            None => "full refresh".to_owned(),
        };
        assert_eq!(row[0], text(&stream["name"]));
        assert_eq!(row[2], mode, "{}", row[0]);
        let key = key_of(&row[0]);
        let key = if key.is_empty() {
            "none".to_owned()
        } else {
            key.join(", ")
        };
        assert_eq!(row[3], key, "{}", row[0]);
    }
}

#[test]
fn the_readme_lists_every_key_of_the_config_with_its_default() {
    let spec: Value = serde_json::from_str(include_str!("../spec.json")).unwrap();
    let properties = spec["connectionSpecification"]["properties"]
        .as_object()
        .unwrap();
    let rows = readme_table("| key |");
    let keys: Vec<_> = rows.iter().map(|row| row[0].as_str()).collect();
    assert_eq!(keys, properties.keys().collect::<Vec<_>>());
    for row in &rows {
        let default = match properties[&row[0]].get("default") {
            Some(Value::String(text)) => text.clone(),
            Some(number) => number.to_string(),
            None if row[0] == "api_token" => "required".to_owned(),
            None => "none".to_owned(),
        };
        assert_eq!(row[1], default, "{}", row[0]);
    }
}
