"""What a graph holds, in counts, and what speaks against trusting it, in sentences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from reelgraph.graph import intervals as spans
from reelgraph.graph.schema import Document, SceneGraph, SceneObject
from reelgraph.graph.serialize import clean

__all__ = ["GraphStats", "diagnostics", "stats"]


class GraphStats(Document):
    """Counts of a graph; every table is sorted by count, then by name.

    Attributes:
        duration_s: Length of the video.
        objects: Number of objects.
        uncertain: How many of them have a guessed label.
        relations: Number of relations.
        covered_s: Seconds in which at least one relation holds.
        labels: Objects per label.
        predicates: Relations per predicate.
        kinds: Relations per kind.
        sources: Relations per generator.
    """

    duration_s: float
    objects: int
    uncertain: int
    relations: int
    covered_s: float
    labels: dict[str, int]
    predicates: dict[str, int]
    kinds: dict[str, int]
    sources: dict[str, int]


def stats(document: SceneGraph) -> GraphStats:
    """Return counts of a document's objects and relations."""
    objects, relations = document.objects, document.relations
    return GraphStats(
        duration_s=document.video.duration_s,
        objects=len(objects),
        uncertain=sum(item.uncertain for item in objects),
        relations=len(relations),
        covered_s=spans.duration(i for r in relations for i in r.intervals),
        labels=_counted(item.label for item in objects),
        predicates=_counted(r.predicate for r in relations),
        kinds=_counted(r.kind for r in relations),
        sources=_counted(r.source for r in relations),
    )


def diagnostics(document: SceneGraph) -> list[str]:
    """Return what a reader should know before trusting a document."""
    objects = sorted(document.objects, key=lambda item: item.id)
    related = {i for r in document.relations for i in (r.subject, r.object, r.recipient)}
    lonely = [item for item in objects if item.id not in related]
    unsure = [item for item in objects if item.uncertain]
    notes = [
        f"{record.tool}: {clean(warning, 300)}"
        for record in document.provenance
        for warning in record.warnings
    ]
    if not objects:
        notes.append("The graph has no objects.")
    if lonely:
        notes.append(f"In no relation: {_named(lonely)}.")
    if unsure:
        notes.append(f"The label is a guess for: {_named(unsure)}.")
    return notes


def _named(objects: Iterable[SceneObject]) -> str:
    return ", ".join(f"{clean(item.label)} #{item.id}" for item in objects)


def _counted(names: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(names).items(), key=lambda item: (-item[1], item[0])))
