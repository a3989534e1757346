"""What a tool is: small Protocols, and the registries that find tools by name."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Protocol, runtime_checkable

from pydantic import BaseModel, ConfigDict

from reelgraph._registry import Registry
from reelgraph.graph.schema import GraphLayer
from reelgraph.graph.tracks import Tracks
from reelgraph.progress import NullProgress, Progress
from reelgraph.tools.video import Video

__all__ = [
    "GENERATORS",
    "TRACKERS",
    "Availability",
    "GraphGenerator",
    "Resumable",
    "ToolConfig",
    "Tracker",
]

NO_PROGRESS: Progress = NullProgress()


class ToolConfig(BaseModel):
    """Base of every tool's options: frozen, and an unknown option is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Availability(BaseModel):
    """Whether a tool can run here.

    Attributes:
        ok: True if it can run now.
        reason: Why not, in one sentence; empty if ``ok``.
        fix: What to do about it, e.g. a pip command; empty if ``ok``.
        slow: Why ``"auto"`` should not pick it here though it can run, e.g. a large model
            without a GPU; empty if it may.
    """

    ok: bool = True
    reason: str = ""
    fix: str = ""
    slow: str = ""


@runtime_checkable
class Tracker(Protocol):
    """Finds the objects of a video and follows them: video in, masks with ids out."""

    name: ClassVar[str]
    version: ClassVar[str]

    @property
    def config(self) -> ToolConfig:
        """Options, all of which are part of the cache key."""

    def available(self) -> Availability:
        """Say whether the tool can run here, and what to do if not."""

    def track(self, video: Video, *, progress: Progress = NO_PROGRESS) -> Tracks:
        """Return the tracks of every object found in ``video``."""


@runtime_checkable
class Resumable(Protocol):
    """A tool whose killed runs go on from what they left in a folder."""

    def keep_unfinished_in(self, folder: Path) -> None:
        """Leave unfinished runs there, unless the tool was given another place."""


@runtime_checkable
class GraphGenerator(Protocol):
    """Describes tracked objects: video and tracks in, labels and relations out."""

    name: ClassVar[str]
    version: ClassVar[str]

    @property
    def config(self) -> ToolConfig:
        """Options, all of which are part of the cache key."""

    def available(self) -> Availability:
        """Say whether the tool can run here, and what to do if not."""

    def generate(
        self, video: Video, tracks: Tracks, *, progress: Progress = NO_PROGRESS
    ) -> GraphLayer:
        """Return what this generator says about the objects in ``tracks``."""


TRACKERS: Registry[Tracker] = Registry(
    "tracker",
    "reelgraph.trackers",
    {
        "masks": "reelgraph.tools.mask_file:MaskFileTracker",
        "motion": "reelgraph.tools.motion.tracker:MotionTracker",
        "sam2": "reelgraph.tools.sam2.tracker:Sam2Tracker",
    },
)
GENERATORS: Registry[GraphGenerator] = Registry(
    "generator",
    "reelgraph.generators",
    {
        "appearance": "reelgraph.tools.appearance:AppearanceGenerator",
        "geometry": "reelgraph.tools.geometry:GeometryGenerator",
        "traser": "reelgraph.tools.traser.generator:TraserGenerator",
    },
)
