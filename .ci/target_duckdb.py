"""target-duckdb, with DuckDB 1.0: from 1.1 on, which it was not made for, it takes the first row of some files for a header.
Started by .ci/clients."""

import sys

import duckdb
from singer import rehearse

FILE = "dixa.duckdb"


def count(folder, stream, key):
    columns = ", ".join(f'"{column.lower()}"' for column in key)
    with duckdb.connect(str(folder / FILE), read_only=True) as connection:
        return connection.sql(f'SELECT count(DISTINCT ({columns})) FROM main."{stream}"').fetchall()[0][0]


# Without a key, a stream is appended.
sys.exit(rehearse("target-duckdb", {"filepath": FILE, "default_target_schema": "main", "primary_key_required": False}, count))
