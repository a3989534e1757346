"""Clean-up of finished tracks: duplicates go, masks are opened, specks go (SVG2, stage 3)."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations, pairwise

import cv2
import numpy as np
from pycocotools import mask as coco

from reelgraph._types import Floats, Mask
from reelgraph.graph.tracks import Track, Tracks, decode_rle, encode_mask, rle_area, rle_box
from reelgraph.progress import Progress
from reelgraph.tools.base import NO_PROGRESS
from reelgraph.tools.sam2.config import CleanupConfig

__all__ = ["Overlaps", "clean_tracks", "duplicates", "opened", "stability_score"]


def clean_tracks(
    tracks: Tracks, config: CleanupConfig, *, progress: Progress = NO_PROGRESS
) -> Tracks:
    """Return tracks without duplicates, threads and specks; ids stay (SVG2, stage 3).

    An object without a mask left is gone. How many tracks went as parts or copies of
    others is added to the warnings, for a part may be what somebody looks for.
    """
    if not config.enabled or not tracks.objects:
        return tracks
    size = tracks.video.resolution_wh
    overlaps = Overlaps(size, config.contain_ratio)
    count = len(tracks.times_s)
    with progress.stage("cleaning up", count + len(tracks.objects)) as stage:
        for visible in _frames(tracks):
            overlaps.add(visible)
            stage.advance()
        rles = {track.id: track.rles for track in tracks.objects}
        gone = duplicates(rles, overlaps, config, resolution_wh=size)
        objects: list[Track] = []
        for track in tracks.objects:
            clean = None if track.id in gone else _tidied(track, size, config)
            objects += [clean] if clean else []
            stage.advance()
    notes = [f"Tracks removed because they lay inside others: {len(gone)}."] if gone else []
    return dataclasses.replace(tracks, objects=tuple(objects), warnings=(*tracks.warnings, *notes))


class Overlaps:
    """Which tracks lie in which, counted frame by frame; nothing is kept of the frames.

    Args:
        resolution_wh: Size of the masks.
        contain_ratio: Share of a mask's area inside another from which on it lies in it.
    """

    def __init__(self, resolution_wh: tuple[int, int], contain_ratio: float) -> None:
        self._size_hw = [resolution_wh[1], resolution_wh[0]]
        self._ratio = contain_ratio
        self._together: Counter[tuple[int, int]] = Counter()
        self._inside: Counter[tuple[int, int]] = Counter()

    def add(self, visible: Mapping[int, bytes]) -> None:
        """Count one frame: the run lengths of every visible object by its id."""
        if len(visible) < 2:
            return
        ids = sorted(visible)
        shares = self._containment([visible[key] for key in ids])
        self._together.update(combinations(ids, 2))
        for row, column in np.argwhere(shares >= self._ratio):
            if row != column:
                self._inside[ids[row], ids[column]] += 1

    def pairs(self, min_frames: int) -> list[tuple[int, int]]:
        """Return the pairs ``(a, b)``, a below b, seen together in that many frames."""
        return sorted(pair for pair, count in self._together.items() if count >= min_frames)

    def share_inside(self, inner: int, outer: int) -> float:
        """Return in which share of their common frames ``inner`` lies in ``outer``."""
        together = self._together[min(inner, outer), max(inner, outer)]
        return self._inside[inner, outer] / together if together else 0.0

    def _containment(self, rles: Sequence[bytes]) -> Floats:
        """Return the share of each mask (row) that lies in each (column)."""
        items = [{"size": self._size_hw, "counts": counts} for counts in rles]
        # With "crowd" masks, COCO's IoU is the intersection over the first mask's area.
        shares: Floats = np.asarray(coco.iou(items, items, [1] * len(items)), np.float64)
        return shares


def stability_score(
    rles: Sequence[bytes], config: CleanupConfig, *, resolution_wh: tuple[int, int]
) -> float:
    """Return how good a track is: long, large and steady at its end (SVG2, stage 3).

    0.5 x visible frames + 0.05 x median area in pixels + 200 x mean IoU of the last five
    pairs of consecutive visible frames, with the weights of ``config``.

    Args:
        rles: Run lengths of the masks on the visible frames, in order, one or more.
        config: The weights.
        resolution_wh: Size of the masks.
    """
    size = [resolution_wh[1], resolution_wh[0]]
    areas = [rle_area(counts) for counts in rles]
    recent = [{"size": size, "counts": counts} for counts in rles[-(config.iou_pairs + 1) :]]
    ious = [float(coco.iou([a], [b], [0])[0, 0]) for a, b in pairwise(recent)]
    steadiness = float(np.mean(ious)) if ious else 0.0
    return (
        config.frame_weight * len(rles)
        + config.area_weight * float(np.median(areas))
        + config.iou_weight * steadiness
    )


def duplicates(
    rles: Mapping[int, Sequence[bytes]],
    overlaps: Overlaps,
    config: CleanupConfig,
    *,
    resolution_wh: tuple[int, int],
) -> dict[int, int]:
    """Return the tracks that are part or copy of another: id to the id that stays.

    Pairs are looked at with the longest tracks first. The one of two that lies in the
    other most of the time goes; if each lies in the other, the less stable one goes.

    Args:
        rles: Run lengths of every track on its visible frames, in order, by id.
        overlaps: Which tracks lie in which.
        config: Thresholds.
        resolution_wh: Size of the masks.
    """
    order = sorted(rles, key=lambda key: (-len(rles[key]), key))
    place = {key: row for row, key in enumerate(order)}
    pairs = [
        (a, b) if place[a] < place[b] else (b, a)
        for a, b in overlaps.pairs(config.min_overlap_frames)
    ]
    gone: dict[int, int] = {}
    for first, second in sorted(pairs, key=lambda pair: (place[pair[0]], place[pair[1]])):
        if first in gone or second in gone:
            continue
        inside = overlaps.share_inside(first, second) >= config.coverage_share
        around = overlaps.share_inside(second, first) >= config.coverage_share
        if inside and around:
            kept, other = (
                stability_score(rles[key], config, resolution_wh=resolution_wh)
                for key in (first, second)
            )
            inside = kept < other
            around = not inside
        if inside:
            gone[first] = second
        elif around:
            gone[second] = first
    return gone


def opened(mask: Mask, config: CleanupConfig) -> Mask:
    """Return a mask eroded, then dilated: threads and single pixels go."""
    if not config.morph_iterations or not mask.any():
        return mask
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    # One row of background on each side, except at the frame's edge, gives what the whole
    # frame would: erosion does not eat in from the edge.
    margin = config.morph_kernel * config.morph_iterations
    box = (
        slice(max(0, rows[0] - margin), rows[-1] + 1 + margin),
        slice(max(0, columns[0] - margin), columns[-1] + 1 + margin),
    )
    kernel = np.ones((config.morph_kernel, config.morph_kernel), np.uint8)
    cut = mask[box].astype(np.uint8)
    result = np.zeros_like(mask)
    result[box] = cv2.morphologyEx(
        cut, cv2.MORPH_OPEN, kernel, iterations=config.morph_iterations
    ).astype(bool)
    return result


def _tidied(track: Track, resolution_wh: tuple[int, int], config: CleanupConfig) -> Track | None:
    """Return a track with opened masks and without specks; None if nothing is left."""
    rows: list[int] = []
    rles: list[bytes] = []
    boxes: list[tuple[int, int, int, int]] = []
    for row, counts in enumerate(track.rles):
        mask = opened(decode_rle(counts, resolution_wh=resolution_wh), config)
        if int(mask.sum()) < max(1, config.min_area):
            continue
        rles.append(encode_mask(mask))
        boxes += [box] if (box := rle_box(rles[-1], resolution_wh=resolution_wh)) else []
        rows.append(row)
    if not rows:
        return None
    positions = track.positions[rows]
    return Track(track.id, positions, np.array(boxes, np.float64), tuple(rles), track.score)


def _frames(tracks: Tracks) -> Iterator[dict[int, bytes]]:
    """Yield the run lengths of the visible objects by id, processed frame by frame."""
    nexts = {track.id: 0 for track in tracks.objects}
    for position in range(len(tracks.times_s)):
        visible: dict[int, bytes] = {}
        for track in tracks.objects:
            row = nexts[track.id]
            if row < len(track.rles) and track.positions[row] == position:
                visible[track.id] = track.rles[row]
                nexts[track.id] = row + 1
        yield visible
