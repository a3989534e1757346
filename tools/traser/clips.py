"""Into which pieces a video is cut for TRASER, and which frames of each are sampled."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from reelgraph._types import Floats, Ints
from reelgraph.tools.traser.frames import average_rate, sample_bounds, sample_clip, sample_frames
from reelgraph.tools.traser.options import InputConfig
from reelgraph.tools.video import Video

__all__ = ["Clip", "cut_points", "plan_clips"]


@dataclass(frozen=True, eq=False)
class Clip:
    """A video, or a piece of one, as the model sees it.

    Attributes:
        frame_indices: The sampled frames, ``(n,)``.
        bounds_s: The time that each sample stands for, in true seconds of the video: the
            start of each share and the end of the last, ``(n + 1,)``.
    """

    frame_indices: Ints
    bounds_s: Floats

    @property
    def start_s(self) -> float:
        """Start of the piece in seconds."""
        return float(self.bounds_s[0])

    @property
    def end_s(self) -> float:
        """End of the piece in seconds."""
        return float(self.bounds_s[-1])


def plan_clips(video: Video, config: InputConfig) -> tuple[Clip, ...]:
    """Plan the pieces of a video: one, unless it is longer than ``config.chunk_s``.

    Pieces are of equal length and overlap, so that what happens at a seam is seen whole.

    Args:
        video: The video.
        config: How to sample and where to cut.
    """
    if config.chunk_s is None or video.end_s <= config.chunk_s:
        indices = sample_frames(len(video.times_s), average_rate(video), config.path)
        return (Clip(indices, sample_bounds(indices, video.times_s, video.end_s)),)
    points = cut_points(video.end_s, config.chunk_s, config.chunk_overlap_s)
    return tuple(Clip(*sample_clip(video.times_s, start, end)) for start, end in points)


def cut_points(duration_s: float, chunk_s: float, overlap_s: float) -> list[tuple[float, float]]:
    """Return start and end of the fewest equal pieces of at most ``chunk_s``.

    Args:
        duration_s: Seconds to cut.
        chunk_s: Longest piece.
        overlap_s: What neighbours share, less than ``chunk_s``.

    Example:
        >>> cut_points(200.0, 128.0, 16.0)
        [(0.0, 108.0), (92.0, 200.0)]
    """
    # The slack keeps rounding from adding a piece where they fit exactly.
    count = max(1, math.ceil((duration_s - overlap_s) / (chunk_s - overlap_s) - 1e-9))
    length = (duration_s + (count - 1) * overlap_s) / count
    starts = np.arange(count) * (length - overlap_s)
    return [(float(start), min(duration_s, float(start) + length)) for start in starts]
