"""SVG2: the scene graph of its pipeline's stage 6, read and written."""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import Field

from reelgraph._atomic import replacing
from reelgraph.graph.formats.frames import (
    FrameRate,
    described_video,
    id_of,
    merged,
    provenance,
    shown_boxes,
    tid_of,
)
from reelgraph.graph.formats.parsing import Form, SourceFile
from reelgraph.graph.formats.predicate_kinds import predicate_kind
from reelgraph.graph.schema import CAMERA, Kind, Relation, SceneGraph, SceneObject, VideoInfo
from reelgraph.graph.track_formats import traser_rows
from reelgraph.graph.tracks import Tracks

__all__ = ["read_svg2", "write_svg2"]

_NAME = "svg2"
_FIX = "Read the pipeline's stage6_scene_graph.json"
_UNCERTAIN = "(uncertain)"
_KINDS: dict[str, Kind] = {
    "functional": "functional",
    "stateful": "stateful",
    "motion": "motion",
    "social": "social",
    "attentional": "attentional",
    "event_level": "event",
}
_TYPES: dict[Kind, str] = {kind: name for name, kind in _KINDS.items()} | {"contact": "functional"}

_Spans = list[tuple[int, int]]


class _Trajectory(Form):
    frames: tuple[int, ...] = ()


class _Object(Form):
    object_id: int = Field(ge=0)
    name: str
    attributes: tuple[str, ...] = ()
    trajectory: _Trajectory = _Trajectory()


class _Relationships(Form):
    sampled_frame_indices: list[int]
    temporal: tuple[tuple[int, str, int, _Spans, str], ...] = ()
    spatial: tuple[tuple[int, str, int, _Spans], ...] = ()


class _Stage6(Form):
    video: str | None = None
    video_id: str | None = None
    height: int = Field(ge=1)
    width: int = Field(ge=1)
    total_frames: int = Field(ge=1)
    fps: float | None = Field(default=None, gt=0)
    objects: list[_Object] | None = None
    labels: dict[int, str] | None = None
    relationships: _Relationships


class _Statement(NamedTuple):
    place: str
    subject: int
    predicate: str
    object: int
    spans: _Spans
    kind: Kind


def read_svg2(
    path: str | Path, *, fps: float | None = None, video: VideoInfo | None = None
) -> SceneGraph:
    """Read a stage-6 scene graph, or its compact form with ``labels`` in place of ``objects``.

    Object ids are the file's plus 1, for ids start at 1; -1 stays the camera. Relations are
    numbered in the file's order, temporal ones first. A span counts sampled frames, both
    ends included; each sampled frame stands for the video frames up to the next one, the
    last one for those up to the end. ``(uncertain)`` in a name becomes the object's doubt.

    The file's relations are a language model's words that its pipeline does not check: one
    that names an object or a frame that is not there is left out with a warning, spans that
    overlap are merged. Not kept: descriptions, captioned actions and relationships, boxes
    and masks (the object is present where it has a box).

    Args:
        path: The JSON file.
        fps: Frame rate, which stage 6 does not state (a file that we wrote does).
        video: What is known of the video, in place of ``fps``.

    Raises:
        GraphFormatError: If the file cannot be read or is not of this form, or if neither
            the file nor the arguments tell the frame rate.
    """
    source = SourceFile(Path(path), "SVG2 stage-6 scene graph", _FIX)
    found = source.parse(_Stage6)
    rate = FrameRate(_frame_rate(source, found, fps, video))
    notes: list[str] = []
    with source.checking():
        objects = _objects(source, found, rate, notes)
        known = {CAMERA, *(item.id for item in objects)}
        return SceneGraph(
            video=video or _video(found, rate.fps),
            objects=objects,
            relations=tuple(_relations(source, found, rate, known, notes)),
            provenance=provenance(_NAME, notes, frame_count=found.total_frames, video=video),
        )


def _frame_rate(
    source: SourceFile, found: _Stage6, fps: float | None, video: VideoInfo | None
) -> float:
    known = fps or found.fps or (video.fps if video else None)
    if not known:
        raise source.error("fps", "not stated, and needed for times; give fps= or video=")
    return known


def _video(found: _Stage6, fps: float) -> VideoInfo:
    return described_video(
        found.video or found.video_id or "",
        fps=fps,
        frame_count=found.total_frames,
        resolution_wh=(found.width, found.height),
    )


def _objects(
    source: SourceFile, found: _Stage6, rate: FrameRate, notes: list[str]
) -> tuple[SceneObject, ...]:
    items = found.objects
    if items is None and found.labels is not None:
        items = [_Object(object_id=key, name=name) for key, name in found.labels.items()]
    if items is None:
        raise source.error("objects", "missing")
    return tuple(_object(item, rate, notes) for item in items)


def _object(item: _Object, rate: FrameRate, notes: list[str]) -> SceneObject:
    label = item.name.replace(_UNCERTAIN, "").strip()
    if not label:
        notes.append(f"object {item.object_id} has no name and is called 'object'")
    return SceneObject(
        id=id_of(item.object_id),
        label=label or "object",
        attributes=tuple(item.attributes),
        uncertain=_UNCERTAIN in item.name or not label,
        presence=rate.presence(sorted(set(item.trajectory.frames))),
    )


