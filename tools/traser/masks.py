"""Where masks come from: TRASER's mask JSON, a stage-6 document, or tracks, one at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np

from reelgraph._types import Ints
from reelgraph.errors import GraphFormatError
from reelgraph.graph.tracks import Tracks, rle_runs

__all__ = ["MaskRuns", "MaskSource", "RowMasks", "StageMasks", "TrackMasks", "mask_source"]


class MaskRuns(NamedTuple):
    """One mask as run lengths down the columns, background first.

    Attributes:
        size_hw: Height and width of the mask, which need not be the video's.
        runs: Lengths of the runs, ``(n,)``; what is left of the mask is background.
    """

    size_hw: tuple[int, int]
    runs: Ints


class MaskSource(Protocol):
    """Masks of a video's objects."""

    @property
    def ids(self) -> tuple[int, ...]:
        """Ids of all objects, increasing."""

    def mask(self, object_id: int, frame_index: int) -> MaskRuns | None:
        """Return an object's mask on a frame of the video, or None where it is not seen."""


class RowMasks:
    """TRASER's mask JSON: a list over video frames of a list over objects of masks.

    Objects are the columns of the first frame, from 0 (extra columns of later frames are not
    looked at). The list may be shorter or longer than the video.
    """

    def __init__(self, rows: Sequence[Any]) -> None:
        """Wrap a parsed document.

        Raises:
            GraphFormatError: If it is no list of lists.
        """
        listed = isinstance(rows, Sequence) and not isinstance(rows, str | bytes)
        if not listed or any(row is not None and not isinstance(row, list) for row in rows):
            raise GraphFormatError(
                "mask JSON must be a list over video frames of lists over objects of masks"
            )
        self._rows = rows

    @property
    def ids(self) -> tuple[int, ...]:
        """Columns of the first frame."""
        return tuple(range(len(self._rows[0] or ()))) if self._rows else ()

    def mask(self, object_id: int, frame_index: int) -> MaskRuns | None:
        """Return the mask in column ``object_id``, or None if it is absent or empty."""
        row = self._rows[frame_index] if frame_index < len(self._rows) else None
        if not row or not 0 <= object_id < len(row):
            return None
        return _parsed(row[object_id], f"frame {frame_index}, object {object_id}")


class StageMasks:
    """A stage-6 document of the SVG2 pipeline: per object, a mask or null for every frame.

    Objects are numbered by their place in the document, from 0.
    """

    def __init__(self, document: Mapping[str, Any]) -> None:
        """Wrap a parsed document.

        Raises:
            GraphFormatError: If it has no objects with trajectories of masks.
        """
        try:
            self._masks = [item["trajectory"]["masks"] for item in document["objects"]]
        except (KeyError, TypeError) as error:
            raise GraphFormatError(
                f"a stage-6 document needs objects[*].trajectory.masks ({error!r} is missing)"
            ) from error

    @property
    def ids(self) -> tuple[int, ...]:
        """Places of the objects in the document."""
        return tuple(range(len(self._masks)))

    def mask(self, object_id: int, frame_index: int) -> MaskRuns | None:
        """Return the mask of the object in place ``object_id``, or None."""
        if not 0 <= object_id < len(self._masks):
            return None
        masks = self._masks[object_id]
        if masks is None or frame_index >= len(masks):
            return None
        return _parsed(masks[frame_index], f"frame {frame_index}, object {object_id}")


class TrackMasks:
    """Tracks: an object shows on a frame what it shows on the processed frame before it."""

    def __init__(self, tracks: Tracks) -> None:
        """Wrap tracks, whose ids stay."""
        self._tracks = tracks
        self._ids = tuple(track.id for track in tracks.objects)
        width, height = tracks.video.resolution_wh
        self._size_hw = height, width

    @property
    def ids(self) -> tuple[int, ...]:
        """Ids of the tracks."""
        return self._ids

    def mask(self, object_id: int, frame_index: int) -> MaskRuns | None:
        """Return the object's mask, or None where it is not visible."""
        if object_id not in self._ids:
            return None
        indices = self._tracks.frame_indices
        position = max(0, int(np.searchsorted(indices, frame_index, side="right")) - 1)
        track = self._tracks.track(object_id)
        row = track.row(position)
        if row is None:
            return None
        height, width = self._size_hw
        return _seen(MaskRuns(self._size_hw, rle_runs(track.rles[row], height * width)))


def mask_source(masks: Tracks | Sequence[Any] | Mapping[str, Any]) -> MaskSource:
    """Return the source for tracks, a parsed mask JSON, or a parsed stage-6 document.

    Raises:
        GraphFormatError: If it is none of them.
    """
    if isinstance(masks, Tracks):
        return TrackMasks(masks)
    return StageMasks(masks) if isinstance(masks, Mapping) else RowMasks(masks)


def _seen(mask: MaskRuns) -> MaskRuns | None:
    return mask if mask.runs[1::2].any() else None


def _parsed(item: Any, where: str) -> MaskRuns | None:
    """Read one mask; null, ``{}`` and masks without a pixel are absent.

    Published placeholders for "absent" hold a run that is shorter than the mask, so the runs
    are compared with the size only where there is a pixel.
    """
    if not item:
        return None
    size = item.get("size") if isinstance(item, Mapping) else None
    if (
        not isinstance(size, list | tuple)
        or len(size) != 2
        or not all(type(side) is int and side > 0 for side in size)
    ):
        raise GraphFormatError(
            f"{where}: a mask is {{'size': [height, width], 'counts': ...}}, got {item!r:.80}"
        )
    mask = _seen(MaskRuns((size[0], size[1]), _runs(item.get("counts"), where)))
    if mask is not None and mask.runs.sum() > size[0] * size[1]:
        raise GraphFormatError(
            f"{where}: the runs cover {mask.runs.sum()} pixels, but the size is {size!r}"
        )
    return mask


def _runs(counts: Any, where: str) -> Ints:
    """Return run lengths from COCO's text form or its list form."""
    if isinstance(counts, str | bytes):
        return rle_runs(counts.encode() if isinstance(counts, str) else counts)
    if isinstance(counts, list) and all(type(run) is int and run >= 0 for run in counts):
        return np.array(counts, dtype=np.int64)
    raise GraphFormatError(f"{where}: 'counts' must be text or run lengths, got {counts!r:.80}")
