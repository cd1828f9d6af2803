"""Benchmarks: each prints a table, compares side by side in one run, and is never a timed test."""
