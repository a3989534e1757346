"""A video as tools for any LangChain agent; its graph is built when a tool first needs it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from langchain_core.tools import BaseTool

from reelgraph.agent.budget import Limits, Meter
from reelgraph.agent.inputs import checked_window
from reelgraph.agent.late import LateScene, late_tools
from reelgraph.agent.look import Camera
from reelgraph.agent.scene import Part, graph_hash
from reelgraph.progress import NullProgress, Progress

if TYPE_CHECKING:
    from reelgraph.tools.pipeline import Pipeline

__all__ = ["video_tools"]


def video_tools(
    video: str | Path,
    *,
    pipeline: Pipeline | None = None,
    during: tuple[float, float] | None = None,
    look: bool = True,
    progress: Progress | None = None,
) -> list[BaseTool]:
    """Return the tools with which a model asks a video.

    They are those of `graph_tools`, and ``segment_and_track`` and ``generate_graph``. They
    reach this one video and nothing else.

    Args:
        video: The video file.
        pipeline: Builds and keeps the graph; one with the default tools if not given.
        during: Only these seconds, ``(start, end)``.
        look: Whether to give the tool ``look``, whose result holds pictures; for models
            that see.
        progress: Shows how far the graph is.

    Raises:
        VideoError: If the file cannot be read as a video.
        AgentError: If ``during`` is no part of it.
    """
    from reelgraph.tools.pipeline import Pipeline
    from reelgraph.tools.video import Video

    made, shown, path = pipeline or Pipeline(), progress or NullProgress(), str(video)
    info = Video.open(path).info
    window = None if during is None else checked_window(during, info.duration_s)

    def build() -> tuple[Sequence[Part], str]:
        graph = made.graph(path, progress=shown)
        tracks = made.tracks(path, progress=shown)
        part = graph if window is None else graph.between(*window)
        return [Part(part, tracks, path, window)], graph_hash(graph)

    scene = LateScene(
        [info],
        [path],
        lambda: len(made.tracks(path, progress=shown).objects),
        build,
        Meter(Limits()),
        [window],
    )
    return late_tools(scene, {1: Camera(path, None)} if look else {})
