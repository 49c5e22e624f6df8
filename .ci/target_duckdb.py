"""target-duckdb, with DuckDB 1.0: from 1.1 on, which it was not made for, it takes the first row of some files for a header.
Started by .ci/clients."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import duckdb
from claims import Claims
from options import ROOT, fast, options
from simulator import Simulator
from singer import rehearse

FILE = "dixa.duckdb"


def count(folder, stream, key):
    columns = ", ".join(f'"{column.lower()}"' for column in key)
    with duckdb.connect(str(folder / FILE), read_only=True) as connection:
        return connection.sql(f'SELECT count(DISTINCT ({columns})) FROM main."{stream}"').fetchall()[0][0]


def example():
    """examples/singer_to_duckdb.sh, twice."""
    tools, claims = options(), Claims()
    with Simulator(tools.simulator, "--no-limits") as dixa, tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "config.json"
        config.write_text(json.dumps(fast(dixa)))
        path = f"{tools.connector.parent}:{os.environ['PATH']}"
        for _ in range(2):
            ran = subprocess.run(
                [ROOT / "examples/singer_to_duckdb.sh"],
                cwd=folder, env={**os.environ, "PATH": path, "CONFIG": str(config)}, capture_output=True, text=True,
            )
            claims.holds("examples/singer_to_duckdb.sh ends well", ran.returncode == 0, ran.stderr[-1500:])
        found = count(Path(folder), "conversations", ["id"])
        claims.equal("and all conversations are there once", found, dixa.counts()["conversations"]["keys"])
    return claims.exit_code()


# Without a key, a stream is appended.
rehearsed = rehearse("target-duckdb", {"filepath": FILE, "default_target_schema": "main", "primary_key_required": False}, count)
sys.exit(rehearsed or example())
