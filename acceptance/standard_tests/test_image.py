"""Airbyte's standard tests against an image, on the files in CONNECTOR_ROOT."""

import os
from pathlib import Path

from airbyte_cdk.test.standard_tests.docker_base import DockerConnectorTestSuite


class TestSuite(DockerConnectorTestSuite):
    @classmethod
    def get_connector_root_dir(cls):
        return Path(os.environ["CONNECTOR_ROOT"])
