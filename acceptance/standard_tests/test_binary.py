"""Airbyte's standard tests against the binary that CONNECTOR names, on the files in CONNECTOR_ROOT."""

import json
import os
import subprocess
import tempfile
from pathlib import Path

import orjson
from airbyte_cdk.models import AirbyteMessageSerializer, Type
from airbyte_cdk.sources import Source
from airbyte_cdk.test.standard_tests import SourceTestSuiteBase
from airbyte_cdk.utils.traced_exception import AirbyteTracedException


class Binary(Source):
    """The connector's binary in place of a Python source."""

    check_config_against_spec = False
    message_repository = None

    def run(self, verb, **files):
        with tempfile.TemporaryDirectory() as folder:
            arguments = []
            for name, content in files.items():
                path = Path(folder, name)
                path.write_bytes(orjson.dumps(content))
                arguments += [f"--{name}", path]
            ran = subprocess.run(
                [os.environ["CONNECTOR"], verb, *arguments], capture_output=True, text=True, check=False
            )
        assert ran.stderr == "", ran.stderr
        yield from (AirbyteMessageSerializer.load(orjson.loads(line)) for line in ran.stdout.split("\n") if line)
        if ran.returncode:
            raise AirbyteTracedException(message="it failed", internal_message=ran.stdout[-2000:])

    def one(self, kind, messages):
        return next(message for message in messages if message.type == kind)

    def spec(self, logger):
        return self.one(Type.SPEC, self.run("spec")).spec

    def check(self, logger, config):
        return self.one(Type.CONNECTION_STATUS, self.run("check", config=config)).connectionStatus

    def discover(self, logger, config):
        return self.one(Type.CATALOG, self.run("discover", config=config)).catalog

    def read(self, logger, config, catalog, state=None):
        yield from self.run("read", config=config, catalog=catalog, **({"state": state} if state else {}))

    @classmethod
    def read_catalog(cls, path):
        return json.loads(Path(path).read_text())

    @classmethod
    def read_state(cls, path):
        return json.loads(Path(path).read_text()) if path else []


class TestSuite(SourceTestSuiteBase):
    connector = Binary

    @classmethod
    def get_connector_root_dir(cls):
        return Path(os.environ["CONNECTOR_ROOT"])
