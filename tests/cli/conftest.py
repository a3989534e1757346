"""The command line on a prepared graph: no pixels are looked at unless a test wants it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from reelgraph.cli import app
from reelgraph.cli.services import Services
from reelgraph.errors import QueryError
from reelgraph.graph.schema import Interval, Relation, SceneGraph, SceneObject
from reelgraph.graph.temporal import TemporalGraph
from reelgraph.graph.tracks import Track, Tracks, encode_mask
from reelgraph.progress import NullProgress, Progress
from reelgraph.tools.video import Video

Run = Callable[..., Any]

CHOICE = "tracker motion and generator geometry: no GPU here"


class PreparedPipeline:
    """Says the same of every video: person 1 hands ball 3 to person 2."""

    choice = CHOICE

    def __init__(self) -> None:
        self.labels: dict[int, str] = {}
        self.built = 0

    def tracks(self, video: str | Path, *, progress: Progress = NullProgress()) -> Tracks:  # noqa: B008
        opened = Video.open(video)
        width, height = opened.info.resolution_wh
        rows = np.arange(len(opened.times_s))
        with progress.stage("Finding objects", len(rows)) as stage:
            stage.advance(len(rows))
        mask = np.zeros((height, width), bool)
        mask[: height // 2 + 1, : width // 2 + 1] = True
        boxes = np.array([[0, 0, width // 2 + 1, height // 2 + 1]] * len(rows), float)
        objects = tuple(Track(i, rows, boxes, (encode_mask(mask),) * len(rows)) for i in (1, 2, 3))
        return Tracks(opened.info, rows, opened.times_s, opened.end_s, objects)

    def graph(self, video: str | Path, *, progress: Progress = NullProgress()) -> TemporalGraph:  # noqa: B008
        self.built += 1
        info = self.tracks(video, progress=progress).video
        end = info.duration_s
        objects = tuple(
            SceneObject(id=i, label=name, uncertain=True, presence=(Interval(0, end),))
            for i, name in ((1, "person"), (2, "person"), (3, "ball"))
        )
        hands = Relation(
            id="r1",
            subject=1,
            predicate="hands",
            object=3,
            recipient=2,
            intervals=(Interval(end / 4, end / 2),),
            kind="event",
            score=0.9,
            source="geometry",
        )
        graph = TemporalGraph(SceneGraph(video=info, objects=objects, relations=(hands,)))
        return graph.relabel(self.labels) if self.labels else graph

    def relabel(self, video: str | Path, labels: Mapping[int, str]) -> TemporalGraph:
        if unknown := set(labels) - {1, 2, 3}:
            raise QueryError(f"no object has id {min(unknown)}; there are 1, 2, 3")
        self.labels.update(labels)
        return self.graph(video)


@pytest.fixture
def pipeline() -> PreparedPipeline:
    return PreparedPipeline()


@pytest.fixture
def run(pipeline: PreparedPipeline) -> Run:
    """Run a command on the prepared graph: ``run("ask", path, "Who?")``."""
    services = Services(pipeline=lambda settings: pipeline)  # type: ignore[arg-type, return-value]

    def invoke(*words: object, **options: Any) -> Any:
        return CliRunner(env={"COLUMNS": "100"}).invoke(
            app, [str(word) for word in words], obj=services, **options
        )

    return invoke


@pytest.fixture
def video(tmp_path: Path, make_video: Callable[..., Path]) -> Path:
    """A second of video in 25 frames."""
    times = tuple(range(0, 1000, 40))
    return make_video(tmp_path / "clip.mp4", times_ms=times, size=(160, 120))
