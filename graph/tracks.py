"""Tracks: the masks, boxes and times of every object on the processed frames."""

from __future__ import annotations

import bisect
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from pycocotools import mask as coco

from reelgraph._types import Boxes, Floats, Ints, Mask
from reelgraph.errors import GraphFormatError
from reelgraph.graph.schema import Interval, VideoInfo

__all__ = ["Track", "Tracks", "decode_rle", "encode_mask", "rle_area", "rle_box", "rle_runs"]


def encode_mask(mask: Mask) -> bytes:
    """Return the compressed COCO run lengths of a binary mask of shape ``(height, width)``."""
    height, width = mask.shape
    columns = np.flatnonzero(mask.any(axis=0))
    if len(columns) == 0:
        edges = [0, height * width]
    else:
        # Only the columns of the object are looked at: most masks are small.
        first, end = int(columns[0]), int(columns[-1]) + 1
        pixels = np.ascontiguousarray(mask[:, first:end].T, dtype=np.bool_).reshape(-1)
        turns = np.flatnonzero(pixels[1:] != pixels[:-1]) + 1 + first * height
        edges = [0, *([first * height] if pixels[0] else []), *turns.tolist()]
        edges += [end * height] if pixels[-1] and end < width else []
        edges += [height * width]
    item = {"size": [height, width], "counts": np.diff(edges).tolist()}
    counts: bytes = coco.frPyObjects(item, height, width)["counts"]
    return counts


def decode_rle(counts: bytes, *, resolution_wh: tuple[int, int]) -> Mask:
    """Return the binary mask of shape ``(height, width)`` that ``counts`` describe.

    Run lengths that stop short of the last pixel mean background from there on (the COCO
    library would leave that memory uninitialised; published masks do this).

    Raises:
        GraphFormatError: If ``counts`` are malformed or describe more pixels than there are.
    """
    width, height = resolution_wh
    runs = rle_runs(counts, width * height)
    flat = np.zeros(width * height, dtype=np.bool_)
    painted = np.repeat(np.arange(len(runs)) % 2 == 1, runs)
    flat[: len(painted)] = painted
    return flat.reshape(width, height).T


def rle_area(counts: bytes) -> int:
    """Return the number of foreground pixels that ``counts`` describe."""
    return int(rle_runs(counts)[1::2].sum())


def rle_box(counts: bytes, *, resolution_wh: tuple[int, int]) -> tuple[int, int, int, int] | None:
    """Return the tight box ``(left, top, right, bottom)``, or None for an empty mask.

    Right and bottom are exclusive.

    Raises:
        GraphFormatError: As `decode_rle`.
    """
    width, height = resolution_wh
    edges = np.cumsum(rle_runs(counts, width * height))
    starts, ends = edges[0::2], edges[1::2]
    starts = starts[: len(ends)]
    starts, last = starts[ends > starts], ends[ends > starts] - 1
    if len(starts) == 0:
        return None
    # Runs go down the columns; one that enters a second column touches top and bottom.
    whole = bool(np.any(starts // height != last // height))
    top = 0 if whole else int((starts % height).min())
    bottom = height if whole else int((last % height).max()) + 1
    return int(starts[0] // height), top, int(last[-1] // height) + 1, bottom


def rle_runs(counts: bytes, pixels: int | None = None) -> Ints:
    """Return the run lengths, background first, that COCO's text encoding holds, ``(n,)``.

    Each run is written in groups of 5 bits, lowest first, 0x20 marking that more follow;
    from the fourth on it is the difference to the run before the previous one.

    Args:
        counts: Compressed COCO run lengths.
        pixels: Pixels of the mask, which the runs must not exceed; not checked if None.

    Raises:
        GraphFormatError: If ``counts`` are malformed or describe more than ``pixels``.
    """
    codes = np.frombuffer(counts, dtype=np.uint8).astype(np.int64) - 48
    if len(codes) == 0:
        return codes
    last = codes & 0x20 == 0
    if np.any((codes < 0) | (codes > 63)) or not last[-1]:
        raise GraphFormatError(f"run lengths {counts[:40]!r} are not COCO's text encoding")
    ends = np.flatnonzero(last)
    starts = np.concatenate([[0], ends[:-1] + 1])
    place = np.arange(len(codes)) - np.repeat(starts, ends - starts + 1)
    if place.max() > 11:
        raise GraphFormatError(f"run lengths {counts[:40]!r} hold a number that is too long")
    runs = np.add.reduceat((codes & 0x1F) << (5 * place), starts)
    runs -= np.where(codes[ends] & 0x10, np.int64(1) << (5 * (place[ends] + 1)), 0)
    runs[1::2] = np.cumsum(runs[1::2])
    runs[2::2] = np.cumsum(runs[2::2])
    total = int(runs.sum())
    if np.any(runs < 0) or (pixels is not None and total > pixels):
        raise GraphFormatError(
            f"run lengths {counts[:40]!r} describe {total} pixels of a mask that has {pixels}"
        )
    return runs


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
                f"track {self.id}: boxes_xyxy must be (n, 4) with n={n}, "
                f"got {self.boxes_xyxy.shape}"
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
        for track in self.objects:
            if track.positions[0] < 0 or track.positions[-1] >= len(self.times_s):
                raise ValueError(
                    f"track {track.id}: positions must be rows of the {len(self.times_s)} "
                    f"processed frames, got {track.positions[0]}..{track.positions[-1]}"
                )
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
