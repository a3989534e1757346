"""Clipping: the part of a document that lies in a window of time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from reelgraph.graph.intervals import overlap
from reelgraph.graph.schema import Document, Interval, Relation, SceneGraph, SceneObject

__all__ = ["restricted"]

DocumentT = TypeVar("DocumentT", bound=Document)


def restricted(
    document: SceneGraph,
    objects: Sequence[SceneObject],
    relations: Sequence[Relation],
    window: Interval,
    *,
    clip: bool,
) -> SceneGraph:
    """Return a document with only these objects and relations, as far as a window shows them.

    Args:
        document: What to take the rest from.
        objects: Those in the window.
        relations: Those in the window.
        window: Intervals without a moment in it are dropped.
        clip: Cut intervals to the window rather than leave them whole.
    """

    def kept(intervals: tuple[Interval, ...]) -> tuple[Interval, ...]:
        shared = (i for i in intervals if overlap(i, window))
        if not clip:
            return tuple(shared)
        return tuple(Interval(max(i.start, window.start), min(i.end, window.end)) for i in shared)

    return document.model_copy(
        update={
            "objects": tuple(_with(o, presence=kept(o.presence)) for o in objects),
            "relations": tuple(_with(r, intervals=kept(r.intervals)) for r in relations),
        }
    )


def _with(item: DocumentT, **changes: tuple[Interval, ...]) -> DocumentT:
    return item.model_copy(update=changes)
