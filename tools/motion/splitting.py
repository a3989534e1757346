"""Splitting: what came apart later was two things all along.

A hand that brings a bottle enters as one patch with it. When it lets go, the bottle
is cut off from the patch, and is then followed backwards through the frames in which
the two were one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from reelgraph.tools.motion.division import Cue, divide
from reelgraph.tools.motion.propagation import flow_between, follow_labels
from reelgraph.tools.motion.thing import Thing
from reelgraph.tools.motion.view import BINS, Colours, Labels, View, colours_of

__all__ = ["apply_aliases", "split_back"]

Flow: TypeAlias = NDArray[np.int8]

LEARN_FRAMES = 10
GONE_FRAMES = 3
SUBSTANCE = 40


def apply_aliases(labels: Sequence[Labels], aliases: dict[int, int], highest: int) -> None:
    """Give parts that turned out to be one thing the same label, in place."""
    if not aliases:
        return
    table = np.arange(highest + 1, dtype=np.int16)
    for number in sorted(aliases):
        target = number
        while target in aliases:
            target = aliases[target]
        table[number] = target
    for image in labels:
        image[:] = table[image]


def split_back(
    views: Sequence[View], labels: Sequence[Labels], parts: Sequence[Thing], *, min_area: int
) -> None:
    """Follow things that were cut off from others back to where both came from, in place.

    Args:
        views: Consecutive frames.
        labels: Their labels.
        parts: Things that were cut off (`Thing.parent` is what from), in order of birth.
        min_area: Smallest area of a thing in pixels.
    """

    @cache
    def flow_after(row: int) -> Flow:
        """Return the flow to the next row in whole pixels, which is all that labels need."""
        flow = np.rint(flow_between(views[row], views[row + 1]))
        return np.clip(flow, -127, 127).astype(np.int8)

    for part in sorted(parts, key=lambda thing: -thing.number):
        areas = np.array([np.count_nonzero(image == part.number) for image in labels])
        # What is seen so little is a scrap, and may have any colour.
        if areas.sum() >= SUBSTANCE * min_area:
            start = int(np.flatnonzero(areas)[0])
            _trace_back(views, labels, flow_after, start, part.parent, part.number)


def _trace_back(
    views: Sequence[View],
    labels: Sequence[Labels],
    flow_after: Callable[[int], Flow],
    start: int,
    parent: int,
    part: int,
) -> None:
    """Divide the parent's mask in the frames before ``start`` between parent and part."""
    colours = {n: _learned(views, labels, start, n) for n in (parent, part)}
    if colours[part].sum() == 0:
        return
    usual = int((labels[start] == part).sum())
    gone = 0
    for row in range(start - 1, -1, -1):
        patch = labels[row] == parent
        if not patch.any():
            return
        moved = follow_labels(labels[row + 1], flow_after(row))
        if colours[parent].sum() == 0:
            labels[row][patch] = part
            continue
        divided = divide(
            views[row], patch, {n: Cue(moved == n, colours[n]) for n in (parent, part)}
        )
        labels[row][patch] = divided[patch]
        size = int((divided == part).sum())
        gone = gone + 1 if size < 0.15 * usual else 0
        if gone >= GONE_FRAMES:
            for late in range(row, min(row + GONE_FRAMES, start)):
                labels[late][labels[late] == part] = parent
            return


def _learned(
    views: Sequence[View], labels: Sequence[Labels], start: int, number: int
) -> NDArray[np.float32]:
    """Return a thing's colours in the first frames after it came apart."""
    total: Colours = np.zeros(BINS, np.float32)
    for row in range(start, min(start + LEARN_FRAMES, len(views))):
        mask = labels[row] == number
        if mask.any():
            total = total + colours_of(views[row], mask)
    return np.asarray(total / max(float(total.sum()), 1e-6), np.float32)
