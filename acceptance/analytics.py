"""Follows examples/analytics/README.md: loads with Meltano and PyAirbyte, into DuckDB and PostgreSQL, then asks dbt.

Each answer must be the simulator's own, row by row: it knows what happened without the rows that tell of it. Then the
page with the charts is shown in Chromium, if there is one, on a phone and on a desktop, light and dark.
"""

import json
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from decimal import Decimal
from html import escape
from importlib.metadata import version
from pathlib import Path

import duckdb
import psycopg2

from acceptance.claims import Claims
from acceptance.meltano import IN_DUCKDB as MELTANO_IN_DUCKDB
from acceptance.meltano import IN_POSTGRES as MELTANO_IN_POSTGRES
from acceptance.meltano import Project
from acceptance.options import options
from acceptance.postgres import USER, Postgres, programs
from acceptance.recipe import EXAMPLES, Recipe
from acceptance.simulator import Simulator

ACCOUNT = ["--no-limits", "--oddities", "--conversations", "300", "--days", "20"]
INSTALL = "pip install dbt-core==1.11.16 dbt-duckdb==1.11.1 dbt-postgres==1.11.0"
PYAIRBYTE_IN_DUCKDB = "python pyairbyte_to_duckdb.py conversations messages activity_logs queues agents"
PYAIRBYTE_IN_POSTGRES = "python pyairbyte_to_postgres.py conversations messages activity_logs queues agents"
STREAMS = ["conversations.*", "messages.*", "activity_logs.*", "queues.*", "agents.*"]
IN_DUCKDB_AND_PAGE = """\
export DIXA_DUCKDB=../dixa.duckdb
dbt build
python page.py"""
IN_POSTGRES = "dbt build --target postgres"
WITHOUT_LOG = "dbt build --vars 'activity_log: false'"
PAGE = "python page.py"
# In the schema that dlt's recipe fills, and with another target.
OF_DLT = "dbt build --vars 'source_schema: dixa_data'"
ANOTHER_TARGET = "dbt build --vars 'target_minutes: 30'"
SIZES = {"phone": (390, 844), "desktop": (1280, 800)}
MEASURE = """<script>addEventListener("load", () => {
  document.querySelectorAll("details").forEach(each => each.open = true);
  const said = [], wide = innerWidth;
  for (const each of document.querySelectorAll("body, body *")) {
    const box = each.getBoundingClientRect();
    if (box.right > wide + 0.5 && !each.closest(".wide > *")) said.push(each.tagName + " " + box.right);
    const drawn = each.closest("svg");
    if (drawn && each !== drawn && box.width && (box.right > drawn.getBoundingClientRect().right + 1
        || box.left < drawn.getBoundingClientRect().left - 1)) said.push("out of its chart: " + each.textContent);
  }
  if (document.documentElement.scrollWidth > wide) said.push("scrolls sideways");
  parent.document.body.textContent = `at ${wide}: ${JSON.stringify(said)}`;
})</script>"""


def main():
    tools, claims = options(), Claims()
    if programs() is None:
        print("SKIP analytics: there is no PostgreSQL server (Debian's package postgresql)")
        return 0
    for package, pinned in re.findall(r"(\S+)==(\S+)", INSTALL):
        claims.equal(f"{package} is the one that the README installs", version(package), pinned)
    with (
        Simulator(tools.simulator, *ACCOUNT) as dixa,
        Postgres() as postgres,
        tempfile.TemporaryDirectory() as directory,
        ThreadPoolExecutor(2) as pool,
    ):
        postgres.query("CREATE DATABASE pyairbyte")
        folder = Path(directory)
        for loading in [pool.submit(each, claims, tools, dixa, folder, postgres) for each in (meltano, pyairbyte)]:
            loading.result()
        append_again(postgres)
        answers = dixa.answers()
        with_log = {name: rows for name, rows in answers.items() if name != "backlog_daily_without_log"}
        without = {**with_log, "backlog_daily": answers["backlog_daily_without_log"], "reopenings": []}

        def project(name, copy, **variables):
            return Analytics(claims, name, folder / copy, postgres, variables)

        in_duckdb = project("Meltano, DuckDB", "meltano/analytics")
        in_postgres = project("Meltano, PostgreSQL", "meltano/analytics-postgres")
        file = project("PyAirbyte, DuckDB", "pyairbyte/analytics", DIXA_DUCKDB="../db_dixa.duckdb")
        database = project("PyAirbyte, PostgreSQL", "pyairbyte/analytics-postgres", POSTGRES_DATABASE="pyairbyte")
        jobs = [
            (in_duckdb, IN_DUCKDB_AND_PAGE, with_log),
            (database, IN_POSTGRES, with_log),
            (in_postgres, f"{IN_POSTGRES}\n{PAGE}", with_log),
            (file, WITHOUT_LOG, without),
        ]
        for job in [pool.submit(each.build_and_compare, *rest) for each, *rest in jobs]:
            job.result()
        as_dlt_loads(postgres)
        database.name = "As dlt names it, without activity_logs"
        dlt = pool.submit(database.build_and_compare, OF_DLT.replace("dbt build", IN_POSTGRES), without)
        for each in (in_duckdb, in_postgres):
            page(each)
        in_a_browser(in_duckdb)
        another_target(in_duckdb)
        dlt.result()
    return claims.exit_code()


