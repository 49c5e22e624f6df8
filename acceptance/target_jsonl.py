"""Loads every stream with target-jsonl, and counts the rows of its files with DuckDB."""

import sys

import duckdb

from acceptance.singer import read_twice


def count(folder, stream, key):
    columns = ", ".join(f"row->>'{column}'" for column in key)
    path = folder / f"{stream}.jsonl"
    lines = f"SELECT json AS row FROM read_ndjson_objects('{path}', maximum_object_size = 10000000)"
    return duckdb.sql(f"SELECT count(DISTINCT ({columns})) FROM ({lines})").fetchall()[0][0]


def main():
    return read_twice("target-jsonl", {"do_timestamp_file": False}, count)


if __name__ == "__main__":
    sys.exit(main())
