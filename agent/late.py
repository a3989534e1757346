"""A graph that is built when a tool first needs it, if the model finds that one does.

Until then the model knows the length of the video and may look at frames. Any tool that
asks the graph builds it; ``segment_and_track`` and ``generate_graph`` do only that.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

from langchain_core.tools import BaseTool, StructuredTool

from reelgraph.agent.arguments import DescribeVideo
from reelgraph.agent.budget import Meter
from reelgraph.agent.look import Camera
from reelgraph.agent.scene import Part, Scene
from reelgraph.agent.several import scene_tools
from reelgraph.agent.tools import Result, make_tool
from reelgraph.graph.schema import SceneGraph, VideoInfo
from reelgraph.graph.temporal import TemporalGraph

__all__ = ["LateScene", "late_tools"]


class LateScene(Scene):
    """A scene whose graphs are built on demand; empty graphs stand in for them before.

    Args:
        videos: What is known of the videos.
        paths: Their files.
        track: Finds and follows the objects of all of them.
        build: Returns the parts with their graphs, and the hash of the graphs.
        meter: Its time limit does not run while a graph is built.
        windows: The seconds of each that may be looked at, or None for all of it.
    """

    def __init__(
        self,
        videos: Sequence[VideoInfo],
        paths: Sequence[str],
        track: Callable[[], int],
        build: Callable[[], tuple[Sequence[Part], str]],
        meter: Meter,
        windows: Sequence[tuple[float, float] | None],
    ) -> None:
        empty = [Part(TemporalGraph(SceneGraph(video=v, objects=(), relations=()))) for v in videos]
        super().__init__(
            [
                Part(part.graph, path=path, during=window)
                for part, path, window in zip(empty, paths, windows, strict=True)
            ],
            "",
        )
        self._track = track
        self._build = build
        self._meter = meter
        self._lock = threading.Lock()
        self.ready = False

    def track(self) -> int:
        """Find and follow the objects; return how many there are."""
        with self._lock, self._meter.pausing():
            return self._track()

    def make_ready(self) -> None:
        """Build the graphs if that is not done."""
        with self._lock:
            if not self.ready:
                with self._meter.pausing():
                    parts, graph_id = self._build()
                self.become(parts, graph_id)
                self.ready = True


def late_tools(scene: LateScene, cameras: dict[int, Camera]) -> list[BaseTool]:
    """Return the tools of a scene that may have no graph yet.

    Args:
        scene: What the question is about.
        cameras: Gives frames to the tool ``look``, by the number of the video.
    """
    kit = _Kit(scene, cameras)
    graph_tools = [kit.late(tool) for tool in scene_tools(scene, cameras)]
    return [
        *graph_tools,
        make_tool(
            "segment_and_track", kit.segment_and_track, DescribeVideo,
            "Find and follow the objects of the video, which takes a while. Part of "
            "generate_graph.",
        ),
        make_tool(
            "generate_graph", kit.generate_graph, DescribeVideo,
            "Build the scene graph, which takes a while. The tools that ask the graph do so "
            "themselves when it is missing.",
        ),
    ]  # fmt: skip


class _Kit:
    """The tools of a scene, made anew when its graph is there."""

    def __init__(self, scene: LateScene, cameras: dict[int, Camera]) -> None:
        self._scene = scene
        self._cameras = cameras
        self._lock = threading.Lock()
        self._tools: dict[str, Callable[..., Result]] = {}

    def late(self, tool: BaseTool) -> BaseTool:
        """Return a tool that builds the graph first if it needs it."""
        if not isinstance(tool, StructuredTool) or (early := tool.func) is None:
            return tool

        def ask(**given: Any) -> Result:
            if not self._scene.ready:
                if tool.name == "describe_video":
                    return self._undescribed()
                if tool.name == "look" and given.get("object_id") is None:
                    result: Result = early(**given)
                    return result
            return self._built(tool.name)(**given)

        return tool.model_copy(update={"func": ask})

    def segment_and_track(self) -> Result:
        count = self._scene.track()
        return f"{count} objects were found and followed; generate_graph relates them", {}

    def generate_graph(self) -> Result:
        return self._built("describe_video")()

    def _undescribed(self) -> Result:
        told = [
            f"{part.title}: {part.graph.video.duration_s:.2f} s, "
            f"{part.graph.video.resolution_wh[0]}x{part.graph.video.resolution_wh[1]}"
            for part in self._scene.parts
        ]
        note = (
            "there is no graph yet: if the question needs one, call generate_graph or ask "
            "any other tool, which builds it"
        )
        return "\n".join([*told, note]), {}

    def _built(self, name: str) -> Callable[..., Result]:
        self._scene.make_ready()
        with self._lock:
            if not self._tools:
                for number, part in enumerate(self._scene.numbered, 1):
                    if number in self._cameras:
                        self._cameras[number].attach(part.tracks)
                made = scene_tools(self._scene, self._cameras)
                self._tools = {
                    t.name: t.func for t in made if isinstance(t, StructuredTool) and t.func
                }
        return self._tools[name]
