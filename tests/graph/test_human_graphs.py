"""Graphs that people annotated (VidOR): every annotated fact is found again."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reelgraph.graph.schema import Interval, Relation, SceneGraph, SceneObject, VideoInfo
from reelgraph.graph.temporal import TemporalGraph


def _document(name: str, video: dict[str, Any]) -> SceneGraph:
    # VidOR counts objects from 0.
    relations = [
        Relation(
            id=f"r{i}",
            subject=r["subject"] + 1,
            predicate=r["predicate"],
            object=r["object"] + 1,
            intervals=(Interval(r["begin_s"], max(r["begin_s"], r["end_s"])),),
            kind="functional",
            source="people",
        )
        for i, r in enumerate(video["relations"], start=1)
    ]
    return SceneGraph(
        video=VideoInfo(
            path=f"{name}.mp4",
            sha256=name,
            duration_s=video["duration_s"],
            fps=video["fps"],
            frame_count=video["frame_count"],
            resolution_wh=(video["width"], video["height"]),
        ),
        objects=tuple(SceneObject(id=o["tid"] + 1, label=o["category"]) for o in video["objects"]),
        relations=tuple(relations),
    )


@pytest.fixture(scope="module")
def graphs(data_dir: Path) -> list[TemporalGraph]:
    videos = json.loads((data_dir / "nextqa_vidor" / "graphs.json").read_text())
    return [TemporalGraph(_document(name, video)) for name, video in videos.items()]


def _facts(graphs: list[TemporalGraph]) -> Iterator[tuple[TemporalGraph, Relation]]:
    for graph in graphs:
        for relation in graph.relations():
            yield graph, relation


def test_every_fact_is_found_by_its_words_and_its_time(graphs: list[TemporalGraph]) -> None:
    facts = list(_facts(graphs))
    assert len(facts) > 1000
    for graph, r in facts:
        subject, other = graph.object(r.subject).label, graph.object(r.object).label
        words = r.predicate.replace("_", " ")
        assert r in graph.relations(subject, words, other, at=r.start)
        assert r in graph.relations(subject, words, other, match="synonym")
        assert r in graph.timeline(r.object)
        assert r in graph.relations(r.subject, allen=("equals", r.intervals[0]))


def test_people_are_found_whatever_they_are_called(graphs: list[TemporalGraph]) -> None:
    for graph in graphs:
        human = [o.id for o in graph.objects() if o.label in {"adult", "child", "baby", "person"}]
        if human:
            assert [o.id for o in graph.objects("people")] == human


def test_every_log_keeps_to_its_budget(graphs: list[TemporalGraph]) -> None:
    for graph in graphs:
        assert len(graph.to_text(budget=200, count_tokens=len)) <= 200
        assert len(re.findall(r" r\d+$", graph.to_text(), re.MULTILINE)) == len(graph.relations())
