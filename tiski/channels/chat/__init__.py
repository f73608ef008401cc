"""Live chat in the shop's pages."""
