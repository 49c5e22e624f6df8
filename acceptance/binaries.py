"""Builds the connector and the simulator, with the command in `.ci/binaries`."""

import subprocess

from acceptance.options import ROOT

SCRIPT = 'source .ci/binaries && build_binaries >&2 && realpath "$connector" "$simulator"'


def build():
    """The connector and the simulator, as absolute paths."""
    built = subprocess.run(["bash", "-ec", SCRIPT], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    return built.stdout.splitlines()
