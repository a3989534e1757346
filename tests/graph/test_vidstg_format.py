"""VidSTG relations: many videos in one file, times in seconds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reelgraph.errors import GraphFormatError, QueryError
from reelgraph.graph.formats.vidstg import iter_vidstg, read_vidstg, write_vidstg
from reelgraph.graph.schema import CAMERA, Interval, SceneGraph


def video(**changes: Any) -> dict[str, Any]:
    return {
        "fps": 25,
        "frame_count": 250,
        "duration_s": 10.0,
        "width": 64,
        "height": 48,
        "objects": [{"tid": 0, "category": "adult"}, {"tid": 1, "category": "child"}],
        "relations": [
            {
                "subject": 1,
                "predicate": "hold_hand_of",
                "object": 0,
                "begin_fid": 10,
                "end_fid": 20,
                "begin_s": 0.4,
                "end_s": 0.8,
                "sentences": ["a child holds hand of an adult."],
            }
        ],
        "questions": [],
    } | changes


def saved(tmp_path: Path, content: object) -> Path:
    path = tmp_path / "graphs.json"
    path.write_text(json.dumps(content))
    return path


def test_one_of_many_videos_is_read(tmp_path: Path) -> None:
    path = saved(tmp_path, {"7": video(objects=[], relations=[]), "8": video()})
    document = read_vidstg(path, "8")
    (relation,) = document.relations
    assert (relation.subject, relation.predicate, relation.object) == (2, "hold hand of", 1)
    assert relation.intervals == (Interval(0.4, 0.8),)
    assert [o.label for o in document.objects] == ["adult", "child"]
    assert (document.video.path, document.video.duration_s) == ("8", 10.0)
    assert [name for name, _ in iter_vidstg(path)] == ["7", "8"]


@pytest.mark.parametrize(
    ("name", "message"), [(None, "holds several videos"), ("749239876", "no video '749239876'")]
)
def test_a_video_must_be_named_and_there(tmp_path: Path, name: str | None, message: str) -> None:
    path = saved(tmp_path, {"7492398760": video(), "1": video()})
    with pytest.raises(QueryError, match=f"{message}.*e.g. '7492398760'") as caught:
        read_vidstg(path, name)
    assert "7492398760" in caught.value.choices


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"fps": -1}, r"8\.fps: .*greater than 0"),
        ({"width": "wide"}, r"8\.width"),
        ({"objects": [{"tid": "a", "category": "dog"}]}, r"8\.objects\.0\.tid"),
        ({"objects": []}, r"8\.relations\.0: tid 1 is not among the objects"),
        ({"relations": {}}, r"8\.relations"),
    ],
)
def test_errors_name_file_video_and_place(
    tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(GraphFormatError, match=rf"graphs\.json.*{message}"):
        read_vidstg(saved(tmp_path, {"8": video(**changes)}))


def test_a_relation_that_ends_before_it_begins_is_named(tmp_path: Path) -> None:
    content = video()
    content["relations"][0]["end_s"] = 0.1
    with pytest.raises(GraphFormatError, match=r"8\.relations\.0: end_s 0.1 is before begin_s 0.4"):
        read_vidstg(saved(tmp_path, {"8": content}))


def named(text: str) -> str:
    return text.replace("_", " ").strip() or text.replace(" ", "_")


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_any_document_keeps_what_the_format_holds(
    tmp_path: Path, documents: st.SearchStrategy[SceneGraph], data: st.DataObject
) -> None:
    document = data.draw(documents)
    write_vidstg(document, tmp_path / "x.json")
    again = read_vidstg(tmp_path / "x.json")
    assert [(r.subject, r.predicate, r.object, r.intervals) for r in again.relations] == [
        (r.subject, named(r.predicate), r.object, (span,))
        for r in document.relations
        if CAMERA not in {r.subject, r.object}
        for span in r.intervals
    ]
    assert again.video == document.video.model_copy(update={"sha256": "", "rotation": 0})
    write_vidstg({again.video.path: again}, tmp_path / "y.json")
    assert read_vidstg(tmp_path / "y.json") == again


def test_every_human_graph_is_read_and_written_whole(tmp_path: Path, data_dir: Path) -> None:
    path = data_dir / "nextqa_vidor" / "graphs.json"
    raw = json.loads(path.read_text())
    documents = dict(iter_vidstg(path))
    assert len(documents) == 271
    assert sum(len(document.relations) for document in documents.values()) == 1740
    write_vidstg(documents, tmp_path / "again.json")
    again = json.loads((tmp_path / "again.json").read_text())
    kept = ("subject", "predicate", "object", "begin_s", "end_s")
    for name, content in raw.items():
        assert again[name]["objects"] == content["objects"]
        assert [[r[key] for key in kept] for r in again[name]["relations"]] == [
            [r[key] for key in kept] for r in content["relations"]
        ]
    assert dict(iter_vidstg(tmp_path / "again.json")) == documents
