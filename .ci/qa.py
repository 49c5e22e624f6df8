"""Airbyte's checks of a connector's files and documentation, without a network. Started by .ci/clients.

They want the layout of Airbyte's own repository, and know no Rust: in a copy the connector passes for one in Java, and the
checks of the documentation, which are for certified Python connectors, are made to apply to it, too."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

from claims import Claims
from options import ROOT

NAME = "source-dixa"
# What they cannot know of: the language Rust, and that plain http leads to this machine only (src/config.rs).
NOT_FOR_US = {"Connector must have a language tag in metadata"}
PLAIN_HTTP = "Connectors must use HTTPS only"
ONLY_TO_THIS_MACHINE = {"config.rs", "compare", "parts.rs", "source_dixa__config__tests__what_breaks_a_rule_is_told_by_key_and_rule.snap"}
# What wants Airbyte's registry, or the pages themselves.
NOT_CHECKED = {"Links used in connector documentation are valid", "Connector Version Increment Check"}


def main():
    claims = Claims()
    with tempfile.TemporaryDirectory() as folder:
        lay_out(Path(folder))
        # They look for the repository around the folder that they are started in.
        os.chdir(folder)
        for name, status, message in checked():
            if name in NOT_CHECKED:
                print(f"NOT CHECKED, for it wants the network: {name}")
            elif status == "SKIPPED" or name in NOT_FOR_US:
                print(f"      {name}: {message}")
            elif name == PLAIN_HTTP:
                files = {Path(line.strip("\t- ")).name for line in message.splitlines()[1:]}
                claims.holds(name, files <= ONLY_TO_THIS_MACHINE, message)
            else:
                claims.holds(name, status == "PASSED", message)
        os.chdir("/")
    return claims.exit_code()


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
    tracked = subprocess.run(["git", "ls-files", "-z", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
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
