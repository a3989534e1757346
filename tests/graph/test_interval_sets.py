"""Allen's relations between single intervals and between sets, with tolerance."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelgraph.graph.intervals import (
    ALLEN_INVERSE,
    ALLEN_NAMES,
    AllenName,
    allen,
    allen_holds,
    allen_names,
    union,
)
from reelgraph.graph.schema import Interval

TIMES = st.integers(0, 16).map(lambda n: n / 4)
INTERVALS = st.tuples(TIMES, TIMES).map(lambda pair: Interval(min(pair), max(pair)))
PROPER = INTERVALS.filter(lambda i: i.duration > 0)
SETS = st.lists(INTERVALS, max_size=4).map(union)
TOLERANCES = st.sampled_from([0.0, 0.25, 0.6])


@given(PROPER, PROPER)
def test_the_ends_say_which_of_the_thirteen_it_is(a: Interval, b: Interval) -> None:
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
    assert set(definitions) == set(ALLEN_NAMES)
    assert [name for name, holds in definitions.items() if holds] == [allen(a, b)]


@given(INTERVALS, INTERVALS, TOLERANCES)
def test_exactly_one_relation_and_its_inverse(a: Interval, b: Interval, tolerance: float) -> None:
    names = [n for n in ALLEN_NAMES if allen_holds([a], [b], n, tolerance=tolerance)]
    assert names == [allen(a, b, tolerance=tolerance)]
    assert allen_names([b], [a], tolerance=tolerance) == {ALLEN_INVERSE[names[0]]}


# Rows of Allen's table (1983) whose composition is a single relation.
COMPOSED: list[tuple[AllenName, AllenName, AllenName]] = [
    ("before", "before", "before"),
    ("before", "meets", "before"),
    ("before", "overlaps", "before"),
    ("before", "starts", "before"),
    ("before", "contains", "before"),
    ("meets", "before", "before"),
    ("meets", "meets", "before"),
    ("meets", "overlaps", "before"),
    ("meets", "starts", "meets"),
    ("meets", "contains", "before"),
    ("during", "before", "before"),
    ("during", "meets", "before"),
    ("during", "during", "during"),
    ("starts", "before", "before"),
    ("starts", "starts", "starts"),
    ("starts", "during", "during"),
    ("finishes", "during", "during"),
    ("finishes", "meets", "meets"),
    ("finishes", "finishes", "finishes"),
    ("overlaps", "before", "before"),
    ("overlaps", "meets", "before"),
    ("overlaps", "starts", "overlaps"),
]


@pytest.mark.parametrize(("first", "second", "composed"), COMPOSED)
def test_relations_compose_as_in_allens_table(
    first: AllenName, second: AllenName, composed: AllenName
) -> None:
    """Every three intervals on a small grid that show both relations show the third."""
    ends = [Interval(a, b) for a, b in itertools.combinations(range(7), 2)]
    after = {b: [c for c in ends if allen(b, c) == second] for b in ends}
    shown = {allen(a, c) for a in ends for b in ends if allen(a, b) == first for c in after[b]}
    assert shown == {composed}


@given(INTERVALS, INTERVALS, INTERVALS)
def test_equal_intervals_lie_alike_to_a_third(a: Interval, b: Interval, c: Interval) -> None:
    if allen(a, b) == "equals":
        assert allen(a, c) == allen(b, c)


@given(SETS, SETS, st.sampled_from(ALLEN_NAMES), TOLERANCES)
def test_any_and_all_pairs(
    a: tuple[Interval, ...], b: tuple[Interval, ...], name: AllenName, tolerance: float
) -> None:
    names = allen_names(a, b, tolerance=tolerance)
    some = allen_holds(a, b, name, tolerance=tolerance)
    every = allen_holds(a, b, name, quantifier="all", tolerance=tolerance)
    assert some == (name in names)
    assert every == (names == {name})
    for quantifier in ("any", "all"):
        assert allen_holds(
            b, a, ALLEN_INVERSE[name], quantifier=quantifier, tolerance=tolerance
        ) == (some if quantifier == "any" else every)


@pytest.mark.parametrize(
    ("b", "name", "quantifier", "tolerance", "expected"),
    [
        ([(5, 6)], "before", "all", 0.0, True),
        ([(2.5, 2.6)], "before", "all", 0.0, False),
        ([(2.5, 2.6)], "before", "any", 0.0, True),
        ([(4.1, 6)], "meets", "any", 0.0, False),
        ([(4.1, 6)], "meets", "any", 0.1 + 1e-9, True),
        ([(0, 9)], "during", "all", 0.0, True),
        ([], "before", "all", 0.0, False),
        ([], "before", "any", 0.0, False),
    ],
)
def test_sets_that_are_known(
    b: list[tuple[float, float]],
    name: AllenName,
    quantifier: str,
    tolerance: float,
    expected: bool,
) -> None:
    held = [Interval(1, 2), Interval(3, 4)]
    others = [Interval(*pair) for pair in b]
    assert (
        allen_holds(held, others, name, quantifier=quantifier, tolerance=tolerance)  # type: ignore[arg-type]
        is expected
    )
