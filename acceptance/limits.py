"""Reads at Dixa's own rate limits with the config's defaults: `check`, then a read of 13 windows of both exports."""

import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from acceptance.claims import Claims
from acceptance.options import options
from acceptance.simulator import Simulator

WINDOWS = 13
PER_MINUTE = 10


def main():
    tools, claims = options(), Claims()
    with (
        Simulator(tools.simulator, "--days", str(30 * WINDOWS - 5), "--conversations", "500") as dixa,
        tempfile.TemporaryDirectory() as directory,
    ):
        config = Path(directory) / "config.json"
        config.write_text(json.dumps(dixa.config))
        begun = time.monotonic()
        ours = tools.connector
        command = f"{ours} check --config {config} && {ours} read --config {config} --streams conversations,messages"
        run = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)
        took = time.monotonic() - begun
        requests = dixa.requests()
    claims.equal("check && read exits with 0 and writes nothing to stderr", (run.returncode, run.stderr), (0, ""))
    statuses = Counter(request["status"] for request in requests)
    claims.equal("neither host refuses a request", set(statuses), {200})
    exports = [request for request in requests if request["path"].endswith("_export")]
    of_each = Counter(request["path"] for request in exports)
    claims.holds(
        f"each export is read in {WINDOWS} windows", len(of_each) == 2 and min(of_each.values()) >= WINDOWS, of_each
    )
    claims.equal("and check makes one more request", len(exports), 2 * WINDOWS + 1)
    # The source spaces its exports evenly: a burst at the start of a minute would leave nothing for the account's other
    # programs.
    spaced = (len(exports) - 1) * 60 / PER_MINUTE
    claims.holds(
        "it takes at most a twentieth longer than the limit's spacing",
        took <= 1.05 * spaced + 5,
        f"{took:.0f} s, {spaced:.0f} s",
    )
    print(
        f"      {len(requests)} requests, {len(exports)} of them exports, in {took:.0f} s; "
        f"exports at one in six seconds take {spaced:.0f} s"
    )
    return claims.exit_code()


if __name__ == "__main__":
    sys.exit(main())
