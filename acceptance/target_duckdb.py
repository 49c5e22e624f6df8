"""Loads every stream with target-duckdb, and runs the example that uses it.

With DuckDB 1.0: from 1.1 on, which it was not made for, the target mistakes the first row of some files for a header.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import duckdb

from acceptance.claims import Claims
from acceptance.options import ROOT, fast, options
from acceptance.simulator import Simulator
from acceptance.singer import read_twice, source

FILE = "dixa.duckdb"


def count(folder, stream, key):
    columns = ", ".join(f'"{column.lower()}"' for column in key)
    with duckdb.connect(str(folder / FILE), read_only=True) as connection:
        return connection.sql(f'SELECT count(DISTINCT ({columns})) FROM main."{stream}"').fetchall()[0][0]


def main():
    # Streams without a key are appended.
    config = {"filepath": FILE, "default_target_schema": "main", "primary_key_required": False}
    return read_twice("target-duckdb", config, count, source) or run_example()


def run_example():
    """Runs examples/singer_to_duckdb.sh twice."""
    tools, claims = options(), Claims()
    with Simulator(tools.simulator, "--no-limits") as dixa, tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "config.json"
        config.write_text(json.dumps(fast(dixa)))
        path = f"{tools.connector.parent}:{os.environ['PATH']}"
        for _ in range(2):
            ran = subprocess.run(
                [ROOT / "examples/singer_to_duckdb.sh"],
                cwd=folder,
                env={**os.environ, "PATH": path, "CONFIG": str(config)},
                capture_output=True,
                text=True,
                check=False,
            )
            claims.holds("examples/singer_to_duckdb.sh exits with 0", ran.returncode == 0, ran.stderr[-1500:])
        found = count(Path(folder), "conversations", ["id"])
        claims.equal("and all conversations are there once", found, dixa.counts()["conversations"]["keys"])
    return claims.exit_code()


if __name__ == "__main__":
    sys.exit(main())
