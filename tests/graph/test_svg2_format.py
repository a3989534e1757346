"""SVG2 stage 6: sampled frames become times, and words that make no sense are left out."""

from __future__ import annotations

import itertools
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reelgraph.errors import GraphFormatError
from reelgraph.graph.formats.svg2 import read_svg2, write_svg2
from reelgraph.graph.schema import CAMERA, Interval, SceneGraph, VideoInfo
from reelgraph.graph.tracks import Track, Tracks, encode_mask

UNCERTAIN = "(uncertain)"


def thing(number: int, name: str, *frames: int) -> dict[str, Any]:
    return {
        "object_id": number,
        "name": name,
        "attributes": ["red"] if frames else [],
        "relationships": ["next to a wall"],
        "actions": [],
        "description": "A thing.",
        "trajectory": {"first_frame": 0, "frames": list(frames), "boxes": {}, "masks": []},
    }


def stage6(**changes: Any) -> dict[str, Any]:
    relationships = {
        "sampled_frame_indices": [0, 10, 20],
        "temporal": [
            [0, "runs across", 3, [[0, 1]], "motion"],
            [-1, "tracks", 0, [[0, 2]], "attentional"],
            [0, "throws", 3, [[1, 1], [2, 2]], "event_level"],
        ],
        "spatial": [[3, "on", 0, [[2, 2]]]],
    }
    return {
        "video": "clip",
        "height": 48,
        "width": 64,
        "total_frames": 25,
        "objects": [thing(0, "person", 0, 1, 2, 10), thing(3, "mat (uncertain)")],
        "relationships": relationships | changes.pop("relationships", {}),
    } | changes


def saved(tmp_path: Path, content: object) -> Path:
    path = tmp_path / "stage6.json"
    path.write_text(json.dumps(content))
    return path


def test_a_stage_6_graph_is_read_by_hand_computed_times(tmp_path: Path) -> None:
    document = read_svg2(saved(tmp_path, stage6()), fps=10)
    assert [(o.id, o.label, o.uncertain, o.attributes, o.presence) for o in document.objects] == [
        (1, "person", False, ("red",), (Interval(0, 0.3), Interval(1.0, 1.1))),
        (4, "mat", True, (), ()),
    ]
    assert [
        (r.id, r.subject, r.predicate, r.object, r.intervals, r.kind) for r in document.relations
    ] == [
        ("r1", 1, "runs across", 4, (Interval(0, 2.0),), "motion"),
        ("r2", CAMERA, "tracks", 1, (Interval(0, 2.5),), "attentional"),
        ("r3", 1, "throws", 4, (Interval(1.0, 2.0), Interval(2.0, 2.5)), "event"),
        ("r4", 4, "on", 1, (Interval(2.0, 2.5),), "spatial"),
    ]
    assert document.video.duration_s == 2.5
    assert document.provenance[0].warnings == ()


def test_without_a_frame_rate_the_error_says_what_to_give(tmp_path: Path) -> None:
    with pytest.raises(GraphFormatError, match=r"fps.*give fps= or video="):
        read_svg2(saved(tmp_path, stage6()))
    video = VideoInfo(
        path="x.mp4", sha256="ab", duration_s=2.5, fps=10, frame_count=25, resolution_wh=(64, 48)
    )
    assert read_svg2(saved(tmp_path, stage6()), video=video).video == video


@pytest.mark.parametrize(
    ("statement", "warning"),
    [
        ([0, "on", 9, [[0, 1]]], "spatial.0 left out: there is no object 9"),
        ([0, "on", 3, [[2, 1]]], r"\[2, 1\] is no span of 3 sampled frames"),
        ([0, "on", 3, [[0, 3]]], r"\[0, 3\] is no span of 3 sampled frames"),
        ([0, "on", 3, []], "it has no time"),
        ([0, "", 3, [[0, 1]]], "it has no predicate"),
    ],
)
def test_a_statement_that_makes_no_sense_is_left_out_and_said(
    tmp_path: Path, statement: list[object], warning: str
) -> None:
    content = stage6(relationships={"temporal": [], "spatial": [statement, [3, "on", 0, [[0, 0]]]]})
    document = read_svg2(saved(tmp_path, content), fps=10)
    assert [r.id for r in document.relations] == ["r2"]
    (note,) = document.provenance[0].warnings
    assert re.search(warning, note)


