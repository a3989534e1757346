"""From what is asked about to a session: graphs built or at hand, cut, and made once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeAlias
from weakref import WeakKeyDictionary

from langchain_core.language_models import BaseChatModel

from reelgraph.agent.budget import Meter
from reelgraph.agent.inputs import checked_window
from reelgraph.agent.late import LateScene
from reelgraph.agent.modes import Mode
from reelgraph.agent.scene import Part, Scene, Source, graph_hash
from reelgraph.agent.sessions import Kept, Session, open_session
from reelgraph.graph.temporal import TemporalGraph
from reelgraph.progress import Progress

if TYPE_CHECKING:
    from reelgraph.tools.pipeline import Pipeline

__all__ = ["KEPT_SESSIONS", "Sessions", "Window"]

Window: TypeAlias = tuple[float, float]
"""Seconds that a question is about."""

KEPT_SESSIONS = 8
"""How many graphs are kept ready, with their tools and tracks."""


class Sessions:
    """The sessions of one agent; safe to use from many threads.

    Args:
        pipeline: Returns what builds and keeps graphs; called when a video is asked about.
    """

    def __init__(self, pipeline: Callable[[], Pipeline]) -> None:
        self._pipeline = pipeline
        self._lock = threading.Lock()
        self._graph_ids: WeakKeyDictionary[TemporalGraph, str] = WeakKeyDictionary()
        self._kept: Kept[Session] = Kept(KEPT_SESSIONS)
        self._known: set[str] = set()

    def session(
        self,
        sources: Sequence[Source],
        during: Window | None,
        model: BaseChatModel,
        mode: Mode,
        progress: Progress,
    ) -> Session:
        """Return the session of these sources, made once, with their graphs built.

        Raises:
            AgentError: If ``during`` is no part of a video.
            VideoError: If a file cannot be read as a video.
        """
        graphs = [self._graph_of(source, progress) for source in sources]
        windows = [during and checked_window(during, g.video.duration_s) for g in graphs]
        ids = [self._graph_id(graph) for graph in graphs]
        paths = [None if isinstance(s, TemporalGraph) else str(s) for s in sources]

        def make() -> Session:
            parts = [
                self._part(path, graph, window, progress)
                for path, graph, window in zip(paths, graphs, windows, strict=True)
            ]
            return open_session(Scene(parts, "+".join(ids)), model, mode)

        return self._kept.get_or_make((*ids, *windows, *paths, mode), make)

    def are_built(self, paths: Sequence[str]) -> bool:
        """Return whether the graphs of all these videos were made or loaded here before."""
        return self._known.issuperset(paths)

    def late_session(
        self,
        paths: Sequence[str],
        during: Window | None,
        model: BaseChatModel,
        meter: Meter,
        progress: Progress,
    ) -> Session:
        """Return a session of its own for videos whose graphs may not be needed.

        Raises:
            AgentError: If ``during`` is no part of a video.
            VideoError: If a file cannot be read as a video.
        """
        from reelgraph.tools.video import Video

        def track() -> int:
            found = [self._pipeline().tracks(path, progress=progress) for path in paths]
            return sum(len(tracks.objects) for tracks in found)

        def build() -> tuple[Sequence[Part], str]:
            scene = self.session(paths, during, model, "tools", progress).scene
            return scene.parts, scene.graph_id

        videos = [Video.open(path).info for path in paths]
        windows = [
            None if during is None else checked_window(during, info.duration_s) for info in videos
        ]
        scene = LateScene(videos, paths, track, build, meter, windows)
        return open_session(scene, model, "tools")

    def _graph_of(self, source: Source, progress: Progress) -> TemporalGraph:
        if isinstance(source, TemporalGraph):
            return source
        graph = self._pipeline().graph(source, progress=progress)
        self._known.add(str(source))
        return graph

    def _part(
        self, path: str | None, graph: TemporalGraph, window: Window | None, progress: Progress
    ) -> Part:
        tracks = None if path is None else self._pipeline().tracks(path, progress=progress)
        cut = graph if window is None else graph.between(*window)
        return Part(cut, tracks, path, window)

    def _graph_id(self, graph: TemporalGraph) -> str:
        """Return the hash of a graph's document, computed once for each graph."""
        with self._lock:
            if graph not in self._graph_ids:
                self._graph_ids[graph] = graph_hash(graph)
            return self._graph_ids[graph]
