"""Runs the image as Airbyte, Docker's users and locked-down hosts do, and tests its output."""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

from acceptance.claims import Claims
from acceptance.messages import catalog, messages
from acceptance.options import fast
from acceptance.simulator import Simulator
from acceptance.tls import TlsFront

LARGEST_BINARY = 12_000_000
TAP = "/airbyte/tap-dixa"
BINARY = "/airbyte/source-dixa"
# Where Airbyte puts the files of a read, too.
MOUNT = "/source"
READ_ONLY = ["--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"]
LOCKED_DOWN = [*READ_ONLY, "--user", "1000:1000"]


def main():
    options = argparse.ArgumentParser()
    for name in ("image", "base", "version", "name", "simulator"):
        options.add_argument(f"--{name}", required=True)
    options = options.parse_args()
    claims = Claims()
    with tempfile.TemporaryDirectory() as directory:
        image = Image(options.image, Path(directory))
        labels_and_entry_point(claims, image, options)
        layers(claims, image, options.base)
        start_up(image)
        # No program listens on port 1. The retries take most of a minute, during which the rest continues.
        nowhere = {"api_token": "none", "start_date": "2024-01-01"}
        nowhere = image.write("nowhere.json", at("https://127.0.0.1:1", nowhere))
        configured = without_network(claims, image, nowhere)
        streams = [entry["stream"] for entry in configured["streams"]]
        with ThreadPoolExecutor() as pool:
            unreachable = pool.submit(image.read, nowhere)
            with Simulator(options.simulator, "--no-limits", "--oddities") as dixa:
                config = fast(dixa)
                locked_down(claims, image, dixa, config, streams)
                as_the_platform_does(claims, image, dixa, config, streams)
                over_tls(claims, image, dixa, config, streams)
                stopped(claims, image, dixa)
            nothing_reached(claims, unreachable.result(), streams)
    return claims.exit_code()


class Image:
    """The image, and a directory that its containers see as MOUNT."""

    def __init__(self, name, directory):
        self.name = name
        self.directory = directory
        # The containers' user is not ours, and writes there once.
        directory.chmod(0o777)

    def write(self, name, content):
        file = self.directory / name
        file.write_text(json.dumps(content))
        file.chmod(0o644)
        return f"{MOUNT}/{name}"

    def mounted(self, *options, network):
        return ["--network", network, "--volume", f"{self.directory}:{MOUNT}", *options]

    def run(self, *arguments, network="host", options=()):
        options = self.mounted(*LOCKED_DOWN, *options, network=network)
        return docker("run", "--rm", *options, self.name, *arguments)

    def shell(self, script, network="none", options=()):
        return self.run("-c", script, network=network, options=["--entrypoint", "sh", *options])

    def read(self, config, options=()):
        return self.run("read", "--config", config, "--catalog", f"{MOUNT}/catalog.json", options=options)

    def inspect(self):
        return json.loads(docker("image", "inspect", self.name).stdout)[0]


def at(url, config):
    return {**config, "exports_base_url": url, "api_base_url": url}


def docker(*arguments):
    return subprocess.run(["docker", *arguments], capture_output=True, text=True, timeout=300, check=False)


def labels_and_entry_point(claims, image, options):
    version = options.version
    config = image.inspect()["Config"]
    variables = dict(line.split("=", 1) for line in config["Env"])
    claims.equal("the entry point is the binary", config["Entrypoint"], [BINARY])
    claims.equal("AIRBYTE_ENTRYPOINT is the same", variables.get("AIRBYTE_ENTRYPOINT"), BINARY)
    claims.equal("label io.airbyte.name", config["Labels"].get("io.airbyte.name"), options.name)
    claims.equal("label io.airbyte.version is Cargo's", config["Labels"].get("io.airbyte.version"), version)
    printed = image.run("--version").stdout
    claims.holds(
        "the binary's version is Cargo's, with the commit", printed.startswith(f"source-dixa {version} ("), printed
    )
    tap = docker("run", "--rm", "--network", "none", "--entrypoint", TAP, image.name, "--version").stdout
    claims.equal("tap-dixa is the same program", tap, printed.replace("source-dixa", "tap-dixa"))
    claims.equal("by a link", image.shell(f"readlink {TAP}").stdout.strip(), "source-dixa")
    # Kubernetes cannot tell whether a name is root.
    claims.equal("the user is 1000:1000", config["User"], "1000:1000")
    claims.equal("the working directory", config["WorkingDir"], "/airbyte")
    owners = image.shell(f"stat -c %U:%G:%a /airbyte {BINARY}").stdout.split()
    claims.equal("the directory is airbyte's, the binary everybody's", owners, ["airbyte:airbyte:755", "root:root:755"])
    identity = docker("run", "--rm", "--entrypoint", "id", image.name).stdout.strip()
    expected = "uid=1000(airbyte) gid=1000(airbyte) groups=1000(airbyte)"
    claims.equal("a container's user is airbyte", identity, expected)


