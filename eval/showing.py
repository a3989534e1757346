"""What an arm shows of a video: its graph, spoilt or not, its captions, its frames."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from reelgraph.errors import EvalError
from reelgraph.eval.arms import Arm
from reelgraph.eval.benchmarks.question import Benchmark, Captions, GraphSource, Question
from reelgraph.eval.corruption import OTHER, corrupt, is_spoilt
from reelgraph.graph.schema import SceneGraph
from reelgraph.graph.temporal import TemporalGraph

if TYPE_CHECKING:
    from reelgraph.tools.pipeline import Pipeline

__all__ = ["Showing", "Shown"]

KEPT_GRAPHS: Final = 16


@dataclass(frozen=True)
class Shown:
    """What is shown of a video for one question.

    Attributes:
        graph: The graph, cut to the time that is asked about.
        graph_hash: Hash of its document, ``""`` without a graph.
        graph_text: The graph told as text, as much of it as fits.
        captions: The captions of the time that is asked about.
        video: The video file, for frames.
        frames: Times of the frames in seconds.
        media_hash: Hash of the video file's bytes, ``""`` if no frames are shown.
    """

    graph: TemporalGraph | None = None
    graph_hash: str = ""
    graph_text: str = ""
    captions: Captions = ()
    video: Path | None = None
    frames: tuple[float, ...] = ()
    media_hash: str = ""


class Showing:
    """Gets what arms show, from a benchmark's data or by building it from video.

    Args:
        benchmark: Where graphs, captions and videos are.
        seed: Of spoilt graphs.
        frames: How many frames are shown.
        graph_tokens: At most so many tokens of a graph are told.
        pipeline: Builds graphs of videos that have none; None if none are to be built.
    """

    def __init__(
        self,
        benchmark: Benchmark,
        *,
        seed: int = 0,
        frames: int = 8,
        graph_tokens: int = 4000,
        pipeline: Pipeline | None = None,
    ) -> None:
        self._benchmark = benchmark
        self._seed = seed
        self._frames = frames
        self._graph_tokens = graph_tokens
        self._pipeline = pipeline
        self._graphs: OrderedDict[str, tuple[TemporalGraph, str]] = OrderedDict()

    @property
    def builder(self) -> str:
        """What builds graphs of videos that have none, ``""`` if nothing does."""
        # What follows in brackets is why others cannot: that differs between machines.
        return "" if self._pipeline is None else self._pipeline.choice.partition(" (")[0]

    def lacks(self, arm: Arm, question: Question) -> str:
        """Return what an arm needs and a question's video does not have, ``""`` if nothing."""
        if arm.captions and question.video not in self._benchmark.captions:
            return "captions (--captions FILE)"
        if arm.frames and self._path(question) is None:
            return "a video file (--videos FOLDER)"
        if arm.graph and self._document(arm, question) is None and not self._builds(arm, question):
            drawn = "a graph that people drew, which the data does not have"
            return drawn if arm.graph == "truth" else "a graph (--graphs PATH or --videos FOLDER)"
        return ""

    def at_hand(self, arm: Arm, question: Question) -> bool:
        """Return whether an arm can be shown without building a graph."""
        return not arm.graph or self._document(arm, question) is not None

    def shown(self, arm: Arm, question: Question) -> Shown:
        """Return what an arm shows for a question.

        Raises:
            EvalError: If it needs what is not there.
            VideoError: If the video cannot be read.
        """
        graph, text, name = self._graph(arm, question) if arm.graph else (None, "", "")
        captions = self._captions(question) if arm.captions else ()
        if not arm.frames:
            return Shown(graph, name, text, captions)
        video = self._path(question)
        if video is None:
            raise EvalError(f"there is no video file of {question.video!r} to show frames of")
        about = video.stat()
        times, media_hash = _frames_of(
            video, question.during, self._frames, (about.st_mtime_ns, about.st_size)
        )
        return Shown(graph, name, text, captions, video, times, media_hash)

    def graph_hash(self, arm: Arm, question: Question) -> str:
        """Return the hash of the graph that the data gives a question, ``""`` if none."""
        document = self._document(arm, question)
        return "" if document is None else _hash(document)

    def _graph(self, arm: Arm, question: Question) -> tuple[TemporalGraph, str, str]:
        """Return a graph, as text, and the hash of its document."""
        document = self._document(arm, question)
        if document is None:
            document = self._built(arm, question)
        if arm.corruption:
            document = self._spoilt(arm, question, document)
        name = _hash(document)
        key = f"{name} {question.during}"
        if key not in self._graphs:
            graph = _part(TemporalGraph(document), question.during)
            self._graphs[key] = graph, graph.to_text("events", budget=self._graph_tokens)
            while len(self._graphs) > KEPT_GRAPHS:
                self._graphs.popitem(last=False)
        self._graphs.move_to_end(key)
        return *self._graphs[key], name

    def _spoilt(self, arm: Arm, question: Question, document: SceneGraph) -> SceneGraph:
        if arm.corruption != OTHER:
            return corrupt(document, arm.corruption, arm.rate, seed=self._seed)
        if not is_spoilt(question.video, OTHER, arm.rate, seed=self._seed):
            return document
        return self._document(arm, self._neighbour(arm, question)) or document

    def _neighbour(self, arm: Arm, question: Question) -> Question:
        """Return a question on the next video, by sorted name, that has a graph.

        Raises:
            EvalError: If there is no other.
        """
        first = {q.video: q for q in reversed(self._benchmark.questions)}
        names = sorted(first)
        place = names.index(question.video) + 1
        for name in [*names[place:], *names[: place - 1]]:
            if self._document(arm, first[name]) is not None:
                return first[name]
        raise EvalError(f"arm {arm.name!r} needs graphs of at least two videos")

    def _document(self, arm: Arm, question: Question) -> SceneGraph | None:
        source = self._source(arm)
        return None if source is None else source.graph(question)

    def _source(self, arm: Arm) -> GraphSource | None:
        if arm.graph == "truth":
            return self._benchmark.truth
        return self._benchmark.graphs or self._benchmark.truth

    def _builds(self, arm: Arm, question: Question) -> bool:
        """Return whether a graph can be built from the video's pixels."""
        wanted = arm.graph == "graph" and self._pipeline is not None
        return wanted and self._path(question) is not None

    def _built(self, arm: Arm, question: Question) -> SceneGraph:
        path = self._path(question)
        if arm.graph != "graph" or self._pipeline is None or path is None:
            raise EvalError(f"there is no graph of the video {question.video!r}")
        return self._pipeline.graph(path).document

    def _path(self, question: Question) -> Path | None:
        videos = self._benchmark.videos
        return None if videos is None else videos.path(question)

    def _captions(self, question: Question) -> Captions:
        told = self._benchmark.captions.get(question.video, ())
        if question.during is None:
            return told
        start, end = question.during
        return tuple((second, text) for second, text in told if start <= second < end)


