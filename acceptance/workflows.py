"""Checks the workflows against the scripts that they call, and every place that follows from Cargo.toml's repository.

The release's own script runs in a copy of the sources whose changelog has a dated section, with a `gh` that only notes
what it was called with.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import yaml

from acceptance.archive import cargo_package, filled
from acceptance.bare_image import run
from acceptance.claims import Claims
from acceptance.options import ROOT

WHEEL = "source_dixa-{version}-py3-none-manylinux_2_28_x86_64.whl"
# The name belongs to Airbyte's own connector. The path in the image is Airbyte's convention, and another thing.
AIRBYTES = re.compile(r"(?<!/)airbyte/source-dixa")
ABOUT_AIRBYTES = {"docs/dixa-migrations.md"}
SCRIPT = re.compile(r"(?:^|\s)(\.ci/[\w-]+)")


def main():
    claims, package = Claims(), cargo_package()
    names(claims, package)
    binstall(claims, package)
    workflows(claims)
    recipes(claims)
    with tempfile.TemporaryDirectory() as directory:
        release(claims, package, Path(directory))
    return claims.exit_code()


def tracked():
    listed = subprocess.run(
        ["git", "ls-files", "-z", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    return [name for name in listed.split("\0") if (ROOT / name).is_file()]


def names(claims, package):
    repository, version = package["repository"], package["version"]
    hub = yaml.safe_load((ROOT / "packaging/meltano-hub/tap-dixa.yml").read_text())
    claims.equal("Meltano Hub's repo is Cargo.toml's repository", hub["repo"], repository)
    wheel = f"{repository}/releases/download/v{version}/{WHEEL.format(version=version)}"
    claims.equal("its pip_url is the wheel of the release", hub["pip_url"], wheel)
    named = {
        name
        for name in tracked()
        if name != "acceptance/workflows.py" and AIRBYTES.search((ROOT / name).read_bytes().decode(errors="replace"))
    }
    claims.equal("only the migration guide speaks of Airbyte's own image", named, ABOUT_AIRBYTES)


def binstall(claims, package):
    """cargo binstall replaces these keys, and knows no others."""
    metadata = package["metadata"]["binstall"]
    values = {"repo": package["repository"], "name": "source-dixa", "version": package["version"], "target": "TARGET"}
    url = filled(metadata["pkg-url"], **values)
    place = f"{package['repository']}/releases/download/v{package['version']}"
    claims.equal("cargo binstall's address", url, f"{place}/source-dixa-{package['version']}-TARGET.tar.gz")


def workflows(claims):
    for path in sorted((ROOT / ".github/workflows").glob("*.yml")):
        steps = [step for job in yaml.safe_load(path.read_text())["jobs"].values() for step in job["steps"]]
        script = "\n".join(step["run"] for step in steps if "run" in step)
        called = set(SCRIPT.findall(script))
        claims.holds(f"{path.name} calls scripts", called)
        missing = {name for name in called if not os.access(ROOT / name, os.X_OK)}
        claims.equal(f"{path.name} calls only scripts that exist", missing, set())
        claims.equal(f"{path.name} puts no expression into a script", re.findall(r"\$\{\{.*", script), [])
        linted = subprocess.run(
            ["shellcheck", "--shell=bash", "-"], input=script, capture_output=True, text=True, check=False
        )
        claims.holds(f"{path.name}: shellcheck finds nothing in its scripts", not linted.returncode, linted.stdout)
        checkouts = [step for step in steps if step.get("uses", "").startswith("actions/checkout@")]
        kept = [step for step in checkouts if step.get("with", {}).get("persist-credentials") is not False]
        claims.holds(f"{path.name} leaves no credentials behind", checkouts and not kept, kept)
        others = {step["uses"] for step in steps if not step.get("uses", "actions/").startswith("actions/")}
        claims.equal(f"{path.name} uses no action but GitHub's own", others, set())


def recipes(claims):
    listed = run("just", "--justfile", ROOT / "justfile", "--dump", "--dump-format", "json", check=True).stdout
    recipes = json.loads(listed)["recipes"]
    claims.holds(f"the justfile has ten recipes at most: {len(recipes)}", len(recipes) <= 10)
    called = set(SCRIPT.findall((ROOT / "justfile").read_text()))
    missing = {name for name in called if not os.access(ROOT / name, os.X_OK)}
    claims.equal("it calls only scripts that exist", missing, set())
    undocumented = [name for name, recipe in recipes.items() if not recipe["doc"]]
    claims.equal("each of its recipes says what it does", undocumented, [])


def release(claims, package, directory):
    version = package["version"]
    server, _, repository = package["repository"].rpartition("/")
    copy, files, bin = (directory / name for name in ("copy", "files", "bin"))
    for name in tracked():
        target = copy / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, target)
    files.mkdir()
    bin.mkdir()
    (files / "source-dixa.tar.gz").write_bytes(b"an archive")
    wheel = files / WHEEL.format(version=version)
    with zipfile.ZipFile(wheel, "w") as content:
        sbom = {"components": [{"name": "rustls"}], "bom-ref": "path+file:///build/crates/record-splitter#0.1.0"}
        content.writestr("source_dixa.dist-info/sboms/source-dixa.cyclonedx.json", json.dumps(sbom))
    gh = bin / "gh"
    gh.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" >{directory}/called\n')
    gh.chmod(0o755)
    here = {"GITHUB_SERVER_URL": server, "GITHUB_REPOSITORY": repository}
    path = {"PATH": f"{bin}:{os.environ['PATH']}", **here}
    changelog = copy / "CHANGELOG.md"
    text = changelog.read_text()

    claims.holds("the coming version has notes", run(copy / ".ci/notes", "Unreleased").stdout.strip())
    undated = text.replace("## Unreleased\n", f"## Unreleased\n\n## {version}\n", 1)
    changelog.write_text(undated)
    refused = run(copy / ".ci/release", "check", f"v{version}", **path)
    claims.holds("a version without a date is not released", refused.returncode and "date" in refused.stderr)
    changelog.write_text(undated.replace(f"## {version}\n", f"## {version} - 2026-01-31\n", 1))
    wrong = run(copy / ".ci/release", "check", "v0.0.0", **path)
    claims.holds("a tag of another version is not released", wrong.returncode and "v0.0.0" in wrong.stderr)
    elsewhere = run(copy / ".ci/release", "check", f"v{version}", **{**path, "GITHUB_REPOSITORY": "somebody/else"})
    claims.holds("nor from another repository", elsewhere.returncode and "somebody/else" in elsewhere.stderr)

    published = run(copy / ".ci/release", "publish", f"v{version}", files, **path)
    claims.equal("a release is published", (published.returncode, published.stderr), (0, ""))
    called = (directory / "called").read_text()
    claims.holds("with its tag verified", called.startswith(f"release\ncreate\nv{version}\n--verify-tag\n"), called)
    section = run(copy / ".ci/notes", version).stdout.strip()
    claims.holds("with the changelog's section", section and section in called and "## " not in section[:3])
    expected = {"SHA256SUMS", "source-dixa.tar.gz", wheel.name, f"source-dixa-{version}.cdx.json"}
    claims.equal("with all files, the SBOM and the checksums", {path.name for path in files.iterdir()}, expected)
    claims.holds("each of them uploaded", all(f"{files / name}\n" in called for name in expected), called)
    sums = {f"{hashlib.sha256((files / name).read_bytes()).hexdigest()}  {name}" for name in expected - {"SHA256SUMS"}}
    claims.equal("the checksums are right", set((files / "SHA256SUMS").read_text().splitlines()), sums)
    written = (files / f"source-dixa-{version}.cdx.json").read_text()
    claims.holds("the SBOM names no folder of the machine", '"path:crates/record-splitter#0.1.0"' in written, written)


if __name__ == "__main__":
    sys.exit(main())
