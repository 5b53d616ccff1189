"""Student's t against printed tables, against scipy, and at the edges."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy.special import stdtr, stdtrit

from benchmark.rules.student import t_quantile, t_tail


@pytest.mark.parametrize(
    ("p", "df", "printed"),
    [(0.975, 9, 2.262), (0.95, 1, 6.314), (0.975, 1, 12.706), (0.995, 4, 4.604), (0.9, 30, 1.310), (0.975, 120, 1.980)],
)  # fmt: skip
def test_printed_tables(p: float, df: int, printed: float) -> None:
    assert t_quantile(p, df) == pytest.approx(printed, abs=5e-4)
    assert float(t_tail(df, printed)) == pytest.approx(1 - p, abs=2e-4)


def test_one_degree_of_freedom_is_cauchy() -> None:
    for t in (0.0, 0.3, 1.0, 20.0, 1e6):
        assert float(t_tail(1, t)) == pytest.approx(0.5 - math.atan(t) / math.pi, rel=1e-9)


@given(st.integers(1, 100_000), st.floats(0, 60))
@example(95_546, 1.673)  # where a difference of log-gammas was off by 1e-9
def test_the_tail_is_scipys(df: int, t: float) -> None:
    assert float(t_tail(df, t)) == pytest.approx(float(stdtr(df, -t)), rel=1e-10, abs=1e-300)


@given(st.integers(1, 100_000), st.floats(0.5, 0.9999))
def test_the_quantile_is_scipys(df: int, p: float) -> None:
    assert t_quantile(p, df) == pytest.approx(float(stdtrit(df, p)), rel=1e-8, abs=1e-12)


def test_a_t_beyond_all_measure_has_no_tail() -> None:
    assert t_tail(5, [1e200, math.inf]).tolist() == [0.0, 0.0]


def test_many_at_once_are_each_alone() -> None:
    grid = list(product((1, 2, 9, 843, 5999), (0.0, 1e-9, 0.7, 2.1, 9.0, 40.0, np.inf)))
    together = t_tail([df for df, _t in grid], [t for _df, t in grid])
    assert together.tolist() == pytest.approx([float(t_tail(df, t)) for df, t in grid], rel=1e-12)
    assert float(t_tail(5, np.inf)) == 0.0 and float(t_tail(5, 0.0)) == 0.5


@pytest.mark.parametrize(("df", "t"), [(5, -1.0), (0, 1.0), (3, float("nan"))])
def test_no_tail_of_nonsense(df: int, t: float) -> None:
    with pytest.raises(ValueError):
        t_tail(df, t)


@pytest.mark.parametrize(("p", "df"), [(1.0, 5), (0.4, 5), (0.9, 0)])
def test_no_quantile_of_nonsense(p: float, df: int) -> None:
    with pytest.raises(ValueError):
        t_quantile(p, df)
