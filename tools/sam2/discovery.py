"""Which automatic masks of a frame are objects that no track follows yet."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from pycocotools import mask as coco

from reelgraph._types import Floats, Ints, Mask
from reelgraph.graph.tracks import encode_mask
from reelgraph.tools.sam2.config import DiscoveryConfig

__all__ = ["CheckClock", "new_objects", "non_overlapping", "untracked_share"]


class CheckClock:
    """Says on which frames new objects are looked for: by time, never by frame number.

    The first frame is a check, and so is the first frame at or after each multiple of
    the interval.
    """

    def __init__(self, every_s: float) -> None:
        self._every_s = every_s

    def checks(self, times_s: Floats) -> Ints:
        """Return the rows of the frames at ``times_s`` (increasing) that are checks."""
        # A nanosecond of slack: 0.1 + 0.2 is a hair more than 0.3.
        ticks = np.floor((times_s + 1e-9) / self._every_s)
        rows: Ints = np.flatnonzero(np.diff(ticks, prepend=-1.0) > 0).astype(np.int64)
        return rows


def non_overlapping(masks: Sequence[Mask], *, max_overlap: float) -> list[int]:
    """Return the rows of a maximal set of masks that hardly overlap, largest first.

    The 90 % rule (SVG2, stage 1): by decreasing area, a mask is kept if less than
    ``max_overlap`` of its own area is covered by the masks kept before. So a part that
    lies in a larger mask goes. Empty masks go; of equal areas the earlier is first.

    Args:
        masks: Masks of one frame, each ``(h, w)``.
        max_overlap: Share of a mask's area, 0 to 1.
    """
    areas = [int(mask.sum()) for mask in masks]
    covered: Mask | None = None
    kept: list[int] = []
    for row in sorted(range(len(masks)), key=lambda row: -areas[row]):
        if not areas[row]:
            break
        if covered is None:
            covered = masks[row].copy()
        elif int((masks[row] & covered).sum()) / areas[row] < max_overlap:
            covered |= masks[row]
        else:
            continue
        kept.append(row)
    return kept


def untracked_share(tracked: Sequence[Mask], shape_hw: tuple[int, int]) -> float:
    """Return the share of a frame that lies outside all tracks."""
    return float((~_union(tracked, shape_hw)).mean())


def new_objects(
    candidates: Sequence[Mask], tracked: Sequence[Mask], config: DiscoveryConfig
) -> list[int]:
    """Return the rows of the candidates that are new objects.

    The union rule is the paper's (SVG2, Eqs. 9-11): there is something new if the
    candidates together cover ``min_new`` of the area outside all tracks; then every
    candidate is new that lies in no track (its share inside the best one, intersection
    over the candidate's area, is below ``match``). In the released code a candidate
    must in addition cover ``min_new`` of the untracked area by itself.

    Args:
        candidates: Masks after the 90 % rule, each ``(h, w)``.
        tracked: Masks of the tracks on the same frame.
        config: Thresholds, and the rule.
    """
    if not candidates:
        return []
    shape = (candidates[0].shape[0], candidates[0].shape[1])
    followed = _union(tracked, shape)
    untracked = ~followed
    free = int(untracked.sum())
    if free == 0 or free / untracked.size < config.min_untracked:
        return []
    best = _best_shares(candidates, tracked)
    unmatched = [row for row in range(len(candidates)) if best[row] < config.match]
    if config.rule == "each":
        shares = {row: int((candidates[row] & untracked).sum()) / free for row in unmatched}
        return [row for row in unmatched if shares[row] >= config.min_new]
    together = _union(candidates, shape) & untracked
    if int(together.sum()) / free < config.min_new:
        return []
    return [row for row in unmatched if not _covered(candidates[row], followed, config.max_covered)]


def _covered(mask: Mask, followed: Mask, max_covered: float) -> bool:
    """Return whether tracks together cover too much of a mask for it to be new."""
    return max_covered < 1 and float((mask & followed).sum()) >= max_covered * float(mask.sum())


def _best_shares(candidates: Sequence[Mask], tracked: Sequence[Mask]) -> Floats:
    """Return the largest share of each mask's area that lies in one track (asymmetric)."""
    if not tracked:
        return np.zeros(len(candidates))
    # On run lengths: pixel by pixel, every pair of masks would be read in full.
    ours, theirs = ([_rle(mask) for mask in masks] for masks in (candidates, tracked))
    # With "crowd" masks, COCO's IoU is the intersection over the first mask's area.
    shares: Floats = np.asarray(coco.iou(ours, theirs, [1] * len(theirs)), np.float64).max(axis=1)
    return shares


def _rle(mask: Mask) -> dict[str, object]:
    return {"size": list(mask.shape), "counts": encode_mask(mask)}


def _union(masks: Sequence[Mask], shape_hw: tuple[int, int]) -> Mask:
    union = np.zeros(shape_hw, np.bool_)
    for mask in masks:
        union |= mask
    return union
