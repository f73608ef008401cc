"""Accounts: the shop (tenant), the people who serve its customers, their roles, the hours and the audit log."""