def environment(name):
    """The folder of the programs in another environment that .ci/clients made."""
    return Path(sys.prefix).parent / f"{name}-python{sys.version_info.major}.{sys.version_info.minor}/bin"


def meltano(claims, tools, dixa, folder, postgres):
    project = Project("meltano", claims, tools, dixa, folder / "meltano", None)
    project.environment |= {
        "PATH": f"{environment('meltano')}:{project.environment['PATH']}",
        "TAP_DIXA__SELECT": json.dumps(STREAMS),
        **{f"TARGET_{name}": value for name, value in address(postgres).items()},
    }
    project.install(tools)
    project.succeeds(MELTANO_IN_DUCKDB, MELTANO_IN_DUCKDB)
    project.succeeds(MELTANO_IN_POSTGRES, MELTANO_IN_POSTGRES)


def pyairbyte(claims, tools, dixa, folder, postgres):
    recipe = Recipe("PyAirbyte", claims, tools, dixa, folder / "pyairbyte", None)
    recipe.environment |= {**address(postgres), "POSTGRES_DATABASE": "pyairbyte"}
    recipe.environment["PATH"] = f"{environment('pyairbyte')}:{recipe.environment['PATH']}"
    for script in EXAMPLES.glob("pyairbyte_*.py"):
        shutil.copy(script, recipe.folder)
    recipe.succeeds(PYAIRBYTE_IN_DUCKDB, PYAIRBYTE_IN_DUCKDB)
    recipe.succeeds(PYAIRBYTE_IN_POSTGRES, PYAIRBYTE_IN_POSTGRES)


def address(postgres):
    return {
        "POSTGRES_HOST": "127.0.0.1",
        "POSTGRES_PORT": str(postgres.port),
        "POSTGRES_USER": USER,
        "POSTGRES_PASSWORD": "none",
        "POSTGRES_DATABASE": "postgres",
    }


def append_again(postgres):
    """Rows as append mode leaves them: each message and entry twice, and conversations as they were earlier."""
    with connected(postgres, "pyairbyte") as cursor:
        cursor.execute("CREATE TABLE earlier AS SELECT * FROM dixa.conversations WHERE updated_at IS NOT NULL")
        cursor.execute("UPDATE earlier SET queue_name = 'Earlier', updated_at = updated_at - interval '1 hour'")
        cursor.execute("INSERT INTO dixa.conversations SELECT * FROM earlier")
        for table in ("messages", "activity_logs", "queues", "agents"):
            cursor.execute(f"INSERT INTO dixa.{table} SELECT * FROM dixa.{table}")
        # And what is closed may be closed again.
        cursor.execute("CREATE TABLE again AS SELECT * FROM dixa.activity_logs WHERE _type = 'ConversationClosed'")
        cursor.execute("UPDATE again SET id = id || '-again'")
        cursor.execute("INSERT INTO dixa.activity_logs SELECT * FROM again")


def as_dlt_loads(postgres):
    """What PyAirbyte loaded, in the schema and with the names and types of dlt, without the activity log."""
    with connected(postgres, "pyairbyte") as cursor:
        cursor.execute("ALTER SCHEMA dixa RENAME TO dixa_data")
        cursor.execute("DROP TABLE dixa_data.activity_logs")
        cursor.execute("ALTER TABLE dixa_data.agents RENAME displayname TO display_name")
        for table, column in [("conversations", name) for name in ("created_at", "updated_at", "closed_at")] + [
            ("messages", "created_at")
        ]:
            cursor.execute(
                f"ALTER TABLE dixa_data.{table} ALTER {column} TYPE timestamptz USING {column} AT TIME ZONE 'UTC'"
            )


def another_target(project):
    project.run(f"DIXA_DUCKDB=../dixa.duckdb {ANOTHER_TARGET} --select queue_sla")
    within = sum(row["within"] for row in project.rows("queue_sla"))
    rows = project.rows("conversations")
    # Younger ones can still be answered in time.
    end = max(datetime.fromisoformat(row["updated_at"]) for row in rows if row["updated_at"]) - timedelta(minutes=30)
    counted = [
        row for row in rows if row["direction"] == "inbound" and datetime.fromisoformat(row["created_at"]) <= end
    ]
    expected = sum(row["first_response_minutes"] is not None and row["first_response_minutes"] <= 30 for row in counted)
    project.claims.equal(f"{project.name}: {ANOTHER_TARGET}", within, expected)


class connected:
    """A cursor on a database."""

    def __init__(self, postgres, database):
        self.connection = psycopg2.connect(host="127.0.0.1", port=postgres.port, user=USER, dbname=database)
        self.connection.autocommit = True

    def __enter__(self):
        return self.connection.cursor()

    def __exit__(self, *exception):
        self.connection.close()


