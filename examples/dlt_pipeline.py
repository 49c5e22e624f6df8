"""Loads Dixa into DuckDB, PostgreSQL or any other dlt destination. The next run continues from there.

Needs: source-dixa on the PATH, and pip install 'dlt[duckdb]'. The config comes from the file that CONFIG names, or the
token from DIXA_API_TOKEN.
    python dlt_pipeline.py
    python dlt_pipeline.py postgres conversations messages
The first loads every stream except messages, activity_logs and analytics_record_data into dixa.duckdb. The second loads
the two streams it names into PostgreSQL (dlt[postgres]). dlt takes its address from DESTINATION__POSTGRES__CREDENTIALS.
The tables are in the schema dixa_data. DIXA_FOLDER names the folder for dixa.duckdb and dlt's own files, if not the
current one. Open dixa.duckdb with the DuckDB that dlt installed, because an older one may not read it:
    python -c "import duckdb; print(duckdb.connect('dixa.duckdb').sql('FROM dixa_data.conversations'))"
"""

import json
import logging
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import dlt
from dlt.pipeline.exceptions import PipelineStepFailed

LOG = logging.getLogger("source-dixa")
# dlt's names for the types in the schemas.
TYPES = {
    "boolean": "bool",
    "integer": "bigint",
    "number": "double",
    "string": "text",
    "object": "json",
    "array": "json",
}


def records(streams, log):
    """Yields every record with its table, key and columns. Keeps the positions in dlt's own state, next to the rows."""
    positions = dlt.current.resource_state().setdefault("positions", {})
    with tempfile.TemporaryDirectory() as folder:
        state = Path(folder) / "state.jsonl"
        state.write_text("".join(json.dumps(position) + "\n" for position in positions.values()))
        options = ["--state", str(state), *(["--streams", ",".join(streams)] if streams else [])]
        tables = {stream["name"]: hints(stream) for stream in next(run("discover", [], log))["catalog"]["streams"]}
        for message in run("read", options, log):
            if message["type"] == "RECORD":
                name = message["record"]["stream"]
                yield dlt.mark.with_hints(message["record"]["data"], tables[name], create_table_variant=True)
            elif message["type"] == "STATE":
                positions[message["state"]["stream"]["stream_descriptor"]["name"]] = message


def hints(stream):
    """Merges incremental streams by their key. Replaces all others, which are read in full each time."""
    columns = {}
    for name, schema in stream["json_schema"]["properties"].items():
        kinds = [kind for kind in schema["type"] if kind != "null"]
        kind = "timestamp" if schema.get("format") == "date-time" else TYPES[kinds[0]]
        columns[name] = {"data_type": kind, "nullable": True}
    key = [path[0] for path in stream.get("source_defined_primary_key", [])]
    incremental = "incremental" in stream["supported_sync_modes"]
    return dlt.mark.make_hints(
        table_name=stream["name"],
        write_disposition="merge" if incremental else "replace",
        primary_key=key or None,
        columns=columns,
    )


def run(command, options, log):
    """Yields the messages of source-dixa. LOG messages go to the log instead. A failure raises what is on stderr."""
    if not shutil.which("source-dixa"):
        raise RuntimeError("source-dixa is not on the PATH")
    config = json.loads(Path(os.environ["CONFIG"]).read_text()) if "CONFIG" in os.environ else {}
    config["typed_values"] = True  # times as timestamps
    with (
        tempfile.TemporaryFile("w+") as reasons,
        subprocess.Popen(
            ["source-dixa", command, "--config", "-", *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=reasons,
        ) as source,
    ):
        source.stdin.write(json.dumps(config).encode())
        source.stdin.close()
        for message in map(json.loads, source.stdout):
            if message["type"] == "LOG":
                log.log(logging.getLevelName(message["log"]["level"]), message["log"]["message"])
            else:
                yield message
        if source.wait():
            reasons.seek(0)
            raise RuntimeError(reasons.read().strip() or f"source-dixa ended with {source.returncode}")


def load(destination="duckdb", streams=(), log=LOG):
    """Loads what is new, and returns dlt's summary."""
    folder = Path(os.environ.get("DIXA_FOLDER", ".")).resolve()
    if destination == "duckdb":
        destination = dlt.destinations.duckdb(str(folder / "dixa.duckdb"))
    pipeline = dlt.pipeline("dixa", str(folder / ".dlt/pipelines"), destination=destination, dataset_name="dixa_data")
    resource = dlt.resource(records(streams, log), name="dixa", max_table_nesting=0)
    try:
        return pipeline.run(resource)
    except PipelineStepFailed as failed:
        # dlt wraps the reason in several exceptions.
        reason = failed
        while reason.__cause__:
            reason = reason.__cause__
        raise reason from None


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(name)s: %(message)s")
    logging.getLogger("dlt").setLevel(logging.WARNING)
    try:
        print(load(*sys.argv[1:2], streams=sys.argv[2:]))
    except RuntimeError as failure:
        sys.exit(f"dlt_pipeline.py: {failure}")
