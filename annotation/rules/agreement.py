"""How far independent experts agree: the plain figures, each with its source.

Every figure but the kappas depends on a unit only through sums that add up over units (`UnitSums`). The
functions that end in `_of` turn such sums into figures, for one sample or for many resamples at once (any
leading axes), and return NaN where a figure is undefined; the functions for single tables return None there.

Sources: Krippendorff, Computing Krippendorff's Alpha-Reliability (2011); Cohen, Educ. Psychol. Meas. 20
(1960) 37-46; Light, Psychol. Bull. 76 (1971) 365-377; Conger, Psychol. Bull. 88 (1980) 322-328; Gwet, Br. J.
Math. Stat. Psychol. 61 (2008) 29-48; Spitzer and Fleiss, Br. J. Psychiatry 125 (1974) 341-347, and Cicchetti
and Feinstein, J. Clin. Epidemiol. 43 (1990) 551-558, for agreement on one value.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from annotation.rules.ratings import (
    MISSING,
    FloatArray,
    IntArray,
    Ratings,
    Units,
    read_pairable,
    read_ratings,
)

Metric = Literal["nominal", "ordinal", "interval"]


@dataclass(frozen=True, slots=True, eq=False)
class UnitSums:
    """What a unit adds to each figure, one row a unit, cluster or resample: `columns` (..., 3q + q*q + 3).

    A unit with n_c labels of value c and m labels in all is *pairable* when m >= 2 and *rated* when m >= 1.
    """

    columns: FloatArray
    q: int

    @property
    def coincidences(self) -> FloatArray:
        """(..., q, q): pairs of values in a pairable unit, each pair counting 1/(m-1)."""
        flat = self.columns[..., : self.q**2]
        return flat.reshape(*flat.shape[:-1], self.q, self.q)

    @property
    def shares(self) -> FloatArray:
        """(..., q): n_c / m of rated units."""
        return self._part(0)

    @property
    def same(self) -> FloatArray:
        """(..., q): ordered pairs of labels that are both c, n_c (n_c - 1)."""
        return self._part(1)

    @property
    def possible(self) -> FloatArray:
        """(..., q): ordered pairs of labels whose first is c, n_c (m - 1)."""
        return self._part(2)

    @property
    def agreeing(self) -> FloatArray:
        """(...): share of a pairable unit's label pairs that agree."""
        return self.columns[..., -3]

    @property
    def pairable(self) -> FloatArray:
        """(...): 1 for a pairable unit."""
        return self.columns[..., -2]

    @property
    def rated(self) -> FloatArray:
        """(...): 1 for a rated unit."""
        return self.columns[..., -1]

    def _part(self, number: int) -> FloatArray:
        first = self.q**2 + number * self.q
        return self.columns[..., first : first + self.q]


def unit_sums(counts: IntArray) -> UnitSums:
    """The sums of single units, from counts (U, q) of labels by value."""
    units, q = counts.shape
    n = counts.astype(np.float64)
    m = n.sum(axis=1, keepdims=True)
    pairable = m >= 2
    others = np.where(pairable, m - 1, 1.0)
    pairs = n[:, :, None] * n[:, None, :]
    pairs[:, np.arange(q), np.arange(q)] -= n
    same = n * (n - 1)
    columns = np.hstack(
        [
            np.where(pairable, pairs.reshape(units, q * q) / others, 0.0),
            n / np.maximum(m, 1),
            same,
            n * np.maximum(m - 1, 0),
            np.where(pairable, same.sum(axis=1, keepdims=True) / (np.maximum(m, 1) * others), 0.0),
            pairable,
            m >= 1,
        ]
    )
    return UnitSums(columns, q)


def total(sums: UnitSums) -> UnitSums:
    """The sums of the whole sample: shape (...) = ()."""
    return UnitSums(sums.columns.sum(axis=0), sums.q)


def alpha_of(sums: UnitSums, values: FloatArray, metric: Metric = "nominal") -> FloatArray:
    """Krippendorff's alpha, 1 - (n - 1) * sum o_ck d_ck / sum n_c n_k d_ck; NaN where no two values differ.

    o are the coincidences, n_c their sums by value, n the sum of all. d is 1 for two different values
    (nominal), the squared difference of the values (interval), or the squared number of labels from the
    one to the other, the two ends counting half (ordinal). Raises ValueError for another metric.
    """
    observed = sums.coincidences
    margin = observed.sum(axis=-1)
    distance = _distances(margin, values, metric)
    expected = (margin[..., :, None] * margin[..., None, :] * distance).sum(axis=(-2, -1))
    disagreement = (observed * distance).sum(axis=(-2, -1))
    return 1.0 - (margin.sum(axis=-1) - 1.0) * _ratio(disagreement, expected)


def ac1_of(sums: UnitSums) -> FloatArray:
    """Gwet's AC1, (p_a - p_e) / (1 - p_e) with p_e = sum pi_c (1 - pi_c) / (q - 1); NaN with no pairable unit.

    p_a is the mean share of agreeing pairs over pairable units, pi_c the mean share of c over rated units
    (also those with one label). 1 where only one value occurs.
    """
    share = _ratio(sums.shares, sums.rated[..., None])
    chance = (share * (1.0 - share)).sum(axis=-1) / max(sums.q - 1, 1)
    return _ratio(percent_of(sums) - chance, 1.0 - chance)


