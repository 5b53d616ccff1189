"""Reads across tables, as frozen dataclasses."""
