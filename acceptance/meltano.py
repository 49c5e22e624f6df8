"""Loads every stream into PostgreSQL and DuckDB with Meltano, from examples/meltano.yml alone.

It does what the example says: Meltano installs the loaders, and the tap, too, if its wheel was built. Between two runs
into each loader the simulated Dixa changes: conversations are updated and added, and before the second into PostgreSQL
a tag is removed. After each run the tables must hold the same rows as the simulator.
"""

import json
import sys
import tempfile
import time

import duckdb

from acceptance.claims import Claims
from acceptance.options import built_wheel, options
from acceptance.postgres import USER, Postgres, programs
from acceptance.recipe import EXAMPLES, Recipe
from acceptance.simulator import Simulator

IN_POSTGRES = "meltano run tap-dixa target-postgres"
AGAIN_IN_POSTGRES = "meltano run --full-refresh tap-dixa target-postgres"
IN_DUCKDB = "meltano run tap-dixa target-duckdb"


def main():
    tools, claims = options(), Claims()
    account = ["--conversations", "500", "--days", "3"]
    with (
        Simulator(tools.simulator, "--no-limits", "--oddities", *account) as dixa,
        tempfile.TemporaryDirectory() as directory,
    ):
        project = Project("meltano", claims, tools, dixa, directory, None)
        project.install(tools)
        claims.equal("select --list shows the streams", project.listed(), sorted(dixa.counts()))
        check_test(project)
        into_duckdb(project)
        if programs() is None:
            print("SKIP meltano into PostgreSQL: there is no server (Debian's package postgresql)")
        else:
            with Postgres() as postgres:
                into_postgres(project, postgres)
    return claims.exit_code()


class Project(Recipe):
    """A Meltano project that is the example alone, with its settings in variables."""

    def run(self, command, **environment):
        variables = {
            "MELTANO_SEND_ANONYMOUS_USAGE_STATS": "false",
            "NO_COLOR": "1",
            **{f"TAP_DIXA_{key.upper()}": str(value) for key, value in self.config.items()},
        }
        return super().run(command, **{**variables, **environment})

    def install(self, tools):
        """With a wheel, the tap is on no PATH: it is the one that the example's `pip_url` names."""
        text = (EXAMPLES / "meltano.yml").read_text()
        if wheel := built_wheel(tools):
            executable = "      executable: tap-dixa\n"
            self.claims.equal("the example has one place for the tap's pip_url", text.count(executable), 1)
            text = text.replace(executable, f"{executable}      pip_url: {wheel}\n")
            (self.folder / "bin/tap-dixa").unlink()
        else:
            print("SKIP meltano: pip_url of the tap, since .ci/wheel built none")
        (self.folder / "meltano.yml").write_text(text)
        self.succeeds("meltano install", "meltano install")
        installed = (self.folder / ".meltano/extractors/tap-dixa/venv/bin/tap-dixa").exists()
        self.claims.equal("Meltano installed the tap, if it has a wheel", installed, wheel is not None)

    def listed(self):
        """The streams that Meltano shows."""
        ran = self.run("meltano select tap-dixa --list --all")
        streams = set()
        for line in ran.stdout.splitlines():
            words = line.replace("[", " ").replace("]", " ").split()
            if len(words) > 1 and "." in words[-1]:
                streams.add(words[-1].split(".")[0])
        return sorted(streams)


def check_test(project):
    """`config test` tells a good token from a bad one, and why."""
    project.succeeds("config test, with a good token,", "meltano config test tap-dixa")
    project.fails_with_a_wrong_token("meltano config test tap-dixa", "The API token was not accepted")


def into_duckdb(project):
    def rows(stream):
        # Without a key, each run adds all rows.
        distinct = "DISTINCT" if stream == "contact_endpoints" else ""
        [(count,)] = query(f"SELECT count(*) FROM (SELECT {distinct} * FROM {stream})")
        return count

    def query(sql):
        with duckdb.connect(str(project.folder / "dixa.duckdb"), read_only=True) as connection:
            return connection.sql(sql).fetchall()

    project.name, project.count = "target-duckdb", rows
    project.try_it(IN_DUCKDB, list(project.dixa.counts()))
    types = query("SELECT data_type FROM duckdb_columns() WHERE table_name = 'messages' AND column_name LIKE '%d_at'")
    instants = "SELECT epoch(min(created_at)), epoch(max(created_at)) FROM conversations"
    check_times(project, {kind for [kind] in types}, "TIMESTAMP", lambda: query(instants))

    before = project.dixa.counts()
    project.dixa.change(updated=0, added=0, removed_tags=1)
    selected = {"TAP_DIXA__SELECT": '["tags.*", "contact_endpoints.*"]'}
    project.succeeds("a run after a tag was removed", IN_DUCKDB, **selected)
    project.claims.equal("as the example says: the removed tag stays", rows("tags"), before["tags"]["keys"])
    [(repeated,)] = query("SELECT count(*) FROM contact_endpoints")
    three = 3 * before["contact_endpoints"]["rows"]
    project.claims.equal("and each run adds the rows of contact_endpoints", repeated, three)


