"""Files of every format, named or told by their ending."""

from __future__ import annotations

from pathlib import Path

import pytest

from reelgraph.errors import GraphFormatError, QueryError
from reelgraph.graph.formats.files import FORMATS
from reelgraph.graph.schema import Interval, Relation, SceneGraph, SceneObject, VideoInfo
from reelgraph.graph.temporal import TemporalGraph

LOSSLESS = ["clip.json", "clip.graphml", "clip.parquet", "clip.arrow", "CLIP.GRAPHML", "clip"]


@pytest.fixture
def graph() -> TemporalGraph:
    video = VideoInfo(
        path="clip.mp4",
        sha256="0" * 64,
        duration_s=4.0,
        fps=25.0,
        frame_count=100,
        resolution_wh=(64, 48),
    )
    objects = (
        SceneObject(id=1, label="person", attributes=("red",), presence=(Interval(0, 4),)),
        SceneObject(id=2, label="ball", uncertain=True, presence=(Interval(0, 4),)),
    )
    holds = Relation(
        id="r1",
        subject=1,
        predicate="holds",
        object=2,
        intervals=(Interval(0.4, 1.2), Interval(2, 3.2)),
        kind="contact",
        source="geometry",
    )
    return TemporalGraph(SceneGraph(video=video, objects=objects, relations=(holds,)))


@pytest.mark.parametrize("name", LOSSLESS)
def test_the_ending_tells_the_format_and_nothing_is_lost(
    graph: TemporalGraph, tmp_path: Path, name: str
) -> None:
    graph.save(tmp_path / name)
    assert TemporalGraph.load(tmp_path / name).document == graph.document


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_every_format_does_what_it_is_listed_for(
    graph: TemporalGraph, tmp_path: Path, name: str
) -> None:
    form = FORMATS[name]
    path = tmp_path / f"file{form.endings[0] if form.endings else '.json'}"
    if not form.writes:
        with pytest.raises(GraphFormatError, match="not written"):
            graph.save(path, name)
        assert callable(form.reader)
        return
    graph.save(path, name)
    assert path.stat().st_size > 0
    if not form.reads:
        with pytest.raises(GraphFormatError, match="not read"):
            TemporalGraph.load(path, name)


def test_a_name_may_be_written_with_a_hyphen(graph: TemporalGraph, tmp_path: Path) -> None:
    graph.save(tmp_path / "clip.json", "node-link")
    assert TemporalGraph.load(tmp_path / "clip.json", "node-link").document == graph.document


def test_an_unknown_format_names_those_there_are(graph: TemporalGraph, tmp_path: Path) -> None:
    with pytest.raises(QueryError, match=r"'graphmll'.*graphml"):
        graph.save(tmp_path / "clip.json", "graphmll")


@pytest.mark.parametrize("name", sorted(set(FORMATS) - {"dot"}))
def test_a_file_that_cannot_be_written_is_named(
    graph: TemporalGraph, tmp_path: Path, name: str
) -> None:
    form = FORMATS[name]
    path = tmp_path / "no such folder" / f"file{form.endings[0] if form.endings else '.json'}"
    with pytest.raises(GraphFormatError, match="no such folder"):
        graph.save(path, name)
