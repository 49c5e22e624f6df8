"""Acceptance tests: real clients, Airbyte's own tests, the image and the documented commands. See README.md."""
