//! Rules of the code base that the compiler does not check.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use crate::support::sources::{
    code, functions, import_graph, lines_of_code, rust_files, source_folders,
};
use crate::support::streams::stream_names;

/// From top to bottom. A module imports only from lower layers.
const LAYERS: &[&[&str]] = &[
    &["main"],
    &["commands"],
    &["cli"],
    &["config", "streams", "checkpoint", "dedup"],
    &["window", "output"],
    &["singer"],
    &["airbyte", "dixa"],
    &["epoch", "failure", "nearest", "stdio"],
];

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

/// The modules that a file imports from, except its own.
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
    let manifest = fs::read_to_string("crates/dixa-simulator/Cargo.toml").unwrap();
    for package in ["source-dixa", "record-splitter"] {
        assert!(!manifest.contains(package), "{package}");
    }
}

#[test]
fn test_files_are_short() {
    for file in rust_files("integration_tests") {
        let lines = fs::read_to_string(&file).unwrap().lines().count();
        assert!(lines <= 400, "{}: {lines}", file.display());
    }
}

#[test]
fn files_and_functions_are_short() {
    let table = Path::new("src/streams/table.rs");
    for file in source_folders()
        .iter()
        .flat_map(|folder| rust_files(folder.to_str().unwrap()))
        .filter(|file| file != table && !file.ends_with("tests.rs"))
    {
        let lines = lines_of_code(&file);
        assert!(lines.len() <= 350, "{}: {}", file.display(), lines.len());
        for (name, length) in functions(&lines) {
            assert!(length <= 50, "{}: {name}: {length} lines", file.display());
        }
    }
}

#[test]
fn no_two_types_or_constants_of_a_crate_share_a_name() {
    let kinds = ["struct", "enum", "trait", "type", "const", "static"];
    for folder in source_folders() {
        let mut known: BTreeMap<String, PathBuf> = BTreeMap::new();
        for file in rust_files(folder.to_str().unwrap()) {
            // Associated types and nested items are indented.
            for line in lines_of_code(&file)
                .iter()
                .filter(|line| !line.starts_with(' '))
            {
                let line = line.trim_start_matches("pub ").replace("pub(super) ", "");
                let mut words =
                    line.split(|letter: char| !letter.is_alphanumeric() && letter != '_');
                let is_item = words.next().is_some_and(|word| kinds.contains(&word));
                let name = words.next().unwrap_or_default().to_owned();
                if !is_item || name == "fn" {
                    continue;
                }
                if let Some(other) = known.insert(name.clone(), file.clone()) {
                    panic!("{name}: {} and {}", other.display(), file.display());
                }
            }
        }
    }
}

#[test]
fn no_import_cycles() {
    let tests = PathBuf::from("integration_tests");
    for folder in source_folders().into_iter().chain([tests]) {
        let mut graph = import_graph(&folder);
        assert!(graph.values().any(|imports| !imports.is_empty()));
        // Removes modules that import none of the others, or that none of the others imports, until only cycles are left.
        loop {
            let rest: BTreeSet<_> = graph.keys().cloned().collect();
            let imported: BTreeSet<_> = graph.values().flatten().cloned().collect();
            graph.retain(|module, imports| {
                imported.contains(module) && imports.iter().any(|import| rest.contains(import))
            });
            if graph.len() == rest.len() {
                break;
            }
        }
        let circle: Vec<_> = graph.keys().map(|module| module.join("::")).collect();
        assert!(circle.is_empty(), "{}: {circle:?}", folder.display());
    }
}

#[test]
fn tests_import_from_support_and_never_from_each_other() {
    let graph = import_graph(Path::new("integration_tests"));
    assert!(graph.len() > 30);
    for (module, imports) in &graph {
        for import in imports {
            let is_support = import.first().is_some_and(|top| top == "support");
            assert!(
                is_support || import.first() == module.first(),
                "{module:?} must not import {import:?}"
            );
        }
    }
    // Paths outside `use` statements, too.
    for file in rust_files("integration_tests") {
        let own = file.components().nth(1).unwrap().as_os_str();
        let own = own.to_str().unwrap().trim_end_matches(".rs");
        for rest in fs::read_to_string(&file).unwrap().split("crate::").skip(1) {
            let end = rest.find(|letter: char| !letter.is_alphanumeric() && letter != '_');
            let imported = &rest[..end.unwrap_or(rest.len())];
            assert!(
                ["", "support", own].contains(&imported),
                "{}: {imported}",
                file.display()
            );
        }
    }
}

#[test]
fn the_imports_of_the_simulator_point_down() {
    let layers = ["http", "api", "data"];
    let layer = |module: &Vec<String>| layers.iter().position(|layer| *layer == module[0]);
    let mut graph = import_graph(Path::new("crates/dixa-simulator/src"));
    graph.retain(|module, _| !module.is_empty() && layer(module).is_some());
    for (module, imports) in &graph {
        for import in imports {
            assert!(
                !import.is_empty() && layer(import) >= layer(module),
                "{module:?} must not import {import:?}"
            );
        }
    }
    assert!(graph.len() > 30);
}

#[test]
fn every_file_has_a_header() {
    for file in ["src", "crates", "integration_tests"]
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
fn no_todo_and_no_disabled_test_is_left() {
    let marks = [
        "TODO",
        "FIXME",
        "dbg!",
        "todo!",
        "unimplemented!",
        "#[ignore",
        "#[should_panic",
    ];
    for file in ["src", "crates", "integration_tests"]
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
            "{}: trailing whitespace",
            file.display()
        );
    }
}

/// The names of streams and the paths of their endpoints.
#[test]
fn only_the_table_names_a_stream() {
    let table = Path::new("src/streams/table.rs");
    // What the probe asks of particular streams.
    let probe = ["subjects.rs", "values.rs"].map(|file| Path::new("src/commands/probe").join(file));
    let paths = code(table);
    let paths = paths.split('"').filter(|text| text.starts_with("/v1/"));
    let words: Vec<_> = stream_names()
        .iter()
        .flat_map(|name| [format!("\"{name}\""), format!("`{name}`")])
        .chain(paths.map(str::to_owned))
        .collect();
    assert!(words.len() > 60, "{words:?}");
    let is_other =
        |file: &&PathBuf| *file != table && !probe.contains(file) && !file.ends_with("tests.rs");
    for file in rust_files("src").iter().filter(is_other) {
        let code = code(file);
        for word in &words {
            assert!(!code.contains(word), "{}: {word}", file.display());
        }
    }
}
