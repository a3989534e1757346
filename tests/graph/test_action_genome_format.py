"""Action Genome: key frames become intervals, and its pickles cannot run code."""

from __future__ import annotations

import contextlib
import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelgraph.errors import GraphFormatError, QueryError
from reelgraph.graph.formats import inert_pickle
from reelgraph.graph.formats.action_genome import iter_action_genome, read_action_genome
from reelgraph.graph.schema import Interval, VideoInfo


def thing(name: str, attention: str, spatial: list[str], contact: list[str]) -> dict[str, Any]:
    return {
        "class": name,
        "bbox": (1.0, 2.0, 3.0, 4.0),
        "attention_relationship": [attention],
        "spatial_relationship": spatial,
        "contacting_relationship": contact,
        "visible": True,
        "metadata": {"tag": "x", "set": "train"},
    }


def hidden(name: str) -> dict[str, Any]:
    nothing = dict.fromkeys(f"{kind}_relationship" for kind in ("attention", "spatial"))
    return {"class": name, "bbox": None, "visible": False, **nothing}


def objects() -> dict[str, list[dict[str, Any]]]:
    """Key frames of one video at 10 frames a second: 0 s, 1 s, 1.5 s and 9 s."""
    book = thing("book", "looking_at", ["in_front_of"], ["holding", "touching"])
    closed = thing("book", "unsure", ["beneath"], ["not_contacting"])
    cup = thing("cup/glass/bottle", "not_looking_at", ["in_front_of"], ["drinking_from"])
    return {
        "001YG.mp4/000001.png": [book],
        "001YG.mp4/000011.png": [book, cup],
        "001YG.mp4/000016.png": [closed, cup, cup],
        "001YG.mp4/000091.png": [hidden("book"), cup],
        "9ABCD.mp4/000005.png": [closed],
    }


def people() -> dict[str, dict[str, Any]]:
    seen = {"bbox": [[0.0, 0.0, 9.0, 9.0]], "bbox_size": (480, 270), "bbox_mode": "xyxy"}
    return dict.fromkeys(objects(), seen) | {
        "001YG.mp4/000091.png": {"bbox": [], "bbox_size": (480, 270)}
    }


def as_json(folder: Path) -> Path:
    (folder / "object_bbox_and_relationship.json").write_text(json.dumps(objects()))
    (folder / "person_bbox.json").write_text(json.dumps(people()))
    return folder


def as_pickle(folder: Path) -> Path:
    persons = {key: dict(value) for key, value in people().items()}
    for value in persons.values():
        value["bbox"] = np.array(value["bbox"], dtype=np.float32).reshape(-1, 4)
        value["bbox_score"] = np.float32(0.5)
    (folder / "object_bbox_and_relationship.pkl").write_bytes(pickle.dumps(objects(), protocol=2))
    (folder / "person_bbox.pkl").write_bytes(pickle.dumps(persons, protocol=4))
    return folder


@pytest.mark.parametrize("released", [as_json, as_pickle], ids=["json", "pickle"])
def test_key_frames_are_read_by_hand_computed_times(
    tmp_path: Path, released: Callable[[Path], Path]
) -> None:
    document = read_action_genome(released(tmp_path), "001YG", fps=10)
    assert [(o.id, o.label, o.presence) for o in document.objects] == [
        (1, "person", (Interval(0, 2.5),)),
        (2, "book", (Interval(0, 2.5),)),
        (3, "cup/glass/bottle", (Interval(0.5, 2.5), Interval(8.0, 9.1))),
        (4, "cup/glass/bottle", (Interval(1.25, 2.5),)),
    ]
    told = {(r.subject, r.predicate, r.object, r.kind): r.intervals for r in document.relations}
    assert told == {
        (1, "looking at", 2, "attentional"): (Interval(0, 1.25),),
        (2, "in front of", 1, "spatial"): (Interval(0, 1.25),),
        (1, "holding", 2, "contact"): (Interval(0, 1.25),),
        (1, "touching", 2, "contact"): (Interval(0, 1.25),),
        (3, "in front of", 1, "spatial"): (Interval(0.5, 2.5), Interval(8.0, 9.1)),
        (1, "drinking from", 3, "contact"): (Interval(0.5, 2.5), Interval(8.0, 9.1)),
        (2, "beneath", 1, "spatial"): (Interval(1.25, 2.5),),
        (4, "in front of", 1, "spatial"): (Interval(1.25, 2.5),),
        (1, "drinking from", 4, "contact"): (Interval(1.25, 2.5),),
    }
    assert document.video.resolution_wh == (480, 270)
    assert [r.id for r in document.relations] == [f"r{i}" for i in range(1, 10)]


def test_reach_is_how_far_a_key_frame_speaks(tmp_path: Path) -> None:
    document = read_action_genome(as_json(tmp_path), "001YG.mp4", fps=10, reach_s=0.1)
    assert document.relations[0].intervals == (Interval(0, 0.1), Interval(0.9, 1.1))


