"""The frames of a run: which are processed, which are checks, and where parts begin."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from reelgraph._types import Floats, Ints
from reelgraph.tools.sam2.config import Sam2Config
from reelgraph.tools.sam2.discovery import CheckClock
from reelgraph.tools.video import Frame, Video

__all__ = ["Schedule"]


class Schedule:
    """What a run does with each frame, known before any is decoded.

    A *position* counts the frames to process from 0. Frames that do not decode have a
    position too, so that positions do not depend on where a run was taken up again.

    Args:
        video: The video.
        config: Frames per second, seconds between checks, seconds of a part.
        include_s: Times in seconds; the frames shown then are processed whatever the
            frames per second, so that what is pointed out is looked at where it was seen.

    Attributes:
        frame_indices: Index in the video of every frame to process, shape ``(n,)``.
        times_s: Their times in seconds, shape ``(n,)``.
        checks: Positions of the checks, increasing.
        lookouts: The checks and the last frame: where the offline pass looks ahead.
    """

    def __init__(
        self, video: Video, config: Sam2Config, *, include_s: Sequence[float] = ()
    ) -> None:
        self._video = video
        self._part_s = config.part_s
        shown = np.searchsorted(video.times_s, np.array(include_s) + 1e-9, side="right") - 1
        self.frame_indices: Ints = np.union1d(video.frame_indices(fps=config.fps), shown)
        self.times_s: Floats = video.times_s[self.frame_indices]
        self.checks: list[int] = CheckClock(config.discovery.every_s).checks(self.times_s).tolist()
        last = len(self) - 1
        self.lookouts: list[int] = self.checks + ([last] if self.checks[-1] < last else [])
        self._scout: Iterator[Frame] = iter(())
        self._scouted = -1

    def __len__(self) -> int:
        return len(self.frame_indices)

    def frames(self, start: int) -> Iterator[tuple[int, Frame]]:
        """Stream the frames from a position on, with their positions.

        The next frame is decoded in a thread while one is worked on.
        """
        if start >= len(self):
            return
        frames = self._video.frames_at(self.times_s[start:].tolist())
        for frame in _ahead(frames):
            yield int(np.searchsorted(self.frame_indices, frame.index)), frame

    def checks_until(self, position: int) -> int:
        """Return how many checks are due up to and including a position."""
        return bisect_right(self.checks, position)

    def part(self, position: int) -> int:
        """Return the number of the part that a position lies in."""
        return int((float(self.times_s[position]) + 1e-9) / self._part_s)

    def position_at(self, time_s: float) -> int:
        """Return the position of the frame that is shown at a time."""
        row = int(np.searchsorted(self.times_s, time_s + 1e-9, side="right")) - 1
        return min(max(0, row), len(self) - 1)

    def frame(self, position: int) -> Frame | None:
        """Return one frame; None if it does not decode."""
        return next(self._video.frames_at([float(self.times_s[position])]), None)

    def lookout_frame(self, number: int) -> Frame | None:
        """Return the frame of a lookout; None if it does not decode.

        Asked for one after the other, they are read in one sweep through the file.
        """
        if number != self._scouted + 1:
            times = self.times_s[self.lookouts[number:]]
            self._scout = self._video.frames_at([float(time) for time in times])
        frame = next(self._scout, None)
        self._scouted = number
        if frame is None or frame.index != self.frame_indices[self.lookouts[number]]:
            self._scouted = -1  # one of them did not decode: find the place anew next time
            return None
        return frame


def _ahead(frames: Iterator[Frame]) -> Iterator[Frame]:
    """Yield the frames; the next one is made in a thread while one is used."""
    with ThreadPoolExecutor(1, "reelgraph-frames") as worker:
        coming = worker.submit(next, frames, None)
        while (frame := coming.result()) is not None:
            coming = worker.submit(next, frames, None)
            yield frame
