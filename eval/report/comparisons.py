"""Arms compared in pairs, on the questions that both were asked."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence

from reelgraph.errors import EvalError
from reelgraph.eval import stats
from reelgraph.eval.log import Record
from reelgraph.eval.power import minimum_detectable_difference
from reelgraph.eval.report.systems import Answers, Frozen, Records

__all__ = ["Comparison", "GroupComparison", "comparisons_of", "pairs_of"]

_MAX_ALL_PAIRS = 6


class GroupComparison(Frozen):
    """A paired difference on one question type.

    Attributes:
        group: The type.
        difference: The first system's accuracy less the second's.
        holm_p: McNemar's p-value, corrected for all types by Holm.
        bh_p: The same by Benjamini and Hochberg.
    """

    group: str
    difference: stats.Difference
    holm_p: float
    bh_p: float


class Comparison(Frozen):
    """Two systems on the questions that both were asked.

    Attributes:
        first: Name of the system that is expected to be better.
        second: Name of the other.
        difference: The first's accuracy less the second's.
        holm_p: McNemar's p-value, corrected for all comparisons of the report by Holm.
        detectable: The true difference that so many questions, with this share of disagreement
            and this clustering, find in four of five runs; NaN if there is none.
        types: The same by question type.
    """

    first: str
    second: str
    difference: stats.Difference
    holm_p: float
    detectable: float
    types: tuple[GroupComparison, ...]


def pairs_of(
    names: Sequence[str], wanted: Sequence[tuple[str, str]] | None
) -> list[tuple[str, str]]:
    """Return which systems are compared, the one expected to be better first.

    Args:
        names: The systems' names.
        wanted: Pairs that were asked for; by default all of up to six systems, later against
            earlier, and of more each against the first.

    Raises:
        EvalError: If a pair names an unknown system.
    """
    if wanted is not None:
        for name in itertools.chain.from_iterable(wanted):
            if name not in names:
                raise EvalError(f"there is no arm {name!r} to compare; there are {[*names]}")
        return list(wanted)
    if len(names) > _MAX_ALL_PAIRS:
        return [(name, names[0]) for name in names[1:]]
    return [(later, earlier) for earlier, later in itertools.combinations(names, 2)]


def _paired(first: Records, second: Records) -> list[tuple[Record, Record]]:
    """Return the records of the questions that both systems were asked and that are graded."""
    return [
        (record, second[key])
        for key, record in first.items()
        if key in second and record.correct is not None and second[key].correct is not None
    ]


def comparisons_of(
    systems: Mapping[str, Answers], pairs: Sequence[tuple[str, str]]
) -> tuple[Comparison, ...]:
    """Compare pairs of systems; where nothing is graded there is no comparison.

    Raises:
        EvalError: If two systems share no question.
    """
    found = []
    for first, second in pairs:
        sides = systems[first].records, systems[second].records
        if rows := _paired(*sides):
            found.append((first, second, rows))
        elif all(any(r.correct is not None for r in side.values()) for side in sides):
            raise EvalError(f"arms {first!r} and {second!r} share no question to compare them on")
    differences = [_difference(rows) for _, _, rows in found]
    adjusted = stats.adjust_holm([item.mcnemar.p_value for item in differences])
    return tuple(
        Comparison(
            first=first,
            second=second,
            difference=difference,
            holm_p=p_value,
            detectable=_detectable(rows),
            types=_by_type(rows),
        )
        for (first, second, rows), difference, p_value in zip(
            found, differences, adjusted, strict=True
        )
    )


def _sides(rows: Sequence[tuple[Record, Record]]) -> tuple[list[bool], list[bool], list[str]]:
    return (
        [bool(a.correct) for a, _ in rows],
        [bool(b.correct) for _, b in rows],
        [a.cluster for a, _ in rows],
    )


def _difference(rows: Sequence[tuple[Record, Record]]) -> stats.Difference:
    return stats.difference(*_sides(rows))


def _by_type(rows: Sequence[tuple[Record, Record]]) -> tuple[GroupComparison, ...]:
    kinds = [record.type for record, _ in rows]
    if len(set(kinds)) < 2:
        return ()
    return tuple(
        GroupComparison(
            group=item.group, difference=item.difference, holm_p=item.holm_p, bh_p=item.bh_p
        )
        for item in stats.differences_by_group(*_sides(rows), kinds)
    )


def _detectable(rows: Sequence[tuple[Record, Record]]) -> float:
    first, second, clusters = _sides(rows)
    changes = [float(a) - float(b) for a, b in zip(first, second, strict=True)]
    discordant = sum(map(abs, changes)) / len(changes)
    effect = stats.design_effect(changes, clusters)
    if not discordant or not effect > 0:
        return math.nan
    return minimum_detectable_difference(len(rows), discordant=discordant, design_effect=effect)
