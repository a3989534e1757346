"""DOT: any label is shown as it is and none can break out of its quotes."""

from __future__ import annotations

import html
import re
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from reelgraph.graph.formats.dot import to_dot, write_dot
from reelgraph.graph.schema import CAMERA, Interval, Relation, SceneGraph, SceneObject, VideoInfo

VIDEO = VideoInfo(
    path="clip.mp4", sha256="00", duration_s=9, fps=25, frame_count=225, resolution_wh=(64, 36)
)
QUOTED = r'"((?:[^"\\]|\\.)*)"'
LINE = re.compile(
    rf"^  (?:node \[shape=box\]|(?:o\d+|camera)(?: -> (?:o\d+|camera))? "
    rf"\[label={QUOTED}(?:, (?:shape=ellipse|id={QUOTED}))?\]);$"
)


def graph(label: str = "ball", predicate: str = "hands") -> SceneGraph:
    return SceneGraph(
        video=VIDEO,
        objects=(
            SceneObject(id=1, label="person", attributes=("tall", "old")),
            SceneObject(id=2, label="person"),
            SceneObject(id=3, label=label),
        ),
        relations=(
            Relation(
                id="r1",
                subject=1,
                predicate=predicate,
                object=3,
                recipient=2,
                intervals=(Interval(0.5, 1.0), Interval(2.0, 2.25)),
                kind="event",
                source="geometry",
            ),
            Relation(
                id="r2",
                subject=1,
                predicate="leaves",
                object=CAMERA,
                intervals=(Interval(3.0, 4.0),),
                kind="event",
                source="geometry",
            ),
        ),
    )


def shown(quoted: str) -> str:
    """Return what Graphviz shows for a quoted label: escapes first, then entities."""
    return html.unescape(re.sub(r"\\(.)", r"\1", quoted))


def test_objects_are_nodes_and_relations_are_edges() -> None:
    assert to_dot(graph()) == (
        "digraph scene {\n"
        "  node [shape=box];\n"
        '  o1 [label="person #1 (tall, old)"];\n'
        '  o2 [label="person #2"];\n'
        '  o3 [label="ball #3"];\n'
        '  camera [label="camera", shape=ellipse];\n'
        '  o1 -> o3 [label="hands to person #2 [0.5-1.0 s, 2.0-2.2 s] (r1)", id="r1"];\n'
        '  o1 -> camera [label="leaves [3.0-4.0 s] (r2)", id="r2"];\n'
        "}\n"
    )


@example('"]; evil [label="x', "\\")
@example("\\", '\\"')
@example("&quot;", "&amp;lt;")
@example("\\N \\G <b>x</b>", "a\nb\r\n\x00c")
@given(st.text(min_size=1), st.text(min_size=1))
def test_any_text_is_shown_as_it_is(label: str, predicate: str) -> None:
    lines = to_dot(graph(label, predicate)).split("\n")
    assert lines[0] == "digraph scene {"
    assert lines[-2:] == ["}", ""]
    found = [LINE.match(line) for line in lines[1:-2]]
    assert all(found)
    labels = [shown(match[1] or "") for match in found if match]
    flat = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ufffe\uffff]+")
    assert labels[3] == f"{flat.sub(' ', label)} #3"
    assert labels[5].startswith(f"{flat.sub(' ', predicate)} to person #2 [")


@pytest.mark.parametrize("label", ["Kätzchen", "猫", "🐈"])
def test_the_file_is_utf_8(tmp_path: Path, label: str) -> None:
    write_dot(graph(label), tmp_path / "graph.dot")
    assert (tmp_path / "graph.dot").read_bytes().decode("utf-8") == to_dot(graph(label))
