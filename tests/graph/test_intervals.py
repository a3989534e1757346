"""Interval sets, Allen's relations and the interval index."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from reelgraph.graph.intervals import (
    ALLEN_INVERSE,
    ALLEN_NAMES,
    IntervalIndex,
    allen,
    difference,
    duration,
    gaps,
    hull,
    intersection,
    iou,
    overlap,
    union,
)
from reelgraph.graph.schema import Interval

# Quarters of a second are exact in binary, and few enough that ends often coincide.
TIMES = st.integers(0, 40).map(lambda n: n / 4)
INTERVALS = st.tuples(TIMES, TIMES).map(lambda pair: Interval(min(pair), max(pair)))
SETS = st.lists(INTERVALS, max_size=8)
MOMENTS = [n / 8 for n in range(-1, 84)]


def covered(intervals: list[Interval] | tuple[Interval, ...]) -> set[float]:
    """Return the sampled moments that a set of intervals contains."""
    return {
        t for t in MOMENTS if any(i.start <= t < i.end or t == i.start == i.end for i in intervals)
    }


def is_canonical(intervals: tuple[Interval, ...]) -> bool:
    return all(
        a.end < b.start or (a.end == b.start and b.duration == 0)
        for a, b in itertools.pairwise(intervals)
    )


@given(SETS, SETS)
@example([Interval(0, 1), Interval(1, 1)], [Interval(0.5, 1), Interval(1, 1)])
def test_union_and_intersection_hold_the_right_moments(
    a: list[Interval], b: list[Interval]
) -> None:
    assert covered(union(a, b)) == covered(a) | covered(b)
    assert covered(intersection(a, b)) == covered(a) & covered(b)
    assert is_canonical(union(a, b))
    assert union(a, b) == union(b, a) == union(union(a), union(b))
    assert intersection(a, b) == intersection(b, a)
    assert intersection(a, a) == union(a)


@given(SETS, SETS)
def test_difference_removes_only_time_that_the_other_covers(
    a: list[Interval], b: list[Interval]
) -> None:
    proper = [item for item in b if item.duration]
    assert covered(difference(a, b)) == covered(a) - covered(proper)
    assert duration(difference(a, b)) + duration(intersection(a, b)) == pytest.approx(duration(a))


@given(SETS, INTERVALS)
def test_gaps_and_intervals_fill_the_window(a: list[Interval], window: Interval) -> None:
    free = gaps(a, window)
    assert intersection(free, [i for i in a if i.duration]) == ()
    assert covered([*free, *intersection(a, [window])]) == covered([window])


@given(SETS, SETS)
def test_iou_is_symmetric_bounded_and_one_for_the_same_time(
    a: list[Interval], b: list[Interval]
) -> None:
    assert 0 <= iou(a, b) <= 1
    assert iou(a, b) == iou(b, a)
    assert iou(a, union(a)) == 1


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ([(0, 2)], [(1, 3)], 1 / 3),
        ([(0, 1), (2, 3)], [(0, 3)], 2 / 3),
        ([(0, 1)], [(1, 2)], 0.0),
        ([], [], 1.0),
        ([(1, 1)], [(1, 1)], 1.0),
        ([(1, 1)], [(2, 2)], 0.0),
        ([(0, 1)], [], 0.0),
    ],
)
def test_iou_of_known_sets(
    a: list[tuple[float, float]], b: list[tuple[float, float]], expected: float
) -> None:
    assert iou([Interval(*i) for i in a], [Interval(*i) for i in b]) == pytest.approx(expected)


@given(INTERVALS, INTERVALS)
def test_overlap_means_a_shared_moment(a: Interval, b: Interval) -> None:
    assert overlap(a, b) == overlap(b, a) == bool(covered([a]) & covered([b]))


@given(st.lists(INTERVALS, min_size=1, max_size=5))
def test_hull_is_the_shortest_interval_around(items: list[Interval]) -> None:
    around = hull(items)
    assert all(around.start <= i.start and i.end <= around.end for i in items)
    assert around.start in {i.start for i in items}
    assert around.end in {i.end for i in items}


@pytest.mark.parametrize(
    ("a", "name"),
    [
        ((0, 1), "before"),
        ((0, 2), "meets"),
        ((0, 3), "overlaps"),
        ((2, 3), "starts"),
        ((3, 4), "during"),
        ((4, 6), "finishes"),
        ((2, 6), "equals"),
        ((7, 8), "after"),
        ((6, 8), "met by"),
        ((4, 8), "overlapped by"),
        ((2, 8), "started by"),
        ((1, 8), "contains"),
        ((1, 6), "finished by"),
        ((2, 2), "starts"),
        ((4, 4), "during"),
        ((6, 6), "finishes"),
    ],
)
def test_allen_names(a: tuple[float, float], name: str) -> None:
    assert allen(Interval(*a), Interval(2, 6)) == name


def textbook(a: Interval, b: Interval) -> list[str]:
    """Return every relation whose definition (Allen 1983) two proper intervals meet."""
    definitions = {
        "before": a.end < b.start,
        "meets": a.end == b.start,
        "overlaps": a.start < b.start < a.end < b.end,
        "starts": a.start == b.start and a.end < b.end,
        "during": b.start < a.start and a.end < b.end,
        "finishes": b.start < a.start and a.end == b.end,
        "equals": a == b,
        "after": b.end < a.start,
        "met by": b.end == a.start,
        "overlapped by": b.start < a.start < b.end < a.end,
        "started by": a.start == b.start and b.end < a.end,
        "contains": a.start < b.start and b.end < a.end,
        "finished by": a.start < b.start and a.end == b.end,
    }
    return [name for name, holds in definitions.items() if holds]


@given(
    INTERVALS.filter(lambda i: i.duration > 0),
    INTERVALS.filter(lambda i: i.duration > 0),
)
def test_exactly_one_allen_relation_holds(a: Interval, b: Interval) -> None:
    assert [allen(a, b)] == textbook(a, b)


@given(INTERVALS, INTERVALS, st.sampled_from([0.0, 0.25, 0.3, 5.0]))
def test_the_inverse_holds_the_other_way(a: Interval, b: Interval, tolerance: float) -> None:
    name = allen(a, b, tolerance=tolerance)
    assert allen(b, a, tolerance=tolerance) == ALLEN_INVERSE[name]
    assert ALLEN_INVERSE[ALLEN_INVERSE[name]] == name
    assert len(set(ALLEN_INVERSE)) == len(ALLEN_NAMES) == 13


def test_tolerance_joins_ends_that_are_near() -> None:
    a, b = Interval(0, 1.04), Interval(1, 2)
    assert allen(a, b) == "overlaps"
    assert allen(a, b, tolerance=0.05) == "meets"


@given(st.lists(INTERVALS, max_size=80), INTERVALS)
def test_the_index_equals_a_scan(items: list[Interval], query: Interval) -> None:
    starts, ends = (np.array([getattr(i, end) for i in items]) for end in ("start", "end"))
    index = IntervalIndex(starts.astype(float), ends.astype(float))
    order = sorted(range(len(items)), key=lambda i: (items[i].start, items[i].end, i))
    time = query.start

    def distance(item: Interval) -> float:
        return 0 if overlap(item, Interval(time, time)) else max(item.start - time, time - item.end)

    def encloses(outer: Interval, inner: Interval) -> bool:
        return overlap(outer, inner) and union([outer, inner]) == union([outer])

    def hits(test: object) -> list[int]:
        return [i for i in order if test(items[i])]  # type: ignore[operator]

    assert list(index.overlapping(*query)) == hits(lambda i: overlap(i, query))
    assert list(index.containing(*query)) == hits(lambda i: encloses(i, query))
    assert list(index.within(*query)) == hits(lambda i: encloses(query, i))
    here = hits(lambda i: overlap(i, Interval(time, time)))
    least = min(map(distance, items), default=0.0)
    assert list(index.nearest(time)) == (here or hits(lambda i: distance(i) == least))


def test_the_index_agrees_with_a_scan_over_many_levels() -> None:
    random = np.random.default_rng(7)
    starts = random.uniform(0, 3600, 10_000)
    ends = starts + random.exponential(5, 10_000) * (random.random(10_000) > 0.1)
    index = IntervalIndex(starts, ends)
    for start in random.uniform(-10, 3700, 50):
        end = start + 2.5
        expected = np.flatnonzero((starts < end) & ((ends > start) | (starts >= start)))
        assert sorted(index.overlapping(start, end)) == list(expected)


def test_the_index_refuses_reversed_intervals() -> None:
    with pytest.raises(ValueError, match="no end before its start"):
        IntervalIndex(np.array([2.0]), np.array([1.0]))
