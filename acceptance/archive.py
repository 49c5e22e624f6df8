"""Unpacks the archive of a release, compares it with what cargo binstall and people expect, and starts its program.

In Debian's bare image, or with `--emulator` outside of one: an archive for another processor then reads the same
account as this machine's program.
"""

import argparse
import json
import re
import stat
import subprocess
import sys
import tarfile
import tempfile
import zlib
from pathlib import Path

from acceptance.bare_image import in_an_image, run
from acceptance.claims import Claims
from acceptance.messages import record_counts
from acceptance.options import ROOT, fast
from acceptance.simulator import Simulator

FILES = {
    "source-dixa",
    "tap-dixa",
    "README.md",
    "LICENSE",
    "CHANGELOG.md",
    "completions/source-dixa.bash",
    "completions/_source-dixa",
    "completions/source-dixa.fish",
}


def main():
    parser = argparse.ArgumentParser()
    for name in ("--connector", "--simulator"):
        parser.add_argument(name, type=lambda path: Path(path).resolve(), required=True)
    parser.add_argument("--target", required=True)
    parser.add_argument("--emulator", type=str.split, default=[])
    tools, claims = parser.parse_args(), Claims()
    package = cargo_package()
    name = f"source-dixa-{package['version']}-{tools.target}"
    archive = tools.connector.parent.parent / f"archives/{name}.tar.gz"
    downloads(claims, package, tools.target, archive)
    with (
        Simulator(tools.simulator, "--no-limits", "--conversations", "300") as dixa,
        tempfile.TemporaryDirectory() as directory,
    ):
        folder = Path(directory)
        with tarfile.open(archive) as tar:
            tar.extractall(folder)
        content(claims, folder / name, tools, package)
        program = folder / name / "source-dixa"
        (folder / "config.json").write_text(json.dumps(fast(dixa)))
        reads_the_same(claims, tools, program, folder / "config.json")
        if not tools.emulator:
            in_an_image(claims, program, folder, dixa)
    return claims.exit_code()


def cargo_package():
    command = ["cargo", "metadata", "--no-deps", "--format-version", "1", "--locked"]
    packages = json.loads(subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout)["packages"]
    [package] = [package for package in packages if package["name"] == "source-dixa"]
    return package


def downloads(claims, package, target, archive):
    """What cargo binstall makes of Cargo.toml is the name of the archive, and the place of the program in it."""
    binstall = package["metadata"]["binstall"]
    values = {"repo": package["repository"], "name": package["name"], "version": package["version"], "target": target}
    url = filled(binstall["pkg-url"], **values)
    place = f"{package['repository']}/releases/download/v{package['version']}/"
    claims.equal("cargo binstall finds the archive", url, f"{place}{archive.name}")
    path = filled(binstall["bin-dir"], **values, bin="source-dixa", **{"binary-ext": ""})
    with tarfile.open(archive) as tar:
        claims.holds("and the program in it", path in tar.getnames(), tar.getnames())


def filled(template, **values):
    return re.sub(r"\{ ([\w-]+) \}", lambda key: values[key[1]], template)


def content(claims, folder, tools, package):
    files = {str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir() or path.is_symlink()}
    claims.equal("the archive holds these files", files, FILES)
    program = folder / "source-dixa"
    claims.equal("the program may be executed by all", stat.S_IMODE(program.stat().st_mode), 0o755)
    for name in ("source-dixa", "tap-dixa"):
        # An emulator passes on the name of the file that it starts.
        ran = run(*tools.emulator, folder / name, "--version")
        version = ran.stdout.split()[:2]
        claims.equal(f"{name} --version", version, [name, package["version"]])
    for shell, name in (("bash", "source-dixa.bash"), ("zsh", "_source-dixa"), ("fish", "source-dixa.fish")):
        printed = run(*tools.emulator, program, "completions", shell).stdout
        same = printed == (folder / "completions" / name).read_text()
        claims.holds(f"the completions for {shell} are the program's", printed and same)
    if "linux" in tools.target:
        linked(claims, program.read_bytes())


def linked(claims, program):
    versions = [int(minor) for minor in re.findall(rb"GLIBC_2\.(\d+)", program)]
    claims.holds(f"it needs glibc 2.{max(versions)}, of 2.28 that are allowed", max(versions) <= 28)
    # cargo-auditable's list is compressed, and has no length before it: try every place where zlib's header may be.
    names = set()
    for start in re.finditer(rb"x[\x01\x5e\x9c\xda]", program):
        try:
            found = zlib.decompressobj().decompress(program[start.start() :])
            names = {package["name"] for package in json.loads(found)["packages"]}
            break
        except (zlib.error, ValueError, KeyError, TypeError):
            continue
    claims.holds("its dependencies are listed in it", {"source-dixa", "rustls", "ring"} <= names, names)


def reads_the_same(claims, tools, program, config):
    read = ["read", "--config", config, "--streams", "conversations,messages,activity_logs,agents,tags"]
    here = run(tools.connector, *read)
    there = run(*tools.emulator, program, *read)
    claims.equal("a read exits with 0, without a word on stderr", (there.returncode, there.stderr), (0, ""))
    ours, theirs = (sorted(records(ran.stdout)) for ran in (here, there))
    found = record_counts(there.stdout)
    claims.holds("the read has records of each stream", len(found) == 5, found)
    claims.holds("they are those that this machine's build reads", ours == theirs, f"{len(ours)}, {len(theirs)}")


def records(text):
    """Without the time of reading."""
    lines = (line for line in text.splitlines() if line.startswith('{"type":"RECORD"'))
    return [re.sub(r',"emitted_at":\d+', "", line) for line in lines]


if __name__ == "__main__":
    sys.exit(main())
