"""Measurements: `make bench` prints a table and writes JSON. Nothing here is asserted; see docs/performance.md."""
