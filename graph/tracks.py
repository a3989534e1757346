"""Tracks: the masks, boxes and times of every object on the processed frames."""

from __future__ import annotations

import bisect
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from pycocotools import mask as coco

from reelgraph._types import Boxes, Floats, Ints, Mask
from reelgraph.graph.schema import Interval, VideoInfo

__all__ = ["Track", "Tracks", "decode_rle", "encode_mask"]


def encode_mask(mask: Mask) -> bytes:
    """Return the compressed COCO run lengths of a binary mask of shape ``(height, width)``."""
    counts: bytes = coco.encode(np.asfortranarray(mask, dtype=np.uint8))["counts"]
    return counts


def decode_rle(counts: bytes, *, resolution_wh: tuple[int, int]) -> Mask:
    """Return the binary mask of shape ``(height, width)`` that ``counts`` describe."""
    width, height = resolution_wh
    decoded: Mask = coco.decode({"size": [height, width], "counts": counts}).astype(bool)
    return decoded


@dataclass(frozen=True, eq=False)
class Track:
    """One object on the processed frames where it is visible.

    Attributes:
        id: Positive integer, unique in the video.
        positions: Rows of `Tracks.frame_indices` where the object is visible,
            strictly increasing, shape ``(n,)``.
        boxes_xyxy: Boxes in pixels of the shown video, right and bottom exclusive,
            shape ``(n, 4)``.
        rles: Compressed COCO run lengths, one per position, at the video's resolution.
        score: Confidence that this is an object, 0 to 1, or None.
    """

    id: int
    positions: Ints
    boxes_xyxy: Boxes
    rles: tuple[bytes, ...]
    score: float | None = None

    def __post_init__(self) -> None:
        n = len(self.positions)
        if self.id < 1:
            raise ValueError(f"track ids are positive, got {self.id}")
        if n == 0 or np.any(np.diff(self.positions) <= 0):
            raise ValueError(f"track {self.id}: positions must be non-empty and increasing")
        if self.boxes_xyxy.shape != (n, 4):
            raise ValueError(
                f"track {self.id}: boxes_xyxy must be (n, 4) with n={n}, got {self.boxes_xyxy.shape}"
            )
        if len(self.rles) != n:
            raise ValueError(f"track {self.id}: {n} positions but {len(self.rles)} masks")

    def row(self, position: int) -> int | None:
        """Return the row of this track at a processed frame, or None if not visible there."""
        row = bisect.bisect_left(self.positions, position)
        return row if row < len(self.positions) and self.positions[row] == position else None


@dataclass(frozen=True, eq=False)
class Tracks:
    """All tracks of a video.

    Attributes:
        video: The video they were found in.
        frame_indices: Decode-order indices of the processed frames, increasing, ``(n,)``.
        times_s: Presentation times of those frames in seconds, increasing, ``(n,)``.
        end_s: When the last processed frame stops being shown.
        objects: The tracks, by increasing id.
        warnings: What the reader must know, e.g. objects left out.
    """

    video: VideoInfo
    frame_indices: Ints
    times_s: Floats
    end_s: float
    objects: tuple[Track, ...] = ()
    warnings: tuple[str, ...] = ()
    _by_id: dict[int, Track] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if self.frame_indices.shape != self.times_s.shape:
            raise ValueError(
                f"frame_indices {self.frame_indices.shape} and times_s {self.times_s.shape} differ"
            )
        if np.any(np.diff(self.times_s) <= 0):
            raise ValueError("times_s must be strictly increasing")
        ids = [track.id for track in self.objects]
        if ids != sorted(set(ids)):
            raise ValueError(f"tracks must be sorted by unique id, got ids {ids}")
        object.__setattr__(self, "_by_id", {track.id: track for track in self.objects})

    def __len__(self) -> int:
        return len(self.objects)

    def track(self, object_id: int) -> Track:
        """Return the track of one object.

        Raises:
            KeyError: If there is no such object.
        """
        return self._by_id[object_id]

    def mask(self, object_id: int, position: int) -> Mask | None:
        """Return an object's mask at a processed frame, or None where it is not visible."""
        track = self._by_id[object_id]
        row = track.row(position)
        if row is None:
            return None
        return decode_rle(track.rles[row], resolution_wh=self.video.resolution_wh)

    def position_at(self, time_s: float) -> int:
        """Return the row of the processed frame that is shown at ``time_s``."""
        return max(0, int(np.searchsorted(self.times_s, time_s, side="right")) - 1)

    def shown_until(self, position: int) -> float:
        """Return when the processed frame in row ``position`` is replaced by the next."""
        return float(self.times_s[position + 1]) if position + 1 < len(self.times_s) else self.end_s

    def intervals(self, positions: Sequence[int] | Ints) -> tuple[Interval, ...]:
        """Return the time covered by processed frames, runs of neighbours merged.

        Args:
            positions: Rows of `frame_indices`, increasing.
        """
        return tuple(
            Interval(float(self.times_s[first]), self.shown_until(last))
            for first, last in _runs(positions)
        )

    def presence(self, object_id: int) -> tuple[Interval, ...]:
        """Return when an object is visible."""
        return self.intervals(self._by_id[object_id].positions)


def _runs(positions: Iterable[int]) -> list[tuple[int, int]]:
    """Return first and last of each run of consecutive integers."""
    runs: list[tuple[int, int]] = []
    for position in map(int, positions):
        if runs and runs[-1][1] == position - 1:
            runs[-1] = (runs[-1][0], position)
        else:
            runs.append((position, position))
    return runs
