"""What a connector writes, taken apart."""

import json


def lines(stdout):
    # Not splitlines(): it takes characters that may stand in a JSON text for ends of lines, too.
    return [line for line in stdout.split("\n") if line]


def messages(stdout):
    return [json.loads(line) for line in lines(stdout)]


def catalog(stdout):
    """Of a discover's only CATALOG."""
    [found] = [message["catalog"] for message in messages(stdout) if message["type"] == "CATALOG"]
    return found
