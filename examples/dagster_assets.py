"""Dixa as an asset in Dagster, loaded into DuckDB every hour.

Needs: pip install dagster 'dlt[duckdb]'
It needs dlt_pipeline.py in the same folder, and its variables: CONFIG or DIXA_API_TOKEN, and DIXA_FOLDER. Use
absolute paths: Dagster runs it in a folder of its own.
"""

import dagster as dg
from dlt_pipeline import load


# One at a time: Dixa counts requests per token.
@dg.asset(group_name="dixa", pool="dixa")
def dixa(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    """What is new in Dixa, in DuckDB. The run's log contains what source-dixa logs, and the reason for any failure."""
    loaded = load("duckdb", log=context.log)
    return dg.MaterializeResult(metadata={"loaded": str(loaded)})


hourly = dg.ScheduleDefinition(name="dixa_hourly", target=[dixa], cron_schedule="17 * * * *")
defs = dg.Definitions(assets=[dixa], schedules=[hourly])
