"""Evidence: times, frames, boxes and masks, looked up for what an answer cites."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from reelgraph.agent.answer import Evidence, EvidenceFrame, MaskReference
from reelgraph.agent.facts import ResultRow
from reelgraph.agent.references import Reference, parse_reference, resolve
from reelgraph.graph.schema import CAMERA, Interval
from reelgraph.graph.temporal import TemporalGraph
from reelgraph.graph.tracks import Tracks

__all__ = ["gather_evidence"]


def gather_evidence(
    references: Iterable[Reference],
    graph: TemporalGraph,
    results: dict[str, ResultRow],
    tracks: Tracks | None,
) -> tuple[Evidence, ...]:
    """Return the evidence for every citation that exists, relations first.

    Args:
        references: Checked references.
        graph: The graph that they were checked against.
        results: Figures that tools computed.
        tracks: Masks and boxes; None leaves frames out.
    """
    references = list(references)
    rows = [results[r.key] for r in references if r.key in results]
    cited = list(dict.fromkeys(_expanded(references, results)))
    relations = [r for r in cited if r.object_id is None]
    objects = [r for r in cited if r.object_id is not None]
    shown = [_of_relation(r, span, graph, tracks) for r in relations for span in resolve(r, graph)]
    shown += [
        _of_result(row, Interval(*row["interval"]), tracks) for row in rows if row["interval"]
    ]
    known = {i for item in shown for i in item.objects}
    shown += [
        _of_object(r.object_id or 0, span, graph, tracks)
        for r in objects
        if r.index is not None or r.object_id not in known
        for span in _stays(r, graph)
    ]
    return tuple({(e.relation, e.objects, e.interval): e for e in shown}.values())


def _expanded(
    references: Iterable[Reference], results: dict[str, ResultRow]
) -> Iterable[Reference]:
    """Replace figures by what they were computed from; drop the part of the time."""
    for reference in references:
        if row := results.get(reference.key):
            yield from (r for i in row["relations"] if (r := parse_reference(i)))
            yield from (Reference(f"o{i}") for i in row["objects"])
        elif reference.key != "video":
            yield Reference(reference.key, reference.index)


def _of_relation(
    reference: Reference, span: Interval, graph: TemporalGraph, tracks: Tracks | None
) -> Evidence:
    relation = graph.relation(reference.key)
    ends = (relation.subject, relation.object, relation.recipient)
    ids = tuple(i for i in ends if i is not None and i != CAMERA)
    return _evidence(relation.id, ids, span, graph.describe(relation), tracks)


def _of_result(row: ResultRow, span: Interval, tracks: Tracks | None) -> Evidence:
    """Return the time in which a figure holds, with the objects that were counted."""
    return _evidence(None, tuple(row["objects"]), span, row["text"], tracks)


def _stays(reference: Reference, graph: TemporalGraph) -> Sequence[Interval]:
    return resolve(reference, graph)[:1] or (Interval(0.0, 0.0),)


def _of_object(
    object_id: int, span: Interval, graph: TemporalGraph, tracks: Tracks | None
) -> Evidence:
    return _evidence(None, (object_id,), span, f"{graph.name(object_id)} is visible", tracks)


def _evidence(
    relation: str | None,
    ids: tuple[int, ...],
    span: Interval,
    sentence: str,
    tracks: Tracks | None,
) -> Evidence:
    frames = tuple(_frame(p, ids, tracks) for p in _positions(span, tracks)) if tracks else ()
    masks = tuple(
        MaskReference(object_id=i, frame_index=f.frame_index) for f in frames for i in f.boxes_xyxy
    )
    return Evidence(
        relation=relation,
        objects=ids,
        interval=span,
        sentence=sentence,
        frames=frames,
        masks=masks,
    )


def _positions(span: Interval, tracks: Tracks | None) -> list[int]:
    """Return the first, the middle and the last processed frame of an interval."""
    if tracks is None or len(tracks.times_s) == 0:
        return []
    first = tracks.position_at(span.start)
    last = max(first, tracks.position_at(span.end) - (span.end > span.start))
    return sorted({first, (first + last) // 2, last})


def _frame(position: int, ids: tuple[int, ...], tracks: Tracks) -> EvidenceFrame:
    boxes: dict[int, tuple[float, float, float, float]] = {}
    known = {track.id: track for track in tracks.objects}
    for i in ids:
        row = known[i].row(position) if i in known else None
        if row is not None:
            x0, y0, x1, y1 = map(float, known[i].boxes_xyxy[row])
            boxes[i] = (x0, y0, x1, y1)
    return EvidenceFrame(
        frame_index=int(tracks.frame_indices[position]),
        time_s=float(tracks.times_s[position]),
        boxes_xyxy=boxes,
    )
