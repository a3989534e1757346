"""How numbers of a report are written: percent, points, p-values, names of groups."""

from __future__ import annotations

import math

from reelgraph.eval.report.summary import ALL, Comparison, Report, System
from reelgraph.eval.stats import Difference, Estimate

__all__ = [
    "UNKNOWN",
    "between",
    "columns",
    "definition",
    "group_title",
    "p_value",
    "percent",
    "points",
    "points_between",
    "verdict",
]

UNKNOWN = "n/a"
"""What stands for a number that cannot be had."""

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
    """Return in one sentence what a comparison shows."""
    found: Difference = comparison.difference
    value, names = found.estimate, (comparison.first, comparison.second)
    if math.isnan(value.low):
        return f"{names[0]} and {names[1]} were compared on one video: nothing follows for others."
    if value.low > 0 or value.high < 0:
        better, worse = names if value.value > 0 else names[::-1]
        return (
            f"{better} is better than {worse} by {percent(abs(value.value), 1)} points "
            f"(interval {points_between(value)})."
        )
    return (
        f"No difference between {names[0]} and {names[1]} is shown: {points(value.value)} points, "
        f"interval {points_between(value)}."
    )


def definition(system: System) -> str:
    """Return what an arm was shown, as ``name=value`` pairs."""
    return ", ".join(f"{key}={value}" for key, value in sorted(system.definition.items()))
