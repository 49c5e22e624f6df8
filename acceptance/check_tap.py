"""Gives singer-check-tap, of singer-tools, all that the tap writes: of a first read, and of one from its state.

It validates each record with the SCHEMA before it, and parses each date-time.
"""

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from acceptance.claims import Claims
from acceptance.options import fast, options
from acceptance.simulator import Simulator
from acceptance.singer import file, tap

# Of the table that it prints: a stream, its records, its schemas.
ROW = re.compile(r"^\| (\w+) +\| (\d+) +\| (\d+) +\|$", re.M)


def main():
    tools, claims = options(), Claims()
    account = ["--conversations", "500", "--days", "3"]
    with (
        Simulator(tools.simulator, "--no-limits", "--oddities", *account) as dixa,
        tempfile.TemporaryDirectory() as directory,
    ):
        folder = Path(directory)
        config = file(folder, "config.json", fast(dixa, window_days=1, typed_values=True))
        read, _ = tap(tools, folder, config)
        expected = {stream: count["rows"] for stream, count in dixa.counts().items()}
        first, state = check(claims, "first read", folder, read)
        claims.equal("first read: it has seen every record", first, expected)
        second, _ = check(claims, "second read", folder, [*read, "--state", file(folder, "state.json", state)])
        claims.equal("second read: it has seen every stream", sorted(second), sorted(expected))
    return claims.exit_code()


def check(claims, name, folder, read):
    """The number of records of each stream that were found valid, and the tap's last state."""
    written = subprocess.run(read, cwd=folder, capture_output=True, check=True).stdout
    ran = subprocess.run(["singer-check-tap"], cwd=folder, input=written, capture_output=True, check=False)
    said = (ran.stdout + ran.stderr).decode()
    valid = ran.returncode == 0 and "The output is valid." in said
    claims.holds(f"{name}: singer-check-tap finds everything valid", valid, said[-3000:])
    counts = {stream: int(records) for stream, records, _ in ROW.findall(said)}
    return counts, json.loads(written.splitlines()[-1])["value"]


if __name__ == "__main__":
    sys.exit(main())
