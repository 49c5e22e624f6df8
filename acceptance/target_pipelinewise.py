"""Loads every stream of the tap with pipelinewise-target-postgres, and counts the rows in PostgreSQL."""

import sys

from acceptance.postgres import USER, Postgres, programs
from acceptance.singer import read_twice, tap


def main():
    if programs() is None:
        print("SKIP target_pipelinewise: there is no PostgreSQL server (Debian's package postgresql)")
        return 0
    with Postgres() as postgres:

        def count(_, stream, key):
            # The target makes every name lower-case.
            columns = ", ".join(f'"{column.lower()}"' for column in key)
            return int(postgres.value(f"SELECT count(DISTINCT ({columns})) FROM dixa.{stream}"))

        config = {
            "host": "127.0.0.1",
            "port": postgres.port,
            "user": USER,
            "password": "none",
            "dbname": "postgres",
            "default_target_schema": "dixa",
            # Contact endpoints have none.
            "primary_key_required": False,
        }
        return read_twice("target-postgres", config, count, tap)


if __name__ == "__main__":
    sys.exit(main())
