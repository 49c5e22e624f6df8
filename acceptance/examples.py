"""Runs each script of examples/ twice against the simulator, as its README describes."""

import gzip
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb

from acceptance.claims import Claims
from acceptance.options import ROOT, fast, options
from acceptance.simulator import Simulator

EXAMPLES = ROOT / "examples"


def main():
    tools = options()
    claims = Claims()
    account = ["--conversations", "2000", "--days", "3"]
    with Simulator(tools.simulator, "--no-limits", *account) as dixa, tempfile.TemporaryDirectory() as directory:
        config = Path(directory) / "config.json"
        config.write_text(json.dumps(fast(dixa, window_days=1)))

        def run(name, folder):
            environment = {**os.environ, "CONFIG": str(config)}
            environment["PATH"] = f"{tools.connector.parent}:{environment['PATH']}"
            command = [sys.executable] if name.endswith(".py") else []
            ran = subprocess.run(
                [*command, EXAMPLES / name],
                cwd=folder,
                env=environment,
                capture_output=True,
                text=True,
                check=False,
            )
            claims.holds(f"{name} exits with 0", ran.returncode == 0, ran.stdout[-1500:] + ran.stderr[-1500:])
            return ran.stdout

        def folder(name):
            path = Path(directory) / name
            path.mkdir()
            return path

        table = run("first_answer.sh", folder("first_answer"))
        claims.holds("first_answer.sh prints a time for each queue", "minutes_to_first_answer" in table, table)

        cron = folder("cron")
        run("cron.sh", cron)
        dixa.change(updated=5, added=2)
        time.sleep(1.1)  # another second, and so another file
        run("cron.sh", cron)
        counts = [records(file, "conversations") for file in sorted(cron.glob("*.jsonl.gz"))]
        claims.equal("cron.sh: the first run reads all conversations", counts[0], 2000)
        claims.holds("cron.sh: the second only what is new, and the lookback", 7 <= counts[1] < 500, counts)

        keyed = folder("pyairbyte")
        for _ in range(2):
            printed = run("pyairbyte_to_duckdb.py", keyed)
        total = dixa.counts()["conversations"]["keys"]
        claims.holds(
            "pyairbyte_to_duckdb.py: all conversations are there", f"conversations: {total} rows" in printed, printed
        )
        [file] = keyed.glob("*.duckdb")
        with duckdb.connect(str(file), read_only=True) as connection:
            [(rows,)] = connection.sql("SELECT count(*) FROM main.conversations").fetchall()
        claims.equal("pyairbyte_to_duckdb.py: each once, by SQL", rows, total)
    return claims.exit_code()


def records(file, stream):
    with gzip.open(file, "rt") as lines:
        return sum(line.startswith(f'{{"type":"RECORD","record":{{"stream":"{stream}"') for line in lines)


if __name__ == "__main__":
    sys.exit(main())
