"""Follows the recipes for dlt, into DuckDB and PostgreSQL, and for Dagster."""

import shutil
import sys
import tempfile
from pathlib import Path

from acceptance.claims import Claims
from acceptance.duckdb_file import rows
from acceptance.options import options
from acceptance.postgres import USER, Postgres, programs
from acceptance.recipe import EXAMPLES, Recipe
from acceptance.simulator import Simulator

ACCOUNT = ["--conversations", "500", "--days", "3"]
SHOW = """
python -c "import duckdb; print(duckdb.connect('dixa.duckdb').sql('FROM dixa_data.conversations'))"
"""
MATERIALIZE = "dagster asset materialize --select dixa -f dagster_assets.py"


def main():
    tools, claims = options(), Claims()
    with tempfile.TemporaryDirectory() as directory:

        def recipe(name, dixa, count, **environment):
            found = Recipe(name, claims, tools, dixa, Path(directory) / name.replace(" ", "_"), count)
            for file in ("dlt_pipeline.py", "dagster_assets.py"):
                shutil.copy(EXAMPLES / file, found.folder)
            found.environment |= {
                "RUNTIME__DLTHUB_TELEMETRY": "false",
                "DO_NOT_TRACK": "1",
                "PATH": f"{Path(sys.executable).parent}:{found.environment['PATH']}",
                **environment,
            }
            return found

        into_duckdb(recipe, tools)
        in_dagster(recipe, tools, claims)
        if programs() is None:
            print("SKIP dlt_recipes: there is no PostgreSQL server (Debian's package postgresql)")
        else:
            into_postgres(recipe, tools, claims)
    return claims.exit_code()


def in_duckdb(folder):
    def count(stream):
        return rows(folder() / "dixa.duckdb", f"dixa_data.{stream}")

    return count


def into_duckdb(recipe, tools):
    with Simulator(tools.simulator, "--no-limits", *ACCOUNT) as dixa:
        tried = recipe("dlt into DuckDB", dixa, in_duckdb(lambda: tried.folder))
        tried.try_it("python dlt_pipeline.py")
        tried.succeeds("its query", SHOW)


def in_dagster(recipe, tools, claims):
    with Simulator(tools.simulator, "--no-limits", *ACCOUNT) as dixa:
        tried = recipe("Dagster", dixa, in_duckdb(lambda: tried.folder))
        tried.environment["DAGSTER_HOME"] = str(tried.folder)
        (tried.folder / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
        shown = tried.try_it(MATERIALIZE)
        claims.holds("Dagster shows what source-dixa logs", "conversations: done" in shown, shown[-3000:])


def into_postgres(recipe, tools, claims):
    with Simulator(tools.simulator, "--no-limits", *ACCOUNT) as dixa, Postgres() as postgres:

        def count(stream):
            return postgres.value(f"SELECT count(*) FROM dixa_data.{stream}")

        address = f"postgresql://{USER}:none@127.0.0.1:{postgres.port}/postgres"
        tried = recipe("dlt into PostgreSQL", dixa, count, DESTINATION__POSTGRES__CREDENTIALS=address)
        command = "python dlt_pipeline.py postgres conversations messages"
        tried.try_it(command, streams=["conversations", "messages"])
        kinds = postgres.query(
            "SELECT DISTINCT data_type FROM information_schema.columns "
            "WHERE table_schema = 'dixa_data' AND column_name IN ('created_at', 'updated_at')"
        )
        claims.equal("dlt into PostgreSQL: times are timestamps", kinds, [["timestamp with time zone"]])


if __name__ == "__main__":
    sys.exit(main())
