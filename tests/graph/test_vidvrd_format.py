"""VidVRD and VidOR annotations: frames become times, and back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reelgraph.errors import GraphFormatError
from reelgraph.graph.formats.vidvrd import read_vidvrd, write_vidvrd
from reelgraph.graph.schema import CAMERA, Interval, SceneGraph, VideoInfo
from reelgraph.graph.tracks import Track, Tracks, encode_mask


def box(tid: int) -> dict[str, Any]:
    corners = {"xmin": 0, "ymin": 0, "xmax": 3, "ymax": 3}
    return {"tid": tid, "bbox": corners, "generated": 0, "tracker": "none"}


def annotation(**changes: Any) -> dict[str, Any]:
    return {
        "version": "VERSION 1.0",
        "video_id": "42",
        "video_path": "0009/42.mp4",
        "frame_count": 8,
        "fps": 4.0,
        "width": 640,
        "height": 480,
        "subject/objects": [
            {"tid": 0, "category": "child"},
            {"tid": 7, "category": "ball/sports_ball"},
        ],
        "trajectories": [[box(0)], [box(0), box(7)], [box(7)], [], [box(0)], [], [], []],
        "relation_instances": [
            {"subject_tid": 0, "object_tid": 7, "predicate": "watch", "begin_fid": 0, "end_fid": 2},
            {"subject_tid": 7, "object_tid": 0, "predicate": "in_front_of"}
            | {"begin_fid": 2, "end_fid": 8},
            {"subject_tid": 0, "object_tid": 7, "predicate": "watch", "begin_fid": 4, "end_fid": 6},
        ],
    } | changes


def saved(tmp_path: Path, content: object) -> Path:
    path = tmp_path / "42.json"
    path.write_text(json.dumps(content))
    return path


def test_an_annotation_is_read_by_hand_computed_times(tmp_path: Path) -> None:
    document = read_vidvrd(saved(tmp_path, annotation()))
    assert document.video == VideoInfo(
        path="0009/42.mp4",
        sha256="",
        duration_s=2.0,
        fps=4.0,
        frame_count=8,
        resolution_wh=(640, 480),
    )
    assert [(o.id, o.label, o.presence) for o in document.objects] == [
        (1, "child", (Interval(0, 0.5), Interval(1.0, 1.25))),
        (8, "ball/sports ball", (Interval(0.25, 0.75),)),
    ]
    assert [
        (r.id, r.subject, r.predicate, r.object, r.intervals, r.kind) for r in document.relations
    ] == [
        ("r1", 1, "watch", 8, (Interval(0, 0.5),), "attentional"),
        ("r2", 8, "in front of", 1, (Interval(0.5, 2.0),), "spatial"),
        ("r3", 1, "watch", 8, (Interval(1.0, 1.5),), "attentional"),
    ]


def test_a_video_that_is_known_replaces_what_the_file_says(tmp_path: Path) -> None:
    video = VideoInfo(
        path="x.mp4", sha256="ab", duration_s=3, fps=4, frame_count=12, resolution_wh=(64, 48)
    )
    document = read_vidvrd(saved(tmp_path, annotation()), video=video)
    assert document.video == video
    assert "8 frames, the video has 12" in document.provenance[0].warnings[0]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"fps": 0}, "fps: .*greater than 0"),
        ({"fps": "fast"}, "fps: .*'fast'"),
        ({"frame_count": 1.5}, "frame_count"),
        ({"subject/objects": None}, "subject/objects"),
        ({"subject/objects": [{"tid": 0}]}, r"subject/objects\.0\.category: Field required"),
        ({"trajectories": [[], [box(3)]]}, r"trajectories\.1: tid 3"),
        (
            {"relation_instances": [{"subject_tid": 0, "object_tid": 9, "predicate": "hug"}]},
            r"relation_instances\.0\.begin_fid",
        ),
    ],
)
def test_errors_name_file_and_place(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(GraphFormatError, match=rf"42\.json.*{message}"):
        read_vidvrd(saved(tmp_path, annotation(**changes)))


@pytest.mark.parametrize(
    ("change", "message"),
    [({"object_tid": 9}, "tid 9 is not"), ({"begin_fid": 5}, "end_fid 2 is before")],
)
def test_a_relation_that_makes_no_sense_is_named(
    tmp_path: Path, change: dict[str, int], message: str
) -> None:
    content = annotation()
    content["relation_instances"][0].update(change)
    with pytest.raises(GraphFormatError, match=rf"relation_instances\.0: {message}"):
        read_vidvrd(saved(tmp_path, content))


def test_objects_that_are_there_twice_are_an_error(tmp_path: Path) -> None:
    content = annotation(trajectories=[], relation_instances=[])
    content["subject/objects"].append({"tid": 0, "category": "dog"})
    with pytest.raises(GraphFormatError, match="object ids repeat"):
        read_vidvrd(saved(tmp_path, content))


def test_what_was_read_is_written_the_same(tmp_path: Path) -> None:
    content = annotation(trajectories=[])
    document = read_vidvrd(saved(tmp_path, content))
    write_vidvrd(document, tmp_path / "again.json")
    assert json.loads((tmp_path / "again.json").read_text()) == content


Fact = tuple[int, str, int, int, int]


def facts(document: SceneGraph) -> set[Fact]:
    """Return what VidVRD can hold of a document."""
    fps = document.video.fps
    return {
        (r.subject, named(r.predicate), r.object, begin, max(begin + 1, round(span.end * fps)))
        for r in document.relations
        for span in r.intervals
        for begin in [round(span.start * fps)]
        if CAMERA not in {r.subject, r.object}
    }


def named(text: str) -> str:
    return text.replace("_", " ").strip() or text.replace(" ", "_")


def apart(document: SceneGraph) -> bool:
    """Whether no two intervals of a relation share a frame."""
    gaps = (
        after.start - before.end
        for r in document.relations
        for before, after in zip(r.intervals, r.intervals[1:], strict=False)
    )
    lengths = (span.duration for r in document.relations for span in r.intervals)
    return min((*gaps, *lengths), default=1) > 0.1


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_any_document_keeps_what_the_format_holds(
    tmp_path: Path, documents: st.SearchStrategy[SceneGraph], data: st.DataObject
) -> None:
    document = data.draw(documents.filter(apart))
    write_vidvrd(document, tmp_path / "x.json")
    again = read_vidvrd(tmp_path / "x.json")
    assert facts(again) == facts(document)
    assert [(o.id, o.label) for o in again.objects] == [
        (o.id, named(o.label)) for o in document.objects
    ]
    write_vidvrd(again, tmp_path / "y.json")
    assert read_vidvrd(tmp_path / "y.json") == again


def test_boxes_of_tracks_are_written_for_every_frame(tmp_path: Path) -> None:
    document = read_vidvrd(saved(tmp_path, annotation()))
    mask = np.zeros((480, 640), dtype=np.bool_)
    mask[10:20, 30:50] = True
    track = Track(8, np.array([1]), np.array([[30.0, 10, 50, 20]]), (encode_mask(mask),))
    frames = np.array([0, 2, 4, 6])
    tracks = Tracks(document.video, frames, frames / 4, 2.0, (track,))
    write_vidvrd(document, tmp_path / "boxes.json", tracks=tracks)
    rows = json.loads((tmp_path / "boxes.json").read_text())["trajectories"]
    assert [len(row) for row in rows] == [0, 0, 1, 1, 0, 0, 0, 0]
    corners = {"xmin": 30, "ymin": 10, "xmax": 49, "ymax": 19}
    assert rows[2] == [{"tid": 7, "bbox": corners, "generated": 0, "tracker": "none"}]
    assert rows[3][0]["generated"] == 1
    again = read_vidvrd(tmp_path / "boxes.json")
    assert again.objects[1].presence == (Interval(0.5, 1.0),)