def percent_of(sums: UnitSums) -> FloatArray:
    """Share of agreeing pairs, averaged over pairable units; NaN with none."""
    return _ratio(sums.agreeing, sums.pairable)


def prevalence_of(sums: UnitSums, place: int) -> FloatArray:
    """Share of labels that are `values[place]`, averaged over rated units; NaN with none."""
    return _ratio(sums.shares[..., place], sums.rated)


def positive_of(sums: UnitSums, place: int) -> FloatArray:
    """Where one label is `values[place]`, how often another of that unit is; NaN if no pairable unit has it."""
    return _ratio(sums.same[..., place], sums.possible[..., place])


def kappa_of(tables: FloatArray) -> FloatArray:
    """Cohen's kappa of cross tables (..., q, q) of counts; NaN where empty, or where chance agreement is 1."""
    n = tables.sum(axis=(-2, -1))
    chance = (tables.sum(axis=-1) * tables.sum(axis=-2)).sum(axis=-1)
    hits = np.trace(tables, axis1=-2, axis2=-1)
    return _ratio(n * hits - chance, n * n - chance)


def mean_kappa_of(tables: FloatArray) -> FloatArray:
    """Mean kappa of P pairs of raters, tables (..., P, q, q), each weighted by its number of shared units.

    Pairs whose kappa is undefined are left out; NaN where no pair is left.
    """
    kappas = kappa_of(tables)
    weights = np.where(np.isnan(kappas), 0.0, tables.sum(axis=(-2, -1)))
    return _ratio((np.nan_to_num(kappas) * weights).sum(axis=-1), weights.sum(axis=-1))


def conger_of(
    hits: FloatArray, shared: FloatArray, given: FloatArray, pairs: Sequence[tuple[int, int]]
) -> FloatArray:
    """Cohen's kappa for many raters: (hits - chance) / (shared units - chance), each summed over rater pairs.

    `hits` (...) label pairs that agree, `shared` (..., P) units that each of the P pairs of raters shares,
    `given` (..., R, q) how often each rater gave each value. A pair's chance agreement comes from the two
    raters' shares of all labels they gave, not only of those on shared units: where thirty experts share
    few units each, kappas of single pairs lean towards 0, and their mean with them. NaN where all is one
    value.
    """
    share = _ratio(given, given.sum(axis=-1, keepdims=True))
    chance = np.zeros(hits.shape)
    for number, (a, b) in enumerate(pairs):
        both = np.nan_to_num(share[..., a, :] * share[..., b, :]).sum(axis=-1)
        chance = chance + shared[..., number] * both
    return _ratio(hits - chance, shared.sum(axis=-1) - chance)


def krippendorff_alpha(
    units: Units, *, metric: Metric = "nominal", categories: Sequence[float] | None = None
) -> float | None:
    """Krippendorff's alpha, at most 1 (0 = chance); None with no pairable unit or one value only.

    One value only means: among pairable units; however well raters agree there, nothing shows that they can
    tell anything apart. Raises as `read_ratings` and `alpha_of` do.
    """
    ratings = read_ratings(units, categories)
    return figure(alpha_of(total(unit_sums(ratings.counts)), ratings.values, metric))


def cohen_kappa(a: Sequence[float | None], b: Sequence[float | None]) -> float | None:
    """Cohen's kappa of two raters on the same units (n,); a unit that either left out does not count.

    None with no shared unit, and where both give one and the same value throughout (chance agreement is 1).
    One constant rater and one who varies: 0. Raises ValueError for unequal lengths.
    """
    if len(a) != len(b):
        raise ValueError(f"{len(a)} labels beside {len(b)}")
    return mean_pairwise_kappa(list(zip(a, b, strict=True)))


def mean_pairwise_kappa(units: Units, *, minimum_shared: int = 1) -> float | None:
    """Cohen's kappa averaged over pairs of raters, weighted by the units each pair shares.

    Light's kappa (the plain mean) where all raters label all units. Pairs with fewer than `minimum_shared`
    units, or with an undefined kappa, are left out; None where no pair is left.
    """
    ratings = read_ratings(units)
    pairs = rater_pairs(ratings, minimum_shared)
    return figure(mean_kappa_of(pair_tables(ratings, pairs)))


def conger_kappa(units: Units) -> float | None:
    """Cohen's kappa for any number of raters who need not label the same units, see `conger_of`.

    Cohen's kappa itself for two raters, Conger's for more where nothing is missing. Units with one label
    are left out. None with no pairable unit or one value only.
    """
    ratings, _ = read_pairable(units)
    return figure(conger_value(ratings, rater_pairs(ratings)))


