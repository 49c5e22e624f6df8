"""Reads every stream into DuckDB with PyAirbyte, changes the simulated Dixa, and reads again from the saved state.

After both reads the tables must hold the same rows as the simulator.
"""

import datetime
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import airbyte as ab
from sqlalchemy import text

from acceptance.claims import Claims
from acceptance.messages import catalog
from acceptance.options import built_wheel, fast, options
from acceptance.simulator import Simulator

LOOKBACK_MINUTES = 60
# A request begins on a whole second, and one millisecond early.
EDGE_MS = 1000 + 1
# The time by which Dixa finds a conversation, even one that was never updated.
CURSOR = "coalesce(updated_at, created_at)"


def main():
    tools = options()
    claims = Claims()
    # Dense enough for the lookback to hold some conversations.
    account = ["--conversations", "3000", "--days", "3"]
    dixa = Simulator(tools.simulator, "--no-limits", "--oddities", *account)
    with dixa, tempfile.TemporaryDirectory() as directory:
        os.chdir(directory)  # PyAirbyte writes its own files here
        read_twice(claims, dixa, tools.connector, Path(directory))
        install(claims, dixa, built_wheel(tools), Path(directory))
        os.chdir("/")
    return claims.exit_code()


def read_twice(claims, dixa, connector, directory):
    config = fast(dixa, window_days=1, lookback_minutes=LOOKBACK_MINUTES)
    validate(claims, connector, config, directory)
    source = ab.get_source("source-dixa", config=config, local_executable=connector)
    source.check()
    claims.holds("check succeeds", True)

    keys = discovered_keys(connector, config, directory)
    claims.equal("PyAirbyte sees the streams of discover", sorted(source.get_available_streams()), sorted(keys))
    source.select_all_streams()
    cache = ab.new_local_cache(cache_name="dixa", cache_dir=directory)

    source.read(cache=cache, force_full_refresh=False)
    compare_tables(claims, cache, keys, dixa.counts(), "first read")

    [(first, last)] = query(cache, "SELECT min(epoch_ms(created_at)), max(epoch_ms(created_at)) FROM conversations")
    now = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)
    recent = now - datetime.timedelta(days=60) < first <= last <= now
    claims.holds("docs/dixa.md's SQL for DuckDB turns milliseconds into timestamps", recent, f"{first} to {last}")

    saved = saved_position(cache)
    changed = dixa.change(updated=5, added=2)
    requests_before = len(dixa.requests())
    time.sleep(1)  # a read goes up to the last whole second, and the changes must lie before it
    begun_ms = time.time_ns() // 1_000_000

    source.read(cache=cache, force_full_refresh=False)
    compare_tables(claims, cache, keys, dixa.counts(), "second read")

    second = ids(cache, "epoch_ms(_airbyte_extracted_at) >= :since", since=begun_ms)
    looked_back = saved - LOOKBACK_MINUTES * 60_000
    in_lookback = ids(cache, f"{CURSOR} >= :since", since=looked_back)
    allowed = ids(cache, f"{CURSOR} >= :since", since=looked_back - EDGE_MS)
    claims.equal("the second read has every conversation changed since", changed - second, set())
    claims.equal("and every one in the lookback", in_lookback - second, set())
    claims.equal("and no other", second - allowed, set())
    total = dixa.counts()["conversations"]["rows"]
    claims.holds("which is a small part of all", len(second) < total / 10, f"{len(second)} of {total}")
    exports = [request for request in dixa.requests()[requests_before:] if request["path"] == "/v1/conversation_export"]
    claims.equal("with a single request", len(exports), 1)
    claims.holds("the saved position moves on", saved_position(cache) > saved, saved)
    print(f"      {len(second)} of {total} conversations were read, {len(changed)} of them changed")


def install(claims, dixa, wheel, directory):
    """PyAirbyte installs the source itself, from the wheel that `pip_url` names."""
    if wheel is None:
        print("SKIP pyairbyte: pip_url, since .ci/wheel built no wheel")
        return
    source = ab.get_source("source-dixa", config=fast(dixa), pip_url=str(wheel), install_root=directory)
    records = list(source.get_records("tags"))
    claims.equal("pip_url: the installed source reads tags", len(records), dixa.counts()["tags"]["rows"])
    programs = [str(path.relative_to(directory)) for path in directory.rglob("bin/source-dixa")]
    claims.equal("from an environment that PyAirbyte made", programs, [".venv-source-dixa/bin/source-dixa"])


def validate(claims, connector, config, directory):
    """PyAirbyte's own smoke test: spec and check."""
    file = directory / "config.json"
    file.write_text(json.dumps(config))
    command = ["pyab", "validate", f"--connector={connector}", f"--config={file}"]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    claims.holds("pyab validate succeeds", ran.returncode == 0, ran.stdout[-2000:] + ran.stderr[-2000:])


def discovered_keys(connector, config, directory):
    """The columns of each stream's primary key, by the stream's name."""
    file = directory / "config.json"
    file.write_text(json.dumps(config))
    discovered = subprocess.run([connector, "discover", "--config", file], check=True, capture_output=True, text=True)
    return {
        stream["name"]: [".".join(path) for path in stream.get("source_defined_primary_key", [])]
        for stream in catalog(discovered.stdout)["streams"]
    }


def compare_tables(claims, cache, keys, counts, read):
    for stream, columns in keys.items():
        # PyAirbyte's names are lower case. A merge by the key leaves one row for each.
        # Contact endpoints have no key, but one of these.
        key = ", ".join(column.lower() for column in columns) or "address, number"
        [(rows, distinct)] = query(cache, f'SELECT count(*), count(DISTINCT ({key})) FROM "{stream.lower()}"')
        expected = counts[stream]["keys"]
        claims.equal(f"{read}: {stream} has {expected} rows, each key once", (rows, distinct), (expected, expected))


def saved_position(cache):
    [(state,)] = query(cache, "SELECT state_json FROM _airbyte_state WHERE stream_name = 'conversations'")
    return int(json.loads(state)["stream"]["stream_state"]["updated_at"])


def ids(cache, condition, **values):
    return {row[0] for row in query(cache, f"SELECT id FROM conversations WHERE {condition}", **values)}


def query(cache, sql, **values):
    with cache.get_sql_engine().connect() as connection:
        return connection.execute(text(sql), values).fetchall()


if __name__ == "__main__":
    sys.exit(main())
