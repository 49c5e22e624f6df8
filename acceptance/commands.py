"""Runs every command that README, docs, examples and `--help` print, exactly as printed, against the simulator.

A command that is in none of the tables below fails: no command can be added untested. What differs from a user's
machine is around the command, not in it: a folder with the files that it names, programs on the PATH (a `docker`
whose containers reach the simulator, a `loader`, a `vault`), and values for placeholders.
"""

import csv
import gzip
import io
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from acceptance.claims import Claims
from acceptance.messages import catalog, record_counts
from acceptance.options import ROOT, fast, options
from acceptance.printed import printed
from acceptance.recipe import OPT_IN
from acceptance.simulator import Simulator
from acceptance.tls import Proxy, TlsFront

# Run by another step of .ci/run, whose script has the command as printed.
ELSEWHERE = {
    r"cargo test": ".ci/run",
    r"cargo install --path \.": ".ci/install",
    r"docker build -t source-dixa \.": ".ci/install",
    r"\.ci/(archive|clients|docker|python|wheel|workflows)": ".ci/run",
    r"\.ci/pack": ".ci/archive",
    r"\.ci/(notes|sbom)": ".ci/release",
    r"\.ci/(push-image|release (check|publish))": ".github/workflows/release.yml",
    r"pip install target/wheels/.*": "acceptance/wheel.py",
    r"meltano install": "acceptance/meltano.py",
    r"meltano run (--full-refresh )?tap-dixa target-postgres": "acceptance/meltano.py",
    r"meltano run tap-dixa target-duckdb": "acceptance/meltano.py",
    r"python -c .import duckdb; print\(duckdb.connect\(.*": "acceptance/dlt_recipes.py",
    r"python dlt_pipeline.py( postgres conversations messages)?": "acceptance/dlt_recipes.py",
    r"python pyairbyte_to_(duckdb|postgres).py": "acceptance/pyairbyte_recipes.py",
    r"python pyairbyte_to_(duckdb|postgres).py conversations .*": "acceptance/analytics.py",
    r"pip install dbt-core==.*": "acceptance/analytics.py",
    r"(export DIXA_DUCKDB=../dixa.duckdb\n)?dbt build\b.*|python page.py": "acceptance/analytics.py",
    r"dagster asset materialize --select dixa -f dagster_assets.py": "acceptance/dlt_recipes.py",
    r"airflow dags test dixa": "acceptance/airflow_recipe.py",
    r"meltano add tap-dixa --from-ref packaging/meltano-hub/tap-dixa.yml": "acceptance/hub.py",
    r"pip install airbyte-destination-ailake": "acceptance/airbyte_destination.py",
    r"pip install airbyte psycopg2-binary": "acceptance/pyairbyte_recipes.py",
    r"pip install duckdb-cli": "acceptance/parquet.py",
}

# Not run, and why.
NOT_RUN = {
    r"\.ci/run": "is what runs this",
    r"docker push .*": "needs a registry",
    r"git tag .*": "needs a repository that may be pushed to",
    r"\.ci/(release check v|notes )0\.1\.0": "needs a changelog with a date; acceptance/workflows.py has one",
    r"\.ci/arm64": "compiles for ten minutes, and makes an image",
    r"cargo audit bin source-dixa": "needs cargo-audit's database; acceptance/archive.py reads what it would read",
    r"INSTA_UPDATE=always cargo test": "accepts every snapshot as it is",
    r"INSTA_UPDATE=always cargo test (errors|columns)::": "writes what `cargo test` compares",
    r"pip install (meltano|'dlt.*|dagster .*|apache-airflow .*)": "is what .ci/clients does, for one version",
    r"kind load docker-image .*": "needs a local Airbyte cluster",
    r"kubectl create secret .*": "needs a cluster; acceptance/kubernetes.py mounts the secret's file",
    r"benches/compare( --forms)?( --write)?": "takes twenty minutes and 7 GB, and writes the documents",
    r"benches/order( --records 170000)?": "takes some minutes and needs nginx",
    r"benches/large( --endusers=0 .*)?": "takes minutes at Dixa's true rates; benches/README.md has what it printed",
    r"benches/instructions": "needs valgrind, and counts differ by processor",
    r"cargo bench --bench hot_path": "compiles and measures for minutes; clippy compiles it",
    r"mkdir -p fuzz/corpus/state && cargo \+nightly fuzz .*": "needs a nightly toolchain; .ci/run compiles the targets",
    r"- name: target-(bigquery|snowflake|s3)\n.*": "needs an account; examples/warehouses.md says what was run",
    r"\[destination\.(bigquery|snowflake|filesystem)\b.*": "needs an account, as examples/warehouses.md says",
    r"curl -o /dev/null|curl \| jq .*|perf record -e cpu-clock|kill -9": "names what was measured",
}