def into_postgres(project, postgres):
    project.environment |= {
        "TARGET_POSTGRES_HOST": "127.0.0.1",
        "TARGET_POSTGRES_PORT": str(postgres.port),
        "TARGET_POSTGRES_USER": USER,
        "TARGET_POSTGRES_PASSWORD": "none",
        "TARGET_POSTGRES_DATABASE": "postgres",
    }
    project.name = "target-postgres"
    project.count = lambda stream: postgres.value(f"SELECT count(*) FROM dixa.{stream}")
    # The wrong token was tried with the other loader.
    project.try_it(IN_POSTGRES, list(project.dixa.counts()), reason=None, removed_tags=1)
    types = postgres.query(
        "SELECT data_type FROM information_schema.columns WHERE table_schema = 'dixa' "
        "AND table_name IN ('conversations', 'messages') AND column_name IN ('created_at', 'updated_at', 'closed_at')"
    )
    instants = "SELECT extract(epoch FROM min(created_at)), extract(epoch FROM max(created_at)) FROM dixa.conversations"
    check_times(project, {kind for [kind] in types}, "timestamp without time zone", lambda: postgres.query(instants))
    check_switch(project, postgres)
    check_selection(project, postgres)


def check_times(project, found, expected, instants):
    project.claims.equal(f"{project.name}: times are timestamps", found, {expected})
    if found != {expected}:
        return
    [[first, last]] = instants()
    now = time.time()
    recent = now - 60 * 24 * 3600 < float(first) < float(last) <= now
    project.holds("and the instants are right", recent, f"{first} to {last}")


def check_switch(project, postgres):
    """After `typed_values` was switched off, a warning says what to do, and doing it leads to one kind of value.

    As docs/singer.md says: without the tables, meltano run --full-refresh tap-dixa target-postgres.
    """
    off = {"TAP_DIXA_TYPED_VALUES": "false", "TAP_DIXA__SELECT": '["conversations.*", "messages.*"]'}
    warned = project.run(IN_POSTGRES, **off)
    said = warned.stdout + warned.stderr
    for stream in ("conversations", "messages"):
        warning = f"{stream}: `typed_values` was switched off since the last read"
        project.holds(f"switched off: {stream} warns", warning in said, said[-3000:])
    postgres.query("DROP TABLE dixa.conversations, dixa.messages")
    project.succeeds("switched off: a full refresh", AGAIN_IN_POSTGRES, **off)
    for stream in ("conversations", "messages"):
        types = postgres.query(
            "SELECT data_type FROM information_schema.columns "
            f"WHERE table_schema = 'dixa' AND table_name = '{stream}' AND column_name LIKE 'created_at%'"
        )
        project.claims.equal(f"switched off: {stream} has one column of milliseconds", types, [["bigint"]])
        expected = str(project.dixa.counts()[stream]["keys"])
        found = postgres.value(f"SELECT count(*) FROM dixa.{stream} WHERE created_at > 1000000000000")
        project.claims.equal(f"switched off: {stream} has {expected} rows of milliseconds", found, expected)


def check_selection(project, postgres):
    """A deselected field is in no column, and so in no row."""
    project.succeeds(
        "a run without a field",
        AGAIN_IN_POSTGRES,
        TAP_DIXA__SELECT=json.dumps(["conversations.*", "!conversations.requester_email"]),
        TARGET_POSTGRES_DEFAULT_TARGET_SCHEMA="selected",
    )
    columns = {
        name
        for [name] in postgres.query(
            "SELECT column_name FROM information_schema.columns "
            "WHERE table_schema = 'selected' AND table_name = 'conversations'"
        )
    }
    project.holds("the table has other fields", {"id", "updated_at", "requester_name"} <= columns, columns)
    project.holds("but not the deselected one", "requester_email" not in columns, columns)


if __name__ == "__main__":
    sys.exit(main())
