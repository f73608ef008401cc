"""The widget's public addresses."""
