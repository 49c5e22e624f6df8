//! The documents agree with the connector: README, docs/dixa.md, metadata.yaml, and the tests that README.md here names.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::sources::rust_files;
use crate::support::streams::{discovered, key_of};

/// The cells of the first table of the README whose header starts with this.
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

#[test]
fn the_readme_lists_every_stream() {
    let rows = readme_table("| stream |");
    let streams = discovered();
    assert_eq!(rows.len(), streams.len());
    for (row, stream) in rows.iter().zip(streams) {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let mode = match stream.get("default_cursor_field") {
            Some(cursor) => format!("incremental on {}, full refresh", text(&cursor[0])),
            None if stream["is_resumable"] == true => "incremental by day, full refresh".to_owned(),
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

/// The values of a key in a YAML file, or of all list items for the key `-`, each on a line of its own.
fn yaml(name: &str, key: &str) -> Vec<String> {
    let text = fs::read_to_string(name).unwrap();
    let value = |line: &str| match key {
        "-" => line.trim().strip_prefix("- ").map(str::to_owned),
        _ => line
            .trim()
            .strip_prefix(key)?
            .strip_prefix(": ")
            .map(|value| value.trim_matches('"').to_owned()),
    };
    text.lines().filter_map(value).collect()
}

#[test]
fn the_metadata_matches_the_version_and_the_hosts() {
    let metadata = "metadata.yaml";
    assert_eq!(
        yaml(metadata, "dockerImageTag"),
        [env!("CARGO_PKG_VERSION")]
    );
    let dockerfile = fs::read_to_string("Dockerfile").unwrap();
    let [name] = &yaml(metadata, "dockerRepository")[..] else {
        panic!("one repository")
    };
    assert!(dockerfile.contains(&format!("ARG IMAGE={name}\n")));
    let listed = yaml(metadata, "-");
    let spec: Value = serde_json::from_str(include_str!("../spec.json")).unwrap();
    for host in ["exports_base_url", "api_base_url"] {
        let url = &spec["connectionSpecification"]["properties"][host]["default"];
        let host = url.as_str().unwrap().trim_start_matches("https://");
        assert!(listed.iter().any(|listed| listed == host), "{host}");
    }
    assert_eq!(
        yaml(metadata, "protocolVersion"),
        [spec["protocol_version"].as_str().unwrap()]
    );
}

#[test]
fn the_documentation_lists_the_fields_the_streams_and_the_version() {
    let page = fs::read_to_string("docs/dixa.md").unwrap();
    let spec: Value = serde_json::from_str(include_str!("../spec.json")).unwrap();
    let properties = spec["connectionSpecification"]["properties"]
        .as_object()
        .unwrap();
    for property in properties
        .values()
        .filter(|property| property["airbyte_hidden"] != true)
    {
        let title = property["title"].as_str().unwrap();
        let default = match property.get("default") {
            Some(Value::String(text)) => format!("`{text}`"),
            Some(number) => format!("`{number}`"),
            None if title == "API token" => "required".to_owned(),
            None => "none".to_owned(),
        };
        let row = format!("| {title} | {default} |");
        assert!(page.contains(&row), "{row}");
    }
    for stream in discovered() {
        let mode = match stream.get("default_cursor_field") {
            Some(cursor) => format!(
                "Incremental on `{}`, Full Refresh",
                cursor[0].as_str().unwrap()
            ),
            None if stream["is_resumable"] == true => "Incremental by day, Full Refresh".to_owned(),
            None => "Full Refresh".to_owned(),
        };
        let name = stream["name"].as_str().unwrap();
        let key: Vec<_> = key_of(name)
            .iter()
            .map(|field| format!("`{field}`"))
            .collect();
        let key = if key.is_empty() {
            "none".to_owned()
        } else {
            key.join(", ")
        };
        let row = page
            .lines()
            .find(|line| line.starts_with(&format!("| [{name}](")));
        let row = row.unwrap_or_else(|| panic!("{name} has no row"));
        let cells = format!("| {mode} | {key} |");
        assert!(row.contains(&cells), "{row}: {cells}");
    }
    for file in ["docs/dixa.md", "CHANGELOG.md"] {
        let text = fs::read_to_string(file).unwrap();
        assert!(text.contains(env!("CARGO_PKG_VERSION")), "{file}");
    }
}

#[test]
fn every_test_that_the_readme_names_exists() {
    let table = fs::read_to_string("integration_tests/README.md").unwrap();
    let sources: String = [
        "integration_tests",
        "integration_tests/support",
        "acceptance",
        "src",
        "src/streams",
    ]
    .iter()
    .flat_map(|folder| fs::read_dir(folder).unwrap())
    .map(|entry| entry.unwrap().path())
    .filter(|path| path.is_file())
    .map(|path| fs::read_to_string(path).unwrap())
    .collect();
    let named: Vec<_> = table
        .lines()
        .filter(|line| line.starts_with('|'))
        .filter_map(|line| line.trim_matches('|').split('|').nth(2))
        .flat_map(|cell| cell.split('`').skip(1).step_by(2))
        .collect();
    assert!(named.len() > 40, "{}", named.len());
    for name in named {
        let (_, last) = name.rsplit_once("::").unwrap_or(("", name));
        let is_there = [
            format!("fn {last}("),
            format!("\"{last}"),
            format!("def {last}("),
        ];
        let exists = is_there.iter().any(|form| sources.contains(form))
            || Path::new("acceptance").join(last).exists();
        assert!(exists, "{name}");
    }
}

/// The paths in the repository that a document names in backticks.
#[test]
fn the_documents_name_files_that_exist() {
    for document in ["ARCHITECTURE.md", "CONTRIBUTING.md"] {
        let text = fs::read_to_string(document).unwrap();
        let named = text.split('`').skip(1).step_by(2);
        let is_path = |text: &&str| {
            text.contains('/')
                && [
                    "src/",
                    "crates/",
                    "integration_tests/",
                    "acceptance/",
                    "docs/",
                    "fuzz/",
                    "benches/",
                    ".ci/",
                ]
                .iter()
                .any(|folder| text.starts_with(folder))
                && !text.contains(['*', '<', ' '])
        };
        let mut folder = Path::new("");
        for path in named {
            if is_path(&path) {
                assert!(Path::new(path).exists(), "{document}: {path}");
                folder = Path::new(path).parent().unwrap();
            } else if Path::new(path)
                .extension()
                .is_some_and(|extension| extension == "rs")
                && !path.contains(['*', '<', ' ', '/'])
            {
                let found = folder.join(path).exists()
                    || ["src", "crates", "integration_tests"]
                        .into_iter()
                        .flat_map(rust_files)
                        .any(|file| file.ends_with(path));
                assert!(found, "{document}: {path}");
            }
        }
    }
}
