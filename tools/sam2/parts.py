"""Parts: the masks of some consecutive frames, and how parts become tracks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from reelgraph.graph.schema import VideoInfo
from reelgraph.graph.tracks import Track, Tracks, encode_mask, rle_box
from reelgraph.tools.sam2.roster import Seen
from reelgraph.tools.video import Frame

__all__ = ["Part", "joined"]


class Part:
    """The masks of some consecutive frames, growing frame by frame."""

    def __init__(self, video: VideoInfo) -> None:
        self._video = video
        self._indices: list[int] = []
        self._times: list[float] = []
        self._rows: dict[int, list[tuple[int, bytes, float]]] = {}

    def add(self, frame: Frame, seen: Seen) -> None:
        """Append a frame with the objects that are visible on it."""
        row = len(self._indices)
        self._indices.append(frame.index)
        self._times.append(frame.time_s)
        for number, (mask, score) in seen.items():
            self._rows.setdefault(number, []).append((row, encode_mask(mask), score))

    def tracks(self) -> Tracks:
        """Return the part; the score of a track is its mean presence in the part."""
        indices, times = np.array(self._indices, np.int64), np.array(self._times, np.float64)
        objects = tuple(self._track(number) for number in sorted(self._rows))
        end_s = self._times[-1] if self._times else 0.0
        return Tracks(self._video, indices, times, end_s, objects)

    def _track(self, number: int) -> Track:
        rows = self._rows[number]
        boxes = [rle_box(rle, resolution_wh=self._video.resolution_wh) for _, rle, _ in rows]
        return Track(
            id=number,
            positions=np.array([row for row, _, _ in rows], np.int64),
            boxes_xyxy=np.array(boxes, np.float64),
            rles=tuple(rle for _, rle, _ in rows),
            score=float(np.clip(np.mean([score for _, _, score in rows]), 0, 1)),
        )


def joined(parts: Sequence[Tracks], video: VideoInfo, *, end_s: float) -> Tracks:
    """Return consecutive parts as one; a track's score is the mean over its frames.

    Args:
        parts: The parts in order, with the same ids for the same objects.
        video: What is known of the video.
        end_s: When the last frame stops being shown.
    """
    starts = np.cumsum([0, *(len(part.times_s) for part in parts)])
    ids = sorted({track.id for part in parts for track in part.objects})
    pieces: dict[int, list[tuple[int, Track]]] = {number: [] for number in ids}
    for start, part in zip(starts[:-1], parts, strict=True):
        for track in part.objects:
            pieces[track.id].append((int(start), track))
    return Tracks(
        video=video,
        frame_indices=np.concatenate([part.frame_indices for part in parts]),
        times_s=np.concatenate([part.times_s for part in parts]),
        end_s=end_s,
        objects=tuple(_joined_track(number, pieces[number]) for number in ids),
    )


def _joined_track(number: int, pieces: Sequence[tuple[int, Track]]) -> Track:
    weights = [len(track.rles) for _, track in pieces]
    scores = [track.score or 0.0 for _, track in pieces]
    return Track(
        id=number,
        positions=np.concatenate([start + track.positions for start, track in pieces]),
        boxes_xyxy=np.concatenate([track.boxes_xyxy for _, track in pieces]),
        rles=tuple(rle for _, track in pieces for rle in track.rles),
        score=round(float(np.average(scores, weights=weights)), 4),
    )
