//! `docs/columns.md`: every column of every stream, how streams join, and the diagram of both, written from the schema files. Joins
//! are what a description says: "the `id` in agents". The text around these parts is written by hand.

mod column;
mod diagram;

use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;

use crate::support::streams::{incremental, key_of, stream_names};
use column::{Column, Join, columns, description};
use diagram::diagram;

const FILE: &str = "docs/columns.md";
const COMMAND: &str = "INSTA_UPDATE=always cargo test columns::";

/// Columns that look like ids of other records and join nothing, because nothing that is read has these ids.
const JOIN_NOTHING: &[&str] = &[
    "activity_logs.attributes.destinationId",
    "conversations.dixa_email_integration_id",
    "conversations.facebook_page_id",
    "conversations.from_provisioned_phone_number_id",
    "conversations.to_provisioned_phone_number_id",
    "conversations.widget_id",
    "custom_attributes.inputDefinition.options[].id",
    "endusers.externalId",
    "knowledge_articles.translation.draft.availableAt.helpCenterLinks[].id",
    "knowledge_articles.translation.published.availableAt.helpCenterLinks[].id",
    "knowledge_categories.title.languageId",
    "queues.usages.queueId",
];

/// Every stream with its columns.
pub struct Table {
    name: &'static str,
    key: Vec<String>,
    columns: Vec<Column>,
}

impl Table {
    fn column(&self, path: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.path == path)
    }

    /// Each join of a column with that column.
    fn joins(&self) -> impl Iterator<Item = (&Column, &Join)> {
        let with_column = |column| Column::joins(column).iter().map(move |join| (column, join));
        self.columns.iter().flat_map(with_column)
    }
}

fn tables() -> Vec<Table> {
    let table = |name| Table {
        name,
        key: key_of(name),
        columns: columns(name),
    };
    stream_names().into_iter().map(table).collect()
}

fn code(names: impl IntoIterator<Item = impl AsRef<str>>) -> String {
    let names = names.into_iter();
    let quoted: Vec<_> = names.map(|name| format!("`{}`", name.as_ref())).collect();
    quoted.join(", ")
}

/// The columns of other streams that join this one.
fn joined_by(table: &Table, all: &[Table]) -> Vec<String> {
    let from = |other: &Table| -> Vec<String> {
        let here = other.joins().filter(|(_, join)| join.stream == table.name);
        here.map(|(column, _)| format!("{}.{}", other.name, column.path))
            .collect()
    };
    all.iter().flat_map(from).collect()
}

/// The section of one stream.
fn section(table: &Table, all: &[Table]) -> String {
    let name = table.name;
    let key = match &table.key[..] {
        [] => "none".to_owned(),
        key => code(key),
    };
    let mut facts = format!("Key: {key}.");
    if let Some((_, cursor)) = incremental()
        .into_iter()
        .find(|(stream, _)| *stream == name)
    {
        write!(facts, " Cursor: `{cursor}`.").unwrap();
    }
    let by = joined_by(table, all);
    if !by.is_empty() {
        write!(facts, " Joined by {}.", code(by)).unwrap();
    }
    let row = |column: &Column| {
        let joins = column.joins().iter().map(Join::to_string);
        let cells = [
            format!("`{}`", column.path),
            column.kind.clone(),
            column.meaning(),
            code(joins),
        ];
        format!(
            "| {} |",
            cells.map(|cell| cell.replace('|', "\\|")).join(" | ")
        )
    };
    let rows: Vec<_> = table.columns.iter().map(row).collect();
    let head = "| Column | Type | Meaning | Joins |\n| :--- | :--- | :--- | :--- |";
    format!(
        "### {name}\n\n{} {facts}\n\n{head}\n{}\n",
        description(name),
        rows.join("\n")
    )
}

/// Replaces what is between the marks of a part.
fn put(page: &str, part: &str, text: &str) -> String {
    let (begin, end) = (format!("<!-- {part} -->\n"), format!("<!-- /{part} -->"));
    let (before, rest) = page
        .split_once(&begin)
        .unwrap_or_else(|| panic!("{FILE} lacks {begin}"));
    let (_, after) = rest
        .split_once(&end)
        .unwrap_or_else(|| panic!("{FILE} lacks {end}"));
    format!("{before}{begin}\n{text}\n{end}{after}")
}

#[test]
fn the_page_of_columns_matches_the_schemas() {
    let all = tables();
    let sections: Vec<_> = all.iter().map(|table| section(table, &all)).collect();
    let written = fs::read_to_string(FILE).unwrap();
    let expected = put(&written, "columns", &sections.join("\n"));
    let expected = put(&expected, "diagram", &diagram(&all));
    if std::env::var("INSTA_UPDATE").is_ok_and(|update| update == "always") {
        fs::write(FILE, &expected).unwrap();
    }
    let written = fs::read_to_string(FILE).unwrap();
    for (written, expected) in written.lines().zip(expected.lines()) {
        assert_eq!(written, expected, "run {COMMAND}");
    }
    assert_eq!(written, expected);
}

#[test]
fn every_join_leads_to_a_column() {
    let all = tables();
    for table in &all {
        for (column, join) in table.joins() {
            let target = all.iter().find(|other| other.name == join.stream);
            let is_there = target.is_some_and(|target| target.column(&join.column).is_some());
            assert!(is_there, "{}.{}: {join}", table.name, column.path);
        }
    }
}

#[test]
fn every_id_of_another_record_says_what_it_joins() {
    let all = tables();
    let mut silent = BTreeSet::new();
    for table in &all {
        let ids = table
            .columns
            .iter()
            .filter(|column| column.is_id() && column.path != "id");
        let without = ids.filter(|column| column.joins().is_empty());
        silent.extend(without.map(|column| format!("{}.{}", table.name, column.path)));
    }
    let known: BTreeSet<_> = JOIN_NOTHING.iter().map(|path| (*path).to_owned()).collect();
    assert_eq!(silent, known);
}

#[test]
fn a_description_is_a_line_of_at_most_200_characters() {
    for table in tables() {
        for column in &table.columns {
            let length = column.description.chars().count();
            assert!(length <= 200, "{}.{}: {length}", table.name, column.path);
        }
    }
}
