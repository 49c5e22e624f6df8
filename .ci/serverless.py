"""Reads everything with airbyte-serverless, which runs a source in a shell and takes its stderr for its stdout. Started by
.ci/clients."""

import sys
from collections import Counter

from airbyte_serverless.sources import AirbyteSourceException, ExecutableAirbyteSource

from claims import Claims
from options import fast, options
from simulator import Simulator


def main():
    tools = options()
    claims = Claims()
    with Simulator(tools.simulator, "--no-limits") as dixa:
        source = ExecutableAirbyteSource(executable=str(tools.connector), config=fast(dixa))
        claims.holds("it makes a sample of a config", "api_token" in source.yaml_config_example)
        expected = {stream: count["rows"] for stream, count in dixa.counts().items()}
        claims.equal("it sees every stream", sorted(source.available_streams), sorted(expected))
        first, states = read(source)
        claims.equal("it gets every record", first, expected)
        second, _ = read(source, states)
        windowed = ("conversations", "messages", "activity_logs")
        lists = {stream: rows for stream, rows in expected.items() if stream not in windowed}
        again = {stream: rows for stream, rows in second.items() if stream in lists}
        claims.equal("from its state, the lists come again", again, lists)
        conversations = second.get("conversations", 0)
        few = conversations < expected["conversations"] / 10
        claims.holds("and of the conversations the lookback", few, f"{conversations}")

        refused = ExecutableAirbyteSource(executable=str(tools.connector), config={**fast(dixa), "api_token": "refused"})
        try:
            read(refused)
            told = "nothing"
        except AirbyteSourceException as error:
            told = str(error)
        claims.holds("it hears why a token is refused", "config_error" in told and "401" in told, told)
    return claims.exit_code()


def read(source, state=None):
    """How many records came of each stream, and the states."""
    records, states = Counter(), []
    for message in source.extract(state=state):
        if message["type"] == "RECORD":
            records[message["record"]["stream"]] += 1
        elif message["type"] == "STATE":
            states.append(message["state"])
    return dict(records), states


if __name__ == "__main__":
    sys.exit(main())
