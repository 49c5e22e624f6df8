"""Reads every stream with airbyte-serverless, which runs a source in a shell and reads stderr along with stdout."""

import sys
from collections import Counter

from airbyte_serverless.sources import AirbyteSourceException, ExecutableAirbyteSource

from acceptance.claims import Claims
from acceptance.options import fast, options
from acceptance.simulator import Simulator


def main():
    tools = options()
    claims = Claims()
    with Simulator(tools.simulator, "--no-limits", "--oddities") as dixa:
        source = ExecutableAirbyteSource(executable=str(tools.connector), config=fast(dixa))
        claims.holds("it generates a sample config", "api_token" in source.yaml_config_example)
        expected = {stream: count["rows"] for stream, count in dixa.counts().items()}
        claims.equal("it sees every stream", sorted(source.available_streams), sorted(expected))
        first, states = read(source)
        claims.equal("it gets every record", first, expected)
        second, _ = read(source, states)
        windowed = ("conversations", "messages", "activity_logs", "analytics_record_data")
        lists = {stream: rows for stream, rows in expected.items() if stream not in windowed}
        again = {stream: rows for stream, rows in second.items() if stream in lists}
        claims.equal("from its state, the lists are read again", again, lists)
        conversations = second.get("conversations", 0)
        few = conversations < expected["conversations"] / 10
        claims.holds("and only the lookback of the conversations", few, f"{conversations}")

        refused = ExecutableAirbyteSource(
            executable=str(tools.connector), config={**fast(dixa), "api_token": "refused"}
        )
        try:
            read(refused)
            reported = "nothing"
        except AirbyteSourceException as error:
            reported = str(error)
        claims.holds("it reports why a token is refused", "config_error" in reported and "401" in reported, reported)
    return claims.exit_code()


def read(source, state=None):
    """The number of records of each stream, and the states."""
    records, states = Counter(), []
    for message in source.extract(state=state):
        if message["type"] == "RECORD":
            records[message["record"]["stream"]] += 1
        elif message["type"] == "STATE":
            states.append(message["state"])
    return dict(records), states


if __name__ == "__main__":
    sys.exit(main())
