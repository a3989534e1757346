"""Test doubles: a tracker and a generator that do what a function says.

For tests and examples of code that runs on a `Pipeline`, without waiting for a real
tool and with an outcome that is known.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from reelgraph.graph.schema import GraphLayer
from reelgraph.graph.tracks import Tracks
from reelgraph.progress import Progress
from reelgraph.tools.base import NO_PROGRESS, Availability, ToolConfig
from reelgraph.tools.video import Video

__all__ = ["ScriptedConfig", "ScriptedGenerator", "ScriptedTracker"]


class ScriptedConfig(ToolConfig):
    """Options of a scripted tool.

    Attributes:
        script: Name of what it plays. The store cannot see into a function, so give
            another name to another function.
    """

    script: str = "default"


class ScriptedTracker:
    """A `Tracker` that returns what a function of the video returns."""

    name: ClassVar[str] = "scripted"
    version: ClassVar[str] = "1"

    def __init__(self, play: Callable[[Video], Tracks], *, script: str = "default") -> None:
        self._play = play
        self._config = ScriptedConfig(script=script)

    @property
    def config(self) -> ScriptedConfig:
        """The name of the script."""
        return self._config

    def available(self) -> Availability:
        """Always available."""
        return Availability()

    def track(self, video: Video, *, progress: Progress = NO_PROGRESS) -> Tracks:
        """Return what the function returns."""
        with progress.stage("scripted tracks", total=1) as stage:
            tracks = self._play(video)
            stage.advance()
        return tracks


class ScriptedGenerator:
    """A `GraphGenerator` that returns what a function of video and tracks returns."""

    name: ClassVar[str] = "scripted"
    version: ClassVar[str] = "1"

    def __init__(
        self, play: Callable[[Video, Tracks], GraphLayer], *, script: str = "default"
    ) -> None:
        self._play = play
        self._config = ScriptedConfig(script=script)

    @property
    def config(self) -> ScriptedConfig:
        """The name of the script."""
        return self._config

    def available(self) -> Availability:
        """Always available."""
        return Availability()

    def generate(
        self, video: Video, tracks: Tracks, *, progress: Progress = NO_PROGRESS
    ) -> GraphLayer:
        """Return what the function returns."""
        with progress.stage("scripted layer", total=1) as stage:
            layer = self._play(video, tracks)
            stage.advance()
        return layer
