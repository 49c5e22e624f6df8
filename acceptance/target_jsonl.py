"""Loads every stream with target-jsonl, typed and as Dixa sends it, and counts the rows of its files with DuckDB."""

import sys

import duckdb

from acceptance.singer import read_twice, source


def count(folder, stream, key):
    columns = ", ".join(f"row->>'{column}'" for column in key)
    path = folder / f"{stream}.jsonl"
    lines = f"SELECT json AS row FROM read_ndjson_objects('{path}', maximum_object_size = 10000000)"
    return duckdb.sql(f"SELECT count(DISTINCT ({columns})) FROM ({lines})").fetchall()[0][0]


def main():
    target = "target-jsonl", {"do_timestamp_file": False}, count, source
    return read_twice(*target) or read_twice(*target, typed_values=False)


if __name__ == "__main__":
    sys.exit(main())