def test_spans_that_overlap_are_merged_and_a_nameless_thing_is_an_object(tmp_path: Path) -> None:
    content = stage6(
        relationships={"spatial": [[3, "on", 0, [[1, 2], [0, 1], [0, 1]]]], "temporal": []},
        objects=[thing(0, "person"), thing(3, "")],
    )
    document = read_svg2(saved(tmp_path, content), fps=10)
    assert document.relations[0].intervals == (Interval(0, 2.5),)
    assert (document.objects[1].label, document.objects[1].uncertain) == ("object", True)
    assert "object 3 has no name" in document.provenance[0].warnings[0]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"total_frames": 0}, "total_frames"),
        ({"objects": None}, "objects: missing"),
        ({"objects": [{"object_id": -2, "name": "x"}]}, r"objects\.0\.object_id"),
        ({"objects": [thing(1, "a"), thing(1, "b")]}, "object ids repeat"),
        ({"relationships": {"sampled_frame_indices": [0, 0]}}, "must increase"),
        ({"relationships": {"sampled_frame_indices": [0, 99]}}, "below total_frames 25"),
        ({"relationships": {"temporal": [[0, "on", 3]]}}, r"relationships\.temporal\.0\.3"),
    ],
)
def test_errors_name_file_and_place(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(GraphFormatError, match=rf"stage6\.json.*{message}"):
        read_svg2(saved(tmp_path, stage6(**changes)), fps=10)


def held(document: SceneGraph) -> list[object]:
    """Return what stage 6 can hold of a document whose times lie in the video."""
    fps = document.video.fps
    temporal = [r for r in document.relations if r.kind != "spatial"]
    spatial = [r for r in document.relations if r.kind == "spatial"]
    return [
        (
            r.subject,
            r.predicate,
            r.object,
            "functional" if r.kind == "contact" else r.kind,
            [(round(a * fps), max(round(a * fps) + 1, round(b * fps))) for a, b in r.intervals],
        )
        for r in (*temporal, *spatial)
    ]


def apart(document: SceneGraph) -> bool:
    """Whether no two intervals of a relation or object share a frame."""
    owners = [*(r.intervals for r in document.relations), *(o.presence for o in document.objects)]
    gaps = (b.start - a.end for spans in owners for a, b in itertools.pairwise(spans))
    return min((*gaps, *(s.duration for spans in owners for s in spans)), default=1) > 0.1


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_any_document_keeps_what_the_format_holds(
    tmp_path: Path, documents: st.SearchStrategy[SceneGraph], data: st.DataObject
) -> None:
    document = data.draw(documents.filter(apart))
    write_svg2(document, tmp_path / "x.json")
    again = read_svg2(tmp_path / "x.json")
    assert held(again) == held(document)
    assert [(o.id, o.attributes, len(o.presence)) for o in again.objects] == [
        (o.id, o.attributes, len(o.presence)) for o in document.objects
    ]
    for mine, yours in zip(again.objects, document.objects, strict=True):
        label = yours.label.strip()
        assert (mine.label, mine.uncertain) == (label or "object", yours.uncertain or not label)
    write_svg2(again, tmp_path / "y.json")
    assert read_svg2(tmp_path / "y.json").relations == again.relations


def test_a_relation_past_the_end_of_the_video_lasts_a_frame(tmp_path: Path) -> None:
    document = read_svg2(saved(tmp_path, stage6()), fps=10)
    late = document.relations[0].model_copy(update={"intervals": (Interval(7.0, 9.0),)})
    write_svg2(document.model_copy(update={"relations": (late,)}), tmp_path / "late.json")
    assert read_svg2(tmp_path / "late.json").relations[0].intervals == (Interval(2.4, 2.5),)


def test_boxes_and_masks_of_tracks_are_written(tmp_path: Path) -> None:
    document = read_svg2(saved(tmp_path, stage6()), fps=10)
    mask = np.zeros((48, 64), dtype=np.bool_)
    mask[10:20, 30:50] = True
    track = Track(4, np.array([1]), np.array([[30.0, 10, 50, 20]]), (encode_mask(mask),))
    frames = np.arange(25)
    tracks = Tracks(document.video, frames, frames / 10, 2.5, (track,))
    write_svg2(document, tmp_path / "masks.json", tracks=tracks)
    person, mat = json.loads((tmp_path / "masks.json").read_text())["objects"]
    assert person["trajectory"]["frames"] == []
    assert mat["trajectory"]["boxes"] == {"1": [30, 10, 49, 19]}
    counts = encode_mask(mask).decode()
    assert mat["trajectory"]["masks"][:3] == [None, {"size": [48, 64], "counts": counts}, None]
    assert mat["name"] == f"mat {UNCERTAIN}"


def test_the_pipelines_own_output_is_read(tmp_path: Path, data_dir: Path) -> None:
    path = data_dir / "svg2_pipeline_sav_000001" / "scene_graph_compact.json"
    raw = json.loads(path.read_text())
    document = read_svg2(path)
    assert {o.id - 1: o.label for o in document.objects} == {
        int(key): label or "object" for key, label in raw["labels"].items()
    }
    assert document.provenance[0].warnings == ("object 8 has no name and is called 'object'",)
    told = [*raw["relationships"]["temporal"], *raw["relationships"]["spatial"]]
    assert len(document.relations) == len(told) == 10
    times = {r.predicate: r.intervals for r in document.relations}
    assert times["falls onto"] == (Interval(3.0, 5.0),)
    assert times["tracks"] == (Interval(0.0, 5.0),)
    write_svg2(document, tmp_path / "again.json")
    assert read_svg2(tmp_path / "again.json").relations == document.relations
