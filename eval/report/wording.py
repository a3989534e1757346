"""How numbers of a report are written: percent, points, p-values, names of groups."""

from __future__ import annotations

import math

from reelgraph.eval.log import Run
from reelgraph.eval.report.comparisons import Comparison
from reelgraph.eval.report.summary import Report
from reelgraph.eval.report.systems import ALL, System
from reelgraph.eval.stats import Difference, Estimate

__all__ = [
    "UNKNOWN",
    "between",
    "columns",
    "definition",
    "group_title",
    "made_from",
    "p_value",
    "percent",
    "points",
    "points_between",
    "verdict",
]

UNKNOWN = "n/a"
"""What stands for a number that cannot be had."""

_LEVEL = 0.05
_MINUS = "\u2212"


def percent(value: float, digits: int = 2) -> str:
    """Return a share as percent.

    Example:
        >>> percent(0.5059), percent(0.5059, 1), percent(float("nan"))
        ('50.59', '50.6', 'n/a')
    """
    return UNKNOWN if math.isnan(value) else f"{100 * value:.{digits}f}"


def points(value: float) -> str:
    """Return a difference of shares in percentage points, with its sign.

    Example:
        >>> points(0.012), points(-0.5), points(-0.0001)
        ('+1.2', '−50.0', '0.0')
    """
    if math.isnan(value):
        return UNKNOWN
    text = f"{abs(100 * value):.1f}"
    return text if text == "0.0" else f"{'+' if value > 0 else _MINUS}{text}"


def between(estimate: Estimate) -> str:
    """Return the interval of a share in percent."""
    return _interval(percent(estimate.low, 1), percent(estimate.high, 1))


def points_between(estimate: Estimate) -> str:
    """Return the interval of a difference in percentage points."""
    return _interval(points(estimate.low), points(estimate.high))


def _interval(low: str, high: str) -> str:
    return "not estimable" if UNKNOWN in {low, high} else f"{low} to {high}"


def p_value(value: float) -> str:
    """Return a p-value with as many digits as matter.

    Example:
        >>> p_value(0.0312), p_value(0.00001), p_value(1.0)
        ('0.031', '<0.001', '1.000')
    """
    if math.isnan(value):
        return UNKNOWN
    return "<0.001" if value < 0.001 else f"{value:.3f}"


def group_title(name: str) -> str:
    """Return the name of a group of questions for people."""
    return "All questions" if name == ALL else name or "no type"


def columns(report: Report) -> list[str]:
    """Return the groups of questions that are shown, in order: all, large ones, types."""
    shown = [ALL, *report.groups, *report.types]
    held = {item.group for system in report.systems for item in system.accuracy}
    return [name for name in dict.fromkeys(shown) if name in held]


def verdict(comparison: Comparison) -> str:
    """Return in one sentence what a comparison shows, corrected for all that were made."""
    found: Difference = comparison.difference
    value, names = found.estimate, (comparison.first, comparison.second)
    if math.isnan(value.low):
        return f"{names[0]} and {names[1]} were compared on one video: nothing follows for others."
    if not found.mcnemar.only_first + found.mcnemar.only_second:
        return f"{names[0]} and {names[1]} are right on the same questions."
    if value.low <= 0 <= value.high:
        return (
            f"No difference between {names[0]} and {names[1]} is shown: {points(value.value)} "
            f"points, interval {points_between(value)}."
        )
    better, worse = names if value.low > 0 else names[::-1]
    ends = sorted((abs(value.low), abs(value.high)))
    ahead = (
        f"by {percent(abs(value.value), 1)} points "
        f"(interval {percent(ends[0], 1)} to {percent(ends[1], 1)})"
    )
    if comparison.holm_p < _LEVEL:
        return f"{better} is better than {worse} {ahead}."
    return (
        f"{better} is ahead of {worse} {ahead}, but not beyond doubt once corrected for all "
        f"comparisons here (Holm p {p_value(comparison.holm_p)})."
    )


def definition(system: System) -> str:
    """Return what an arm was shown: what is switched on, and values that are set."""
    told = {key: value for key, value in sorted(system.definition.items()) if value}
    if "graph" not in told:
        told.pop("told", None)  # How a graph is told; without one it says nothing.
    return ", ".join(_setting(key, value) for key, value in told.items())


def made_from(run: Run) -> list[tuple[str, str]]:
    """Return what a run was made from, each with a title: data, options, versions."""
    data = (f"{name} {digest[:16]}" for name, digest in sorted(run.data.items()))
    options = (
        _setting(key, value)
        for key, value in sorted(run.config.items())
        if value and key != "left_out"  # Among the notes.
    )
    versions = (f"{name} {version}" for name, version in sorted(run.versions.items()))
    rows = (("Data", data), ("Options", options), ("Versions", versions))
    return [(title, text) for title, parts in rows if (text := ", ".join(parts))]


def _setting(key: str, value: object) -> str:
    name = key.replace("_", " ")
    return name if value is True or value == key else f"{name} {value}"
