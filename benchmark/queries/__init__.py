"""Reads across tables, given out as frozen dataclasses: what pages, API and commands show."""
