"""Starts a program in Debian's bare image, which has no certificates: over TLS, to a server that it knows by name."""

import json
import os
import subprocess

from acceptance.messages import record_counts
from acceptance.options import ROOT, fast
from acceptance.tls import TlsFront

HOST = "simulator.example.com"


def run(*command, check=False, **environment):
    return subprocess.run(
        [str(word) for word in command],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=300,
        check=check,
    )


def in_an_image(claims, program, folder, dixa):
    """DNS, TLS and a certificate authority of one's own. The program is somewhere in `folder`."""
    image = runtime_image()
    if image is None:
        print("SKIP: no image to start the program in")
        return
    port = int(dixa.url.rpartition(":")[2])
    with TlsFront(folder, port, [HOST]) as front:
        url = f"https://{HOST}:{front.listens_on}"
        config = folder / "tls.json"
        config.write_text(json.dumps({**fast(dixa), "exports_base_url": url, "api_base_url": url}))
        docker = ["docker", "run", "--rm", "--network", "host", "--add-host", f"{HOST}:127.0.0.1"]
        mounted = ["--volume", f"{folder}:{folder}:ro", image]
        trusting = [*docker, "--env", f"SSL_CERT_FILE={front.certificate}", *mounted, program]
        bare = run(*docker, *mounted, "sh", "-c", "ls /etc/ssl/certs")
        claims.equal("the image has no certificates", bare.stdout, "")
        trusted = run(*trusting, "check", "--config", config)
        said = trusted.stdout[-1000:] + trusted.stderr[-1000:]
        claims.holds("check reaches a TLS server by its name, with SSL_CERT_FILE", '"SUCCEEDED"' in said, said)
        ran = run(*trusting, "read", "--config", config, "--streams", "conversations,agents")
        claims.equal("and a read succeeds", (ran.returncode, ran.stderr), (0, ""))
        expected = {name: dixa.counts()[name]["rows"] for name in ("conversations", "agents")}
        claims.equal("with every record", record_counts(ran.stdout), expected)
        stranger = run(*docker, *mounted, program, "check", "--config", config)
        said = stranger.stdout[-3000:] + stranger.stderr[-1000:]
        claims.holds("without it, the certificate is refused", "certificate" in said, said)


def runtime_image():
    """The image that the Dockerfile begins its last stage with, if Docker has it; .ci/bases obtains it."""
    if run("bash", "-c", f"command -v docker && {ROOT}/.ci/bases").returncode:
        return None
    [line] = [line for line in (ROOT / "Dockerfile").read_text().splitlines() if line.startswith("ARG RUNTIME_IMAGE=")]
    return line.partition("=")[2]
