"""Writes: verb_noun(*, actor, …), each in one transaction. Reads across tables are in queries."""