# The function that runs a command, by the command's pattern.
RUN = {}


def runs(pattern):
    def register(function):
        RUN[pattern] = function
        return function

    return register


def main():
    tools, claims = options(), Claims()
    commands = printed(tools.connector)
    used = set()
    account = ["--conversations", "1000", "--days", "20"]
    with Simulator(tools.simulator, "--no-limits", *account) as dixa, tempfile.TemporaryDirectory() as directory:
        workshop = Workshop(tools, dixa, Path(directory), claims)
        for command in commands:
            name = f"{command.where}: {command.text.splitlines()[0]}"
            entries = [
                (table, pattern)
                for table in (ELSEWHERE, NOT_RUN, RUN)
                for pattern in table
                if re.fullmatch(pattern, command.text, re.S)
            ]
            used.update(pattern for _, pattern in entries)
            if len(entries) != 1:
                claims.holds(
                    f"{name}: is in one of the tables of acceptance/commands.py",
                    False,
                    f"{len(entries)} entries for {command.text!r}",
                )
                continue
            [(table, pattern)] = entries
            if table is ELSEWHERE:
                claims.holds(f"{name}: is run by {table[pattern]}", command.text in (ROOT / table[pattern]).read_text())
            elif table is NOT_RUN:
                print(f"NOT RUN {name}: {table[pattern]}")
            elif table[pattern] in DOCKER and not workshop.has_image:
                print(f"SKIP {name}: the image source-dixa is missing")
            else:
                workshop.name = name
                try:
                    table[pattern](workshop, command.text)
                except Exception as error:
                    claims.holds(f"{name}: runs", False, repr(error))
    stale = [pattern for table in (ELSEWHERE, NOT_RUN, RUN) for pattern in table if pattern not in used]
    claims.equal("every entry of the tables is of a command that is printed", stale, [])
    return claims.exit_code()


