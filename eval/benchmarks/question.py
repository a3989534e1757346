"""What a benchmark is: questions, and where their graphs, captions and videos are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TypeAlias

from reelgraph.graph.schema import SceneGraph

__all__ = ["Benchmark", "Captions", "GraphSource", "Question", "VideoSource"]

Captions: TypeAlias = tuple[tuple[float, str], ...]
"""What is said of a video, each with the second that it is about, in order."""


@dataclass(frozen=True)
class Question:
    """One question about one video.

    Attributes:
        id: Unique in the benchmark.
        video: Name of the video.
        text: What is asked.
        answer: Index of the right option, or the right answer's text; None where the owner
            does not publish it.
        choices: The options; empty for an open question.
        also_right: Further texts that are right, for an open question.
        type: The benchmark's type of question.
        spans: When the answer is to be seen, in seconds, by the people who annotated.
        during: The seconds that are asked about; None for the whole video.
        duration_s: Length of the video, None if not known.
        graph: File of the question's graph, for benchmarks that name one for each.
    """

    id: str
    video: str
    text: str
    answer: int | str | None
    choices: tuple[str, ...] = ()
    also_right: tuple[str, ...] = ()
    type: str = ""
    spans: tuple[tuple[float, float], ...] = ()
    during: tuple[float, float] | None = None
    duration_s: float | None = None
    graph: Path | None = None


class GraphSource(Protocol):
    """Gives the scene graph that goes with a question."""

    def graph(self, question: Question) -> SceneGraph | None:
        """Return the graph, or None if there is none."""


class VideoSource(Protocol):
    """Finds video files."""

    def path(self, question: Question) -> Path | None:
        """Return the file of a question's video, or None if it is not there."""


@dataclass(frozen=True)
class Benchmark:
    """Questions with what can be shown of their videos.

    Attributes:
        name: Registered name.
        questions: In the order of the file.
        files: SHA-256 of every file that was read, by name.
        groups: Larger groups of question types, type to group.
        truth: Graphs that people drew and that come with the data.
        graphs: Graphs to be evaluated; None to use ``truth``, or to build them.
        captions: What is said of each video, by name.
        videos: Where the video files are.
    """

    name: str
    questions: tuple[Question, ...]
    files: Mapping[str, str] = field(default_factory=dict)
    groups: Mapping[str, str] = field(default_factory=dict)
    truth: GraphSource | None = None
    graphs: GraphSource | None = None
    captions: Mapping[str, Captions] = field(default_factory=dict)
    videos: VideoSource | None = None
