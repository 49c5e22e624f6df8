"""Runs the recipes that use PyAirbyte: into DuckDB, and into PostgreSQL with pip install airbyte psycopg2-binary."""

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

ACCOUNT = ["--no-limits", "--oddities", "--conversations", "500", "--days", "3"]


def main():
    tools, claims = options(), Claims()
    with tempfile.TemporaryDirectory() as directory:
        into_duckdb(claims, tools, Path(directory) / "duckdb")
        if programs() is None:
            print("SKIP pyairbyte_to_postgres.py: there is no PostgreSQL server (Debian's package postgresql)")
        else:
            into_postgres(claims, tools, Path(directory) / "postgres")
    return claims.exit_code()


def into_duckdb(claims, tools, folder):
    def count(stream):
        [file] = folder.glob("*.duckdb")
        return rows(file, f"main.{stream}")

    with Simulator(tools.simulator, *ACCOUNT) as dixa:
        recipe = Recipe("pyairbyte_to_duckdb.py", claims, tools, dixa, folder, count)
        shutil.copy(EXAMPLES / "pyairbyte_to_duckdb.py", folder)
        printed = recipe.try_it("python pyairbyte_to_duckdb.py", check=1)
        row_line = f"conversations: {dixa.counts()['conversations']['keys']} rows"
        claims.holds("pyairbyte_to_duckdb.py: prints the rows of each table", row_line in printed, printed)


def into_postgres(claims, tools, folder):
    with Simulator(tools.simulator, *ACCOUNT) as dixa, Postgres() as postgres:

        def count(stream):
            return postgres.value(f"SELECT count(*) FROM dixa.{stream}")

        recipe = Recipe("pyairbyte_to_postgres.py", claims, tools, dixa, folder, count)
        shutil.copy(EXAMPLES / "pyairbyte_to_postgres.py", folder)
        recipe.try_it(
            "python pyairbyte_to_postgres.py",
            check=1,
            POSTGRES_HOST="127.0.0.1",
            POSTGRES_PORT=str(postgres.port),
            POSTGRES_USER=USER,
            POSTGRES_PASSWORD="none",
            POSTGRES_DATABASE="postgres",
        )
        types = postgres.query(
            "SELECT DISTINCT data_type FROM information_schema.columns WHERE table_schema = 'dixa' "
            "AND table_name = 'conversations' AND column_name IN ('created_at', 'updated_at')"
        )
        claims.equal("pyairbyte_to_postgres.py: times are timestamps", types, [["timestamp without time zone"]])


if __name__ == "__main__":
    sys.exit(main())