def _relations(
    source: SourceFile, found: _Stage6, rate: FrameRate, known: set[int], notes: list[str]
) -> Iterator[Relation]:
    edges = [*found.relationships.sampled_frame_indices, found.total_frames]
    if edges[0] < 0 or any(after <= before for before, after in pairwise(edges)):
        raise source.error(
            "relationships.sampled_frame_indices",
            f"must increase and stay below total_frames {found.total_frames}",
        )
    for number, item in enumerate(_statements(found.relationships), start=1):
        problem = _problem(item, known, len(edges) - 1)
        if problem:
            notes.append(f"{item.place} left out: {problem}")
            continue
        times = [rate.interval(edges[first], edges[last + 1]) for first, last in item.spans]
        yield Relation(
            id=f"r{number}",
            subject=_from_file(item.subject),
            predicate=item.predicate,
            object=_from_file(item.object),
            intervals=merged(times),
            kind=item.kind,
            source=_NAME,
        )


def _statements(relationships: _Relationships) -> Iterator[_Statement]:
    for number, (subject, predicate, other, spans, kind) in enumerate(relationships.temporal):
        sort = _KINDS.get(kind) or predicate_kind(predicate)
        place = f"relationships.temporal.{number}"
        yield _Statement(place, subject, predicate, other, spans, sort)
    for number, (subject, predicate, other, spans) in enumerate(relationships.spatial):
        place = f"relationships.spatial.{number}"
        yield _Statement(place, subject, predicate, other, spans, "spatial")


def _problem(item: _Statement, known: set[int], sampled: int) -> str:
    """Return why a statement cannot be kept, or nothing."""
    for end in (item.subject, item.object):
        if _from_file(end) not in known:
            return f"there is no object {end}"
    if not item.predicate or not item.spans:
        return "it has no predicate" if item.spans else "it has no time"
    for first, last in item.spans:
        if not 0 <= first <= last < sampled:
            return f"[{first}, {last}] is no span of {sampled} sampled frames"
    return ""


def _from_file(number: int) -> int:
    return CAMERA if number == CAMERA else id_of(number)


def _to_file(object_id: int) -> int:
    return CAMERA if object_id == CAMERA else tid_of(object_id)


def write_svg2(document: SceneGraph, path: str | Path, *, tracks: Tracks | None = None) -> None:
    """Write a stage-6 scene graph.

    Every frame where a relation begins or ends is a sampled frame, so times survive to the
    frame. The format cannot hold: times between frames (rounded; each span lasts at least
    one frame and ends with the video), recipients, scores, sources and ids of relations,
    contact relations (they become functional ones), scores of objects, provenance, and the
    video's hash, rotation and exact duration. Relations are written temporal ones first.

    Args:
        document: The graph.
        path: The file to write.
        tracks: Boxes and masks of the objects; without them only presence is written.

    Raises:
        OSError: If the file cannot be written.
    """
    with replacing(path) as partial:
        partial.write_text(json.dumps(_stage6(document, tracks)), encoding="utf-8")


def _stage6(document: SceneGraph, tracks: Tracks | None) -> dict[str, Any]:
    video = document.video
    return {
        "video": video.path,
        "height": video.resolution_wh[1],
        "width": video.resolution_wh[0],
        "total_frames": video.frame_count,
        "fps": video.fps,
        "objects": [_entry(item, video) for item in document.objects]
        if tracks is None
        else _tracked_entries(document, tracks),
        "relationships": _relationships(document),
    }


def _entry(item: SceneObject, video: VideoInfo) -> dict[str, Any]:
    spans = _clipped(FrameRate(video.fps).spans(item.presence), video.frame_count)
    frames = [frame for begin, end in spans for frame in range(begin, end)]
    return {
        "object_id": tid_of(item.id),
        "name": f"{item.label} {_UNCERTAIN}" if item.uncertain else item.label,
        "attributes": list(item.attributes),
        "relationships": [],
        "actions": [],
        "description": "",
        "trajectory": {
            "first_frame": frames[0] if frames else None,
            "frames": frames,
            "boxes": {},
            "masks": [],
        },
    }


def _tracked_entries(document: SceneGraph, tracks: Tracks) -> list[dict[str, Any]]:
    boxes = list(shown_boxes(tracks))
    rows = list(traser_rows(tracks))
    entries = []
    for item in document.objects:
        frames = [frame for frame, shown in enumerate(boxes) if item.id in shown]
        entry = _entry(item, document.video)
        entry["trajectory"] = {
            "first_frame": frames[0] if frames else None,
            "frames": frames,
            "boxes": {str(frame): _inclusive(boxes[frame][item.id][0]) for frame in frames},
            "masks": [row[item.id - 1] if item.id <= len(row) else None for row in rows],
        }
        entries.append(entry)
    return entries


def _inclusive(box: tuple[float, float, float, float]) -> list[int]:
    left, top, right, bottom = box
    return [int(left), int(top), int(right) - 1, int(bottom) - 1]


def _clipped(spans: Sequence[tuple[int, int]], frame_count: int) -> list[tuple[int, int]]:
    """Return spans within the video, each at least one frame, without repetition."""
    inside = [(min(begin, frame_count - 1), min(end, frame_count)) for begin, end in spans]
    return list(dict.fromkeys(inside))


def _relationships(document: SceneGraph) -> dict[str, Any]:
    rate, count = FrameRate(document.video.fps), document.video.frame_count
    spans = {r.id: _clipped(rate.spans(r.intervals), count) for r in document.relations}
    edges = sorted({0, count}.union(*(span for found in spans.values() for span in found)))
    temporal: list[list[Any]] = []
    spatial: list[list[Any]] = []
    for r in document.relations:
        shown = [[bisect_left(edges, a), bisect_left(edges, b) - 1] for a, b in spans[r.id]]
        entry = [_to_file(r.subject), r.predicate, _to_file(r.object), shown]
        if r.kind == "spatial":
            spatial.append(entry)
        else:
            temporal.append([*entry, _TYPES[r.kind]])
    return {"sampled_frame_indices": edges[:-1], "temporal": temporal, "spatial": spatial}
