"""What speaks about an answer that a model may learn from by imitation, and who goes first (project rule)."""

from __future__ import annotations

from typing import Literal

Origin = Literal["correction", "ruling", "label", "guardian"]
ORIGINS: tuple[Origin, ...] = ("correction", "ruling", "label", "guardian")
"""Strongest first: what an expert wrote, what a referee ruled, what experts labelled, what a guardian thinks."""
