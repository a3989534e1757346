"""Frames: the clock and the ids of formats that count video frames and objects from 0."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from reelgraph.graph.intervals import union
from reelgraph.graph.schema import Interval, LayerRecord, VideoInfo
from reelgraph.graph.tracks import Tracks

__all__ = ["FrameRate", "described_video", "id_of", "merged", "provenance", "shown_boxes", "tid_of"]

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class FrameRate:
    """Turns frame numbers into seconds and back.

    These formats know frames only, so this is the one place where a time is computed from
    a frame rate; on video of variable rate it is as wrong as the format.

    Attributes:
        fps: Frames per second.
    """

    fps: float

    def interval(self, begin: int, end: int) -> Interval:
        """Return the time of frames ``begin`` to ``end``, the latter exclusive."""
        return Interval(begin / self.fps, end / self.fps)

    def span(self, interval: Interval) -> tuple[int, int]:
        """Return the frames of a time, the end exclusive, rounded, at least one."""
        begin = max(0, round(interval.start * self.fps))
        return begin, max(begin + 1, round(interval.end * self.fps))

    def spans(self, intervals: Iterable[Interval]) -> list[tuple[int, int]]:
        """Return the frames of sorted times; those that share a frame become one span."""
        found: list[tuple[int, int]] = []
        for begin, end in map(self.span, intervals):
            if found and begin < found[-1][1]:
                found[-1] = found[-1][0], max(end, found[-1][1])
            else:
                found.append((begin, end))
        return found

    def presence(self, frames: Iterable[int]) -> tuple[Interval, ...]:
        """Return the times of increasing frame numbers, neighbouring frames as one."""
        runs: list[list[int]] = []
        for frame in frames:
            if runs and runs[-1][1] == frame:
                runs[-1][1] = frame + 1
            else:
                runs.append([frame, frame + 1])
        return tuple(self.interval(begin, end) for begin, end in runs)


def id_of(tid: int) -> int:
    """Return the object id of a number that counts from 0."""
    return tid + 1


def tid_of(object_id: int) -> int:
    """Return the number, counted from 0, of an object id."""
    return object_id - 1


def merged(intervals: Sequence[Interval]) -> tuple[Interval, ...]:
    """Return intervals as they are, or their union if they overlap or are out of order."""
    ordered = all(after.start >= before.end for before, after in pairwise(intervals))
    return tuple(intervals) if ordered else union(intervals)


def described_video(
    name: str, *, fps: float, frame_count: int, resolution_wh: tuple[int, int]
) -> VideoInfo:
    """Return what a file says of its video; the hash is unknown and left empty."""
    return VideoInfo(
        path=name,
        sha256="",
        duration_s=frame_count / fps,
        fps=fps,
        frame_count=frame_count,
        resolution_wh=resolution_wh,
    )


def provenance(
    tool: str, warnings: Iterable[str] = (), *, frame_count: int = 0, video: VideoInfo | None = None
) -> tuple[LayerRecord, ...]:
    """Return the record of a graph that was read, with a warning if the video is another one."""
    notes = list(warnings)
    if video is not None and frame_count not in {0, video.frame_count}:
        notes.append(
            f"the file tells of {frame_count} frames, the video has {video.frame_count}: "
            "times may be off"
        )
    return (LayerRecord(stage="layer", tool=tool, version="1", warnings=tuple(notes)),)


def shown_boxes(tracks: Tracks) -> Iterator[dict[int, tuple[Box, bool]]]:
    """Yield, for every frame of the video, the box of each visible object by id.

    Boxes are ``(left, top, right, bottom)`` in pixels, right and bottom exclusive. The flag
    is True where the tracker did not process the frame, which then shows what the processed
    frame before it shows.
    """
    frames = np.arange(tracks.video.frame_count)
    shown = np.maximum(np.searchsorted(tracks.frame_indices, frames, side="right") - 1, 0)
    for frame, position in enumerate(shown):
        filled = bool(tracks.frame_indices[position] != frame)
        rows = ((track, track.row(int(position))) for track in tracks.objects)
        yield {
            track.id: (_box(track.boxes_xyxy[row].tolist()), filled)
            for track, row in rows
            if row is not None
        }


def _box(values: Sequence[float]) -> Box:
    left, top, right, bottom = values
    return left, top, right, bottom
