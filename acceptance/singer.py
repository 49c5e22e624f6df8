"""Reads every stream into a Singer target, changes the simulated Dixa, and reads again from the state of the target.

After both reads the target must hold the same rows as the simulator.
"""

import json
import subprocess
import tempfile
import time
from pathlib import Path

from acceptance.claims import Claims
from acceptance.messages import catalog
from acceptance.options import fast, options
from acceptance.simulator import Simulator

# Contact endpoints have no key, but one of these.
WITHOUT_KEY = ["address", "number"]


def read_twice(target, target_config, count):
    """Tests a target; `count` returns how many distinct keys it holds of a stream, from its folder."""
    tools = options()
    claims = Claims()
    # Dense enough for the lookback to hold some conversations.
    account = ["--conversations", "3000", "--days", "3"]
    with (
        Simulator(tools.simulator, "--no-limits", "--oddities", *account) as dixa,
        tempfile.TemporaryDirectory() as directory,
    ):
        folder = Path(directory)
        config = file(folder, "config.json", fast(dixa, window_days=1))
        discovered = subprocess.run(
            [tools.connector, "discover", "--config", config], check=True, capture_output=True, text=True
        )
        streams = file(folder, "catalog.json", catalog(discovered.stdout))
        loader = [target, "--config", file(folder, "target.json", target_config)]
        read = [tools.connector, "read", "--format", "singer", "--quiet", "--config", config, "--catalog", streams]
        keys = {
            stream["name"]: [path[0] for path in stream.get("source_defined_primary_key", [])] or WITHOUT_KEY
            for stream in catalog(discovered.stdout)["streams"]
        }

        first, state = load(claims, "first read", folder, read, loader)
        compare(claims, "first read", folder, dixa, keys, count)
        dixa.change(updated=5, added=2)
        time.sleep(1)  # a read goes up to the last whole second, and the changes must lie before it
        second, _ = load(claims, "second read", folder, [*read, "--state", file(folder, "state.json", state)], loader)
        compare(claims, "second read", folder, dixa, keys, count)
        few = 7 <= second["conversations"] < first["conversations"] / 10
        claims.holds("the second read has only the changes and the lookback", few, second["conversations"])
    return claims.exit_code()


def load(claims, name, folder, read, loader):
    """The number of records of each stream, and the state that the loader returned."""
    tap = subprocess.run(read, cwd=folder, capture_output=True, check=False)
    loaded = subprocess.run(loader, cwd=folder, input=tap.stdout, capture_output=True, check=False)
    claims.equal(f"{name}: tap and target exit with 0", (tap.returncode, loaded.returncode), (0, 0))
    if loaded.returncode:
        print(loaded.stderr.decode()[-2000:])
    counts = {}
    for line in tap.stdout.split(b"\n"):
        if line.startswith(b'{"type":"RECORD"'):
            stream = line.split(b'"', 8)[7].decode()
            counts[stream] = counts.get(stream, 0) + 1
    states = [line for line in loaded.stdout.decode().split("\n") if line.startswith("{")]
    claims.holds(f"{name}: the target returns a state", states, loaded.stdout[-300:])
    return counts, json.loads(states[-1])


def compare(claims, name, folder, dixa, keys, count):
    for stream, rows in dixa.counts().items():
        found = count(folder, stream, keys[stream])
        claims.equal(f"{name}: {stream} has {rows['keys']} rows, each key once", found, rows["keys"])


def file(folder, name, content):
    path = folder / name
    path.write_text(json.dumps(content))
    return path
