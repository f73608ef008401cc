"""Customers: the people a shop serves, and the addresses by which they are known."""
