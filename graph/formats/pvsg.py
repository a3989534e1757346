"""PVSG ground truth: one video's graph as people annotated it, read and written.

The shape is that of the per-video exports of the Panoptic Video Scene Graph data set:
``{"video_id", "fps", "n_frames", "time_unit": "seconds", "objects": [{"gt_id", "col",
"name", "is_thing"}], "relations": [{"subj", "pred", "obj", "spans": [[start, end]]}]}``.
Relations name objects by ``gt_id``, which counts from 1; ``col`` is the column of the
object's masks; spans end before their second time.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import Field

from reelgraph._atomic import replacing
from reelgraph.graph.formats.frames import described_video, merged, provenance
from reelgraph.graph.formats.parsing import Form, SourceFile
from reelgraph.graph.formats.predicate_kinds import predicate_kind
from reelgraph.graph.schema import (
    CAMERA,
    Interval,
    Relation,
    SceneGraph,
    SceneObject,
    VideoInfo,
)

__all__ = ["BACKGROUND", "read_pvsg", "write_pvsg"]

SOURCE: Final = "pvsg"

BACKGROUND: Final = "background"
"""Attribute of what PVSG calls stuff: floor, wall, sky."""


class _Thing(Form):
    gt_id: int
    name: str
    is_thing: bool = True


class _Statement(Form):
    subj: int
    pred: str
    obj: int
    spans: list[tuple[float, float]]


class _Export(Form):
    video_id: str
    fps: float = Field(gt=0)
    n_frames: int = Field(ge=1)
    time_unit: Literal["seconds"]
    objects: list[_Thing]
    relations: list[_Statement]


def read_pvsg(path: str | Path, *, video: VideoInfo | None = None) -> SceneGraph:
    """Read a PVSG graph.

    Spans of one relation that overlap or are out of order are merged. What is no thing
    gets the attribute `BACKGROUND`. The size of the picture is not in the file.

    Args:
        path: The file.
        video: The video; without it, what the file says of it.

    Raises:
        GraphFormatError: If the file cannot be read or has another shape.
    """
    file = SourceFile(Path(path), "PVSG graph", "Use the per-video export with times in seconds")
    export: _Export = file.parse(_Export)
    told = described_video(
        export.video_id, fps=export.fps, frame_count=export.n_frames, resolution_wh=(0, 0)
    )
    with file.checking("objects"):
        objects = tuple(map(_object, export.objects))
    with file.checking("relations"):
        relations = tuple(_relation(n, item) for n, item in enumerate(export.relations, start=1))
        return SceneGraph(
            video=video or told,
            objects=objects,
            relations=relations,
            provenance=provenance(SOURCE, frame_count=export.n_frames, video=video),
        )


def _object(item: _Thing) -> SceneObject:
    attributes = () if item.is_thing else (BACKGROUND,)
    return SceneObject(id=item.gt_id, label=item.name, attributes=attributes)


def _relation(number: int, item: _Statement) -> Relation:
    return Relation(
        id=f"r{number}",
        subject=item.subj,
        predicate=item.pred,
        object=item.obj,
        intervals=merged([Interval(start, end) for start, end in item.spans]),
        kind=predicate_kind(item.pred),
        source=SOURCE,
    )


def write_pvsg(document: SceneGraph, path: str | Path) -> None:
    """Write a graph in PVSG's shape; the video's file name becomes its id.

    It cannot hold: relations with the camera (left out), recipients, kinds, scores and
    sources of relations; attributes other than `BACKGROUND`, scores, doubts and presence
    of objects; of the video, more than its rate and number of frames; provenance.

    Raises:
        OSError: If the file cannot be written.
    """
    content = {
        "dataset": "pvsg",
        "video_id": Path(document.video.path).stem,
        "fps": document.video.fps,
        "n_frames": document.video.frame_count,
        "time_unit": "seconds",
        "objects": [_thing(item) for item in document.objects],
        "relations": list(_statements(document.relations)),
    }
    with replacing(path) as partial:
        partial.write_text(json.dumps(content, ensure_ascii=False, indent=1), encoding="utf-8")


def _thing(item: SceneObject) -> dict[str, Any]:
    is_thing = BACKGROUND not in item.attributes
    return {"col": item.id - 1, "gt_id": item.id, "name": item.label, "is_thing": is_thing}


def _statements(relations: Iterable[Relation]) -> Iterable[dict[str, Any]]:
    for r in relations:
        if CAMERA not in {r.subject, r.object}:
            spans = [list(interval) for interval in r.intervals]
            yield {"subj": r.subject, "pred": r.predicate, "obj": r.object, "spans": spans}