def layers(claims, image, base):
    base = Image(base, image.directory)
    below, all_layers = base.inspect()["RootFS"]["Layers"], image.inspect()["RootFS"]["Layers"]
    claims.equal("the image extends its base", all_layers[: len(below)], below)
    claims.equal("by one layer", len(all_layers) - len(below), 1)
    for file, line in (
        ("passwd", "airbyte:x:1000:1000::/airbyte:/usr/sbin/nologin\n"),
        ("group", "airbyte:x:1000:\n"),
    ):
        before, after = (each.shell(f"cat /etc/{file}").stdout for each in (base, image))
        claims.equal(f"/etc/{file} has one line more than the base's", after, before + line)
    size = int(image.shell(f"stat -c %s {BINARY}").stdout)
    claims.holds("the binary is small", size <= LARGEST_BINARY, f"{size} bytes")
    print(f"      binary {size:,} bytes; layer {image.inspect()['Size'] - base.inspect()['Size']:,} bytes")


def start_up(image):
    """Prints the time to the first byte of the specification, and that of a container that does nothing."""

    def first_byte(*arguments):
        begun = time.monotonic()
        with subprocess.Popen(
            ["docker", "run", "--rm", "--network", "none", *arguments], stdout=subprocess.PIPE
        ) as run:
            run.stdout.read(1)
            return (time.monotonic() - begun) * 1000

    first_byte(image.name, "spec")
    pairs = [(first_byte(image.name, "spec"), first_byte("--entrypoint", "true", image.name)) for _ in range(5)]
    spec, nothing = (statistics.median(times) for times in zip(*pairs, strict=True))
    print(f"      to the first byte of SPEC {spec:,.0f} ms, a container of nothing {nothing:,.0f} ms (medians of 5)")


def without_network(claims, image, config):
    """Returns the configured catalog, which every later read uses."""
    spec = image.run("spec", network="none")
    succeeded(claims, "spec", spec)
    claims.equal("spec without a network prints SPEC", kinds(spec), ["SPEC"])

    discover = image.run("discover", "--config", config, network="none")
    succeeded(claims, "discover", discover)
    claims.equal("discover without a network prints one CATALOG", kinds(discover).count("CATALOG"), 1)
    configured = {
        "streams": [
            {
                "stream": stream,
                "sync_mode": stream["supported_sync_modes"][-1],
                "destination_sync_mode": "append",
            }
            for stream in catalog(discover.stdout)["streams"]
        ]
    }
    image.write("catalog.json", configured)
    return configured


def locked_down(claims, image, dixa, config, streams):
    config = image.write("config.json", config)
    check = image.run("check", "--config", config)
    succeeded(claims, "check", check)
    statuses = [
        message["connectionStatus"]["status"]
        for message in messages(check.stdout)
        if message["type"] == "CONNECTION_STATUS"
    ]
    claims.equal("check says SUCCEEDED", statuses, ["SUCCEEDED"])

    read = image.read(config)
    succeeded(claims, "read", read)
    complete(claims, "read", messages(read.stdout), dixa.counts(), streams)


def as_the_platform_does(claims, image, dixa, config, streams):
    """The image's entry point is not used: a shell evals the variable, between named pipes."""
    spec = image.shell('command -v sleep && command -v mv && eval "$AIRBYTE_ENTRYPOINT spec"')
    claims.equal("Airbyte's start: exit code", spec.returncode, 0)
    claims.equal("Airbyte's start: stderr", spec.stderr, "")
    claims.equal("Airbyte's start: SPEC", json.loads(spec.stdout.splitlines()[-1])["type"], "SPEC")

    image.write("connectorConfig.json", config)
    written, code = through_pipes(image, lambda pipe: pipe.read_text())
    claims.equal("Airbyte's read: exit code", code, "0")
    claims.equal("Airbyte's read: stderr", written["stderr"], "")
    complete(claims, "Airbyte's read", messages(written["stdout"]), dixa.counts(), streams)

    def a_few_lines(pipe):
        with pipe.open() as lines:
            return "".join(next(lines, "") for _ in range(20 if pipe.name == "stdout" else 1))

    written, code = through_pipes(image, a_few_lines)
    claims.holds("Airbyte closes the pipes early: the read fails", code not in ("", "0"), code)
    reason = written["stderr"]
    claims.holds(
        "and reports why in one line on stderr", reason.startswith("error: ") and reason.count("\n") == 1, repr(reason)
    )


def through_pipes(image, taken):
    """What is read from the two pipes of a read, and the exit code that the platform finds."""
    written = {}

    def take(pipe):
        written[pipe.name] = taken(pipe)

    pipes = [image.directory / name for name in ("stdout", "stderr")]
    for pipe in pipes:
        os.mkfifo(pipe)
        pipe.chmod(0o666)
    readers = [threading.Thread(target=take, args=[pipe], daemon=True) for pipe in pipes]
    for reader in readers:
        reader.start()
    image.shell(
        """
        (eval "$AIRBYTE_ENTRYPOINT read --config /source/connectorConfig.json --catalog /source/catalog.json" \
            2>stderr >stdout) &
        wait $!
        echo $? >TEMP_EXIT_CODE.txt
        mv TEMP_EXIT_CODE.txt exitCode.txt
        """,
        network="host",
        options=["--workdir", MOUNT],
    )
    for reader in readers:
        reader.join(timeout=60)
    for pipe in pipes:
        pipe.unlink()
    code = image.directory / "exitCode.txt"
    text = code.read_text().strip() if code.exists() else ""
    code.unlink(missing_ok=True)
    return {"stdout": "", "stderr": "", **written}, text


