"""Parses what a connector writes to stdout."""

import json
from collections import Counter


def lines(stdout):
    # Not splitlines(): it also treats characters that may occur in a JSON text as line ends.
    return [line for line in stdout.split("\n") if line]


def messages(stdout):
    return [json.loads(line) for line in lines(stdout)]


def record_counts(stdout):
    """The number of records of each stream."""
    return Counter(message["record"]["stream"] for message in messages(stdout) if message["type"] == "RECORD")


def catalog(stdout):
    """Of a discover's only CATALOG."""
    [found] = [message["catalog"] for message in messages(stdout) if message["type"] == "CATALOG"]
    return found
