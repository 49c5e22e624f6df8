"""Reads the large streams with PyAirbyte into PostgreSQL, typed, changes the simulated Dixa, and reads again.

After both reads the tables must hold the same rows as the simulator, and times must be timestamps. The recipe for
PyAirbyte and PostgreSQL, which pyairbyte_recipes.py follows, leaves these streams out.
"""

import os
import sys
import tempfile
import time
from pathlib import Path

import airbyte as ab
from airbyte.caches import PostgresCache
from sqlalchemy import text

from acceptance.claims import Claims
from acceptance.options import fast, options
from acceptance.postgres import USER, Postgres, programs
from acceptance.simulator import Simulator

STREAMS = ["conversations", "messages", "activity_logs"]


def main():
    if programs() is None:
        print("SKIP postgres_cache: there is no PostgreSQL server (Debian's package postgresql)")
        return 0
    tools, claims = options(), Claims()
    account = ["--conversations", "2000", "--days", "3"]
    with (
        Simulator(tools.simulator, "--no-limits", "--oddities", *account) as dixa,
        Postgres() as postgres,
        tempfile.TemporaryDirectory() as directory,
    ):
        os.chdir(directory)  # PyAirbyte writes its own files here
        cache = PostgresCache(
            host="127.0.0.1",
            port=postgres.port,
            username=USER,
            password="none",
            database="postgres",
            schema_name="dixa",
            cache_dir=Path(directory),
        )
        read_twice(claims, cache, dixa, tools.connector)
        os.chdir("/")
    return claims.exit_code()


def read_twice(claims, cache, dixa, connector):
    config = fast(dixa, window_days=1, typed_values=True)
    source = ab.get_source("source-dixa", config=config, local_executable=connector)
    source.select_streams(STREAMS)
    for read in ("first", "second"):
        source.read(cache=cache, force_full_refresh=False)
        counts = dixa.counts()
        for stream in STREAMS:
            [(rows,)] = query(cache, f"SELECT count(*) FROM dixa.{stream}")
            expected = counts[stream]["keys"]
            claims.equal(f"{read} read: {stream} has {expected} rows", rows, expected)
        if read == "first":
            dixa.change(updated=5, added=2)
            time.sleep(1)  # a read goes up to the last whole second, and the changes must lie before it
    for table, column in (("conversations", "updated_at"), ("conversations", "created_at"), ("messages", "created_at")):
        [(kind, last)] = query(
            cache,
            f"SELECT data_type, (SELECT max(extract(epoch FROM {column})) FROM dixa.{table}) "
            f"FROM information_schema.columns WHERE table_schema = 'dixa' "
            f"AND table_name = '{table}' AND column_name = '{column}'",
        )
        claims.holds(f"{table}.{column} is a timestamp", kind.lower().startswith("timestamp"), kind)
        recent = time.time() - 60 * 24 * 3600 < float(last) <= time.time()
        claims.holds("with the right instants", recent, last)


def query(cache, sql):
    with cache.get_sql_engine().connect() as connection:
        return connection.execute(text(sql)).fetchall()


if __name__ == "__main__":
    sys.exit(main())