def over_tls(claims, image, dixa, config, streams):
    """The image has no certificate store: it uses the roots in the binary, or a certificate that it is given."""
    if not shutil.which("openssl"):
        print("SKIP tls: openssl, which makes the certificate, is missing")
        return
    claims.equal("the image has no certificates", image.shell("ls -A /etc/ssl/certs").stdout, "")
    with TlsFront(image.directory, urlsplit(dixa.url).port) as front:
        config = image.write("tls.json", at(front.url, config))
        trusted = image.read(config, ["--env", f"SSL_CERT_FILE={MOUNT}/{front.certificate.name}"])
        succeeded(claims, "read over TLS with SSL_CERT_FILE", trusted)
        complete(claims, "read over TLS", messages(trusted.stdout), dixa.counts(), streams)

        distrusted = image.run("check", "--config", config)
        refused = '"FAILED"' in distrusted.stdout and "SSL_CERT_FILE" in distrusted.stdout
        claims.holds("an untrusted certificate is refused, with what to do", refused, distrusted.stdout)
        claims.equal("and it does not crash", (distrusted.returncode, distrusted.stderr), (0, ""))


def nothing_reached(claims, read, streams):
    reported = errors(read)
    claims.equal("https to a closed port exits with 1 and does not crash", read.returncode, 1)
    reasons_on_stderr(claims, read)
    failed = sorted(error["stream_descriptor"]["name"] for error in reported)
    claims.equal("each stream has an error", failed, sorted(stream["name"] for stream in streams))
    unreachable = all(
        error["failure_type"] == "transient_error" and "could not be reached" in error["message"] for error in reported
    )
    claims.holds("which says that Dixa could not be reached", unreachable, reported)


def reasons_on_stderr(claims, run):
    """One paragraph for one cause, which names every stream."""
    claims.equal("stderr has one line for the common cause", run.stderr.count("\n"), 1)
    unnamed = [name for error in errors(run) if (name := error["stream_descriptor"]["name"]) not in run.stderr]
    claims.equal("and it names every stream", unnamed, [])


def stopped(claims, image, dixa):
    """As its container's first process the binary gets no default action for SIGTERM from the kernel."""
    slow = {**dixa.config, "window_days": 1, "exports_requests_per_minute": 1}
    slow = image.write("slow.json", slow)
    container = f"source-dixa-ci-{os.getpid()}"
    options = image.mounted(*READ_ONLY, network="host")
    arguments = ["read", "--config", slow, "--catalog", f"{MOUNT}/catalog.json"]
    docker("run", "--detach", "--name", container, *options, image.name, *arguments)
    try:
        deadline = time.monotonic() + 30
        while '"RECORD"' not in docker("logs", container).stdout and time.monotonic() < deadline:
            time.sleep(0.1)
        processes = docker("top", container, "-eo", "pid,uid,gid,comm").stdout.splitlines()[1:]
        processes = [process.split()[1:] for process in processes]
        claims.equal("a read is one process, of 1000:1000", processes, [["1000", "1000", "source-dixa"]])
        begun = time.monotonic()
        docker("stop", "--time", "10", container)
        took = time.monotonic() - begun
        claims.holds("docker stop ends it within seconds", took < 5, f"after {took:.1f} s")
        code = docker("inspect", "--format", "{{.State.ExitCode}}", container).stdout.strip()
        claims.equal("with exit code 143", code, "143")
        claims.equal("and an empty stderr", docker("logs", container).stderr, "")
    finally:
        docker("rm", "--force", container)


def succeeded(claims, command, run):
    claims.holds(f"{command} exits with 0", run.returncode == 0, f"{run.returncode}: {run.stdout[-2000:]}")
    claims.equal(f"{command} leaves stderr empty", run.stderr, "")


def complete(claims, read, lines, counts, streams):
    """Every stream has as many records as the simulator has rows, and as many keys."""
    records = defaultdict(list)
    for message in lines:
        if message["type"] == "RECORD":
            records[message["record"]["stream"]].append(message["record"]["data"])
    for stream in streams:
        name = stream["name"]
        keys = {
            # Records without a key are distinguished by all their fields.
            json.dumps([value(row, path) for path in stream.get("source_defined_primary_key", [[]])])
            for row in records[name]
        }
        found = {"rows": len(records[name]), "keys": len(keys)}
        claims.equal(f"{read}: {name} has all {counts[name]['rows']} records", found, counts[name])


def value(record, path):
    for name in path:
        record = record[name]
    return record


def errors(run):
    traces = [message["trace"] for message in messages(run.stdout) if message["type"] == "TRACE"]
    return [trace["error"] for trace in traces if trace["type"] == "ERROR"]


def kinds(run):
    return [message["type"] for message in messages(run.stdout)]


if __name__ == "__main__":
    sys.exit(main())