class Workshop:
    """Where commands run: programs, and folders with the files that the documents name."""

    def __init__(self, tools, dixa, directory, claims):
        self.tools, self.dixa, self.directory, self.claims = tools, dixa, directory, claims
        self.name = ""
        self.config = fast(dixa)
        self.bin = directory / "bin"
        self.bin.mkdir()
        self.has_image = (
            bool(shutil.which("docker"))
            and not subprocess.run(
                ["docker", "image", "inspect", "source-dixa"], capture_output=True, check=False
            ).returncode
        )
        self._programs()
        self.files = directory / "files"
        self.files.mkdir()
        self._files()

    def _programs(self):
        for name in ("source-dixa", "tap-dixa"):
            (self.bin / name).symlink_to(self.tools.connector)
        # The programs that the documents use, from the environments that .ci/clients made.
        environments, minor = Path(sys.prefix).parent, f"python{sys.version_info.major}.{sys.version_info.minor}"
        self.python = environments / f"pyairbyte-{minor}/bin/python"
        (self.bin / "target-jsonl").symlink_to(environments / f"target_jsonl-{minor}/bin/target-jsonl")
        self._script("loader", "cat >>loaded.jsonl")
        self._script("vault", "cat config.json")
        if docker := shutil.which("docker"):
            # The simulator is on this host's loopback.
            self._script("docker", f'[ "$1" = run ] && shift && set -- run --network host "$@"\nexec {docker} "$@"')

    def _script(self, name, text):
        script = self.bin / name
        script.write_text(f"#!/bin/sh\n{text}\n")
        script.chmod(0o755)

    def _files(self):
        (self.files / "config.json").write_text(json.dumps(self.config))
        (self.files / "target.json").write_text('{"do_timestamp_file": false}')
        discovered = subprocess.run(
            [self.tools.connector, "discover"], check=True, capture_output=True, text=True, env=self.environment()
        )
        (self.files / "catalog.json").write_text(json.dumps(catalog(discovered.stdout)))
        read = [self.tools.connector, "read", "--config", "config.json"]
        with open(self.files / "messages.jsonl", "w") as file:
            subprocess.run(read, cwd=self.files, check=True, stdout=file)

    def environment(self, **others):
        return {**os.environ, "PATH": f"{self.bin}:{os.environ['PATH']}", "DIXA_API_TOKEN": "not-used", **others}

    def folder(self):
        """A new folder with the files."""
        folder = Path(tempfile.mkdtemp(dir=self.directory))
        shutil.copytree(self.files, folder, dirs_exist_ok=True)
        return folder

    def run(self, text, folder, timeout=300, **environment):
        """Runs it in bash. It must exit with 0."""
        ran = subprocess.run(
            ["bash", "-c", text],
            cwd=folder,
            env=self.environment(**environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        self.holds("exits with 0", ran.returncode == 0, f"{ran.returncode}: {ran.stdout[-1500:]} {ran.stderr[-1500:]}")
        return ran

    def quiet(self, ran):
        self.equal("leaves stderr empty", ran.stderr, "")

    def holds(self, claim, truth, detail=""):
        self.claims.holds(f"{self.name}: {claim}", truth, detail)

    def equal(self, claim, found, expected):
        self.claims.equal(f"{self.name}: {claim}", found, expected)

    @property
    def counts(self):
        """The rows of each stream, as they are now."""
        return {stream: count["rows"] for stream, count in self.dixa.counts().items()}

    @property
    def suggested(self):
        return {name: rows for name, rows in self.counts.items() if name not in OPT_IN}

    def changed(self):
        """Changes something in Dixa, and waits for the next second: a read ends at the last whole one."""
        self.dixa.change(updated=5, added=2)
        time.sleep(1.1)


def unzipped(file):
    return gzip.decompress(file.read_bytes()).decode()


def is_small(counts):
    """Whether these are the changes and the lookback, without the history."""
    return 5 <= counts.get("conversations", 0) < 500


# ---- the repository


@runs(r"cargo test -p record-splitter\n.*")
def fast_loop(work, text):
    for command in text.splitlines():
        work.holds(f"{command}: tests pass", "test result: ok" in work.run(command, ROOT, timeout=900).stdout)


@runs(r"cargo run --example demo")
def demo(work, text):
    # The demo builds the connector as here: alone, its dependencies have other features than with an example.
    for target in (["--example", "demo"], ["--bin", "source-dixa"]):
        subprocess.run(["cargo", "build", "--quiet", *target], cwd=ROOT, check=True)
    begun = time.monotonic()
    ran = work.run(text, ROOT)
    took = time.monotonic() - begun
    work.holds(f"takes under a minute after compiling: {took:.0f} s", took < 60)
    written = [line for file in (ROOT / "demo-output").glob("*.jsonl") for line in file.read_text().splitlines()]
    warnings = [line[:300] for line in written if '"level":"WARN"' in line or '"level":"ERROR"' in line]
    work.equal("logs no warnings", warnings, [])
    work.holds("and prints none to the terminal", "warn" not in (ran.stdout + ran.stderr).lower(), ran.stderr[-500:])
    table = ran.stdout[ran.stdout.index("\nstream ") + 1 :].split("\n\n")[0].splitlines()
    ends = {tuple(match.end() for match in re.finditer(r"\S(?=  )", line))[-2:] for line in table}
    starts = {re.match(r"\S+ +(?:first read|\d+) +(?:second read|\d+)  ", line).end() for line in table}
    work.equal("the columns of its table align", (len(ends), len(starts)), (1, 1))
    incremental = sorted(line.split()[0] for line in table if "read up to 20" in line)
    expected = ["activity_logs", "analytics_record_data", "conversations", "messages"]
    work.equal("it marks the incremental streams", incremental, expected)
    work.equal("all streams are in it", len(table) - 1, len(work.counts))


@runs(r"cargo run -p dixa-simulator")
def simulator(work, text):
    folder = work.folder()
    subprocess.run(
        [*shlex.split(text), "--", "--help"], cwd=ROOT, check=True, capture_output=True
    )  # as the next sentence says
    process = subprocess.Popen(
        ["bash", "-c", f"exec {text}"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    try:
        process.stdout.readline()
        (folder / "config.json").write_text(process.stdout.readline())
        ran = work.run("source-dixa check --config config.json", folder)
        work.holds("prints a config that works", "SUCCEEDED" in ran.stdout, ran.stdout[-500:])
    finally:
        os.killpg(process.pid, signal.SIGINT)
        process.wait(timeout=10)


@runs(r"cargo test --test it 61_windows -- --nocapture")
def backfill(work, text):
    ran = work.run(text, ROOT, timeout=900)
    work.holds(
        "a test is run, and prints what it measured",
        " 1 passed" in ran.stdout and "windows" in ran.stdout,
        ran.stdout[-800:],
    )


@runs(r"INSTA_UPDATE=always cargo test expected_records")
def expected_records(work, text):
    file = ROOT / "integration_tests/expected_records.jsonl"
    before = file.read_bytes()
    ran = work.run(text, ROOT, timeout=900)
    work.holds("a test is run", re.search(r" [1-9]\d* passed", ran.stdout), ran.stdout[-800:])
    work.holds("the file is what the simulator sends", file.read_bytes() == before)


# ---- the command line


@runs(r"source <\(source-dixa completions bash\)")
def completions(work, text):
    ran = work.run(f"{text}\ncomplete -p source-dixa", work.folder())
    work.holds("completes the command line", "-F" in ran.stdout, ran.stdout)
    work.quiet(ran)


@runs(r"source-dixa --help")
def help_text(work, text):
    ran = work.run(text, work.folder())
    for command in ("spec", "check", "discover", "read", "probe"):
        work.holds(f"names {command}", f"\n  {command} " in ran.stdout, ran.stdout)
    work.holds("names the streams", "conversations" in ran.stdout, ran.stdout)
    work.quiet(ran)


@runs(r"tap-dixa --help")
def tap_help_text(work, text):
    ran = work.run(text, work.folder())
    work.holds("names the options", "--catalog" in ran.stdout and "--config" in ran.stdout, ran.stdout)
    work.quiet(ran)


@runs(r"tap-dixa --discover")
def tap_discover(work, text):
    ran = work.run(text, work.folder())
    work.equal("lists the streams", len(json.loads(ran.stdout)["streams"]), len(work.counts))
    work.quiet(ran)


@runs(r"source-dixa spec \| jq .*")
def spec(work, text):
    ran = work.run(text, work.folder())
    work.holds("names the keys", "api_token" in json.loads(ran.stdout), ran.stdout)


@runs(r"source-dixa check --config config.json|vault read … \| source-dixa check --config -")
def check(work, text):
    ran = work.run(text, work.folder())
    work.holds("SUCCEEDED", '"SUCCEEDED"' in ran.stdout, ran.stdout[-500:])
    work.quiet(ran)


@runs(r"DIXA_API_TOKEN=… source-dixa check")
def check_by_token(work, text):
    folder = work.folder()
    hosts = ["exports.dixa.io", "dev.dixa.io"]
    port = int(work.dixa.url.rpartition(":")[2])
    with TlsFront(folder, port, hosts) as front, Proxy(front.listens_on) as proxy:
        text = text.replace("…", work.config["api_token"])
        ran = work.run(text, folder, HTTPS_PROXY=proxy.url, SSL_CERT_FILE=str(front.certificate))
    work.holds("SUCCEEDED", '"SUCCEEDED"' in ran.stdout, ran.stdout[-500:])
    work.equal("at Dixa's own hosts", sorted(proxy.asked), sorted(f"{host}:443" for host in hosts))


@runs(r"source-dixa discover( --config config.json)?")
def discover(work, text):
    ran = work.run(text, work.folder())
    names = [stream["name"] for stream in catalog(ran.stdout)["streams"]]
    work.equal("prints every stream", sorted(names), sorted(work.counts))


@runs(r"source-dixa discover \| jq .*")
def discover_names(work, text):
    ran = work.run(text, work.folder())
    work.equal("prints every name", sorted(ran.stdout.split()), sorted(work.counts))
    work.quiet(ran)


@runs(r"source-dixa probe --dry-run")
def dry_probe(work, text):
    ran = work.run(text, work.folder())
    work.holds("prints the requests", "GET /v1/agents?pageLimit=1000" in ran.stdout, ran.stdout)
    work.quiet(ran)


@runs(r"source-dixa probe --config config.json( > report.md)?")
def probe(work, text):
    folder = work.folder()
    ran = work.run(text, folder)
    report = (folder / "report.md").read_text() if text.endswith("report.md") else ran.stdout
    work.holds("our assumptions hold", "**Our assumptions hold " in report, report[:500])
    work.quiet(ran)


@runs(r"source-dixa probe --config config.json --format json \| jq .verdict")
def probe_verdict(work, text):
    ran = work.run(text, work.folder())
    work.holds("our assumptions hold", ran.stdout.startswith('"Our assumptions hold '), ran.stdout)
    work.quiet(ran)


@runs(r"source-dixa read --config config.json > messages.jsonl")
def read(work, text):
    folder = work.folder()
    work.quiet(work.run(text, folder))
    counts = record_counts((folder / "messages.jsonl").read_text())
    work.equal("every suggested stream is there", counts, work.suggested)


@runs(
    r"source-dixa read --config config.json (--streams conversations,agents \\\n +)?--state messages.jsonl > more.jsonl"
)
def read_on(work, text):
    folder = work.folder()
    work.changed()
    work.quiet(work.run(text, folder))
    counts = record_counts((folder / "more.jsonl").read_text())
    work.holds("it reads what is new, and not everything", is_small(counts), counts)
    streams = ["agents", "conversations"] if "--streams" in text else sorted(work.suggested)
    work.equal("of these streams", sorted(counts), streams)


@runs(r"tap-dixa --config config.json --discover > catalog.json\ntap-dixa .* --catalog catalog.json > messages.jsonl")
def tap(work, text):
    folder = work.folder()
    ran = work.run(text, folder)
    work.holds("warns only of undeclared fields", "error" not in ran.stderr, ran.stderr)
    with open(folder / "messages.jsonl") as lines:  # str.splitlines() would break texts with U+2028
        messages = [json.loads(line) for line in lines]
    streams = sorted({message["stream"] for message in messages if message["type"] == "SCHEMA"})
    work.equal("every suggested stream is there", streams, sorted(work.suggested))


@runs(r".*--state-out s.new.* loader .*mv s.new s.json.*")
def into_a_loader(work, text):
    folder = work.folder()
    work.quiet(work.run(text, folder))
    first = record_counts((folder / "loaded.jsonl").read_text())
    work.equal("the first run reads all conversations", first["conversations"], work.counts["conversations"])
    (folder / "loaded.jsonl").unlink()
    work.changed()
    work.quiet(work.run(text, folder))
    second = record_counts((folder / "loaded.jsonl").read_text())
    work.holds("the second only what is new", is_small(second), second)
    work.equal("the state is taken over", [(folder / name).exists() for name in ("s.json", "s.new")], [True, False])


@runs(r".*--format singer .*target-jsonl --config target.json.*")
def singer(work, text):
    folder = work.folder()
    work.run(text, folder)
    rows = (folder / "conversations.jsonl").read_text().count("\n")
    work.equal("the first run reads all conversations", rows, work.counts["conversations"])
    work.holds("the target's state is kept", "bookmarks" in (folder / "s.json").read_text())
    work.changed()
    work.run(text, folder)
    more = (folder / "conversations.jsonl").read_text().count("\n") - rows
    work.holds("the second only what is new", 5 <= more < 500, more)


@runs(r"source-dixa read --config config.json --format singer \| target-jsonl")
def singer_once(work, text):
    folder = work.folder()
    work.run(f"set -o pipefail; {text}", folder)
    [file] = folder.glob("conversations-*.jsonl")
    work.equal("all conversations are in the target", file.read_text().count("\n"), work.counts["conversations"])


@runs(r"source-dixa read --config config.json --streams tags --format jsonl \|\n +jq .name")
def tags(work, text):
    ran = work.run(text, work.folder())
    work.equal("prints a name for each tag", len(ran.stdout.splitlines()), work.counts["tags"])
    work.quiet(ran)


@runs(r"(source-dixa read [^\n]* --streams tags \| jq [^\n]*\n)?source-dixa read [^\n]*\nduckdb -c .*")
def plain_rows(work, text):
    folder = work.folder()
    ran = work.run(f"set -e\n{text.replace('duckdb -c', 'duckdb -csv -c')}", folder)  # a table is for people
    lines = ran.stdout.splitlines()
    above = work.counts["tags"] if "tags" in text else 0
    table = list(csv.DictReader(io.StringIO("\n".join(lines[above:]))))
    [_, number] = table[0]
    total = sum(int(row[number]) for row in table)
    work.equal("the rows of all queues are all conversations", total, work.counts["conversations"])
    ran = work.run(text, folder)
    work.holds("and prints a table", "queue_name" in ran.stdout, ran.stdout[-500:])
    work.quiet(ran)


@runs(r"source-dixa read [^\n]* --streams conversations \| jq -c 'del\(.*\)' > conversations.jsonl")
def private_fields(work, text):
    folder = work.folder()
    work.quiet(work.run(f"set -o pipefail; {text}", folder))
    with open(folder / "conversations.jsonl") as lines:
        rows = [json.loads(line) for line in lines]
    work.equal("all conversations are there", len(rows), work.counts["conversations"])
    named = set(re.findall(r"\.(\w+)", text.partition("del(")[2].partition(")")[0]))
    work.equal("without these fields", [row["id"] for row in rows if named & row.keys()], [])
    work.holds("and with others", all("requester_id" in row for row in rows))


@runs(r"jq 'map\(select\(.*\)\)' s.json > s.part && mv s.part s.json")
def stream_again(work, text):
    folder = work.folder()
    read = "source-dixa read --config config.json --streams conversations,tags --state s.json --allow-missing-state"
    work.run(f"{read} --state-out s.new > first.jsonl && mv s.new s.json", folder)
    work.quiet(work.run(text, folder))
    work.run(f"{read} > again.jsonl", folder)
    again = (folder / "again.jsonl").read_text()
    work.equal("conversations are read again", record_counts(again)["conversations"], work.counts["conversations"])
    [other] = json.loads((folder / "s.json").read_text())
    work.equal("the other stream keeps its state", other["stream"]["stream_descriptor"]["name"], "tags")


@runs(r"SELECT count\(\*\) FROM new\.conversations .*")
def migration(work, text):
    folder = work.folder()
    read = "source-dixa read --config config.json --format jsonl --streams conversations > conversations.jsonl"
    text = re.sub(r"<old start_date>", "0", text)
    text = re.sub(r"<midnight [^>]*>", str(int(time.time() * 1000) + 1000), text)
    lost = "WHERE updated_at IS NOT NULL ORDER BY id LIMIT 3"
    tables = f"""
        CREATE SCHEMA new; CREATE SCHEMA old;
        CREATE TABLE new.conversations AS SELECT id, updated_at FROM 'conversations.jsonl';
        CREATE TABLE old.conversation_export AS SELECT * FROM new.conversations
            WHERE id NOT IN (SELECT id FROM new.conversations {lost});
    """
    work.run(read, folder)
    ran = work.run(f"duckdb -csv -noheader -c {shlex.quote(tables + text)}", folder)
    work.equal("counts the three that the old table does not have", ran.stdout.strip().splitlines()[-1], "3")


# ---- containers


@runs(r"docker run --rm --user .*")
def container(work, text):
    folder = work.folder()
    (folder / "messages.jsonl").unlink()
    work.quiet(work.run(text, folder))
    counts = record_counts((folder / "messages.jsonl").read_text())
    work.equal(
        "every stream of the catalog is there",
        counts,
        work.counts | {"activity_logs": counts["activity_logs"], "messages": counts["messages"]},
    )


@runs(r"docker build -t <registry>/source-dixa:0\.1\.0 \.")
def registry(work, text):
    work.run(text.replace("<registry>", "localhost:5000"), ROOT, timeout=1200)
    shown = work.run("docker run --rm localhost:5000/source-dixa:0.1.0 --version", work.folder()).stdout
    work.holds("makes the image of that name", shown.startswith("source-dixa 0.1.0"), shown)
    work.run("docker rmi localhost:5000/source-dixa:0.1.0", work.folder())


DOCKER = {container, registry}


# ---- Python, and the examples


@runs(r"import airbyte as ab\n.*")
def pyairbyte(work, text):
    folder = work.folder()
    for printed_value, value in (
        ('{"api_token": "…"}', json.dumps(work.config)),
        ("/path/to/source-dixa", str(work.tools.connector)),
    ):
        work.holds(f"has {printed_value}", printed_value in text)
        text = text.replace(printed_value, value)
    ending = 'print({name: len(list(result[name])) for name in ("conversations", "tags")})'
    (folder / "program.py").write_text(f"{text}\n{ending}\n")
    ran = work.run(f"{work.python} program.py", folder)
    expected = str({name: work.counts[name] for name in ("conversations", "tags")})
    work.holds("its cache has all conversations and tags", expected in ran.stdout, ran.stdout[-800:])


@runs(r"pip install (airbyte|target-duckdb .*)")
def installed(work, text):
    folder = work.folder()
    subprocess.run([sys.executable, "-m", "venv", folder / "environment"], check=True)
    path = f"{folder / 'environment/bin'}:{work.bin}:{os.environ['PATH']}"
    work.run(text, folder, timeout=900, PATH=path)
    example = ROOT / work.name.partition(":")[0]
    command = f"python {example}" if example.suffix == ".py" else str(example)
    work.run(command, folder, CONFIG="config.json", PATH=path)
    work.equal(f"and {example.name} runs with what was installed", len(list(folder.rglob("*.duckdb"))), 1)


@runs(r"(?:[\d*/,-]+ ){5}.*cron\.sh.*")
def crontab(work, text):
    folder = work.folder()
    command = re.sub(r"^(?:\S+ ){5}", "", text)
    values = (
        ("/var/lib/dixa", str(folder)),
        ("/etc/dixa.json", str(folder / "config.json")),
        ("/path/to/", f"{ROOT}/examples/"),
    )
    for printed_value, value in values:
        command = command.replace(printed_value, value)
    work.quiet(work.run(command, "/"))
    [file] = folder.glob("*.jsonl.gz")
    work.equal(
        "it reads all conversations",
        record_counts(unzipped(file))["conversations"],
        work.counts["conversations"],
    )


if __name__ == "__main__":
    sys.exit(main())
