"""Installs the wheel in a fresh environment, and starts its programs there and in an image without certificates."""

import json
import os
import sys
import tempfile
import venv
from pathlib import Path

from acceptance.bare_image import in_an_image, run
from acceptance.claims import Claims
from acceptance.options import built_wheel, fast, options
from acceptance.simulator import Simulator


def main():
    tools, claims = options(), Claims()
    wheel = built_wheel(tools)
    if sys.platform == "linux":
        claims.holds("the wheel asks for glibc 2.28", "manylinux_2_28" in wheel.name, wheel.name)
    megabytes = wheel.stat().st_size / 1e6
    claims.holds(f"it is small: {megabytes:.1f} MB", megabytes < 8)
    with (
        Simulator(tools.simulator, "--no-limits", "--conversations", "100") as dixa,
        tempfile.TemporaryDirectory() as directory,
    ):
        folder = Path(directory)
        (folder / "config.json").write_text(json.dumps(fast(dixa)))
        environment = folder / "environment"
        venv.create(environment, with_pip=True)
        install(claims, environment, wheel)
        programs(claims, environment, folder, dixa)
        in_an_image(claims, environment / "bin/source-dixa", folder, dixa)
        run(environment / "bin/pip", "uninstall", "--yes", "source-dixa", check=True)
        left = [name for name in ("source-dixa", "tap-dixa") if (environment / "bin" / name).exists()]
        claims.equal("uninstalled, no program is left", left, [])
    return claims.exit_code()


def install(claims, environment, wheel):
    """As docs/reading.md says, without an index: it needs nothing else."""
    path = f"{environment}/bin:{os.environ['PATH']}"
    install = f"cd {wheel.parent.parent.parent} && pip install target/wheels/source_dixa-*.whl"
    ran = run("bash", "-c", install, PATH=path, PIP_NO_INDEX="1", PIP_DISABLE_PIP_VERSION_CHECK="1")
    claims.holds("pip installs it without an index", ran.returncode == 0, ran.stdout + ran.stderr)
    for name in ("source-dixa", "tap-dixa"):
        ran = run(environment / "bin" / name, "--version")
        claims.holds(f"{name} --version", ran.stdout.startswith(f"{name} "), ran.stdout + ran.stderr)
        version = ran.stdout.split()[1:2]
        claims.equal(f"{name} has the wheel's version", version, [wheel.name.split("-")[1]])


def programs(claims, environment, folder, dixa):
    """Started through links elsewhere, too, as pipx makes them."""
    config = folder / "config.json"
    checked = run(environment / "bin/source-dixa", "check", "--config", config)
    claims.holds("source-dixa check SUCCEEDED", '"SUCCEEDED"' in checked.stdout, checked.stdout + checked.stderr)
    link = folder / "tap-dixa"
    link.symlink_to(environment / "bin/tap-dixa")
    discovered = run(link, "--discover")
    streams = len(json.loads(discovered.stdout)["streams"])
    claims.equal("tap-dixa --discover lists the streams, through a link", streams, len(dixa.counts()))
    failed = run(environment / "bin/tap-dixa", "--config", folder / "nothing.json")
    claims.equal("tap-dixa passes on the exit status", failed.returncode, 1)


if __name__ == "__main__":
    sys.exit(main())
