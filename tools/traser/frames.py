"""Which frames of a video TRASER sees, and when each of them stands for the video."""

from __future__ import annotations

import math

import av
import numpy as np

from reelgraph._types import Floats, Ints
from reelgraph.errors import VideoError
from reelgraph.tools.traser.grid import FRAMES_PER_STEP
from reelgraph.tools.traser.options import PATHS, InputPath, PathRules
from reelgraph.tools.video import Video

__all__ = ["average_rate", "sample_bounds", "sample_clip", "sample_frames"]


def sample_frames(total_frames: int, average_fps: float, path: InputPath = "github") -> Ints:
    """Choose about one frame a second of a whole video (TRASER specification, 3.1 and 3.5).

    The frames are spread evenly by number, first and last included. On the GitHub path
    there are at most 128 of them, on the Hub path an even number of at most 768.

    Args:
        total_frames: Frames of the video.
        average_fps: The container's average rate.
        path: Which official program to follow.

    Returns:
        Increasing frame numbers, ``(n,)``.

    Raises:
        VideoError: If there is no frame or no rate, or too few frames for the Hub path.
    """
    if total_frames < 1 or not average_fps > 0:
        raise VideoError(
            f"TRASER needs frames and their rate, got {total_frames!r} frames at "
            f"{average_fps!r} a second; encode the file anew"
        )
    rules = PATHS[path]
    duration_s = total_frames / average_fps
    if rules.even_frames:
        count = _even_count(total_frames, duration_s, rules)
    else:
        # Python's round, half to even, as in the official program; a video may have fewer.
        count = min(max(round(duration_s), rules.min_frames), rules.max_frames)
    spread = np.linspace(0, total_frames - 1, count)
    return np.unique((np.round(spread) if rules.even_frames else spread).astype(np.int64))


def _even_count(total_frames: int, duration_s: float, rules: PathRules) -> int:
    """Return the number of frames on the Hub path (``smart_nframes`` of qwen-vl-utils)."""
    most = _even(min(rules.max_frames, total_frames))
    count = _even(min(max(duration_s, rules.min_frames), most, total_frames))
    if count < FRAMES_PER_STEP:
        raise VideoError(
            f"the Hub path needs at least two frames, the video has {total_frames}; "
            "use path='github'"
        )
    return count


def _even(value: float) -> int:
    return math.floor(value / FRAMES_PER_STEP) * FRAMES_PER_STEP


def sample_clip(
    times_s: Floats, start_s: float, end_s: float, *, max_frames: int = 128
) -> tuple[Ints, Floats]:
    """Choose about one frame a second of a piece of a video, evenly spread by time.

    A piece of at most ``max_frames`` seconds is thereby seen as training videos were: one
    frame a second, whatever the length and the rate of the whole.

    Args:
        times_s: Presentation times of all frames, increasing.
        start_s: Start of the piece.
        end_s: End of the piece, exclusive.
        max_frames: Most frames to choose.

    Returns:
        Increasing frame numbers, ``(n,)`` with n > 0, and the time that each stands for:
        the start of each share and the end of the last, ``(n + 1,)``.
    """
    count = min(max(round(end_s - start_s), PATHS["github"].min_frames), max_frames)
    wanted = np.linspace(start_s, end_s, count, endpoint=False)
    # A nanosecond of slack, so that a time that equals a frame's own finds that frame.
    rows = np.searchsorted(times_s, wanted + 1e-9, side="right") - 1
    indices, first = np.unique(np.maximum(rows, 0), return_index=True)
    return indices.astype(np.int64), np.append(wanted[first], end_s)


def sample_bounds(indices: Ints, times_s: Floats, end_s: float) -> Floats:
    """Return the time that each sampled frame of a whole video stands for.

    Samples are spread evenly by frame number, so each stands for an equal share of the
    frames; the shares' ends become seconds through the frames' own times.

    Args:
        indices: The sampled frames, ``(n,)``.
        times_s: Presentation times of all frames.
        end_s: When the last frame stops being shown.

    Returns:
        Start of each share and the end of the last, ``(n + 1,)``.
    """
    shares = np.linspace(0, len(times_s), len(indices) + 1)
    bounds: Floats = np.interp(shares, np.arange(len(times_s) + 1), np.append(times_s, end_s))
    return bounds


def average_rate(video: Video) -> float:
    """Return the container's average frames per second, which the official program uses."""
    with av.open(str(video.path)) as container:
        rate = container.streams.video[0].average_rate
    return float(rate) if rate else len(video.times_s) / video.end_s
