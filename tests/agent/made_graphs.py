"""Small made graphs with tracks, and a pipeline that gives them without a video file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from reelgraph.graph.schema import CAMERA, Interval, Relation, SceneGraph, SceneObject, VideoInfo
from reelgraph.graph.temporal import TemporalGraph
from reelgraph.graph.tracks import Track, Tracks, encode_mask

Spans = list[tuple[float, float]]
Row = tuple[Any, ...]
SPATIAL = {"left of", "above", "in front of", "inside", "near", "overlaps"}
CONTACT = {"holds", "touches"}
MOTION = {"approaches", "moves away from", "follows", "moves", "stands still"}


def kind_of(predicate: str) -> str:
    for kind, words in (("spatial", SPATIAL), ("contact", CONTACT), ("motion", MOTION)):
        if predicate in words:
            return kind
    return "event"


def make_graph(duration_s: float, objects: list[Row], relations: list[Row]) -> TemporalGraph:
    """Build a graph from rows ``(id, label, attributes, presence)`` and
    ``(subject, predicate, object, spans[, recipient])``."""
    video = VideoInfo(
        path="made.mp4",
        sha256="0" * 64,
        duration_s=duration_s,
        fps=10.0,
        frame_count=max(1, round(duration_s * 10)),
        resolution_wh=(64, 36),
    )
    return TemporalGraph(
        SceneGraph(
            video=video,
            objects=tuple(
                SceneObject(id=i, label=label, attributes=tuple(traits), presence=_spans(seen))
                for i, label, traits, seen in objects
            ),
            relations=tuple(
                Relation(
                    id=f"r{n}",
                    subject=row[0],
                    predicate=row[1],
                    object=row[2],
                    intervals=_spans(row[3]),
                    kind=kind_of(row[1]),
                    source="geometry",
                    recipient=row[4] if len(row) > 4 else None,
                )
                for n, row in enumerate(relations, 1)
            ),
        )
    )


def _spans(pairs: Spans) -> tuple[Interval, ...]:
    return tuple(Interval(*pair) for pair in pairs)


def make_tracks(graph: TemporalGraph) -> Tracks:
    """Return tracks at ten frames a second with a box for each object while it is visible."""
    times = np.arange(graph.video.frame_count) / 10.0
    tracks = []
    for place, item in enumerate(graph.objects()):
        seen = [p for p, t in enumerate(times) if any(s.start <= t < s.end for s in item.presence)]
        mask = np.zeros((36, 64), dtype=bool)
        mask[5:15, 5 * place : 5 * place + 4] = True
        box = [5 * place, 5, 5 * place + 4, 15]
        tracks.append(
            Track(
                id=item.id,
                positions=np.array(seen, dtype=np.int64),
                boxes_xyxy=np.array([box] * len(seen), dtype=float),
                rles=(encode_mask(mask),) * len(seen),
            )
        )
    return Tracks(
        video=graph.video,
        frame_indices=np.arange(len(times), dtype=np.int64),
        times_s=times,
        end_s=graph.video.duration_s,
        objects=tuple(tracks),
    )


class MadePipeline:
    """Stands in for the pipeline: gives one made graph for every video."""

    choice = "made by a test"

    def __init__(self, graph: TemporalGraph) -> None:
        self._graph = graph
        self._tracks = make_tracks(graph)

    def tracks(self, video: str | Path, *, progress: object = None) -> Tracks:
        return self._tracks

    def graph(self, video: str | Path, *, progress: object = None) -> TemporalGraph:
        return self._graph

    def relabel(self, video: str | Path, labels: Mapping[int, str]) -> TemporalGraph:
        self._graph = self._graph.relabel(labels)
        return self._graph


def hand_over() -> TemporalGraph:
    """Two people, one hands a ball to the other; a third walks through."""
    whole = [(0.0, 12.0)]
    return make_graph(
        12.0,
        [
            (1, "person", ["red shirt"], whole),
            (2, "person", ["blue shirt"], whole),
            (3, "ball", ["yellow"], whole),
            (4, "person", ["green shirt"], [(7.0, 10.0)]),
        ],
        [
            (1, "holds", 3, [(0.0, 5.3)]),
            (1, "hands", 3, [(5.2, 5.6)], 2),
            (2, "holds", 3, [(5.4, 12.0)]),
            (1, "left of", 2, whole),
            (2, "approaches", 1, [(2.0, 4.5)]),
            (2, "moves away from", 1, [(6.5, 8.0)]),
            (4, "enters", CAMERA, [(7.0, 7.4)]),
            (4, "leaves", CAMERA, [(9.6, 10.0)]),
            (4, "in front of", 2, [(8.0, 9.0)]),
            (4, "moves", CAMERA, [(7.0, 10.0)]),
            (1, "near", 2, [(4.0, 7.0)]),
        ],
    )


def kitchen() -> TemporalGraph:
    """A person takes cups from a counter and puts them back; a knife, a bowl."""
    return make_graph(
        30.0,
        [
            (1, "person", ["grey shirt"], [(1.0, 29.0)]),
            (2, "cup", ["white"], [(0.0, 30.0)]),
            (3, "cup", ["green"], [(0.0, 30.0)]),
            (4, "bowl", [], [(0.0, 30.0)]),
            (5, "knife", [], [(12.0, 30.0)]),
        ],
        [
            (1, "picks up", 2, [(3.0, 3.5)]),
            (1, "holds", 2, [(3.0, 8.0)]),
            (1, "puts down", 2, [(7.6, 8.0)]),
            (1, "picks up", 3, [(10.0, 10.4)]),
            (1, "holds", 3, [(10.0, 14.0)]),
            (1, "puts down", 3, [(13.6, 14.0)]),
            (1, "picks up", 2, [(16.0, 16.4)]),
            (1, "holds", 2, [(16.0, 20.0)]),
            (1, "puts down", 2, [(19.5, 20.0)]),
            (1, "picks up", 5, [(22.0, 22.4)]),
            (1, "holds", 5, [(22.0, 28.0)]),
            (2, "left of", 3, [(0.0, 30.0)]),
            (3, "left of", 4, [(0.0, 30.0)]),
            (1, "touches", 4, [(24.0, 25.0)]),
            (5, "inside", 4, [(12.0, 22.0)]),
            (1, "enters", CAMERA, [(1.0, 1.5)]),
            (1, "leaves", CAMERA, [(28.6, 29.0)]),
        ],
    )


def street() -> TemporalGraph:
    """Cars and a cyclist pass; a dog follows a person."""
    return make_graph(
        20.0,
        [
            (1, "car", ["red"], [(0.0, 6.0)]),
            (2, "car", ["blue"], [(4.0, 12.0)]),
            (3, "person", ["black coat"], [(0.0, 20.0)]),
            (4, "dog", ["brown"], [(2.0, 20.0)]),
            (5, "bicycle", [], [(10.0, 16.0)]),
        ],
        [
            (1, "moves", CAMERA, [(0.0, 6.0)]),
            (2, "moves", CAMERA, [(4.0, 9.0)]),
            (2, "stands still", CAMERA, [(9.0, 12.0)]),
            (4, "follows", 3, [(3.0, 9.0), (13.0, 18.0)]),
            (1, "leaves", CAMERA, [(5.7, 6.0)]),
            (2, "enters", CAMERA, [(4.0, 4.4)]),
            (2, "leaves", CAMERA, [(11.7, 12.0)]),
            (5, "enters", CAMERA, [(10.0, 10.4)]),
            (5, "leaves", CAMERA, [(15.7, 16.0)]),
            (4, "near", 3, [(3.0, 18.0)]),
            (5, "approaches", 3, [(10.5, 12.5)]),
            (3, "behind", 2, [(6.0, 8.0)]),
            (4, "appears", CAMERA, [(2.0, 2.3)]),
        ],
    )


GRAPHS: dict[str, Callable[[], TemporalGraph]] = {
    "hand-over": hand_over,
    "kitchen": kitchen,
    "street": street,
}
