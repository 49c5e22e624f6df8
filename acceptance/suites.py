"""Runs Airbyte's standard tests against the binary and, where there is one, the image; validates metadata.yaml."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml
from airbyte_connector_models.metadata.v0.connector_metadata_definition_v0 import ConnectorMetadataDefinitionV0

from acceptance.claims import Claims
from acceptance.options import ROOT, fast, options
from acceptance.simulator import Simulator

IMAGE = "source-dixa:ci"
FILES = ["metadata.yaml", "acceptance-test-config.yml", "spec.json", "integration_tests"]


def main():
    tools = options()
    claims = Claims()
    metadata = yaml.safe_load((ROOT / "metadata.yaml").read_text())
    try:
        ConnectorMetadataDefinitionV0.model_validate(metadata)
        wrong = ""
    except ValueError as error:
        wrong = str(error)
    claims.holds("metadata.yaml fits Airbyte's model", not wrong, wrong)

    with Simulator(tools.simulator, "--no-limits", "--oddities") as dixa, tempfile.TemporaryDirectory() as folder:
        root = Path(folder, "source-dixa")
        connector_folder(root, fast(dixa))
        os.environ.update(CONNECTOR=str(tools.connector), CONNECTOR_ROOT=str(root))
        suite(claims, "the binary", root, "test_binary.py", ["-m", "not image_tests"])
        if (
            not shutil.which("docker")
            or subprocess.run(["docker", "image", "inspect", IMAGE], capture_output=True, check=False).returncode
        ):
            print(f"SKIP the image: Docker is missing, or .ci/docker has not built {IMAGE}")
        else:
            on_the_hosts_network(root / "bin")
            image = [
                "-m",
                "image_tests",
                "--connector-image",
                IMAGE,
                "--read-from-streams=all",
                "--read-scenarios=config",
            ]
            suite(claims, "the image", root, "test_image.py", image)
    return claims.exit_code()


def connector_folder(root, config):
    """Copies the connector's files to where the suites look for them, with a config for the simulator."""
    root.mkdir()
    for name in FILES:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, root / name)
    (root / "secrets").mkdir()
    (root / "secrets/config.json").write_text(json.dumps(config))


def on_the_hosts_network(folder):
    """A `docker` before the real one: the simulator is on this host's loopback."""
    folder.mkdir()
    shim = folder / "docker"
    shim.write_text(
        f'#!/bin/sh\n[ "$1" = run ] && shift && set -- run --network host "$@"\nexec {shutil.which("docker")} "$@"\n'
    )
    shim.chmod(0o755)
    os.environ["PATH"] = f"{folder}:{os.environ['PATH']}"


def suite(claims, name, root, file, arguments):
    plugins = ["-p", "airbyte_cdk.test.standard_tests.pytest_hooks", "-p", "no:cacheprovider"]
    file = ROOT / "acceptance/standard_tests" / file
    command = [sys.executable, "-B", "-m", "pytest", *plugins, "-q", "-rfEs", "-W", "ignore", *arguments, str(file)]
    ran = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=900, check=False)
    for line in ran.stdout.splitlines():
        if line.startswith("SKIPPED"):
            print(f"      {line.split(': ', 1)[-1]}")
    *_, summary = ran.stdout.strip().splitlines() or [""]
    claims.holds(
        f"Airbyte's standard tests against {name}: {summary}",
        ran.returncode == 0,
        ran.stdout[-20000:] + ran.stderr[-2000:],
    )


if __name__ == "__main__":
    sys.exit(main())
