"""Runs the shell scripts of examples/ that have no module of their own, as their README describes."""

import gzip
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

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
            ran = subprocess.run(
                [EXAMPLES / name],
                cwd=folder,
                env=environment,
                capture_output=True,
                text=True,
                check=False,
            )
            claims.holds(f"{name} exits with 0", ran.returncode == 0, ran.stdout[-1500:] + ran.stderr[-1500:])

        cron = Path(directory) / "cron"
        cron.mkdir()
        run("cron.sh", cron)
        dixa.change(updated=5, added=2)
        time.sleep(1.1)  # another second, and so another file
        run("cron.sh", cron)
        counts = [records(file, "conversations") for file in sorted(cron.glob("*.jsonl.gz"))]
        claims.equal("cron.sh: the first run reads all conversations", counts[0], 2000)
        claims.holds("cron.sh: the second only what is new, and the lookback", 7 <= counts[1] < 500, counts)
    return claims.exit_code()


def records(file, stream):
    with gzip.open(file, "rt") as lines:
        return sum(line.startswith(f'{{"type":"RECORD","record":{{"stream":"{stream}"') for line in lines)


if __name__ == "__main__":
    sys.exit(main())
