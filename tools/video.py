"""Video files: opened, described and streamed frame by frame with true times."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from reelgraph._types import Image
from reelgraph.graph.schema import VideoInfo

__all__ = ["Frame", "Video"]


@dataclass(frozen=True, eq=False)
class Frame:
    """One decoded frame.

    Attributes:
        index: Position in the order in which frames are shown, from 0.
        time_s: Presentation time in seconds from the first frame's.
        image: RGB, uint8, ``(height, width, 3)``, rotation applied.
    """

    index: int
    time_s: float
    image: Image


class Video:
    """A readable video file. Contract; being implemented.

    Never holds more than one decoded frame.
    """

    info: VideoInfo
    path: Path

    @classmethod
    def open(cls, path: str | Path) -> Video: ...

    def frames(
        self,
        *,
        fps: float | None = None,
        start_s: float = 0.0,
        end_s: float | None = None,
        resolution_wh: tuple[int, int] | None = None,
    ) -> Iterator[Frame]: ...

    def frames_at(
        self, times_s: Sequence[float], *, resolution_wh: tuple[int, int] | None = None
    ) -> Iterator[Frame]: ...

    @property
    def times_s(self): ...

    @property
    def end_s(self) -> float: ...
