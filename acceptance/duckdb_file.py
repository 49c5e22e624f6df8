"""Counts rows in a DuckDB file that another program has written."""

import duckdb


def rows(file, table):
    with duckdb.connect(str(file), read_only=True) as connection:
        return connection.sql(f"SELECT count(*) FROM {table}").fetchall()[0][0]
