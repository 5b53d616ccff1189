"""Writes of the training app: verb_noun(*, actor, …), one transaction each; and the supervisor of runs."""
