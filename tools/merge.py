"""Layers become one document: checked, merged in order, and labelled by the user."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from reelgraph.graph.schema import (
    CAMERA,
    GraphLayer,
    Interval,
    LayerObject,
    LayerRecord,
    Relation,
    SceneGraph,
    SceneObject,
)
from reelgraph.graph.tracks import Track, Tracks

__all__ = ["MERGE_VERSION", "UNKNOWN_LABEL", "apply_labels", "checked_layer", "merge"]

MERGE_VERSION = "1"
"""Changes when the same tracks and layers may merge into another document."""

UNKNOWN_LABEL = "object"
"""Label of an object that no layer names."""


def checked_layer(layer: GraphLayer, tracks: Tracks, *, source: str) -> GraphLayer:
    """Return a layer that is true to its video: known objects, times inside it.

    What does not fit is left out or clipped, and a warning in the layer says so.

    Args:
        layer: What a generator said.
        tracks: The tracks it was asked about.
        source: The generator's name, which its relations carry.
    """
    ids = {track.id for track in tracks.objects}
    objects = {key: item for key, item in sorted(layer.objects.items()) if key in ids}
    strangers = {key for key in layer.objects if key not in ids}
    relations: list[Relation] = []
    clipped = outside = 0
    for relation in layer.relations:
        unknown = {relation.subject, relation.object, relation.recipient} - ids - {CAMERA, None}
        strangers.update(key for key in unknown if key is not None)
        inside = _clip(relation.intervals, tracks.video.duration_s)
        outside += not inside
        if unknown or not inside:
            continue
        clipped += inside != relation.intervals
        relations.append(relation.model_copy(update={"intervals": inside, "source": source}))
    notes = _notes(strangers, clipped, outside)
    return GraphLayer(
        source=source,
        objects=objects,
        relations=tuple(relations),
        warnings=(*layer.warnings, *notes),
    )


def _clip(intervals: Sequence[Interval], duration_s: float) -> tuple[Interval, ...]:
    """Return the parts of intervals inside the video; an instant inside it stays."""
    kept: list[Interval] = []
    for interval in intervals:
        if interval.start < 0 or interval.end > duration_s:
            start, end = max(0.0, interval.start), min(interval.end, duration_s)
            if start >= end:
                continue
            kept.append(Interval(start, end))
        else:
            kept.append(interval)
    return tuple(kept)


def _notes(strangers: set[int], clipped: int, outside: int) -> list[str]:
    notes = []
    if strangers:
        named = ", ".join(map(str, sorted(strangers)))
        notes.append(f"statements about unknown objects ({named}) were left out")
    if clipped:
        notes.append(f"{clipped} relations reached outside the video and were clipped")
    if outside:
        notes.append(f"{outside} relations lay outside the video and were left out")
    return notes


def merge(
    tracks: Tracks, layers: Sequence[GraphLayer], provenance: Sequence[LayerRecord]
) -> SceneGraph:
    """Merge checked layers into the document of a video.

    Relations stay apart by source and are numbered by (start, end, subject, predicate,
    object, source). A later layer's label wins over an earlier one's.

    Args:
        tracks: The video's objects, whose presence the document takes over.
        layers: What the generators said, in their order.
        provenance: Who said so.
    """
    said = [relation for layer in layers for relation in layer.relations]
    relations = (
        relation.model_copy(update={"id": f"r{number}"})
        for number, relation in enumerate(sorted(said, key=_place), start=1)
    )
    return SceneGraph(
        video=tracks.video,
        objects=tuple(_object(track, tracks, layers) for track in tracks.objects),
        relations=tuple(relations),
        provenance=tuple(provenance),
    )


def _place(relation: Relation) -> tuple[object, ...]:
    """Return what relations are sorted by; the last fields settle ties."""
    return (
        relation.start,
        relation.end,
        relation.subject,
        relation.predicate,
        relation.object,
        relation.source,
        relation.recipient or 0,
        relation.intervals,
        relation.kind,
        -1.0 if relation.score is None else relation.score,
    )


def _object(track: Track, tracks: Tracks, layers: Sequence[GraphLayer]) -> SceneObject:
    said = [layer.objects[track.id] for layer in layers if track.id in layer.objects]
    naming = next((item for item in reversed(said) if item.label), LayerObject())
    scores = (item.score for item in (naming, *reversed(said)) if item.score is not None)
    return SceneObject(
        id=track.id,
        label=naming.label or UNKNOWN_LABEL,
        # A dict keeps the order in which attributes were first said.
        attributes=tuple(dict.fromkeys(word for item in said for word in item.attributes)),
        uncertain=naming.uncertain,
        score=next(scores, track.score),
        presence=tracks.presence(track.id),
    )


def apply_labels(document: SceneGraph, labels: Mapping[int, str]) -> SceneGraph:
    """Return the document with the user's labels, which are certain and win over all.

    Labels of objects that the document does not have are ignored.
    """
    known = {item.id: labels[item.id] for item in document.objects if item.id in labels}
    if not known:
        return document
    objects = tuple(
        item.model_copy(update={"label": known[item.id], "uncertain": False})
        if item.id in known
        else item
        for item in document.objects
    )
    config = {str(key): known[key] for key in sorted(known)}
    record = LayerRecord(stage="labels", tool="user", version="1", config=config)
    provenance = (*document.provenance, record)
    return document.model_copy(update={"objects": objects, "provenance": provenance})
