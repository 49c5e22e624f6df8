"""Runs examples/parquet.sh: conversations and every list into Parquet files, here and in a bucket.

With DuckDB's command line: pip install duckdb-cli
A stand-in for S3 (moto) holds the bucket. DuckDB's extension for S3 is a package here; DuckDB would download it.
"""

import contextlib
import importlib.resources
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from acceptance.claims import Claims
from acceptance.options import options
from acceptance.recipe import EXAMPLES, Recipe
from acceptance.simulator import Simulator

COMMAND = f"{EXAMPLES}/parquet.sh"
BUCKET = "s3://bucket"


def main():
    tools, claims = options(), Claims()
    account = ["--no-limits", "--oddities", "--conversations", "500", "--days", "3"]
    with Simulator(tools.simulator, *account) as dixa, s3() as port, tempfile.TemporaryDirectory() as directory:
        folder = Path(directory) / "parquet"

        def count(stream):
            table = "latest" if stream == "conversations" else f"'dixa/{stream}/*.parquet'"
            return query(folder, f"SELECT count(*) FROM {table}")

        recipe = Recipe("parquet.sh", claims, tools, dixa, folder, count)
        recipe.config["typed_values"] = True
        (folder / "s3.sql").write_text(secret(port))
        recipe.try_it(COMMAND, BUCKET=BUCKET)
        streams = [name for name in dixa.counts() if name == "conversations" or (folder / "dixa" / name).exists()]
        recipe.compare("after a run that failed", streams)
        in_the_bucket(recipe, streams)
        interrupted(recipe, streams)
        cut_off(recipe, tools.connector)
        times = query(folder, "SELECT typeof(max(updated_at)) FROM latest")
        claims.equal("parquet.sh: with typed_values, times are timestamps", times, "TIMESTAMP WITH TIME ZONE")
        days = query(folder, "SELECT count(DISTINCT date) > 0 AND min(date) >= current_date - 1 FROM latest")
        claims.equal("parquet.sh: the folder's day is a column", days, "true")
    return claims.exit_code()


@contextlib.contextmanager
def s3():
    """Runs a local S3 with the bucket, and gives its port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(["moto_server", "-H", "127.0.0.1", "-p", str(port)], stderr=subprocess.DEVNULL)
    try:
        made = urllib.request.Request(f"http://127.0.0.1:{port}/{BUCKET.removeprefix('s3://')}", method="PUT")
        for _ in range(100):
            with contextlib.suppress(OSError):
                urllib.request.build_opener(urllib.request.ProxyHandler({})).open(made, timeout=30).close()
                break
            time.sleep(0.1)
        yield port
    finally:
        server.terminate()
        server.wait()


def secret(port):
    [extension] = (importlib.resources.files("duckdb_extension_httpfs") / "extensions").glob("*/*.duckdb_extension")
    return f"""LOAD '{extension}';
        CREATE SECRET (TYPE s3, KEY_ID 'key', SECRET 'secret', REGION 'eu-west-1',
                       ENDPOINT '127.0.0.1:{port}', URL_STYLE 'path', USE_SSL false)"""


def in_the_bucket(recipe, streams):
    """The bucket holds the same rows."""
    view = (EXAMPLES / "parquet.sql").read_text().replace("'dixa/", f"'{BUCKET}/dixa/")
    (recipe.folder / "bucket.sql").write_text(f"{(recipe.folder / 's3.sql').read_text()};\n{view}")
    counts = recipe.dixa.counts()
    for stream in streams:
        table = "latest" if stream == "conversations" else f"'{BUCKET}/dixa/{stream}/*.parquet'"
        rows = query(recipe.folder, f"SELECT count(*) FROM {table}", "bucket.sql").splitlines()[-1]
        expected = str(counts[stream]["keys"])
        recipe.holds(f"in the bucket, {stream} has {expected} rows", rows == expected, rows)


def interrupted(recipe, streams):
    """A run that ends before the state is kept, and one that ends within a file."""
    state = recipe.folder / "conversations.json"
    shutil.copy(state, recipe.folder / "earlier.json")
    recipe.dixa.change(updated=5, added=2)
    recipe.succeeds("the third run", COMMAND)
    shutil.copy(recipe.folder / "earlier.json", state)
    [*_, last] = sorted(recipe.folder.glob("dixa/conversations/*/*.parquet"))
    part = last.with_name(f"{last.name}.part")
    part.write_bytes(last.read_bytes()[:100])
    (recipe.folder / "conversations.new").write_text("not a state")
    recipe.succeeds("the run after an interrupted one", COMMAND)
    recipe.compare("after an interrupted run", streams)
    recipe.holds("removes what it left", not part.exists())
    rows = query(recipe.folder, "SELECT count(*) FROM 'dixa/conversations/*/*.parquet'")
    recipe.holds("the files hold some rows twice", int(rows) > recipe.dixa.counts()["conversations"]["keys"], rows)


def cut_off(recipe, connector):
    """A list that ends half-way leaves the file of the last run."""
    program = recipe.folder / "bin/source-dixa"
    program.unlink()
    program.write_text(
        f'#!/bin/bash\n[[ $* != *"--streams tags"* ]] && exec {connector} "$@"\n{connector} "$@" | head -3\nexit 1\n'
    )
    program.chmod(0o755)
    recipe.holds("a list that is cut off fails the run", recipe.run(COMMAND).returncode != 0)
    recipe.compare("after a list was cut off", ["tags"])


def query(folder, sql, views=EXAMPLES / "parquet.sql"):
    """The only value of a query, as text."""
    command = ["duckdb", "-csv", "-noheader", "-init", views, "-c", sql]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
