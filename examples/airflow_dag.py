"""Dixa in Airflow, loaded into DuckDB every hour.

Needs: pip install apache-airflow 'dlt[duckdb]'
It needs dlt_pipeline.py in the same folder of DAGs, and its variables: CONFIG or DIXA_API_TOKEN, and DIXA_FOLDER. Use
absolute paths: Airflow runs it in a folder of its own.
"""

from datetime import datetime

from airflow.sdk import dag, task


# One at a time: Dixa counts requests per token. The next run continues where the last successful one ended.
@dag(schedule="17 * * * *", start_date=datetime(2026, 1, 1), catchup=False, max_active_runs=1)
def dixa():
    @task(retries=1)
    def load_what_is_new():
        """The task's log contains what source-dixa logs, and the reason for any failure."""
        from dlt_pipeline import load

        print(load("duckdb"))

    load_what_is_new()


dixa()
