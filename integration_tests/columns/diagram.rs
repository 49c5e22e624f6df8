//! The streams as an entity diagram of Mermaid: the keys, and the columns that join others.

use std::fmt::Write;

use super::Table;
use super::column::Column;

/// A line names this many columns; the entities have all.
const NAMED: usize = 3;

/// A name that Mermaid accepts for an attribute.
fn identifier(path: &str) -> String {
    path.replace("[]", "").replace('.', "_")
}

/// One stream with its key and the columns of its joins, from it and to it.
fn entity(table: &Table, all: &[Table]) -> String {
    let is_joined = |column: &Column| {
        let mut joins = all.iter().flat_map(Table::joins);
        joins.any(|(_, join)| join.stream == table.name && join.column == column.path)
    };
    let mut lines = format!("    {} {{\n", table.name);
    for column in &table.columns {
        let mut marks = Vec::new();
        if table.key.contains(&column.path) {
            marks.push("PK");
        }
        if !column.joins().is_empty() {
            marks.push("FK");
        }
        if marks.is_empty() && !is_joined(column) {
            continue;
        }
        let kind = column.kind.split(' ').next().unwrap_or_default();
        let name = identifier(&column.path);
        write!(lines, "        {kind} {name}").unwrap();
        if !marks.is_empty() {
            write!(lines, " {}", marks.join(", ")).unwrap();
        }
        if name != column.path {
            write!(lines, " \"{}\"", column.path).unwrap();
        }
        lines.push('\n');
    }
    lines + "    }\n"
}

/// A line for each stream that this one joins, with the columns that join it.
fn relations(table: &Table, all: &[Table]) -> String {
    let mut lines = String::new();
    for other in all {
        let joins: Vec<_> = table
            .joins()
            .filter(|(_, join)| join.stream == other.name)
            .collect();
        let mut columns: Vec<_> = joins
            .iter()
            .map(|(column, _)| column.path.as_str())
            .collect();
        columns.dedup();
        if columns.is_empty() {
            continue;
        }
        let is_one = joins
            .iter()
            .any(|(column, join)| !column.is_repeated() && other.key == [join.column.as_str()]);
        let ends = if is_one { "|o--o{" } else { "}o--o{" };
        let more = columns.len().saturating_sub(NAMED);
        let mut label = columns[..columns.len() - more].join(", ");
        if more > 0 {
            write!(label, " and {more} more").unwrap();
        }
        writeln!(
            lines,
            "    {} {ends} {} : \"{label}\"",
            other.name, table.name
        )
        .unwrap();
    }
    lines
}

/// The diagram, as a fenced block.
pub fn diagram(all: &[Table]) -> String {
    let entities: String = all.iter().map(|table| entity(table, all)).collect();
    let relations: String = all.iter().map(|table| relations(table, all)).collect();
    format!("```mermaid\nerDiagram\n{entities}{relations}```\n")
}
