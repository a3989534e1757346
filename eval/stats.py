"""Statistics of right and wrong answers: intervals by video, paired differences, power.

Questions on one video are not independent, so every interval treats videos as the units:

- **Cluster bootstrap**: videos are drawn with replacement; the statistic is the pooled mean;
  the interval is the percentile interval. Up to six videos every draw is enumerated.
- **Cluster standard error** CR1 with Student's t and (videos - 1) degrees of freedom, which
  is the one to trust where there are few videos.
- **Exact McNemar** on the questions that only one arm got right. It ignores clustering;
  `Difference.sign_flip_p` is the exact test that does not.

With one video nothing about other videos can be known: standard errors, intervals and p-values
by cluster are NaN, never 0. Values equal statsmodels' and scipy's where these define them.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from reelgraph._types import Floats
from reelgraph.errors import EvalError

__all__ = [
    "Difference",
    "Estimate",
    "GroupDifference",
    "McNemar",
    "accuracy",
    "adjust_bh",
    "adjust_holm",
    "design_effect",
    "difference",
    "differences_by_group",
    "mcnemar",
]

_RESAMPLES = 10_000
_SEED = 12345
_MAX_ENUMERATED = 6
_MAX_EXACT_FLIPS = 16
_CHUNK = 2_000_000

Bools: TypeAlias = NDArray[np.bool_]


@dataclass(frozen=True)
class Estimate:
    """A mean over questions, with what other videos might have given.

    Attributes:
        value: The mean over questions.
        low: Lower end of the cluster-bootstrap interval.
        high: Its upper end.
        standard_error: Cluster-robust standard error (CR1).
        t_low: Lower end of the interval from that error and Student's t.
        t_high: Its upper end.
        questions: Number of questions.
        clusters: Number of videos.
    """

    value: float
    low: float
    high: float
    standard_error: float
    t_low: float
    t_high: float
    questions: int
    clusters: int


@dataclass(frozen=True)
class McNemar:
    """Questions by who got them right, and the exact test that both arms are equally good.

    Attributes:
        both_right: Both arms right.
        only_first: Only the first arm right.
        only_second: Only the second arm right.
        both_wrong: Neither right.
        p_value: Exact, two-sided.
        p_first_better: Exact, one-sided.
        mid_p: The two-sided value less the probability of what was seen: less conservative.
    """

    both_right: int
    only_first: int
    only_second: int
    both_wrong: int
    p_value: float
    p_first_better: float
    mid_p: float


@dataclass(frozen=True)
class Difference:
    """The first arm's accuracy less the second's on the same questions.

    Attributes:
        estimate: The difference with its intervals by video.
        first: Accuracy of the first arm.
        second: Accuracy of the second.
        mcnemar: The paired table and its exact test.
        t_p: Two-sided p-value of the clustered t-test.
        sign_flip_p: Two-sided p-value of flipping the sign of whole videos: exact up to
            16 videos, else by a fixed set of random flips.
    """

    estimate: Estimate
    first: float
    second: float
    mcnemar: McNemar
    t_p: float
    sign_flip_p: float


@dataclass(frozen=True)
class GroupDifference:
    """A `Difference` on one group of questions, corrected for looking at all groups.

    Attributes:
        group: Name of the group, e.g. a question type.
        difference: The paired difference within it.
        holm_p: McNemar's p-value adjusted by Holm (family-wise error).
        bh_p: McNemar's p-value adjusted by Benjamini and Hochberg (false discovery rate).
    """

    group: str
    difference: Difference
    holm_p: float
    bh_p: float


@dataclass(frozen=True)
class _Clusters:
    """Sums and sizes of the clusters of some values, in order of first appearance."""

    sums: Floats
    sizes: Floats

    @classmethod
    def of(cls, values: Floats, names: Sequence[Hashable]) -> _Clusters:
        if len(values) != len(names):
            raise EvalError(f"{len(values)} values but {len(names)} clusters")
        if not len(values):
            raise EvalError("there are no questions to average over")
        rows: dict[Hashable, int] = {}
        index = np.array([rows.setdefault(name, len(rows)) for name in names])
        sums = np.bincount(index, weights=values).astype(float)
        return cls(sums, np.bincount(index).astype(float))

    def __len__(self) -> int:
        return len(self.sums)

    @property
    def mean(self) -> float:
        return float(self.sums.sum() / self.sizes.sum())

    def standard_error(self) -> float:
        """Return CR1, NaN for one cluster."""
        count = len(self)
        if count < 2:
            return math.nan
        rests = self.sums - self.mean * self.sizes
        cr0 = math.sqrt(float(np.sum(rests**2))) / float(self.sizes.sum())
        return cr0 * math.sqrt(count / (count - 1))


def _draws(clusters: int, resamples: int, seed: int) -> Iterator[NDArray[np.intp]]:
    """Yield blocks of bootstrap samples: which clusters are drawn, ``(n, clusters)``."""
    if clusters <= _MAX_ENUMERATED:
        yield np.array([*itertools.product(range(clusters), repeat=clusters)], dtype=np.intp)
        return
    rng = np.random.Generator(np.random.PCG64(seed))
    block = max(1, _CHUNK // clusters)
    for done in range(0, resamples, block):
        yield rng.integers(0, clusters, size=(min(block, resamples - done), clusters))


def _bootstrap(
    clusters: _Clusters, confidence: float, resamples: int, seed: int
) -> tuple[float, float]:
    """Return the percentile interval of the pooled mean."""
    if len(clusters) < 2:
        return math.nan, math.nan
    means = np.concatenate(
        [
            clusters.sums[picks].sum(axis=1) / clusters.sizes[picks].sum(axis=1)
            for picks in _draws(len(clusters), resamples, seed)
        ]
    )
    tail = (1 - confidence) / 2
    low, high = np.quantile(means, [tail, 1 - tail])
    return float(low), float(high)


def _estimate(clusters: _Clusters, confidence: float, resamples: int, seed: int) -> Estimate:
    error, freedom = clusters.standard_error(), len(clusters) - 1
    reach = float(stats.t.ppf((1 + confidence) / 2, freedom)) * error if freedom else math.nan
    low, high = _bootstrap(clusters, confidence, resamples, seed)
    return Estimate(
        value=clusters.mean,
        low=low,
        high=high,
        standard_error=error,
        t_low=clusters.mean - reach,
        t_high=clusters.mean + reach,
        questions=int(clusters.sizes.sum()),
        clusters=len(clusters),
    )


def accuracy(
    right: ArrayLike,
    clusters: Sequence[Hashable],
    *,
    confidence: float = 0.95,
    resamples: int = _RESAMPLES,
    seed: int = _SEED,
) -> Estimate:
    """Return the share of right answers with its interval over videos.

    Where all answers are right, or all wrong, the interval is Clopper and Pearson's with the
    videos as the sample, for resampling would leave no doubt.

    Args:
        right: Whether each question was answered right, shape ``(n,)``. An answer that
            could not be parsed is wrong.
        clusters: Video of each question.
        confidence: Of the intervals.
        resamples: Bootstrap draws, where not all can be enumerated.
        seed: Of those draws; the same data give the same interval.

    Raises:
        EvalError: If there are no questions or the lengths differ.

    Example:
        >>> found = accuracy([1, 1, 0, 1], ["a", "a", "b", "b"])
        >>> found.value, round(found.low, 2), round(found.high, 2)
        (0.75, 0.52, 0.98)
    """
    found = _Clusters.of(np.asarray(right, dtype=float), clusters)
    estimate = _estimate(found, confidence, resamples, seed)
    return _with_doubt(estimate, confidence) if estimate.clusters > 1 else estimate


def _with_doubt(estimate: Estimate, confidence: float) -> Estimate:
    """Widen an interval of no length around 0 or 1: resampling cannot see what never happened.

    The interval is then Clopper and Pearson's with the videos as the sample.
    """
    if 0 < estimate.value < 1:
        return estimate
    reach = 1 - ((1 - confidence) / 2) ** (1 / estimate.clusters)
    low, high = (0.0, reach) if estimate.value == 0 else (1 - reach, 1.0)
    return replace(estimate, low=low, high=high, t_low=low, t_high=high)


def mcnemar(first: ArrayLike, second: ArrayLike) -> McNemar:
    """Return the paired table of two arms and its exact test.

    Args:
        first: Whether each question was answered right by the first arm, shape ``(n,)``.
        second: The same for the second arm, same questions in the same order.

    Raises:
        EvalError: If the lengths differ.

    Example:
        >>> mcnemar([1, 1, 1, 0], [0, 0, 0, 0]).p_value
        0.25
    """
    a, b = np.asarray(first, dtype=bool), np.asarray(second, dtype=bool)
    if a.shape != b.shape:
        raise EvalError(f"paired arms need the same questions, got {len(a)} and {len(b)}")
    only_a, only_b = int(np.sum(a & ~b)), int(np.sum(b & ~a))
    count = only_a + only_b
    tail = float(stats.binom.cdf(min(only_a, only_b), count, 0.5))
    seen = float(stats.binom.pmf(min(only_a, only_b), count, 0.5))
    two_sided = min(1.0, 2 * tail)
    return McNemar(
        both_right=int(np.sum(a & b)),
        only_first=only_a,
        only_second=only_b,
        both_wrong=int(np.sum(~a & ~b)),
        p_value=two_sided,
        p_first_better=float(stats.binom.sf(only_a - 1, count, 0.5)),
        mid_p=min(1.0, 2 * tail - seen),
    )


def difference(
    first: ArrayLike,
    second: ArrayLike,
    clusters: Sequence[Hashable],
    *,
    confidence: float = 0.95,
    resamples: int = _RESAMPLES,
    seed: int = _SEED,
) -> Difference:
    """Compare two arms on the same questions.

    Args:
        first: Whether each question was answered right by the first arm, shape ``(n,)``.
        second: The same for the second arm.
        clusters: Video of each question.
        confidence: Of the intervals.
        resamples: Bootstrap draws and random sign flips, where not all can be enumerated.
        seed: Of those draws.

    Raises:
        EvalError: If there are no questions or the lengths differ.

    Example:
        >>> found = difference([1, 1, 1, 0], [1, 0, 0, 0], ["a", "a", "b", "b"])
        >>> found.estimate.value, found.mcnemar.p_value
        (0.5, 0.5)
    """
    table = mcnemar(first, second)
    a, b = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    found = _Clusters.of(a - b, clusters)
    estimate = _estimate(found, confidence, resamples, seed)
    return Difference(
        estimate=estimate,
        first=float(a.mean()),
        second=float(b.mean()),
        mcnemar=table,
        t_p=_t_p(estimate),
        sign_flip_p=_sign_flip_p(found.sums, resamples, seed) if len(found) > 1 else math.nan,
    )


def _t_p(estimate: Estimate) -> float:
    if not estimate.standard_error > 0:
        return math.nan
    statistic = abs(estimate.value) / estimate.standard_error
    return float(2 * stats.t.sf(statistic, estimate.clusters - 1))


def _sign_flip_p(sums: Floats, resamples: int, seed: int) -> float:
    """Return the share of sign assignments to cluster sums that give at least this total."""
    bar = abs(float(sums.sum())) - 1e-9
    if len(sums) <= _MAX_EXACT_FLIPS:
        totals = np.zeros(1)
        for value in sums:
            totals = np.concatenate([totals + value, totals - value])
        return float(np.mean(np.abs(totals) >= bar))
    rng = np.random.Generator(np.random.PCG64(seed))
    hits = 0
    for done in range(0, resamples, block := max(1, _CHUNK // len(sums))):
        flipped = rng.integers(0, 2, size=(min(block, resamples - done), len(sums)), dtype=np.int8)
        # A sum with its sign kept or turned is the whole sum, less twice what was turned.
        totals = sums.sum() - 2 * (flipped.astype(float) @ sums)
        hits += int(np.sum(np.abs(totals) >= bar))
    return (hits + 1) / (resamples + 1)


def differences_by_group(
    first: ArrayLike,
    second: ArrayLike,
    clusters: Sequence[Hashable],
    groups: Sequence[str],
    **options: Any,
) -> list[GroupDifference]:
    """Compare two arms within each group of questions.

    Args:
        first: Whether each question was answered right by the first arm, shape ``(n,)``.
        second: The same for the second arm.
        clusters: Video of each question.
        groups: Group of each question, e.g. its type.
        options: As for `difference`.

    Returns:
        The differences by name of the group, each with McNemar's p-value adjusted for the
        number of groups.

    Raises:
        EvalError: If there are no questions or the lengths differ.
    """
    a, b, kinds = np.asarray(first), np.asarray(second), np.asarray(groups, dtype=object)
    if len(kinds) != len(a):
        raise EvalError(f"{len(a)} questions but {len(kinds)} groups")
    found = {}
    for name in sorted(set(groups)):
        rows = np.flatnonzero(kinds == name).tolist()
        found[name] = difference(a[rows], b[rows], [clusters[row] for row in rows], **options)
    p_values = [item.mcnemar.p_value for item in found.values()]
    adjusted = zip(found.items(), adjust_holm(p_values), adjust_bh(p_values), strict=True)
    return [GroupDifference(name, item, holm, bh) for (name, item), holm, bh in adjusted]


def adjust_holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values adjusted by Holm's step-down method (family-wise error).

    Example:
        >>> [round(p, 3) for p in adjust_holm([0.01, 0.04, 0.03])]
        [0.03, 0.06, 0.06]
    """
    count = len(p_values)
    adjusted, floor = [0.0] * count, 0.0
    for rank, row in enumerate(sorted(range(count), key=lambda i: p_values[i])):
        floor = max(floor, min(1.0, (count - rank) * p_values[row]))
        adjusted[row] = floor
    return adjusted


def adjust_bh(p_values: Sequence[float]) -> list[float]:
    """Return p-values adjusted by Benjamini and Hochberg (false discovery rate).

    Example:
        >>> [round(p, 3) for p in adjust_bh([0.01, 0.04, 0.03])]
        [0.03, 0.04, 0.04]
    """
    if not p_values:
        return []
    return [float(p) for p in stats.false_discovery_control(p_values, method="bh")]


def design_effect(values: ArrayLike, clusters: Sequence[Hashable]) -> float:
    """Return how many times larger clustering makes the variance of a mean.

    Args:
        values: One number a question, e.g. the difference of two arms in a pilot, ``(n,)``.
        clusters: Video of each question.

    Returns:
        Clustered variance over that of independent questions; NaN where either is not
        to be had.
    """
    numbers = np.asarray(values, dtype=float)
    error = _Clusters.of(numbers, clusters).standard_error()
    spread = float(np.var(numbers, ddof=1)) / len(numbers) if len(numbers) > 1 else 0.0
    return error**2 / spread if spread > 0 else math.nan
