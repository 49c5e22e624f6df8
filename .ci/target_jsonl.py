"""target-jsonl, whose files are counted by DuckDB. Started by .ci/clients."""

import sys

import duckdb
from singer import rehearse


def count(folder, stream, key):
    columns = ", ".join(f'row->>\'{column}\'' for column in key)
    path = folder / f"{stream}.jsonl"
    lines = f"SELECT json AS row FROM read_ndjson_objects('{path}', maximum_object_size = 10000000)"
    return duckdb.sql(f"SELECT count(DISTINCT ({columns})) FROM ({lines})").fetchall()[0][0]


sys.exit(rehearse("target-jsonl", {"do_timestamp_file": False}, count))
