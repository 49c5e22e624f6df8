"""Compares the definition for Meltano Hub with the tap, its specification, and the example, and adds it to a project.

The part that Meltano itself reads is tested with the JSON schema in Meltano's package. The hub's own keys, and which of
them it requires, are listed here.
"""

import json
import re
import subprocess
import sys
import tempfile
from importlib.resources import files
from pathlib import Path

import jsonschema
import yaml

from acceptance.claims import Claims
from acceptance.options import ROOT, built_wheel, fast, options
from acceptance.recipe import EXAMPLES, Recipe
from acceptance.simulator import Simulator

DEFINITION = ROOT / "packaging/meltano-hub/tap-dixa.yml"
# What the hub's checks of an extractor ask for, beyond Meltano's `name`.
REQUIRED = {"label", "namespace", "quality", "variant"}
# Keys that the hub alone reads, and what they may be.
HUB_KEYS = {
    "domain_url": re.compile("https://.+"),
    "keywords": list,
    "maintenance_status": re.compile("active|beta|development|inactive|unknown"),
    "quality": re.compile("gold|silver|bronze|unknown"),
}


def main():
    tools, claims = options(), Claims()
    definition = yaml.safe_load(DEFINITION.read_text())
    example = yaml.safe_load((EXAMPLES / "meltano.yml").read_text())
    about = json.loads(run_tap(tools.connector, "--about", "--format", "json"))
    check_forms(claims, definition, example)
    check_settings(claims, definition, about)
    check_example(claims, definition, example)
    add(claims, tools)
    return claims.exit_code()


def run_tap(connector, *arguments):
    """As it is called by its other name."""
    with tempfile.TemporaryDirectory() as directory:
        tap = Path(directory) / "tap-dixa"
        tap.symlink_to(connector)
        return subprocess.run([tap, *arguments], check=True, capture_output=True, text=True).stdout


def check_forms(claims, definition, example):
    text = files("meltano").joinpath("schemas/meltano.schema.json").read_text()
    schema = jsonschema.Draft202012Validator(json.loads(text))

    def errors(project):
        return [f"{error.json_path}: {error.message}" for error in schema.iter_errors(project)]

    claims.equal("the example is valid by Meltano's schema", errors(example), [])
    read_by_meltano = {key: value for key, value in definition.items() if key not in HUB_KEYS}
    found = errors({"plugins": {"extractors": [read_by_meltano]}})
    claims.equal("the definition is valid by Meltano's schema", found, [])
    claims.equal("the hub's required keys are there", REQUIRED - definition.keys(), set())
    for key, form in HUB_KEYS.items():
        value = definition.get(key)
        valid = isinstance(value, list) if form is list else form.fullmatch(str(value))
        claims.holds(f"the hub's key {key} is as it asks", valid, value)


def check_settings(claims, definition, about):
    claims.equal("the name is the tap's", definition["name"], about["name"])
    claims.equal("the description is the tap's", definition["description"], about["description"])
    claims.equal("the capabilities are the tap's", definition["capabilities"], about["capabilities"])
    told = about["settings"]
    settings = {setting["name"]: setting for setting in definition["settings"]}
    claims.equal("the settings are the tap's, in its order", list(settings), list(told["properties"]))
    for key, property in told["properties"].items():
        expected = as_setting(key, property)
        claims.equal(f"setting {key}: all of it is as the tap says", settings.get(key), expected)
    claims.equal("a config needs what the tap needs", definition["settings_group_validation"], [told["required"]])

    specification = json.loads((ROOT / "spec.json").read_text())["connectionSpecification"]["properties"]
    for key, property in specification.items():
        property["description"] = re.sub("</?b>", "", property["description"])
        claims.equal(f"setting {key}: spec.json says the same", settings.get(key), as_setting(key, property))


def as_setting(key, property):
    """A setting of Meltano for a property of a JSON schema."""
    is_date = property.get("pattern_descriptor", "").startswith("YYYY-MM-DD")
    setting = {
        "name": key,
        "label": property["title"],
        "description": property["description"],
        "kind": "date_iso8601" if is_date else property["type"],
    }
    if "default" in property:
        setting["value"] = property["default"]
    if property.get("airbyte_secret"):
        setting["sensitive"] = True
    if property.get("airbyte_hidden"):
        setting["hidden"] = True
    return setting


def check_example(claims, definition, example):
    """The example has no labels and defaults: those of the tap apply."""
    [plugin] = example["plugins"]["extractors"]
    for key in ("name", "namespace", "executable", "capabilities"):
        claims.equal(f"the example has the same {key}", plugin[key], definition[key])
    for key in ("name", "kind", "sensitive"):
        found, expected = ([setting.get(key) for setting in each["settings"]] for each in (plugin, definition))
        claims.equal(f"the example's settings have the same {key}", found, expected)


def add(claims, tools):
    """As docs/singer.md says: meltano add tap-dixa --from-ref packaging/meltano-hub/tap-dixa.yml, with the wheel."""
    wheel = built_wheel(tools)
    if wheel is None:
        print("SKIP hub: adding the definition to a project, since .ci/wheel built no wheel")
        return
    with (
        Simulator(tools.simulator, "--no-limits", "--conversations", "20") as dixa,
        tempfile.TemporaryDirectory() as directory,
    ):
        project = Recipe("a project from the definition", claims, tools, dixa, directory, None)
        (project.folder / "bin/tap-dixa").unlink()
        (project.folder / "meltano.yml").write_text("default_environment: prod\nenvironments: [{name: prod}]\n")
        copy = project.folder / "packaging/meltano-hub/tap-dixa.yml"
        copy.parent.mkdir(parents=True)
        copy.write_text(re.sub("pip_url: .*", f"pip_url: {wheel}", DEFINITION.read_text()))
        config = {f"TAP_DIXA_{key.upper()}": str(value) for key, value in fast(dixa).items()}
        variables = {"MELTANO_SEND_ANONYMOUS_USAGE_STATS": "false", "NO_COLOR": "1", **config}
        command = "meltano add tap-dixa --from-ref packaging/meltano-hub/tap-dixa.yml"
        project.succeeds("meltano add", command, **variables)
        listed = project.succeeds("meltano config list", "meltano config list tap-dixa", **variables).stdout
        project.holds("asks for the token alone", "Required settings: api_token\n" in listed, listed)
        project.holds("and shows none", dixa.config["api_token"] not in listed, listed)
        tags = {**variables, "TAP_DIXA__SELECT": '["tags.*"]'}
        read = project.succeeds("meltano invoke", "meltano invoke tap-dixa", **tags).stdout
        records = [line for line in read.splitlines() if line.startswith('{"type":"RECORD"')]
        claims.equal("the tap that it installed reads tags", len(records), dixa.counts()["tags"]["rows"])


if __name__ == "__main__":
    sys.exit(main())
