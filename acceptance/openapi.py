"""Derives the expected responses of list endpoints from Dixa's OpenAPI document, and compares our schemas with it.

    python3 -m acceptance.openapi DOCUMENT                        renews `answer` in integration_tests/openapi.json
    python3 -m acceptance.openapi DOCUMENT --check --facts NOTES  writes nothing; fails if it or a schema has a gap

DOCUMENT is Dixa's own (version "beta", whose paths are those of /v1); api-evangelist/dixa keeps a copy of it as
openapi/_original/dixa-api.yaml. It does not describe the exports: their fields come from the tables of NOTES, which
is docs/dixa-api.md.

It gives the members of a union no `_type`, and unions of empty objects are plain strings in the responses (its
examples show both): here a member may only have its own name as `_type`, and the latter are strings. Members overlap,
so a union is `anyOf`. The values that a description lists become an `enum`, those of a map's keys an `enum` of its
names.
"""

import argparse
import json
import re
import sys
from pathlib import Path

import yaml

from acceptance.options import ROOT

# For each list its path, its method if that is not GET, where the records are in its answer (`*` is each element), and
# the derived answer.
ANSWERS = ROOT / "integration_tests/openapi.json"

# The sections of the notes with the exports' fields.
EXPORTS = {"conversations": "### 1.7 ", "messages": "### 1.8 "}

# What records have beyond the document and the notes' tables: place and types.
ADDED = {
    # The connector adds the id of what the members belong to in front.
    "team_members": {"team_id": {"string"}},
    "queue_members": {"queue_id": {"string"}},
    # Clients of the exports differ on both; so does Dixa's own example of `to`, which has one address as text.
    "conversations": {"custom_fields[].value": {"string", "array"}, "custom_fields[].value[]": {"string"}},
    "messages": {"to": {"string"}},
}
# The names in a map of objects, where no description lists them: those of the document's examples.
KNOWN_NAMES = {"webhooks": {"filters": ["Conversation"]}}

