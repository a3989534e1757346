"""Damaged files of every format: an error about the file, or a document, and nothing else."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reelgraph.errors import GraphFormatError
from reelgraph.graph.formats.action_genome import iter_action_genome, read_action_genome
from reelgraph.graph.formats.graphml import read_graphml, write_graphml
from reelgraph.graph.formats.node_link import read_node_link, write_node_link
from reelgraph.graph.formats.svg2 import read_svg2, write_svg2
from reelgraph.graph.formats.table import read_table, write_table
from reelgraph.graph.formats.vidstg import iter_vidstg, read_vidstg, write_vidstg
from reelgraph.graph.formats.vidvrd import read_vidvrd, write_vidvrd
from reelgraph.graph.schema import Interval, Relation, SceneGraph, SceneObject, VideoInfo

DOCUMENT = SceneGraph(
    video=VideoInfo(
        path="clip", sha256="a", duration_s=2, fps=25, frame_count=50, resolution_wh=(64, 36)
    ),
    objects=(
        SceneObject(id=1, label="person", attributes=("tall",), presence=(Interval(0, 1),)),
        SceneObject(id=2, label="cup", uncertain=True, score=0.5),
    ),
    relations=tuple(
        Relation(
            id=f"r{number}",
            subject=1,
            predicate=predicate,
            object=2,
            intervals=(Interval(0, 0.4), Interval(1, 1.6)),
            kind=kind,
            source="x",
        )
        for number, (predicate, kind) in enumerate((("holds", "contact"), ("near", "spatial")))
    ),
)
KEY_FRAMES = {
    f"clip.mp4/{number:06d}.png": [
        {
            "class": "cup",
            "bbox": [1, 2, 3, 4],
            "attention_relationship": ["looking_at"],
            "spatial_relationship": ["in_front_of"],
            "contacting_relationship": ["holding"],
            "visible": True,
        }
    ]
    for number in (1, 20)
}


def write_key_frames(_: SceneGraph, path: Path) -> None:
    path.write_text(json.dumps(KEY_FRAMES))


def read_key_frames(path: Path) -> object:
    return list(iter_action_genome(path, fps=25))


def read_stage_6(path: Path) -> object:
    return read_svg2(path, fps=25)


Write = Callable[[SceneGraph, Path], None]
Read = Callable[[Path], object]
TEXT: list[Any] = [
    pytest.param(write_svg2, read_stage_6, "x.json", id="svg2"),
    pytest.param(write_vidvrd, read_vidvrd, "x.json", id="vidvrd"),
    pytest.param(write_vidstg, lambda path: list(iter_vidstg(path)), "x.json", id="vidstg"),
    pytest.param(write_node_link, read_node_link, "x.json", id="node-link"),
    pytest.param(write_key_frames, read_key_frames, "x.json", id="action-genome"),
]
ANY: list[Any] = [
    *TEXT,
    pytest.param(write_graphml, read_graphml, "x.graphml", id="graphml"),
    pytest.param(write_table, read_table, "x.parquet", id="parquet"),
    pytest.param(write_table, read_table, "x.arrow", id="arrow"),
]
ODD = st.sampled_from([None, True, -1, 0, 1.5, 1e308, 10**400, "", "x", "\x00", [], {}, [[]]])
FUZZ = settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def readable_or_refused(read: Read, path: Path) -> None:
    """Read a file; the only way to fail is an error that names it."""
    try:
        read(path)
    except GraphFormatError as error:
        assert path.name in str(error)  # noqa: PT017 - either end is right


@pytest.mark.parametrize(("write", "read", "name"), ANY)
def test_a_file_cut_short_is_refused(tmp_path: Path, write: Write, read: Read, name: str) -> None:
    path = tmp_path / name
    write(DOCUMENT, path)
    read(path)
    whole = path.read_bytes().rstrip()
    for end in (0, 1, len(whole) // 3, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:end])
        with pytest.raises(GraphFormatError, match=re.escape(name)):
            read(path)


@pytest.mark.parametrize(("write", "read", "name"), ANY)
def test_a_missing_file_is_named(tmp_path: Path, write: Write, read: Read, name: str) -> None:
    with pytest.raises(GraphFormatError, match=f"{re.escape(name)}.*cannot be read.*check"):
        read(tmp_path / name)


@pytest.mark.parametrize(("write", "read", "name"), TEXT)
@pytest.mark.parametrize(
    "content",
    ["null", "[]", "3", '"text"', "{}}", "[" * 100_000, '{"a":' * 100_000, "\ufeff{}", "1" * 5000],
    ids=lambda content: content[:6],
)
def test_other_json_is_refused(
    tmp_path: Path, write: Write, read: Read, name: str, content: str
) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(GraphFormatError, match=re.escape(name)):
        read(tmp_path / name)


def places(value: Any) -> list[tuple[Any, Any]]:
    """Return every container of a JSON value with each of its keys."""
    if not isinstance(value, dict | list):
        return []
    keys = list(value) if isinstance(value, dict) else list(range(len(value)))
    return [(value, key) for key in keys] + [p for key in keys for p in places(value[key])]


@pytest.mark.parametrize(("write", "read", "name"), TEXT)
@FUZZ
@given(data=st.data())
def test_wrong_types_and_missing_keys_are_refused_or_read(
    tmp_path: Path, data: st.DataObject, write: Write, read: Read, name: str
) -> None:
    path = tmp_path / name
    write(DOCUMENT, path)
    content = json.loads(path.read_text())
    for _ in range(data.draw(st.integers(1, 3))):
        found = places(content)
        if not found:
            break
        container, key = data.draw(st.sampled_from(found))
        if data.draw(st.booleans()):
            del container[key]
        else:
            container[key] = copy.deepcopy(data.draw(ODD))
    path.write_text(json.dumps(content))
    readable_or_refused(read, path)


@pytest.mark.parametrize(
    "change",
    [
        ('edgedefault="directed"', 'edgedefault="undirected"'),
        ('attr.type="boolean"', 'attr.type="colour"'),
        ('<node id="1">', '<node id="one">'),
        ('target="2"', 'target="77"'),
        ("&quot;", ""),
        ("person", "<b>person</b>"),
        ("[[0.0, 0.4], [1.0, 1.6]]", "[[0.0, 0.4], [0.1, 1.6]]"),
        ('<data key="d1">', '<data key="d99">'),
        ("</graph>", "</graph></graphml><graphml>"),
    ],
    ids=lambda change: change[0],
)
def test_damaged_graphml_is_refused_or_read(tmp_path: Path, change: tuple[str, str]) -> None:
    path = tmp_path / "x.graphml"
    write_graphml(DOCUMENT, path)
    path.write_text(path.read_text().replace(*change))
    readable_or_refused(read_graphml, path)


@FUZZ
@given(data=st.data())
def test_graphml_with_pieces_missing_is_refused_or_read(
    tmp_path: Path, data: st.DataObject
) -> None:
    path = tmp_path / "x.graphml"
    write_graphml(DOCUMENT, path)
    words = re.split(r'([<>"= ])', path.read_text())
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(words) - 1))
        words[place] = data.draw(st.sampled_from(["", "x", "-1", words[place] * 2]))
    path.write_text("".join(words))
    readable_or_refused(read_graphml, path)


def test_a_bomb_of_entities_is_refused(tmp_path: Path) -> None:
    levels = "".join(f'<!ENTITY e{i + 1} "{f"&e{i};" * 10}">' for i in range(12))
    text = f'<!DOCTYPE x [<!ENTITY e0 "ha">{levels}]><graphml><graph id="&e12;"/></graphml>'
    (tmp_path / "x.graphml").write_text(text)
    with pytest.raises(GraphFormatError, match=r"x\.graphml"):
        read_graphml(tmp_path / "x.graphml")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"fps": 25', r"the whole: Invalid JSON: EOF.*column 10"),
        (b"\xff\xfe{}", "Invalid JSON"),
    ],
)
def test_the_place_in_broken_json_is_told(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "x.json").write_bytes(content)
    with pytest.raises(GraphFormatError, match=message):
        read_vidvrd(tmp_path / "x.json")
    with pytest.raises(GraphFormatError, match=message):
        read_vidstg(tmp_path / "x.json", "1")
    with pytest.raises(GraphFormatError, match=message):
        read_action_genome(tmp_path / "x.json", "1", fps=25)