def _hash(document: SceneGraph) -> str:
    """Return the hash of a graph, wherever its video lies."""
    video = document.video.model_copy(update={"path": Path(document.video.path).name})
    document = document.model_copy(update={"video": video})
    return hashlib.sha256(document.model_dump_json().encode()).hexdigest()[:16]


def _part(graph: TemporalGraph, during: tuple[float, float] | None) -> TemporalGraph:
    """Return the part of a graph that is asked about, the whole if its times lie elsewhere."""
    if during is None or during[0] >= graph.video.duration_s:
        return graph
    return graph.between(during[0], min(during[1], graph.video.duration_s))


@lru_cache(maxsize=256)
def _frames_of(
    path: Path,
    during: tuple[float, float] | None,
    count: int,
    version: tuple[int, int],  # noqa: ARG001 - a changed file is looked at anew
) -> tuple[tuple[float, ...], str]:
    """Return the times of evenly spread frames, each in the middle of its part, and the hash."""
    from reelgraph.tools.video import Video

    info = Video.open(path).info
    start, end = during or (0.0, info.duration_s)
    end = min(end, info.duration_s)
    step = (end - start) / count
    times: Sequence[float] = [start + (i + 0.5) * step for i in range(count)]
    return tuple(round(max(0.0, time), 3) for time in times), info.sha256
