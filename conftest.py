"""Fixtures for every test of the repository; they live in `tiski/testing/`, typed and tested themselves."""

pytest_plugins = ["tiski.testing.fixtures", "tiski.testing.instances"]