class Analytics:
    """A copy of the dbt project, for what one recipe has loaded."""

    def __init__(self, claims, name, folder, postgres, variables):
        self.claims, self.name, self.folder, self.postgres = claims, name, folder, postgres
        shutil.copytree(EXAMPLES / "analytics", folder, ignore=shutil.ignore_patterns("target", "logs", "*.duckdb"))
        self.environment = {**os.environ, **address(postgres), "DO_NOT_TRACK": "1", **variables}

    def run(self, command):
        ran = subprocess.run(
            ["bash", "-ec", command],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        said = ran.stdout[-4000:] + ran.stderr[-2000:]
        self.claims.holds(f"{self.name}: {' && '.join(command.splitlines())}", ran.returncode == 0, said)
        return said

    def build_and_compare(self, command, answers):
        said = self.run(command)
        done = re.search(r"PASS=(\d+) WARN=0 ERROR=0 SKIP=0", said)
        self.claims.holds(f"{self.name}: all models and tests pass", done and int(done[1]) > 80, said)
        for question, expected in answers.items():
            self.compare(question, expected)

    def compare(self, question, expected):
        found = in_order(self.rows(question))
        expected = in_order(expected)
        wrong = [row for row in found if row not in expected][:3], [row for row in expected if row not in found][:3]
        claim = f"{self.name}: {question} has the simulator's {len(expected)} rows"
        self.claims.holds(claim, found == expected, f"{wrong[0]} instead of {wrong[1]}")

    def rows(self, model):
        if self.folder.name == "analytics-postgres":
            with connected(self.postgres, self.environment["POSTGRES_DATABASE"]) as cursor:
                return self.fetched(cursor, f"SELECT * FROM dixa_analytics.{model}")
        with duckdb.connect(str(self.folder / "analytics.duckdb"), read_only=True) as connection:
            return self.fetched(connection.cursor(), f"SELECT * FROM {model}")

    def fetched(self, cursor, sql):
        cursor.execute(sql)
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, map(plain, row), strict=True)) for row in cursor.fetchall()]


def plain(value):
    """As in the simulator's JSON."""
    return str(value) if isinstance(value, date) else float(value) if isinstance(value, Decimal) else value


def in_order(rows):
    return sorted(rows, key=lambda row: [(type(row[name]).__name__, row[name]) for name in sorted(row)])


def page(project):
    """The page has everything in itself."""
    claims, name = project.claims, f"{project.name}: the page"
    text = (project.folder / "analytics.html").read_text()
    claims.holds(f"{name} loads nothing", not re.search(r"<script|<link|<img|src=|href=|url\(|@import|https?:", text))
    charts = re.findall(r'<svg [^>]*role="img" aria-labelledby="(chart\d+)"><title id="(chart\d+)">[^<]+</title>', text)
    claims.equal(f"{name} has eight charts, each with a title", [a == b for a, b in charts], [True] * 8)
    claims.equal(f"{name} has a table and the SQL for each", (text.count("<caption>"), text.count("<pre")), (8, 8))
    claims.holds(f"{name} shows the compiled SQL", "percentile_cont" in text and "{{" not in text)


def in_a_browser(project):
    """The page fits on each screen, and is light or dark as its reader prefers."""
    claims, name = project.claims, f"{project.name}: the page"
    text = (project.folder / "analytics.html").read_text()
    browser = shutil.which("chromium")
    if not browser:
        print(f"SKIP {name} in a browser: there is no chromium (Debian's package)")
        return
    measured = escape(re.sub(r"<meta http-equiv[^>]+>", MEASURE, text))
    kept = Path(os.environ.get("KEEP_SCREENSHOTS", project.folder))
    for screen, (wide, high) in SIZES.items():
        # In a frame: a window is never narrower than 500.
        frame = f'<!DOCTYPE html><iframe style="border: 0; width: {wide}px" srcdoc="{measured}"></iframe>'
        (project.folder / "measured.html").write_text(frame)
        dom = show(browser, project, "measured.html", "--window-size=1300,900", "--dump-dom")
        claims.holds(f"{name} is nowhere wider than a {screen}", f"<body>at {wide}: []</body>" in dom, dom[-1500:])
        pictures = {}
        for scheme, number in (("dark", 0), ("light", 1)):
            file = kept / f"{screen}-{scheme}.png"
            preference = f"--blink-settings=preferredColorScheme={number}"
            show(browser, project, "analytics.html", f"--window-size={wide},{high}", preference, f"--screenshot={file}")
            pictures[scheme] = file.read_bytes() if file.exists() else b""
        sizes = {picture[16:24] for picture in pictures.values()}
        claims.equal(f"{name} has pictures of a {screen}", sizes, {struct.pack(">II", wide, high)})
        claims.holds(f"{name} is light or dark, as a {screen} prefers", pictures["dark"] != pictures["light"])


def show(browser, project, file, *arguments):
    profile = f"--user-data-dir={project.folder}/browser"
    command = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", profile, *arguments]
    ran = subprocess.run(
        [*command, f"file://{project.folder}/{file}"], capture_output=True, text=True, timeout=60, check=False
    )
    return ran.stdout


if __name__ == "__main__":
    sys.exit(main())
