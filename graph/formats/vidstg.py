"""VidSTG relations: many videos in one JSON file, with frames and seconds, read and written."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import Field

from reelgraph._atomic import replacing
from reelgraph.errors import QueryError
from reelgraph.graph.formats.dataset_names import joined, spaced
from reelgraph.graph.formats.frames import FrameRate, id_of, provenance, tid_of
from reelgraph.graph.formats.parsing import Form, SourceFile
from reelgraph.graph.formats.predicate_kinds import predicate_kind
from reelgraph.graph.schema import CAMERA, Interval, Relation, SceneGraph, SceneObject, VideoInfo

__all__ = ["iter_vidstg", "read_vidstg", "write_vidstg"]

_NAME = "vidstg"
_FIX = (
    "The form is {video: {fps, frame_count, duration_s, width, height, objects: [{tid, "
    "category}], relations: [{subject, predicate, object, begin_s, end_s}]}}"
)


class _Object(Form):
    tid: int = Field(ge=0)
    category: str = Field(min_length=1)


class _Relation(Form):
    subject: int
    predicate: str = Field(min_length=1)
    object: int
    begin_s: float
    end_s: float


class _Video(Form):
    fps: float = Field(gt=0)
    frame_count: int = Field(ge=1)
    duration_s: float = Field(ge=0)
    width: int = Field(ge=1)
    height: int = Field(ge=1)
    objects: list[_Object]
    relations: list[_Relation]


def read_vidstg(
    path: str | Path, video_id: str | None = None, *, video: VideoInfo | None = None
) -> SceneGraph:
    """Read the relations of one video.

    Object ids are the file's ``tid`` plus 1, for ids start at 1; names are written with
    spaces for underscores. Times are the file's seconds. Sentences and questions about a
    relation are not kept.

    Args:
        path: The JSON file.
        video_id: Which video; may be left out if the file has only one.
        video: What is known of the video; by default what the file says.

    Raises:
        GraphFormatError: If the file cannot be read or is not of this form.
        QueryError: If the file has no such video, or has several and none is named.
    """
    source = _source(path)
    videos = source.parse(dict[str, _Video])
    name = _chosen(source, videos, video_id)
    return _document(source, name, videos[name], video)


def iter_vidstg(path: str | Path) -> Iterator[tuple[str, SceneGraph]]:
    """Yield every video of the file as its name and its graph (see `read_vidstg`).

    Raises:
        GraphFormatError: If the file cannot be read or is not of this form.
    """
    source = _source(path)
    for name, found in source.parse(dict[str, _Video]).items():
        yield name, _document(source, name, found, None)


def _source(path: str | Path) -> SourceFile:
    return SourceFile(Path(path), "file of VidSTG relations", _FIX)


def _chosen(source: SourceFile, videos: Mapping[str, object], video_id: str | None) -> str:
    if video_id in videos:
        return str(video_id)
    if video_id is None and len(videos) == 1:
        return next(iter(videos))
    near = tuple(difflib.get_close_matches(video_id or "", videos, n=3)) or tuple(videos)[:3]
    what = "several videos" if video_id is None else f"no video {video_id!r}"
    raise QueryError(
        f"{str(source.path)!r} holds {what}; name one of its {len(videos)}, "
        f"e.g. {', '.join(map(repr, near)) or 'none'}",
        choices=near,
    )


def _document(source: SourceFile, name: str, found: _Video, video: VideoInfo | None) -> SceneGraph:
    with source.checking(name):
        return SceneGraph(
            video=video or _video(name, found),
            objects=tuple(
                SceneObject(id=id_of(item.tid), label=spaced(item.category))
                for item in found.objects
            ),
            relations=tuple(_relations(source, name, found)),
            provenance=provenance(_NAME, frame_count=found.frame_count, video=video),
        )


def _video(name: str, found: _Video) -> VideoInfo:
    return VideoInfo(
        path=name,
        sha256="",
        duration_s=found.duration_s,
        fps=found.fps,
        frame_count=found.frame_count,
        resolution_wh=(found.width, found.height),
    )


def _relations(source: SourceFile, name: str, found: _Video) -> Iterator[Relation]:
    known = {item.tid for item in found.objects}
    for number, item in enumerate(found.relations):
        place = f"{name}.relations.{number}"
        for tid in (item.subject, item.object):
            if tid not in known:
                raise source.error(place, f"tid {tid} is not among the objects")
        if item.end_s < item.begin_s:
            raise source.error(place, f"end_s {item.end_s} is before begin_s {item.begin_s}")
        yield Relation(
            id=f"r{number + 1}",
            subject=id_of(item.subject),
            predicate=spaced(item.predicate),
            object=id_of(item.object),
            intervals=(Interval(item.begin_s, item.end_s),),
            kind=predicate_kind(item.predicate),
            source=_NAME,
        )


def write_vidstg(document: SceneGraph | Mapping[str, SceneGraph], path: str | Path) -> None:
    """Write one video, or several by name.

    The format has one interval a relation, so a relation with several is written several
    times. It cannot hold: relations with the camera (left out), recipients, kinds, scores,
    sources and ids of relations, attributes, presence, scores and doubts of objects,
    provenance, and the video's hash and rotation. Spaces in names become underscores.
    Times are exact; frame numbers beside them are rounded.

    Args:
        document: The graph, named by its video's path, or several graphs by name.
        path: The file to write.

    Raises:
        OSError: If the file cannot be written.
    """
    documents = {document.video.path: document} if isinstance(document, SceneGraph) else document
    videos = {name: _entry(item) for name, item in documents.items()}
    with replacing(path) as partial:
        partial.write_text(json.dumps(videos, indent=1), encoding="utf-8")


def _entry(document: SceneGraph) -> dict[str, Any]:
    video = document.video
    width, height = video.resolution_wh
    return {
        "fps": video.fps,
        "frame_count": video.frame_count,
        "duration_s": video.duration_s,
        "width": width,
        "height": height,
        "objects": [
            {"tid": tid_of(item.id), "category": joined(item.label)} for item in document.objects
        ],
        "relations": list(_entries(document)),
    }


def _entries(document: SceneGraph) -> Iterator[dict[str, Any]]:
    rate = FrameRate(document.video.fps)
    for relation in document.relations:
        if CAMERA in {relation.subject, relation.object}:
            continue
        for interval in relation.intervals:
            begin, end = rate.span(interval)
            yield {
                "subject": tid_of(relation.subject),
                "predicate": joined(relation.predicate),
                "object": tid_of(relation.object),
                "begin_fid": begin,
                "end_fid": end,
                "begin_s": interval.start,
                "end_s": interval.end,
                "sentences": [],
            }
