"""The drawings of the report's page: bars, whiskers and shades, as SVG and classes.

Everything is drawn with attributes, never inline styles, so that the page's security policy
can forbid these.
"""

from __future__ import annotations

import math

from reelgraph.eval.stats import Estimate

__all__ = ["accuracy_bar", "difference_range", "difference_whisker", "shade"]

_WIDTH, _HEIGHT = 320, 22
_SHADES = 10


def accuracy_bar(estimate: Estimate, chance: float) -> str:
    """Return a bar from 0 to 100 % with its interval and a mark at chance level."""
    middle = _HEIGHT / 2
    grid = "".join(_line("grid", x, 0, x, _HEIGHT) for x in (0, 80, 160, 240, 320))
    bar = f'<rect class="bar" x="0" y="4" width="{_at(estimate.value)}" height="{_HEIGHT - 8}"/>'
    mark = "" if math.isnan(chance) else _line("chance", _x(chance), 0, _x(chance), _HEIGHT)
    whisker = _whisker(_x(estimate.low), _x(estimate.high), middle)
    return _svg(grid + bar + mark + whisker)


def difference_range(estimates: list[Estimate]) -> float:
    """Return how far from 0 a common axis of differences must reach."""
    ends = [abs(end) for item in estimates for end in (item.low, item.high, item.value)]
    return max([0.01, *(end for end in ends if not math.isnan(end))])


def difference_whisker(estimate: Estimate, reach: float) -> str:
    """Return a dot with its interval on an axis from ``-reach`` to ``reach``."""

    def x(value: float) -> float:
        return _WIDTH / 2 * (1 + 0.95 * value / reach)

    middle = _HEIGHT / 2
    zero = _line("zero", _WIDTH / 2, 0, _WIDTH / 2, _HEIGHT)
    side = "gain" if estimate.low > 0 else "loss" if estimate.high < 0 else "open"
    dot = f'<circle class="{side}" cx="{x(estimate.value):.1f}" cy="{middle:.1f}" r="4"/>'
    return _svg(zero + _whisker(x(estimate.low), x(estimate.high), middle) + dot)


def shade(value: float, low: float, high: float) -> str:
    """Return the class of a heat map's cell: ``heat0`` for ``low`` to ``heat10`` for ``high``."""
    if math.isnan(value):
        return "heat-none"
    share = (value - low) / (high - low) if high > low else 0.5
    return f"heat{round(_SHADES * min(1.0, max(0.0, share)))}"


def _x(share: float) -> float:
    return _WIDTH * share


def _at(share: float) -> str:
    return f"{_x(share):.1f}"


def _line(name: str, x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line class="{name}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def _whisker(low: float, high: float, y: float) -> str:
    if math.isnan(low) or math.isnan(high):
        return ""
    caps = "".join(_line("whisker", x, y - 4, x, y + 4) for x in (low, high))
    return _line("whisker", low, y, high, y) + caps


def _svg(body: str) -> str:
    return (
        f'<svg class="chart" viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" '
        f'height="{_HEIGHT}" aria-hidden="true">{body}</svg>'
    )