def conger_value(ratings: Ratings, pairs: Sequence[tuple[int, int]]) -> FloatArray:
    """`conger_of` these units, all with two labels or more."""
    hits = total(unit_sums(ratings.counts)).same.sum(axis=-1) / 2
    shared = np.array([len(pair_cells(ratings, pair)[0]) for pair in pairs], dtype=np.float64)
    return conger_of(hits, shared, labels_given(ratings).sum(axis=0), pairs)


def labels_given(ratings: Ratings) -> FloatArray:
    """(U, R, q): 1 where that rater gave that unit that value."""
    return (ratings.codes[:, :, None] == np.arange(len(ratings.values))).astype(np.float64)


def gwet_ac1(units: Units, *, categories: Sequence[float] | None = None) -> float | None:
    """Gwet's AC1 for any number of raters, in [-1, 1]; None with no pairable unit, 1 with one value only.

    Without `categories` q is the number of values that occur. A unit with one label counts towards how
    common each value is, not towards agreement.
    """
    return figure(ac1_of(total(unit_sums(read_ratings(units, categories).counts))))


def percent_agreement(units: Units) -> float | None:
    """Chance that two labels of a unit agree, in [0, 1], each pairable unit counting once; None with none."""
    return figure(percent_of(total(unit_sums(read_ratings(units).counts))))


def prevalence(units: Units, value: float) -> float | None:
    """Share of labels that are `value`, in [0, 1], each unit with a label counting once; None with none."""
    ratings = read_ratings(units)
    sums = total(unit_sums(ratings.counts))
    place = place_of(ratings.values, value)
    if place is None:
        return 0.0 if float(sums.rated) else None
    return figure(prevalence_of(sums, place))


def rarest_place(counts: IntArray) -> int | None:
    """Where in `values` the rarest value stands, from counts (U, q); a tie goes to the lower value.

    In the rubric the lower value is the failing one, so a tie looks at failures. None with no value at all.
    """
    return int(counts.sum(axis=0).argmin()) if counts.shape[1] else None


def place_of(values: FloatArray, value: float) -> int | None:
    """Where `value` stands in `values` (q,), None where it is not among them."""
    found = np.flatnonzero(values == value)
    return int(found[0]) if len(found) else None


def positive_agreement(units: Units, value: float | None = None) -> float | None:
    """Agreement on one value, in [0, 1]: if an expert gave it, the chance that another one of the unit did.

    sum n_c (n_c - 1) / sum n_c (m - 1) over units with n_c labels of the value among m; for two raters
    2a / (2a + b + c). `value` is the rarest among pairable units unless given (a tie goes to the lower one).
    None where no pairable unit has it.
    """
    ratings, _ = read_pairable(units)
    place = rarest_place(ratings.counts) if value is None else place_of(ratings.values, value)
    return None if place is None else figure(positive_of(total(unit_sums(ratings.counts)), place))


def rater_pairs(ratings: Ratings, minimum_shared: int = 1) -> list[tuple[int, int]]:
    """Pairs of raters (columns) who both labelled at least `minimum_shared` units (1 or more)."""
    present = (ratings.codes != MISSING).astype(np.float64)
    shared = np.triu(present.T @ present, 1)
    first, second = np.nonzero(shared >= max(minimum_shared, 1))
    return list(zip(first.tolist(), second.tolist(), strict=True))


def pair_cells(ratings: Ratings, pair: tuple[int, int]) -> tuple[IntArray, IntArray]:
    """The units (rows) that a pair of raters shares, and in which cell of their q x q table each falls."""
    a, b = ratings.codes[:, pair[0]], ratings.codes[:, pair[1]]
    shared = np.flatnonzero((a != MISSING) & (b != MISSING))
    return shared, a[shared] * len(ratings.values) + b[shared]


def pair_tables(ratings: Ratings, pairs: Sequence[tuple[int, int]]) -> FloatArray:
    """(P, q, q) cross tables of the pairs."""
    q = len(ratings.values)
    tables = np.zeros((len(pairs), q, q))
    for number, pair in enumerate(pairs):
        cells = pair_cells(ratings, pair)[1]
        tables[number] = np.bincount(cells, minlength=q * q).reshape(q, q)
    return tables


def figure(value: FloatArray) -> float | None:
    """A single figure as a plain float, None for NaN."""
    number = float(value)
    return None if math.isnan(number) else number


def _distances(margin: FloatArray, values: FloatArray, metric: Metric) -> FloatArray:
    q = len(values)
    if metric == "nominal":
        return 1.0 - np.eye(q)
    if metric == "interval":
        return (values[:, None] - values[None, :]) ** 2
    if metric == "ordinal":
        # Labels below the middle of each value: their difference is what lies between two values.
        middle = np.cumsum(margin, axis=-1) - margin / 2
        return (middle[..., :, None] - middle[..., None, :]) ** 2
    raise ValueError(f"no metric {metric!r}: choose nominal, ordinal or interval")


def _ratio(above: FloatArray, below: FloatArray) -> FloatArray:
    """above / below, NaN where below is 0."""
    above, below = np.broadcast_arrays(np.asarray(above, np.float64), np.asarray(below, np.float64))
    result = np.full(above.shape, np.nan)
    np.divide(above, below, out=result, where=below != 0)
    return result
