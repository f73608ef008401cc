"""The chat on a shop's page: its scripts, its config, the hosted page and the preview of the settings."""
