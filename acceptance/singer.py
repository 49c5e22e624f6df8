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
# Dense enough for the lookback to hold some conversations.
ACCOUNT = ["--conversations", "3000", "--days", "3"]


def read_twice(target, target_config, count, reader, typed_values=True):
    """Tests a target; `count` returns how many distinct keys it holds of a stream, from its folder.

    `reader` makes the command that reads: `source` or `tap`.
    """
    tools = options()
    claims = Claims()
    with (
        Simulator(tools.simulator, "--no-limits", "--oddities", *ACCOUNT) as dixa,
        tempfile.TemporaryDirectory() as directory,
    ):
        folder = Path(directory)
        config = file(folder, "config.json", fast(dixa, window_days=1, typed_values=typed_values))
        read, keys = reader(tools, folder, config)
        loader = [target, "--config", file(folder, "target.json", target_config)]

        first, state = load(claims, "first read", folder, read, loader)
        compare(claims, "first read", folder, dixa, keys, count)
        dixa.change(updated=5, added=2)
        time.sleep(1)  # a read goes up to the last whole second, and the changes must lie before it
        second, _ = load(claims, "second read", folder, [*read, "--state", file(folder, "state.json", state)], loader)
        compare(claims, "second read", folder, dixa, keys, count)
        few = 7 <= second["conversations"] < first["conversations"] / 10
        claims.holds("the second read has only the changes and the lookback", few, second["conversations"])
    return claims.exit_code()


def source(tools, folder, config):
    """The command that reads every stream as Singer messages, and the key of each stream."""
    discover = [tools.connector, "discover", "--config", config]
    found = catalog(subprocess.run(discover, check=True, capture_output=True, text=True).stdout)
    read = [tools.connector, "read", "--format", "singer", "--quiet", "--config", config]
    keys = {
        stream["name"]: [path[0] for path in stream.get("source_defined_primary_key", [])] or WITHOUT_KEY
        for stream in found["streams"]
    }
    return [*read, "--catalog", file(folder, "catalog.json", found)], keys


def tap(tools, folder, config):
    """The command of the tap that reads every stream, and the key of each stream."""
    program = folder / "tap-dixa"
    program.symlink_to(tools.connector)
    discover = [program, "--config", config, "--discover"]
    found = json.loads(subprocess.run(discover, check=True, capture_output=True, text=True).stdout)
    for stream in found["streams"]:
        [of_stream] = [entry["metadata"] for entry in stream["metadata"] if not entry["breadcrumb"]]
        of_stream["selected"] = True
    keys = {stream["stream"]: stream["key_properties"] or WITHOUT_KEY for stream in found["streams"]}
    return [program, "--config", config, "--catalog", file(folder, "catalog.json", found)], keys


def load(claims, name, folder, read, loader):
    """The number of records of each stream, and the state that the loader returned."""
    written = subprocess.run(read, cwd=folder, capture_output=True, check=False)
    loaded = subprocess.run(loader, cwd=folder, input=written.stdout, capture_output=True, check=False)
    claims.equal(f"{name}: tap and target exit with 0", (written.returncode, loaded.returncode), (0, 0))
    if loaded.returncode:
        print(loaded.stderr.decode()[-2000:])
    counts = {}
    for line in written.stdout.split(b"\n"):
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
