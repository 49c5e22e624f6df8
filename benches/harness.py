"""Measures processes in turn, on exports that one local server sends: what the benchmarks share.

This is the one place where they reach into `acceptance/`, which is imported from the repository's root.
"""

import contextlib
import gzip
import json
import os
import pathlib
import random
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path.insert(0, str(ROOT))

from acceptance.binaries import build  # noqa: E402
from acceptance.simulator import Simulator  # noqa: E402

__all__ = ["END", "HERE", "PORT", "ROOT", "SLOW", "START", "Simulator", "build"]
__all__ += ["median", "prepare", "prepare_form", "ratio", "rounds", "server"]

START, END = "2026-01-01", "2026-01-31"
PORT = 8642
SLOW = 20
"""Seconds: what takes longer is measured in every third round only."""

NGINX = """
daemon off; pid {folder}/nginx.pid; error_log {folder}/nginx.log; worker_processes 1;
events {{ worker_connections 64; }}
http {{ access_log off; sendfile on; default_type application/json;
  client_body_temp_path {folder}/1; proxy_temp_path {folder}/2; fastcgi_temp_path {folder}/3;
  uwsgi_temp_path {folder}/4; scgi_temp_path {folder}/5;
  server {{ listen 127.0.0.1:{port}; root {folder}; location /gzip/ {{ add_header Content-Encoding gzip; }} }} }}
"""


@contextlib.contextmanager
def server(folder):
    """nginx, which sends files with next to no effort."""
    # Debian keeps nginx where only root's PATH leads; and nothing here is to go through a proxy.
    os.environ["PATH"] += ":/usr/sbin"
    os.environ["no_proxy"] = "127.0.0.1"
    for program in ["nginx", "curl", "jq", "/usr/bin/time"]:
        if not shutil.which(program):
            sys.exit(f"{program} is missing: apt-get install nginx-light curl jq time")
    folder.chmod(0o755)
    (folder / "nginx.conf").write_text(NGINX.format(folder=folder, port=PORT))
    nginx = subprocess.Popen(["nginx", "-c", str(folder / "nginx.conf")], stderr=subprocess.DEVNULL)
    try:
        for _ in range(100):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", PORT)):
                break
            time.sleep(0.05)
        if nginx.poll() is not None:
            sys.exit(f"nginx does not run: is port {PORT} taken?")
        yield
    finally:
        nginx.terminate()
        nginx.wait()


def prepare(folder, simulator, records):
    """The body, and the files that the programs read it with; its length."""
    home = folder / str(records)
    (home / "v1").mkdir(parents=True)
    body = home / "v1/conversation_export"
    with Simulator(simulator, "--bulk", str(records), "--no-limits") as dixa:
        url = f"{dixa.url}/v1/conversation_export?updated_after={START}&updated_before={END}"
        token = f"Authorization: Bearer {dixa.config['api_token']}"
        subprocess.run(["curl", "-sf", "-H", token, "-o", str(body), url], check=True)
    url = f"http://127.0.0.1:{PORT}/{records}"
    config = {"api_token": "t", "start_date": START, "end_date": END, "exports_base_url": url, "api_base_url": url}
    (home / "config.json").write_text(json.dumps(config))
    stream = {"name": "conversations", "json_schema": {"type": "object"}, "supported_sync_modes": ["full_refresh"]}
    configured = {"stream": stream, "sync_mode": "full_refresh", "destination_sync_mode": "append"}
    (home / "catalog.json").write_text(json.dumps({"streams": [configured]}))
    return body.stat().st_size


def prepare_form(folder, records, form):
    """The export of so many records in another form, in the folder of this name; its length, decompressed."""
    home = folder / form
    (home / "v1").mkdir(parents=True)
    plain = (folder / str(records) / "v1/conversation_export").read_bytes()
    body = FORMS[form](json.loads(plain)) if form in FORMS else plain
    (home / "v1/conversation_export").write_bytes(gzip.compress(body, 6) if form == "gzip" else body)
    for name in ("config.json", "catalog.json"):
        text = (folder / str(records) / name).read_text()
        (home / name).write_text(text.replace(f":{PORT}/{records}", f":{PORT}/{form}"))
    return len(body)


def compact(records):
    return json.dumps(records, ensure_ascii=False, separators=(",", ":")).encode()


def sparse(records):
    """Each record without about half of its fields."""
    chance = random.Random(1)

    def is_kept(name):
        return name in ("id", "updated_at") or chance.random() < 0.5

    return compact([{name: record[name] for name in record if is_kept(name)} for record in records])


def shuffled(records):
    """Each record with its fields in another order."""
    chance = random.Random(1)
    return compact([{name: record[name] for name in chance.sample(list(record), len(record))} for record in records])


FORMS = {
    "pretty": lambda records: json.dumps(records, ensure_ascii=False, indent=2).encode(),
    "sparse": sparse,
    "shuffled": shuffled,
}


def rounds(tools, records, runs):
    """Everything in turn, this many times, after an uncounted round; slow commands only in every third round."""
    figures = {name: [] for name in tools}
    slow = set()
    for number in range(runs + 1):
        for name, command in tools.items():
            if name in slow and number % 3:
                continue
            figure = measured(command(records))
            if number > 0:
                figures[name].append({**figure, "round": number})
            elif figure["wall"] > SLOW:
                slow.add(name)
        print(f"\r{records} records: round {number} of {runs}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return figures


def measured(command):
    """Seconds of CPU and of wall time, and MiB of memory."""
    environment = {**os.environ, "DO_NOT_TRACK": "1", "TZ": "UTC"}
    with tempfile.NamedTemporaryFile() as peak, open(os.devnull, "wb") as nowhere:
        # A process begins with its parent's peak of memory, and Python's is not small: so there is one in between.
        command = ["/usr/bin/time", "-f", "%M", "-o", peak.name, *command]
        begun = time.monotonic()
        process = subprocess.Popen(command, stdout=nowhere, stderr=nowhere, env=environment)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.monotonic() - begun
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            sys.exit(f"failed: {command}")
        return {"cpu": usage.ru_utime + usage.ru_stime, "wall": wall, "peak": int(peak.read().split()[-1]) / 1024}


def median(figures, key):
    return statistics.median(figure[key] for figure in figures)


def ratio(figures, others):
    """Of the CPU, round by round."""
    others = {other["round"]: other["cpu"] for other in others}
    pairs = [(figure["cpu"], others.get(figure["round"])) for figure in figures]
    return statistics.median(cpu / other for cpu, other in pairs if other)
