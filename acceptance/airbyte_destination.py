"""Runs examples/airbyte_destination.sh with the destination that it names: pip install airbyte-destination-ailake

It appends to Parquet files, so distinct keys are counted. A stand-in makes vectors of the texts.
"""

import json
import sys
import tempfile
from pathlib import Path

import duckdb

from acceptance.claims import Claims
from acceptance.options import options
from acceptance.recipe import EXAMPLES, Recipe
from acceptance.simulator import Simulator

VECTORS = "import json, sys; print(json.dumps([[float(len(text)), 1.0] for text in json.load(sys.stdin)]))"


def main():
    tools, claims = options(), Claims()
    account = ["--no-limits", "--oddities", "--conversations", "500", "--days", "3"]
    with Simulator(tools.simulator, *account) as dixa, tempfile.TemporaryDirectory() as directory:
        folder = Path(directory) / "destination"

        def count(stream):
            files = f"read_parquet('{folder}/tables/{stream}/data/*.parquet', union_by_name = true)"
            return duckdb.sql(f"SELECT count(DISTINCT id) FROM {files}").fetchall()[0][0]

        recipe = Recipe("airbyte_destination.sh", claims, tools, dixa, folder, count)
        vectors, config = folder / "vectors.py", folder / "destination.json"
        vectors.write_text(VECTORS)
        config.write_text(
            json.dumps(
                {
                    "table_base_path": str(folder / "tables"),
                    "text_field": "text",
                    "embed_mode": "cmd",
                    "embed_cmd": f"{sys.executable} {vectors}",
                    "embedding_dim": 2,
                }
            )
        )
        destination = {"DESTINATION": "airbyte-destination-ailake", "DESTINATION_CONFIG": str(config)}
        command = f"{EXAMPLES}/airbyte_destination.sh"
        recipe.try_it(command, ["conversations", "messages"], **destination)
        recipe.compare("after a run that failed", ["conversations", "messages"])
        state = (folder / "state.jsonl").read_text()
        ran = recipe.run(command, **{**destination, "DESTINATION": "false"})
        recipe.holds("a destination that fails fails the run", ran.returncode != 0, ran.stderr[-1000:])
        recipe.holds("and keeps the state", (folder / "state.jsonl").read_text() == state)
    return claims.exit_code()


if __name__ == "__main__":
    sys.exit(main())
