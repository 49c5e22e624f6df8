"""Follows the recipe for Airflow, in a folder of DAGs that holds its two files."""

import shutil
import sys
import tempfile
from pathlib import Path

from acceptance.claims import Claims
from acceptance.duckdb_file import rows
from acceptance.options import options
from acceptance.recipe import EXAMPLES, Recipe
from acceptance.simulator import Simulator

STREAMS = ["conversations", "tags", "agents"]


def main():
    tools, claims = options(), Claims()
    account = ["--conversations", "500", "--days", "3"]
    with Simulator(tools.simulator, "--no-limits", *account) as dixa, tempfile.TemporaryDirectory() as directory:

        def count(stream):
            return rows(tried.folder / "dixa.duckdb", f"dixa_data.{stream}")

        tried = Recipe("Airflow", claims, tools, dixa, Path(directory) / "airflow", count)
        dags = tried.folder / "dags"
        dags.mkdir()
        for file in ("airflow_dag.py", "dlt_pipeline.py"):
            shutil.copy(EXAMPLES / file, dags)
        tried.environment |= {
            "PATH": f"{Path(sys.executable).parent}:{tried.environment['PATH']}",
            "AIRFLOW_HOME": str(tried.folder),
            "AIRFLOW__CORE__DAGS_FOLDER": str(dags),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__DEFAULT_TASK_RETRY_DELAY": "1",
            "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
            "RUNTIME__DLTHUB_TELEMETRY": "false",
        }
        tried.succeeds("its database is made", "airflow db migrate")
        shown = tried.try_it("airflow dags test dixa", STREAMS)
        claims.holds("Airflow shows what source-dixa logs", "conversations: done" in shown, shown[-3000:])
    return claims.exit_code()


if __name__ == "__main__":
    sys.exit(main())
