"""What .ci/clients tells each of its programs."""

import argparse
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def options():
    """The connector and the simulator, as absolute paths."""
    parser = argparse.ArgumentParser()
    for name in ("--connector", "--simulator"):
        parser.add_argument(name, type=lambda path: Path(path).resolve(), required=True)
    return parser.parse_args()


def fast(dixa, **others):
    """The simulator's config, without the waits for a rate that it does not hold us to."""
    return {**dixa.config, "exports_requests_per_minute": 600, "api_requests_per_second": 100, **others}
