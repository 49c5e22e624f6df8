"""Loads Dixa into a DuckDB file with PyAirbyte. The next run continues from there.

Needs: pip install airbyte. The config comes from the file that CONFIG names, or the token from DIXA_API_TOKEN. If
PyAirbyte cannot reach its list of connectors, set AIRBYTE_OFFLINE_MODE=1.
    python pyairbyte_to_duckdb.py
    python pyairbyte_to_duckdb.py conversations messages activity_logs queues agents
The first loads every stream but messages, activity_logs and analytics_record_data; the second, those that it names.
"""

import json
import os
import shutil
import sys

import airbyte as ab

config = {"api_token": os.environ.get("DIXA_API_TOKEN")}
if "CONFIG" in os.environ:
    with open(os.environ["CONFIG"]) as file:
        config = json.load(file)

# Without a path, PyAirbyte would install another connector of this name.
program = shutil.which("source-dixa") or sys.exit("source-dixa is not on the PATH")
source = ab.get_source("source-dixa", config=config, local_executable=program)
source.check()
# Unless streams are named: all but these, the first two of which are large.
opt_in = ("messages", "activity_logs", "analytics_record_data")
suggested = [name for name in source.get_available_streams() if name not in opt_in]
source.select_streams(sys.argv[1:] or suggested)
cache = ab.new_local_cache(cache_name="dixa", cache_dir=".")
source.read(cache=cache)

with cache.get_sql_engine().connect() as connection:
    tables = connection.exec_driver_sql(
        "SELECT table_name, estimated_size FROM duckdb_tables() WHERE table_name NOT LIKE '\\_airbyte%' ESCAPE '\\'"
    )
    for table, rows in tables.fetchall():
        print(f"{table}: {rows} rows")
