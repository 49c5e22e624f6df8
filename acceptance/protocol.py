"""Validates every message that the connector writes against Airbyte's published models, and allows no unknown fields.

Besides its own runs it validates the messages that the tests have kept (KEEP_MESSAGES in .ci/run).
"""

import json
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from airbyte_protocol.models import AirbyteMessage
from pydantic import BaseModel

from acceptance.claims import Claims
from acceptance.messages import catalog, lines, messages
from acceptance.options import ROOT, fast, options
from acceptance.simulator import Simulator

KEPT = ROOT / "target/messages"


def main():
    tools = options()
    claims = Claims()
    with Simulator(tools.simulator, "--no-limits", "--oddities") as dixa, tempfile.TemporaryDirectory() as folder:
        for name, output in runs(tools.connector, fast(dixa), Path(folder)):
            validate(claims, name, output)
    kept = sorted(KEPT.glob("*.jsonl"))
    if kept:
        validate(claims, f"{len(kept)} runs of the tests", "".join(file.read_text() for file in kept))
    else:
        print(f"SKIP the tests' own messages: run cargo test with KEEP_MESSAGES={KEPT}")
    return claims.exit_code()


def runs(connector, config, folder):
    """What each command writes, when it succeeds and when it fails."""

    def file(name, content):
        path = folder / name
        path.write_text(json.dumps(content))
        return path

    def run(*arguments):
        return subprocess.run([connector, *arguments], capture_output=True, text=True, timeout=300, check=False).stdout

    good = file("config.json", config)
    refused = file("refused.json", {**config, "api_token": "no-such-token"})
    invalid = ROOT / "integration_tests/invalid_config.json"
    yield "spec", run("spec")
    yield "check", run("check", "--config", good)
    yield "check with a refused token", run("check", "--config", refused)
    yield "check with an invalid config", run("check", "--config", invalid)
    discovered = run("discover", "--config", good)
    yield "discover", discovered
    yield "discover with an invalid config", run("discover", "--config", invalid)
    yield "a wrong command line", run("frobnicate")

    for mode in ("full_refresh", "incremental"):
        streams = [
            {"stream": stream, "sync_mode": mode, "destination_sync_mode": "append"}
            for stream in catalog(discovered)["streams"]
        ]
        configured = file("catalog.json", {"streams": streams})
        read = run("read", "--config", good, "--catalog", configured, "--debug")
        yield f"read, {mode}", read
        states = [message["state"] for message in messages(read) if message["type"] == "STATE"]
        state = file("state.json", states)
        yield f"read, {mode}, from a state", run("read", "--config", good, "--catalog", configured, "--state", state)
    yield "read with a refused token", run("read", "--config", refused, "--catalog", configured)
    nothing = {"streams": [{"stream": {"name": "nothing"}, "sync_mode": "INVALID", "destination_sync_mode": "INVALID"}]}
    yield "read of a bad catalog", run("read", "--config", good, "--catalog", file("bad.json", nothing))


def validate(claims, name, output):
    """Claims that every line is a valid message."""
    kinds, wrong = Counter(), []
    for line in lines(output):
        try:
            message = AirbyteMessage.model_validate_json(line)
            unknown = list(unknown_keys(message))
        except ValueError as error:
            wrong.append(f"{error}: {line[:300]}")
            continue
        if unknown:
            wrong.append(f"{unknown}: {line[:300]}")
        kinds[message.type.value] += 1
    summary = ", ".join(f"{count:,} {kind}" for kind, count in kinds.most_common())
    claims.holds(f"{name}: every message fits Airbyte's models ({summary})", kinds and not wrong, wrong[:3])


def unknown_keys(model):
    """What a message holds that its model does not name; a state's blob may hold anything."""
    if type(model).__name__ == "AirbyteStateBlob":
        return
    yield from model.model_extra or {}
    for name in model.model_fields_set & set(type(model).model_fields):
        value = getattr(model, name)
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, BaseModel):
                yield from unknown_keys(item)


if __name__ == "__main__":
    sys.exit(main())
