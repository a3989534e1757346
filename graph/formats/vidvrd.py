"""VidVRD and VidOR: the annotation JSON of both data sets, read and written."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import Field

from reelgraph._atomic import replacing
from reelgraph.graph.formats.dataset_names import joined, spaced
from reelgraph.graph.formats.frames import (
    FrameRate,
    described_video,
    id_of,
    provenance,
    shown_boxes,
    tid_of,
)
from reelgraph.graph.formats.parsing import Form, SourceFile
from reelgraph.graph.formats.predicate_kinds import predicate_kind
from reelgraph.graph.schema import CAMERA, Relation, SceneGraph, SceneObject, VideoInfo
from reelgraph.graph.tracks import Tracks

__all__ = ["read_vidvrd", "write_vidvrd"]

_NAME = "vidvrd"
_FIX = "Compare it with the JSON files that the data set publishes, one video each"


class _Object(Form):
    tid: int = Field(ge=0)
    category: str = Field(min_length=1)


class _Box(Form):
    tid: int


class _Relation(Form):
    subject_tid: int
    object_tid: int
    predicate: str = Field(min_length=1)
    begin_fid: int = Field(ge=0)
    end_fid: int


class _Annotation(Form):
    video_id: str
    video_path: str | None = None
    frame_count: int = Field(ge=1)
    fps: float = Field(gt=0)
    width: int = Field(ge=1)
    height: int = Field(ge=1)
    objects: list[_Object] = Field(alias="subject/objects")
    trajectories: tuple[tuple[_Box, ...], ...] = ()
    relation_instances: list[_Relation]


def read_vidvrd(path: str | Path, *, video: VideoInfo | None = None) -> SceneGraph:
    """Read the annotation of one video.

    Object ids are the file's ``tid`` plus 1, for ids start at 1; names are written with
    spaces for underscores. Each relation instance becomes one relation, numbered in the
    file's order; ``end_fid`` is exclusive. An object is present where it has a box; the
    boxes themselves are not kept. Frames become seconds by the file's own frame rate.

    Args:
        path: The JSON file.
        video: What is known of the video; by default what the file says.

    Raises:
        GraphFormatError: If the file cannot be read or is not of this form.
    """
    source = SourceFile(Path(path), "VidVRD or VidOR annotation", _FIX)
    found = source.parse(_Annotation)
    with source.checking():
        return SceneGraph(
            video=video or _video(found),
            objects=tuple(_objects(source, found)),
            relations=tuple(_relations(source, found)),
            provenance=provenance(_NAME, frame_count=found.frame_count, video=video),
        )


def _video(found: _Annotation) -> VideoInfo:
    return described_video(
        found.video_path or found.video_id,
        fps=found.fps,
        frame_count=found.frame_count,
        resolution_wh=(found.width, found.height),
    )


def _objects(source: SourceFile, found: _Annotation) -> Iterator[SceneObject]:
    rate = FrameRate(found.fps)
    frames: dict[int, list[int]] = {item.tid: [] for item in found.objects}
    for frame, boxes in enumerate(found.trajectories):
        for tid in {box.tid for box in boxes}:
            if tid not in frames:
                raise source.error(f"trajectories.{frame}", f"tid {tid} is not in subject/objects")
            frames[tid].append(frame)
    for item in found.objects:
        yield SceneObject(
            id=id_of(item.tid),
            label=spaced(item.category),
            presence=rate.presence(frames[item.tid]),
        )


def _relations(source: SourceFile, found: _Annotation) -> Iterator[Relation]:
    rate = FrameRate(found.fps)
    known = {item.tid for item in found.objects}
    for number, item in enumerate(found.relation_instances):
        place = f"relation_instances.{number}"
        for tid in (item.subject_tid, item.object_tid):
            if tid not in known:
                raise source.error(place, f"tid {tid} is not in subject/objects")
        if item.end_fid < item.begin_fid:
            raise source.error(place, f"end_fid {item.end_fid} is before begin_fid")
        yield Relation(
            id=f"r{number + 1}",
            subject=id_of(item.subject_tid),
            predicate=spaced(item.predicate),
            object=id_of(item.object_tid),
            intervals=(rate.interval(item.begin_fid, item.end_fid),),
            kind=predicate_kind(item.predicate),
            source=_NAME,
        )


def write_vidvrd(document: SceneGraph, path: str | Path, *, tracks: Tracks | None = None) -> None:
    """Write the annotation of one video as VidOR's version 1.0.

    The format has one interval a relation, so a relation with several is written as
    several instances. It cannot hold: times between frames (they are rounded, and each
    instance lasts at least one frame), relations with the camera (left out), recipients,
    kinds, scores, sources and ids of relations, attributes, scores and doubts of objects,
    provenance, and the video's hash, rotation and exact duration. Spaces in names become
    underscores. Presence is written only with boxes, that is, with ``tracks``.

    Args:
        document: The graph.
        path: The file to write.
        tracks: Boxes of the objects on every frame; the data sets' own readers need them.

    Raises:
        OSError: If the file cannot be written.
    """
    with replacing(path) as partial:
        partial.write_text(json.dumps(_annotation(document, tracks)), encoding="utf-8")


def _annotation(document: SceneGraph, tracks: Tracks | None) -> dict[str, Any]:
    video = document.video
    width, height = video.resolution_wh
    return {
        "version": "VERSION 1.0",
        "video_id": Path(video.path).stem,
        "video_path": video.path,
        "frame_count": video.frame_count,
        "fps": video.fps,
        "width": width,
        "height": height,
        "subject/objects": [
            {"tid": tid_of(item.id), "category": joined(item.label)} for item in document.objects
        ],
        "trajectories": [] if tracks is None else list(_trajectories(document, tracks)),
        "relation_instances": list(_instances(document)),
    }


def _instances(document: SceneGraph) -> Iterator[dict[str, Any]]:
    rate = FrameRate(document.video.fps)
    for relation in document.relations:
        if CAMERA in {relation.subject, relation.object}:
            continue
        for begin, end in rate.spans(relation.intervals):
            yield {
                "subject_tid": tid_of(relation.subject),
                "object_tid": tid_of(relation.object),
                "predicate": joined(relation.predicate),
                "begin_fid": begin,
                "end_fid": end,
            }


def _trajectories(document: SceneGraph, tracks: Tracks) -> Iterator[list[dict[str, Any]]]:
    known = {item.id for item in document.objects}
    for boxes in shown_boxes(tracks):
        yield [
            {
                "tid": tid_of(object_id),
                "bbox": {"xmin": left, "ymin": top, "xmax": right - 1, "ymax": bottom - 1},
                "generated": int(filled),
                "tracker": "none",
            }
            for object_id, ((left, top, right, bottom), filled) in boxes.items()
            if object_id in known
        ]
