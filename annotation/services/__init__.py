"""Writes of the annotation app: verb_noun(*, actor, …), one transaction each."""
