"""The options that `.ci/clients` passes to each module, the repository's root, and a config for fast reads."""

import argparse
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def options():
    """Parses the paths of the connector and the simulator, and makes them absolute."""
    parser = argparse.ArgumentParser()
    for name in ("--connector", "--simulator"):
        parser.add_argument(name, type=lambda path: Path(path).resolve(), required=True)
    return parser.parse_args()


def fast(dixa, **others):
    """The simulator's config with rates that do not slow a read, for a simulator without limits."""
    return {**dixa.config, "exports_requests_per_minute": 600, "api_requests_per_second": 100, **others}


def built_wheel(tools):
    """The wheel that .ci/wheel put next to the connector's folder; None if it was not built."""
    return next((tools.connector.parent.parent / "wheels").glob("source_dixa-*.whl"), None)
