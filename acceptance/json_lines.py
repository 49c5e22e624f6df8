"""Reads every stream as plain rows, typed, and loads them without a schema.

In ClickHouse, DuckDB, SQLite (with sqlite-utils) and Miller: each must hold as many rows as the simulator sent. Two
undeclared fields that `--oddities` adds to conversations are the simulator's invention, and more than some loaders
accept: an empty key stops ClickHouse and Miller, an integer of more than 64 bits stops sqlite-utils. These
conversations load once jq has removed that one field; those of an account without `--oddities` load as they are.
ClickHouse needs `typed_values`: in one column it does not accept both text and lists.
"""

import json
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path

import duckdb
from chdb.session import Session
from sqlite_utils.cli import cli as sqlite_utils

from acceptance.claims import Claims
from acceptance.options import fast, options
from acceptance.simulator import Simulator

# The field of odd conversations that a loader refuses, and the reason it gives.
REFUSED = {
    "ClickHouse": ("x_empty", "Names of tuple elements cannot be empty"),
    "sqlite-utils": ("x_big", "too large to convert to SQLite INTEGER"),
    "Miller": ("x_empty", "object keys must be string-valued"),
}


def main():
    tools, claims = options(), Claims()
    account = [tools.simulator, "--no-limits", "--conversations", "500", "--days", "3"]
    with tempfile.TemporaryDirectory() as directory:
        with Simulator(*account, "--oddities") as dixa:
            files, rows = read(tools, dixa, Path(directory) / "odd", list(dixa.counts()))
        for name, load in LOADERS.items():
            for stream, path in files.items():
                if stream == "conversations" and name in REFUSED:
                    field, reason = REFUSED[name]
                    check_refused(claims, f"{name}: conversations with {field}", load, path, reason)
                    compare(claims, f"{name}: without {field}", load, without(path, field), rows[stream])
                else:
                    compare(claims, f"{name}: {stream}", load, path, rows[stream])

        with Simulator(*account) as dixa:
            files, rows = read(tools, dixa, Path(directory) / "plain", ["conversations"])
            untyped, _ = read(tools, dixa, Path(directory) / "untyped", ["messages"], typed_values=False)
        for name, load in LOADERS.items():
            compare(claims, f"{name}: plain conversations", load, files["conversations"], rows["conversations"])
        path = untyped["messages"]
        check_refused(claims, "ClickHouse: messages without typed_values", in_clickhouse, path, "for column 'to'")
    return claims.exit_code()


def read(tools, dixa, folder, streams, typed_values=True):
    """A file of rows for each stream, and the numbers of rows that the simulator has."""
    folder.mkdir()
    config = folder / "config.json"
    config.write_text(json.dumps(fast(dixa, window_days=1, typed_values=typed_values)))
    files = {stream: folder / f"{stream}.jsonl" for stream in streams}
    for stream, path in files.items():
        command = [tools.connector, "read", "--quiet", "--config", config, "--format", "jsonl", "--streams", stream]
        with open(path, "w") as output:
            subprocess.run(command, stdout=output, stderr=subprocess.DEVNULL, check=True)
    return files, {stream: count["rows"] for stream, count in dixa.counts().items()}


def compare(claims, name, load, path, expected):
    try:
        claims.equal(f"{name}: {expected} rows", load(path), expected)
    except Exception as error:
        claims.holds(f"{name}: {expected} rows", False, str(error)[:1500])


def check_refused(claims, name, load, path, reason):
    try:
        claims.holds(f"{name}: is refused", False, f"{load(path)} rows")
    except Exception as error:
        claims.holds(f"{name}: is refused", reason in str(error), str(error)[:1500])


def without(path, field):
    """The rows without a field, by jq."""
    shorter = path.with_stem(f"{path.stem}_without_{field}")
    with open(shorter, "w") as output:
        subprocess.run(["jq", "-c", f"del(.{field})", path], stdout=output, check=True)
    return shorter


# Each loader returns how many rows it has then.


def in_clickhouse(path):
    with Session() as session:
        session.query("CREATE DATABASE dixa")
        table = f"CREATE TABLE dixa.{path.stem} ENGINE = MergeTree ORDER BY tuple()"
        session.query(f"{table} AS SELECT * FROM file('{path}')")
        return int(str(session.query(f"SELECT count() FROM dixa.{path.stem}")))


def in_duckdb(path):
    with duckdb.connect() as connection:
        connection.sql(f"CREATE TABLE {path.stem} AS SELECT * FROM '{path}'")
        return connection.sql(f"SELECT count(*) FROM {path.stem}").fetchall()[0][0]


def in_sqlite(path):
    file = str(path.with_suffix(".db"))
    # The command line, in this process: it takes most of a second to start.
    sqlite_utils(["insert", file, path.stem, str(path), "--nl", "--alter", "--silent"], standalone_mode=False)
    with closing(sqlite3.connect(file)) as connection:
        [(rows,)] = connection.execute(f"SELECT count(*) FROM {path.stem}")
        return rows


def in_miller(path):
    ran = subprocess.run(["mlr", "--ijsonl", "--ojson", "cat", path], capture_output=True, text=True, check=False)
    if ran.returncode:
        raise RuntimeError(ran.stderr)
    return len(json.loads(ran.stdout))


LOADERS = {"ClickHouse": in_clickhouse, "DuckDB": in_duckdb, "sqlite-utils": in_sqlite, "Miller": in_miller}


if __name__ == "__main__":
    sys.exit(main())
