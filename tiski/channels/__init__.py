"""Channels: independent siblings, each one way in which customers and the shop talk."""
