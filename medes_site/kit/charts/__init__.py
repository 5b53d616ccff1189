"""Charts drawn on the server: interval bars, difference bars, columns, heat strips. Each has its words."""

from medes_site.kit.charts.columns import Column, column_chart
from medes_site.kit.charts.drawing import HeatCell, difference_bar, heat_strip, interval_bar
from medes_site.kit.charts.geometry import UNIT, Domain, heat_step, round_domain, symmetric_domain

__all__ = [
    "UNIT",
    "Column",
    "Domain",
    "HeatCell",
    "column_chart",
    "difference_bar",
    "heat_step",
    "heat_strip",
    "interval_bar",
    "round_domain",
    "symmetric_domain",
]