DROPPED = {"title", "description", "format", "example", "deprecated", "uniqueItems", "minItems"}
KEPT = {"$ref", "oneOf", "type", "required", "properties", "items", "additionalProperties", "enum"}
VALUES = re.compile(r"values: \[(.*)\]")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("document", type=Path)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--facts", type=Path, help="the notes, for the fields of the exports")
    tools = parser.parse_args()
    document = yaml.load(tools.document.read_text(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    before = ANSWERS.read_text()
    answers = {name: answer(document, **entry) for name, entry in json.loads(before).items()}
    text = one_per_line(answers)
    if not tools.check:
        ANSWERS.write_text(text)
        print(f"{len(answers)} answers, {len(text)} bytes")
        return 0
    gaps = [] if before == text else [f"{ANSWERS.name} differs from what the document gives"]
    schemas = {file.stem for file in (ROOT / "schemas").glob("*.json")}
    expected = {name: record_places(name, entry) for name, entry in answers.items() if name in schemas}
    if tools.facts:
        notes = tools.facts.read_text()
        expected |= {
            name: noted_places(notes.split(heading, 1)[1].split("\n##", 1)[0]) for name, heading in EXPORTS.items()
        }
    else:
        print(f"NOT CHECKED, since it needs --facts: {', '.join(EXPORTS)}")
    for name, places in expected.items():
        gaps += compared(name, places)
    gaps += [f"{name}: not known here" for name in sorted(schemas - answers.keys() - EXPORTS.keys())]
    for gap in gaps:
        print(f"GAP   {gap}")
    return 1 if gaps else 0


def one_per_line(answers):
    lines = (f"{json.dumps(name)}: {json.dumps(entry, separators=(',', ':'))}" for name, entry in answers.items())
    return "{\n" + ",\n".join(lines) + "\n}\n"


# From the document to schemas.


def answer(document, path, record, method="get", **_before):
    operation = document["paths"][path.replace("/v1", "/beta", 1)][method]
    content = operation["responses"]["200"]["content"]["application/json"]
    reducer = Reducer(document["components"]["schemas"])
    schema = reducer.reduced(content["schema"])
    if reducer.definitions:
        schema = {**schema, "definitions": reducer.definitions}
    other = {} if method == "get" else {"method": method}
    return {"path": path, **other, "record": record, "answer": schema}


class Reducer:
    """Makes one schema from a component and all that it refers to; what refers to itself becomes a definition."""

    def __init__(self, components):
        self.components = components
        self.definitions = {}

    def reduced(self, schema, within=()):
        unknown = schema.keys() - DROPPED - KEPT
        assert not unknown, f"{unknown} in {within}"
        if "$ref" in schema:
            return self.referred(schema["$ref"].rsplit("/", 1)[1], within)
        if "oneOf" in schema:
            return self.union(schema["oneOf"], within)
        values = VALUES.fullmatch(schema.get("description", ""))
        values = values.group(1).split(", ") if values else schema.get("enum")
        kept = {"type": schema["type"]}
        if values:
            kept |= {"propertyNames": {"enum": values}} if schema["type"] == "object" else {"enum": values}
        if "required" in schema:
            kept["required"] = schema["required"]
        if "properties" in schema:
            kept["properties"] = {name: self.reduced(each, within) for name, each in schema["properties"].items()}
        for keyword in ("items", "additionalProperties"):
            if keyword in schema:
                kept[keyword] = self.reduced(schema[keyword], within)
        return kept

    def referred(self, name, within):
        reference = {"$ref": f"#/definitions/{name}"}
        if name in within:
            self.definitions[name] = None
            return reference
        if name in self.definitions:
            return reference
        schema = self.reduced(self.components[name], (*within, name))
        if name not in self.definitions:
            return schema
        self.definitions[name] = schema
        return reference

    def union(self, members, within):
        names = [member["$ref"].rsplit("/", 1)[1] if "$ref" in member else None for member in members]
        if all(name and self.is_empty(name) for name in names):
            return {"type": "string", "enum": [own_name(name) for name in names]}
        return {"anyOf": [self.member(name, member, within) for name, member in zip(names, members, strict=True)]}

    def is_empty(self, name):
        return self.components[name].keys() <= {"type", *DROPPED} and self.components[name]["type"] == "object"

    def member(self, name, member, within):
        schema = self.reduced(member, within)
        if name is None:
            return schema
        assert "$ref" not in schema, f"{name}, a member of a union, has itself as a member"
        return {
            **schema,
            "properties": {**schema.get("properties", {}), "_type": {"type": "string", "enum": [own_name(name)]}},
        }


def own_name(component):
    """Components with the same name are numbered in the document: `IsOneOf5`."""
    return component.rstrip("0123456789")


# From schemas to places: `filters.Conversation.conditions[].field`, with the types of the value there.


def record_places(stream, entry):
    schema, definitions = entry["answer"], entry["answer"].get("definitions", {})
    for step in filter(None, entry["record"].split("/")):
        schema = schema["items"] if step == "*" else schema["properties"][step]
    return places_of(schema, definitions, KNOWN_NAMES.get(stream, {}))


def places_of(schema, definitions=None, known_names=None):
    found = {}

    def walk(schema, place, within):
        if "$ref" in schema:
            name = schema["$ref"].rsplit("/", 1)[1]
            if name in within:
                # It repeats itself from here on, and a schema without `$ref` stays open.
                found.setdefault(place, set()).add(definitions[name]["type"])
            else:
                walk(definitions[name], place, (*within, name))
            return
        for member in schema.get("anyOf", []):
            walk(member, place, within)
        types = schema.get("type", [])
        found.setdefault(place, set()).update({types} if isinstance(types, str) else types)
        for name, each in schema.get("properties", {}).items():
            walk(each, f"{place}.{name}".lstrip("."), within)
        if "items" in schema:
            walk(schema["items"], f"{place}[]", within)
        values = schema.get("additionalProperties")
        if isinstance(values, dict):
            names = schema.get("propertyNames", {}).get("enum") or (known_names or {}).get(place, [])
            assert names or not has_properties(values), f"no name in the map {place} is known"
            for name in names:
                walk(values, f"{place}.{name}", within)

    walk(schema, "", ())
    del found[""]
    return {place: types - {"null"} for place, types in found.items()}


def has_properties(schema):
    return "properties" in schema or any(map(has_properties, schema.get("anyOf", [])))


# From the notes to places. A type that they leave open is the empty set.


def noted_places(section):
    found = {}
    for row in re.findall(r"^\| (`.*)\|$", section, re.MULTILINE):
        fields, kind, *_ = re.split(r"(?<!\\)\|", row)
        for name in re.findall(r"`(\w+)`", fields):
            outer, inner = re.match(r"(\w+)(?: of (\w+))?", kind.strip()).groups()
            found[name] = {outer}
            if outer == "array":
                found[f"{name}[]"] = {inner} if inner else {"object"}
            for members in re.findall(r"\{(.*?)\}", kind):
                found |= {f"{name}[].{member}": {of} - {""} for member, of in re.findall(r"(\w+): (\w*)", members)}
    for name, noted in re.findall(r"^`(\w+)\[\]` members: (.*?)\. ", section, re.MULTILINE):
        members = re.sub(r"\(.*?\)", "", noted)
        found |= {f"{name}[].{member}": {of} - {""} for member, of in re.findall(r"`(\w+)` ?(\w*)", members)}
    return found


def compared(stream, expected):
    """Prints how much of a stream is declared; returns what is missing, and what should not be there."""
    file = ROOT / f"schemas/{stream}.json"
    declared = places_of(json.loads(file.read_text())) if file.is_file() else {}
    for place, types in ADDED.get(stream, {}).items():
        expected[place] = expected.get(place, set()) | types
    properties = [place for place in expected if not place.endswith("[]")]
    here = [place for place in properties if place in declared]
    print(f"{stream}: {len(here)} properties of {len(properties)}, at every depth")
    gaps = [f"{stream}: `{place}` is missing" for place in expected if place not in declared]
    gaps += [f"{stream}: `{place}` is not in the sources" for place in declared if place not in expected]
    for place, types in expected.items():
        if place in declared and types and types != declared[place]:
            gaps.append(f"{stream}: `{place}` is of the types {sorted(types)}, not {sorted(declared[place])}")
    return gaps


if __name__ == "__main__":
    sys.exit(main())
