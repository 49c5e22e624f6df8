"""Follows a recipe of examples/ as its reader would: twice, with changes in Dixa between, then with a wrong token."""

import json
import os
import subprocess
import time
from pathlib import Path

from acceptance.options import ROOT, fast

EXAMPLES = ROOT / "examples"
# What a read leaves out without --streams and --catalog.
OPT_IN = ("messages", "activity_logs", "analytics_record_data")


class Recipe:
    """A recipe's folder, with a config for the simulator and `source-dixa` and `tap-dixa` on the PATH.

    `count` returns the rows of a stream's table, by SQL.
    """

    def __init__(self, name, claims, tools, dixa, folder, count):
        self.name, self.claims, self.dixa, self.count = name, claims, dixa, count
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        programs = self.folder / "bin"
        programs.mkdir()
        for program in ("source-dixa", "tap-dixa"):
            (programs / program).symlink_to(tools.connector)
        self.config = fast(dixa, window_days=1)
        self.environment = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}"}

    def run(self, command, **environment):
        """Runs it in bash in the recipe's folder, with the config in the file that CONFIG names."""
        file = self.folder / "config.json"
        file.write_text(json.dumps(self.config))
        return subprocess.run(
            ["bash", "-ec", command],
            cwd=self.folder,
            env={**self.environment, "CONFIG": str(file), **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )

    def succeeds(self, name, command, **environment):
        ran = self.run(command, **environment)
        said = ran.stdout[-2000:] + ran.stderr[-3000:]
        self.holds(f"{name} exits with 0", ran.returncode == 0, said)
        return ran

    def try_it(
        self,
        command,
        streams=None,
        reason="The API token was not accepted",
        removed_tags=0,
        check=0,
        **environment,
    ):
        """Runs `command` twice and compares every stream's rows; then a wrong token must fail with the reason.

        `check` is the number of export requests of a check, for commands that check the token before they read.
        Returns what the second run printed.
        """
        streams = streams or [stream for stream in self.dixa.counts() if stream not in OPT_IN]
        self.succeeds("the first run", command, **environment)
        self.compare("first run", streams)
        self.dixa.change(updated=5, added=2, removed_tags=removed_tags)
        time.sleep(1.1)  # a read goes up to the last whole second, and the changes must lie before it
        before = len(self.dixa.requests())
        second = self.succeeds("the second run", command, **environment)
        self.compare("second run", streams)
        exports = [request for request in self.dixa.requests()[before:] if "_export" in request["path"]]
        few = sum(name in streams for name in ("conversations", "messages")) + check
        self.claims.equal(f"{self.name}: the second run is incremental: a request for each export", len(exports), few)
        if reason:
            self.fails_with_a_wrong_token(command, reason, **environment)
        return second.stdout + second.stderr

    def compare(self, run, streams):
        counts = self.dixa.counts()
        for stream in streams:
            rows, expected = int(self.count(stream)), counts[stream]["keys"]
            self.claims.equal(f"{self.name}, {run}: {stream} has {expected} rows", rows, expected)

    def fails_with_a_wrong_token(self, command, reason, **environment):
        good, self.config["api_token"] = self.config["api_token"], "wrong"
        ran = self.run(command, **environment)
        self.config["api_token"] = good
        said = ran.stdout + ran.stderr
        self.holds("a wrong token fails", ran.returncode != 0, said[-1500:])
        self.holds("and shows the reason", reason in said, said[-3000:])

    def holds(self, claim, truth, detail=""):
        self.claims.holds(f"{self.name}: {claim}", truth, detail)
