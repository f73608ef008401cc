"""Support for tests: launchers of real servers and the fixtures around them. Nothing in the product imports it."""