@pytest.mark.parametrize(("duration_s", "last"), [(30, 10.0), (9.5, 9.5), (2.0, 2.0)])
def test_nothing_is_said_of_the_time_after_the_video(
    tmp_path: Path, duration_s: float, last: float
) -> None:
    video = VideoInfo(
        path="x.mp4",
        sha256="ab",
        duration_s=duration_s,
        fps=10,
        frame_count=int(duration_s * 10),
        resolution_wh=(64, 48),
    )
    document = read_action_genome(as_json(tmp_path), "001YG", video=video)
    assert max(r.end for r in document.relations) == last


def test_without_a_person_file_the_person_is_in_every_key_frame(tmp_path: Path) -> None:
    path = as_json(tmp_path)
    (path / "person_bbox.json").unlink()
    document = read_action_genome(path, "001YG.mp4", fps=10)
    assert document.objects[0].presence == (Interval(0, 2.5), Interval(8.0, 9.1))
    assert document.video.resolution_wh == (0, 0)


def test_every_video_is_read(tmp_path: Path) -> None:
    path = as_json(tmp_path) / "object_bbox_and_relationship.json"
    documents = dict(iter_action_genome(path, fps=10))
    assert list(documents) == ["001YG.mp4", "9ABCD.mp4"]
    assert documents["001YG.mp4"] == read_action_genome(path, "001YG", fps=10)


def test_frames_may_be_named_without_their_suffix(tmp_path: Path) -> None:
    whole = read_action_genome(as_json(tmp_path), "001YG", fps=10)
    for file in tmp_path.iterdir():
        file.write_text(file.read_text().replace(".png", ""))
    assert read_action_genome(tmp_path, "001YG", fps=10) == whole


def test_the_video_or_its_frame_rate_must_be_known(tmp_path: Path) -> None:
    path = as_json(tmp_path)
    with pytest.raises(QueryError, match=r"no video '001YH'; near are 001YG"):
        read_action_genome(path, "001YH", fps=10)
    with pytest.raises(GraphFormatError, match="give fps= or video="):
        read_action_genome(path, "001YG")
    video = VideoInfo(
        path="x.mp4", sha256="ab", duration_s=30, fps=10, frame_count=300, resolution_wh=(64, 48)
    )
    assert read_action_genome(path, "001YG", video=video).video == video


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("001YG.mp4", [], "key '001YG.mp4': a key is VIDEO/FRAME"),
        ("a.mp4/last.png", [], "the frame a number"),
        ("001YG.mp4/000002.png", 5, r"001YG\.mp4/000002: .*list"),
        ("001YG.mp4/000002.png", [{"visible": True}], r"001YG\.mp4/000002\.0\.class: Field requi"),
        ("001YG.mp4/000002.png", [thing("a", "x", [], []) | {"visible": "?"}], "0.visible"),
        ("001YG.mp4/000002.png", [thing("a", "", [], [])], "predicate"),
    ],
)
def test_errors_name_file_and_place(tmp_path: Path, key: str, value: object, message: str) -> None:
    path = tmp_path / "object_bbox_and_relationship.json"
    path.write_text(json.dumps(objects() | {key: value}))
    with pytest.raises(GraphFormatError, match=rf"relationship\.json.*{message}"):
        read_action_genome(tmp_path, "001YG", fps=10)


class Evil:
    def __init__(self, function: Callable[..., object], *arguments: object) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> Any:
        return self.call


@pytest.mark.parametrize(
    "value",
    [
        Evil(open, "made.txt", "w"),
        Evil(eval, "open('made.txt', 'w')"),
        Evil(np.load, "made.txt"),
        Path("x"),
        {"a": {1, 2}},
        np.array([{}], dtype=object),
        np.array(["text"]),
    ],
    ids=["open", "eval", "numpy load", "path", "set", "objects", "text"],
)
def test_a_pickle_of_more_than_data_is_refused_and_runs_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: object
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "object_bbox_and_relationship.pkl").write_bytes(pickle.dumps({"a": value}))
    with pytest.raises(GraphFormatError, match=r"relationship\.pkl.*plain data"):
        read_action_genome(tmp_path, "001YG", fps=10)
    assert not (tmp_path / "made.txt").exists()


@pytest.mark.parametrize("protocol", range(6))
def test_plain_values_and_arrays_come_back(protocol: int) -> None:
    grid = np.arange(6, dtype=">f4").reshape(2, 3)
    value = {
        "text": ["a", ("b", None, True)],
        "number": [1, -2.5, 2**70],
        "scalar": np.float32(0.5),
        "flag": np.bool_(1),
        "rows": grid,
        "columns": np.asfortranarray(np.arange(6, dtype=np.int64).reshape(2, 3)),
        "none": np.zeros((0, 4), dtype=np.float32),
    }
    assert inert_pickle.load(pickle.dumps(value, protocol=protocol)) == {
        "text": ["a", ["b", None, True]],
        "number": [1, -2.5, 2**70],
        "scalar": 0.5,
        "flag": True,
        "rows": [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]],
        "columns": [[0, 1, 2], [3, 4, 5]],
        "none": [],
    }


@given(st.data())
def test_a_damaged_pickle_gives_data_or_a_value_error(data: st.DataObject) -> None:
    content = bytearray(pickle.dumps({"a": [np.zeros(3), "text", 1.5], "b": (1, None)}))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    end = data.draw(st.integers(0, len(content)))
    with contextlib.suppress(ValueError):
        inert_pickle.load(bytes(content[:end]))
