"""Loads Dixa into PostgreSQL with PyAirbyte. The next run continues from there.

Needs: pip install airbyte psycopg2-binary. The config comes from the file that CONFIG names, or the token from
DIXA_API_TOKEN. POSTGRES_HOST, POSTGRES_PORT, POSTGRES_USER, POSTGRES_PASSWORD and POSTGRES_DATABASE name an existing
database; the tables are in its schema `dixa`. If PyAirbyte cannot reach its list of connectors, set
AIRBYTE_OFFLINE_MODE=1.
    python pyairbyte_to_postgres.py
    python pyairbyte_to_postgres.py conversations messages activity_logs queues agents
The first loads every stream but messages, activity_logs and analytics_record_data; the second, those that it names.
"""

import json
import os
import shutil
import sys

import airbyte as ab
from airbyte.caches import PostgresCache

config = {"api_token": os.environ.get("DIXA_API_TOKEN")}
if "CONFIG" in os.environ:
    with open(os.environ["CONFIG"]) as file:
        config = json.load(file)
# Writes times as timestamps: PyAirbyte cannot load milliseconds in columns whose names end in `_at`.
config["typed_values"] = True

# Without a path, PyAirbyte would install another connector of this name.
program = shutil.which("source-dixa") or sys.exit("source-dixa is not on the PATH")
source = ab.get_source("source-dixa", config=config, local_executable=program)
source.check()
# Unless streams are named: all but these, the first two of which are large.
opt_in = ("messages", "activity_logs", "analytics_record_data")
suggested = [name for name in source.get_available_streams() if name not in opt_in]
source.select_streams(sys.argv[1:] or suggested)
cache = PostgresCache(
    host=os.environ["POSTGRES_HOST"],
    port=int(os.environ["POSTGRES_PORT"]),
    username=os.environ["POSTGRES_USER"],
    password=os.environ["POSTGRES_PASSWORD"],
    database=os.environ["POSTGRES_DATABASE"],
    schema_name="dixa",
)
source.read(cache=cache)
