"""PVSG's human graphs are read and written without loss of what the format holds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reelgraph.errors import GraphFormatError
from reelgraph.graph.formats.predicate_kinds import predicate_kind
from reelgraph.graph.formats.pvsg import BACKGROUND, read_pvsg, write_pvsg
from reelgraph.graph.schema import CAMERA, Interval, Relation, SceneGraph, SceneObject, VideoInfo

EXPORT: dict[str, Any] = {
    "dataset": "pvsg",
    "video_id": "0004_1",
    "source": "vidor",
    "fps": 5.0,
    "n_frames": 287,
    "time_unit": "seconds",
    "objects": [
        {"col": 0, "gt_id": 1, "name": "floor", "is_thing": False},
        {"col": 1, "gt_id": 2, "name": "child", "is_thing": True},
    ],
    "relations": [
        {"subj": 2, "pred": "walking on", "obj": 1, "spans": [[0.0, 2.6], [4.2, 6.6]]},
        {"subj": 2, "pred": "standing on", "obj": 1, "spans": [[30.8, 44.8], [35.6, 44.6]]},
        {"subj": 2, "pred": "lying on", "obj": 1, "spans": [[21.0, 24.0], [0, 0.8]]},
    ],
}


def changed(path: Path, **values: Any) -> Path:
    path.write_text(json.dumps(EXPORT | values))
    return path


def test_a_graph_is_read(tmp_path: Path) -> None:
    graph = read_pvsg(changed(tmp_path / "a.json"))
    floor, child = graph.objects
    assert (floor.id, floor.label, floor.attributes) == (1, "floor", (BACKGROUND,))
    assert (child.id, child.label, child.attributes) == (2, "child", ())
    walking, standing, lying = graph.relations
    assert (walking.subject, walking.predicate, walking.object) == (2, "walking on", 1)
    assert walking.intervals == (Interval(0.0, 2.6), Interval(4.2, 6.6))
    assert standing.intervals == (Interval(30.8, 44.8),)
    assert lying.intervals == (Interval(0, 0.8), Interval(21.0, 24.0))
    assert (graph.video.path, graph.video.fps, graph.video.frame_count) == ("0004_1", 5.0, 287)
    assert graph.video.duration_s == pytest.approx(57.4)


def test_another_video_is_noticed(tmp_path: Path) -> None:
    path = changed(tmp_path / "a.json")
    video = read_pvsg(path).video.model_copy(update={"frame_count": 100, "path": "mine.mp4"})
    graph = read_pvsg(path, video=video)
    assert graph.video == video
    assert "287 frames" in graph.provenance[0].warnings[0]


@pytest.mark.parametrize(
    ("values", "place"),
    [
        ({"fps": 0}, "fps"),
        ({"time_unit": "frames"}, "time_unit"),
        ({"objects": 3}, "objects"),
        ({"objects": [{"gt_id": 0, "name": "floor"}]}, "objects"),
        ({"objects": [{"gt_id": 1, "name": "a"}, {"gt_id": 1, "name": "b"}]}, "repeat"),
        ({"relations": [{"subj": 9, "pred": "on", "obj": 1, "spans": [[0, 1]]}]}, "object 9"),
        ({"relations": [{"subj": 2, "pred": "on", "obj": 1, "spans": [[3, 1]]}]}, "ends? before"),
        ({"relations": [{"subj": 2, "pred": "on", "obj": 1, "spans": []}]}, "intervals"),
        ({"relations": [{"subj": 2, "pred": "on", "obj": 1, "spans": [["a", 1]]}]}, "relations.0"),
        ({"relations": [{"subj": 2, "pred": "", "obj": 1, "spans": [[0, 1]]}]}, "predicate"),
    ],
)  # fmt: skip
def test_a_malformed_graph_is_refused_with_file_and_place(
    tmp_path: Path, values: dict[str, Any], place: str
) -> None:
    path = changed(tmp_path / "wrong.json", **values)
    with pytest.raises(GraphFormatError, match=place) as caught:
        read_pvsg(path)
    assert "wrong.json" in str(caught.value)


@pytest.mark.parametrize("data", [b"", b"[]", b"\xff\xfe", b'{"video_id": ', b"[" * 100_000])
def test_other_files_are_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "other.json"
    path.write_bytes(data)
    with pytest.raises(GraphFormatError, match=r"other\.json"):
        read_pvsg(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(GraphFormatError, match=r"gone\.json"):
        read_pvsg(tmp_path / "gone.json")


def test_relations_with_the_camera_are_left_out(tmp_path: Path) -> None:
    graph = read_pvsg(changed(tmp_path / "a.json"))
    seen = graph.relations[0].model_copy(update={"object": CAMERA})
    write_pvsg(graph.model_copy(update={"relations": (seen, graph.relations[1])}), tmp_path / "b")
    assert [r.predicate for r in read_pvsg(tmp_path / "b").relations] == ["standing on"]


@st.composite
def graphs(draw: st.DrawFn) -> SceneGraph:
    words = st.text(min_size=1, max_size=10)
    frames, fps = draw(st.integers(1, 500)), draw(st.sampled_from([5.0, 24.0, 29.97]))
    ids = sorted(draw(st.sets(st.integers(1, 60), min_size=1, max_size=6)))
    objects = [
        SceneObject(id=k, label=draw(words), attributes=draw(st.sampled_from([(), (BACKGROUND,)])))
        for k in ids
    ]
    relations = []
    for number in range(1, draw(st.integers(1, 6))):
        cuts = sorted(draw(st.sets(st.floats(0, 1000), min_size=2, max_size=6)))
        predicate = draw(words)
        relations.append(
            Relation(
                id=f"r{number}",
                subject=draw(st.sampled_from(ids)),
                predicate=predicate,
                object=draw(st.sampled_from(ids)),
                intervals=tuple(map(Interval, cuts[::2], cuts[1::2])),
                kind=predicate_kind(predicate),
                source="pvsg",
            )
        )
    video = VideoInfo(
        path="clip",
        sha256="",
        duration_s=frames / fps,
        fps=fps,
        frame_count=frames,
        resolution_wh=(0, 0),
    )
    return SceneGraph(video=video, objects=tuple(objects), relations=tuple(relations))


@settings(deadline=None)
@given(graphs())
def test_a_graph_comes_back(tmp_path_factory: pytest.TempPathFactory, graph: SceneGraph) -> None:
    path = tmp_path_factory.getbasetemp() / "pvsg.json"
    write_pvsg(graph, path)
    back = read_pvsg(path)
    assert (back.video, back.objects, back.relations) == (
        graph.video,
        graph.objects,
        graph.relations,
    )


def test_the_real_graphs_are_read_and_come_back(data_dir: Path, tmp_path: Path) -> None:
    files = sorted((data_dir / "pvsg_traser" / "gt").iterdir())
    assert len(files) == 6
    for file in files:
        raw = json.loads(file.read_text())
        graph = read_pvsg(file)
        assert [o.label for o in graph.objects] == [o["name"] for o in raw["objects"]]
        assert [(r.subject, r.predicate, r.object) for r in graph.relations] == [
            (r["subj"], r["pred"], r["obj"]) for r in raw["relations"]
        ]
        assert max(r.end for r in graph.relations) <= graph.video.duration_s + 1e-9
        write_pvsg(graph, tmp_path / "again.json")
        assert read_pvsg(tmp_path / "again.json") == graph
