"""Loads every stream into PostgreSQL with Meltano and meltanolabs' target-postgres, from examples/meltano.yml alone.

It does what the example says: meltano run tap-dixa target-postgres. Between the two runs the simulated Dixa changes:
conversations are updated and added, and a tag is removed. After both runs the tables must hold the same rows as the
simulator.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from acceptance.claims import Claims
from acceptance.messages import catalog
from acceptance.options import ROOT, fast, options
from acceptance.postgres import USER, Postgres, programs
from acceptance.simulator import Simulator


def main():
    if programs() is None:
        print("SKIP meltano: there is no PostgreSQL server (Debian's package postgresql)")
        return 0
    tools, claims = options(), Claims()
    account = ["--conversations", "2000", "--days", "3"]
    with (
        Simulator(tools.simulator, "--no-limits", "--oddities", *account) as dixa,
        Postgres() as postgres,
        tempfile.TemporaryDirectory() as directory,
    ):
        project = Project(tools, dixa, postgres, Path(directory))
        listed = select_list(project)
        discovered = subprocess.run([tools.connector, "discover"], check=True, capture_output=True, text=True)
        streams = catalog(discovered.stdout)["streams"]
        claims.equal("select --list shows the streams", listed, sorted(stream["name"] for stream in streams))

        project.run(claims, "first run", "run", "tap-dixa", "target-postgres")
        compare(claims, "first run", postgres, dixa, streams)
        check_times(claims, postgres)

        dixa.change(updated=5, added=2, removed_tags=1)
        time.sleep(1)  # a read goes up to the last whole second, and the changes must lie before it
        requests_before = len(dixa.requests())
        project.run(claims, "second run", "run", "tap-dixa", "target-postgres")
        compare(claims, "second run", postgres, dixa, streams)
        exports = [request for request in dixa.requests()[requests_before:] if "_export" in request["path"]]
        claims.equal("the second run is incremental: a request for each export", len(exports), 2)

        check_switch(claims, project, postgres, dixa)
        check_selection(claims, project, postgres)
        check_test(claims, project)
    return claims.exit_code()


class Project:
    """A Meltano project that is the example alone, with its programs on the PATH."""

    def __init__(self, tools, dixa, postgres, directory):
        self.folder = directory / "project"
        self.folder.mkdir()
        shutil.copy(ROOT / "examples/meltano.yml", self.folder)
        programs_folder = directory / "bin"
        programs_folder.mkdir()
        (programs_folder / "tap-dixa").symlink_to(tools.connector)
        config = fast(dixa, window_days=1)
        self.environment = {
            **os.environ,
            "PATH": f"{programs_folder}:{os.environ['PATH']}:{os.environ['TARGET_POSTGRES_BIN']}",
            "MELTANO_SEND_ANONYMOUS_USAGE_STATS": "false",
            "NO_COLOR": "1",
            **{f"TAP_DIXA_{key.upper()}": str(value) for key, value in config.items()},
            "TARGET_POSTGRES_HOST": "127.0.0.1",
            "TARGET_POSTGRES_PORT": str(postgres.port),
            "TARGET_POSTGRES_USER": USER,
            "TARGET_POSTGRES_PASSWORD": "none",
            "TARGET_POSTGRES_DATABASE": "postgres",
        }

    def meltano(self, *arguments, **variables):
        return subprocess.run(
            ["meltano", *arguments],
            cwd=self.folder,
            env={**self.environment, **variables},
            capture_output=True,
            text=True,
            check=False,
        )

    def run(self, claims, name, *arguments, **variables):
        ran = self.meltano(*arguments, **variables)
        claims.holds(f"{name}: meltano exits with 0", ran.returncode == 0, (ran.stdout + ran.stderr)[-3000:])


def select_list(project):
    """The streams that Meltano shows."""
    ran = project.meltano("select", "tap-dixa", "--list", "--all")
    streams = set()
    for line in ran.stdout.splitlines():
        words = line.replace("[", " ").replace("]", " ").split()
        if len(words) > 1 and "." in words[-1]:
            streams.add(words[-1].split(".")[0])
    return sorted(streams)


def compare(claims, name, postgres, dixa, streams):
    for stream in streams:
        table = stream["name"]
        expected = str(dixa.counts()[table]["keys"])
        found = postgres.value(f"SELECT count(*) FROM dixa.{table}")
        claims.equal(f"{name}: {table} has {expected} rows", found, expected)


def check_times(claims, postgres):
    types = postgres.query(
        "SELECT data_type FROM information_schema.columns WHERE table_schema = 'dixa' "
        "AND table_name IN ('conversations', 'messages') AND column_name IN ('created_at', 'updated_at', 'closed_at')"
    )
    claims.equal("times are timestamps", {kind for [kind] in types}, {"timestamp without time zone"})
    [[first, last]] = postgres.query(
        "SELECT extract(epoch FROM min(created_at))::bigint, extract(epoch FROM max(created_at))::bigint "
        "FROM dixa.conversations"
    )
    now = time.time()
    recent = now - 60 * 24 * 3600 < int(first) < int(last) <= now
    claims.holds("and the instants are right", recent, f"{first} to {last}")


def check_switch(claims, project, postgres, dixa):
    """After `typed_values` was switched off, a warning says what to do, and doing it leads to one kind of value.

    As README says: without the tables, meltano run --full-refresh tap-dixa target-postgres.
    """
    off = {"TAP_DIXA_TYPED_VALUES": "false", "TAP_DIXA__SELECT": '["conversations.*", "messages.*"]'}
    warned = project.meltano("run", "tap-dixa", "target-postgres", **off)
    said = warned.stdout + warned.stderr
    for stream in ("conversations", "messages"):
        warning = f"{stream}: `typed_values` was switched off since the last read"
        claims.holds(f"switched off: {stream} warns", warning in said, said[-3000:])
    postgres.query("DROP TABLE dixa.conversations, dixa.messages")
    project.run(claims, "switched off", "run", "--full-refresh", "tap-dixa", "target-postgres", **off)
    for stream in ("conversations", "messages"):
        types = postgres.query(
            "SELECT data_type FROM information_schema.columns "
            f"WHERE table_schema = 'dixa' AND table_name = '{stream}' AND column_name LIKE 'created_at%'"
        )
        claims.equal(f"switched off: {stream} has one column of milliseconds", types, [["bigint"]])
        expected = str(dixa.counts()[stream]["keys"])
        found = postgres.value(f"SELECT count(*) FROM dixa.{stream} WHERE created_at > 1000000000000")
        claims.equal(f"switched off: {stream} has {expected} rows of milliseconds", found, expected)


def check_selection(claims, project, postgres):
    """A deselected field is in no column, and so in no row."""
    rule = json.dumps(["conversations.*", "!conversations.requester_email"])
    project.run(
        claims,
        "a run without a field",
        "run",
        "--full-refresh",
        "tap-dixa",
        "target-postgres",
        TAP_DIXA__SELECT=rule,
        TARGET_POSTGRES_DEFAULT_TARGET_SCHEMA="selected",
    )
    columns = {
        name
        for [name] in postgres.query(
            "SELECT column_name FROM information_schema.columns "
            "WHERE table_schema = 'selected' AND table_name = 'conversations'"
        )
    }
    claims.holds("the table has other fields", {"id", "updated_at", "requester_name"} <= columns, columns)
    claims.holds("but not the deselected one", "requester_email" not in columns, columns)


def check_test(claims, project):
    """`config … test` tells a good token from a bad one, and why."""
    good = project.meltano("config", "test", "tap-dixa")
    claims.holds("config test passes with a good token", good.returncode == 0, good.stdout + good.stderr)
    bad = project.meltano("config", "test", "tap-dixa", TAP_DIXA_API_TOKEN="wrong")
    said = bad.stdout + bad.stderr
    claims.holds("config test fails with a bad token", bad.returncode != 0, said)
    claims.holds("and shows the reason", "The API token was not accepted" in said, said[-3000:])


if __name__ == "__main__":
    sys.exit(main())
