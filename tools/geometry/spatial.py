"""Where objects are to each other in the picture: one direction of each inverse pair."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from reelgraph._types import Floats
from reelgraph.tools.geometry.config import GeometryConfig
from reelgraph.tools.geometry.contact import Pair
from reelgraph.tools.geometry.kinematics import Body
from reelgraph.tools.geometry.states import Flags, hysteresis

__all__ = ["State", "spatial_states"]

State = tuple[int, str, int, Flags]
"""Subject, predicate, object, and where it holds."""


def spatial_states(pair: Pair, config: GeometryConfig) -> Iterator[State]:
    """Yield the spatial states of a pair over the processed frames."""
    yield from _sides(pair, axis=0, predicate="left of")
    yield from _sides(pair, axis=1, predicate="above")
    yield from _nearness(pair, config)
    yield from _depth(pair)


def _sides(pair: Pair, *, axis: int, predicate: str) -> Iterator[State]:
    """Compare centres along one axis, in units of the boxes' half extents.

    The offset must dominate the other axis, so that a thing above is not also
    reported as slightly to the left.
    """
    offset = _signed_separation(pair, axis)
    across = np.abs(_signed_separation(pair, 1 - axis))
    dominant = offset - np.maximum(0.0, across - np.abs(offset)) * 10
    for subject, other, measure in (
        (pair.first, pair.second, dominant),
        (pair.second, pair.first, -offset - np.maximum(0.0, across - np.abs(offset)) * 10),
    ):
        yield subject.id, predicate, other.id, hysteresis(measure, on=0.9, off=0.6)


def _signed_separation(pair: Pair, axis: int) -> Floats:
    """Return how far the second's centre lies beyond the first's; 1 where boxes just touch."""
    extents = (_extent(pair.first, axis) + _extent(pair.second, axis)) / 2
    offset: Floats = pair.second.centers_xy[:, axis] - pair.first.centers_xy[:, axis]
    return offset / np.maximum(extents, 1.0)


def _extent(body: Body, axis: int) -> Floats:
    extent: Floats = body.boxes_xyxy[:, axis + 2] - body.boxes_xyxy[:, axis]
    return extent


def _nearness(pair: Pair, config: GeometryConfig) -> Iterator[State]:
    gap = pair.gap / pair.smaller.size
    near = hysteresis(-gap, on=-config.near_on, off=-config.near_off)
    yield pair.first.id, "near", pair.second.id, near
    overlap = hysteresis(_box_overlap(pair), on=0.3, off=0.15)
    yield pair.first.id, "overlaps", pair.second.id, overlap


def _box_overlap(pair: Pair) -> Floats:
    """Return the shared area as a share of the smaller box."""
    a, b = pair.first.boxes_xyxy, pair.second.boxes_xyxy
    shared = np.maximum(0.0, np.minimum(a[:, 2:], b[:, 2:]) - np.maximum(a[:, :2], b[:, :2]))
    smaller = np.minimum(
        _extent(pair.first, 0) * _extent(pair.first, 1),
        _extent(pair.second, 0) * _extent(pair.second, 1),
    )
    share: Floats = shared[:, 0] * shared[:, 1] / np.maximum(smaller, 1.0)
    return share


def _depth(pair: Pair) -> Iterator[State]:
    """Tell occlusion order from who is whole where the boxes overlap.

    A mask that the other one surrounds is seen in front of it, or, if the larger
    one carries it along, inside it.
    """
    enclosed = hysteresis(np.nan_to_num(pair.enclosure), on=0.8, off=0.6)
    carried = (enclosed & pair.larger.moving & pair.smaller.moving).sum() > enclosed.sum() / 2
    predicate = "inside" if carried else "in front of"
    yield pair.smaller.id, predicate, pair.larger.id, enclosed
    for front, back in ((pair.first, pair.second), (pair.second, pair.first)):
        yield front.id, "in front of", back.id, _hides(pair, front, back)


def _hides(pair: Pair, front: Body, back: Body) -> Flags:
    """Where ``back`` shows much less of itself than usual and ``front`` stands at the cut."""
    whole = np.nanmedian(_extent(back, 0) * _extent(back, 1))
    shown = _extent(back, 0) * _extent(back, 1) / max(1.0, float(whole))
    front_shown = _extent(front, 0) * _extent(front, 1)
    front_whole = front_shown / max(1.0, float(np.nanmedian(front_shown)))
    hidden = hysteresis(-np.nan_to_num(shown, nan=np.inf), on=-0.6, off=-0.75)
    hides: Flags = hidden & pair.touching & (np.nan_to_num(front_whole) > 0.9) & ~back.cut_off
    return hides
