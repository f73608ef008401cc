"""Benchmarks: the budgets of performance and how they are measured. Run with `make bench`."""
