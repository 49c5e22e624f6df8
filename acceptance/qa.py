"""Runs Airbyte's checks of a connector's files and documentation, without a network.

They expect the layout of Airbyte's own repository and do not know Rust. So they run in a copy that presents the
connector as one in Java, and the checks of documentation, which are for certified Python connectors, are applied to
it as well.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

from acceptance.claims import Claims
from acceptance.options import ROOT

NAME = "source-dixa"
# What the checks cannot know: the language Rust; that Airbyte Cloud cannot run this connector, so the page cannot have
# the steps for it; and that plain http is allowed to this machine alone (src/config.rs).
NOT_FOR_US = {
    "Connector must have a language tag in metadata",
    "'For Airbyte Cloud:' section of the documentation follows our guidelines",
}
PLAIN_HTTP = "Connectors must use HTTPS only"
HOST = re.compile("http:" r"//([^/:\s\"'`]*(?:::1])?)")
# This machine, whatever address a test fills in, the name of SVG's namespace, and examples of proxies, which are
# asked by plain http to open a connection.
NOT_A_REQUEST = re.compile(r"(.*\.)?localhost|127\.0\.0\.1|\[::1]|\{.*}|www\.w3\.org|USER|proxy\.example\.com|")
# Where tests show that `config` refuses plain http to Dixa, and how the addresses of proxies are read.
REFUSED = ("src/config", "src/snapshots/source_dixa__config__", "src/dixa/proxy.rs")
# What needs Airbyte's registry, or the linked pages.
NOT_CHECKED = {"Links used in connector documentation are valid", "Connector Version Increment Check"}


def main():
    claims = Claims()
    with tempfile.TemporaryDirectory() as folder:
        lay_out(Path(folder))
        # The checks look for the repository around the current folder.
        os.chdir(folder)
        for name, status, message in checked():
            if name in NOT_CHECKED:
                print(f"NOT CHECKED, since it needs the network: {name}")
            elif status == "SKIPPED" or name in NOT_FOR_US:
                print(f"      {name}: {message}")
            elif name == PLAIN_HTTP:
                # After a heading, a line for each file, with its path in the copy.
                files = {line.split(f"/{NAME}/", 1)[-1] for line in message.splitlines()[1:]}
                elsewhere = {file: plain_http_hosts(file) for file in files if not file.startswith(REFUSED)}
                claims.holds(name, not any(elsewhere.values()), f"plain http to another machine: {elsewhere}")
            else:
                claims.holds(name, status == "PASSED", message)
        os.chdir("/")
    claims.equal("each field of the form has its place in the documentation", sorted(documented()), sorted(fields()))
    return claims.exit_code()


def fields():
    """The fields that Airbyte's form shows."""
    properties = json.loads((ROOT / "spec.json").read_text())["connectionSpecification"]["properties"]
    return [name for name, field in properties.items() if not field.get("airbyte_hidden")]


def documented():
    """The fields that the documentation marks, for Airbyte to scroll to when one is selected."""
    page = (ROOT / "docs/dixa.md").read_text()
    marked = re.findall(r'^<FieldAnchor field="([^"]*)">\n\n(?:.+\n)+\n</FieldAnchor>$', page, re.M)
    return [name for names in marked for name in names.split(",")]


def plain_http_hosts(file):
    """The hosts of other machines to which a file has http:// URLs."""
    return {host for host in HOST.findall((ROOT / file).read_text()) if not NOT_A_REQUEST.fullmatch(host)}


def checked():
    """Each check's name, outcome and message."""
    import requests
    from airbyte_ops_mcp import metadata_validator
    from airbyte_ops_mcp.connector_ops import utils

    utils.download_catalog = lambda url: {"sources": [], "destinations": []}
    metadata_validator.get_latest_version_on_dockerhub = lambda *arguments, **options: None
    requests.get = lambda *arguments, **options: SimpleNamespace(ok=False, status_code=0, text="")

    from airbyte_ops_mcp.connector_qa.checks import ENABLED_CHECKS
    from airbyte_ops_mcp.connector_qa.checks.documentation.documentation import CheckDocumentationContent

    connector = utils.Connector(NAME)
    for check in ENABLED_CHECKS:
        run = check._run if isinstance(check, CheckDocumentationContent) else check.run
        result = run(connector)
        yield check.name, result.status.name, result.message


def lay_out(repository):
    connector = repository / "airbyte-integrations/connectors" / NAME
    tracked = subprocess.run(
        ["git", "ls-files", "-z", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    for name in filter(lambda name: (ROOT / name).is_file(), tracked.split("\0")):
        target = connector / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, target)
    (connector / "src/main/java").mkdir(parents=True)
    (connector / "build.gradle").touch()
    documentation = repository / "docs/integrations/sources"
    documentation.mkdir(parents=True)
    for page in (ROOT / "docs").glob("dixa*.md"):
        shutil.copy(page, documentation / page.name)
    for command in (["init", "-q"], ["add", "-A"]):
        subprocess.run(["git", *command], cwd=repository, check=True, capture_output=True)


if __name__ == "__main__":
    sys.exit(main())
