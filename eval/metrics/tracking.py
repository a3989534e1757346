"""What a tracker is scored on: ids and similarities frame by frame, from boxes or masks.

`TrackingSequence` is the common input of `hota`, `clear_mot` and `identity`; `evaluate` runs
all three over a data set. Definitions are those of TrackEval (JonathonLuiten/TrackEval).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import Self

import numpy as np
from numpy.typing import NDArray

from reelgraph._types import Boxes, Floats, Ints
from reelgraph.errors import EvalError
from reelgraph.eval.metrics.clear_mot import ClearScores, clear_scores
from reelgraph.eval.metrics.hota import HotaScores, hota_scores
from reelgraph.eval.metrics.identity import IdentityScores, identity_scores
from reelgraph.eval.metrics.tracking_frames import FrameSequence
from reelgraph.eval.metrics.video_objects import Objects

__all__ = [
    "TrackingScores",
    "TrackingSequence",
    "box_similarity",
    "evaluate",
    "mask_similarity",
]

MotRows = Sequence[Sequence[float]] | Floats
"""Rows ``frame (from 1), id, left, top, width, height, ...`` as in MOTChallenge files."""


@dataclass(frozen=True)
class TrackingScores:
    """Scores of one sequence, or of several together.

    Attributes:
        hota: HOTA and its parts.
        clear: MOTA and the other CLEAR measures.
        identity: IDF1 and its parts.
    """

    hota: HotaScores
    clear: ClearScores
    identity: IdentityScores

    def __add__(self, other: TrackingScores) -> TrackingScores:
        return TrackingScores(
            self.hota + other.hota, self.clear + other.clear, self.identity + other.identity
        )


class TrackingSequence(FrameSequence):
    """A sequence that is read from boxes or masks."""

    @classmethod
    def from_boxes(cls, truth: MotRows, predicted: MotRows, *, frames: int) -> Self:
        """Read MOTChallenge rows; similarity is box IoU.

        Args:
            truth: Annotated rows ``frame, id, left, top, width, height``.
            predicted: Predicted rows, likewise; further columns are ignored.
            frames: Number of frames; rows count them from 1.

        Raises:
            EvalError: If a row lies outside the frames or an id stands twice in one.
        """
        sides = _by_frame(truth, frames, "ground truth"), _by_frame(predicted, frames, "tracker")
        return cls.of(
            [
                (ids, others, box_similarity(boxes, other_boxes))
                for (ids, boxes), (others, other_boxes) in zip(*sides, strict=True)
            ]
        )

    @classmethod
    def from_masks(cls, truth: Objects, predicted: Objects) -> Self:
        """Compare masks of objects; similarity is mask IoU. Empty masks are not there.

        Args:
            truth: Annotated masks by id, each ``(frames, height, width)``.
            predicted: Predicted masks by id, same shape.

        Raises:
            EvalError: If shapes differ.
        """
        shapes = {masks.shape for masks in (*truth.values(), *predicted.values())}
        if len(shapes) > 1:
            raise EvalError(f"masks must all have one shape, got {sorted(shapes)}")
        frames = shapes.pop()[0] if shapes else 0
        found = []
        for frame in range(frames):
            sides = [
                {number: masks[frame] for number, masks in objects.items() if masks[frame].any()}
                for objects in (truth, predicted)
            ]
            similarity = mask_similarity(*(list(side.values()) for side in sides))
            found.append(([*sides[0]], [*sides[1]], similarity))
        return cls.of(found)


def _by_frame(rows: MotRows, frames: int, side: str) -> list[tuple[list[int], Boxes]]:
    """Return ids and ``xyxy`` boxes of each frame."""
    table = np.asarray(rows, dtype=float)
    table = table.reshape(len(rows), -1)[:, :6] if len(rows) else np.zeros((0, 6))
    numbers: Ints = table[:, 0].astype(np.int64)
    outside = sorted({int(n) for n in numbers if not 1 <= n <= frames})
    if outside:
        raise EvalError(f"{side} has boxes in frames {outside}, but there are frames 1..{frames}")
    found = []
    for frame in range(1, frames + 1):
        part = table[numbers == frame]
        boxes = np.concatenate([part[:, 2:4], part[:, 2:4] + part[:, 4:6]], axis=1)
        found.append(([int(number) for number in part[:, 1]], boxes))
    return found


def box_similarity(a: Boxes, b: Boxes) -> NDArray[np.float64]:
    """Return the IoU of every pair of boxes; boxes without area have none.

    Args:
        a: Boxes ``xyxy`` with exclusive corners, shape ``(n, 4)``.
        b: Boxes, shape ``(m, 4)``.
    """
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    shared = np.prod(np.maximum(high - low, 0), axis=2)
    areas = [np.prod(boxes[:, 2:] - boxes[:, :2], axis=1) for boxes in (a, b)]
    whole = areas[0][:, None] + areas[1][None, :] - shared
    ratio: NDArray[np.float64] = np.where(shared > 0, shared / np.where(whole > 0, whole, 1), 0.0)
    return ratio


def mask_similarity(
    a: Sequence[NDArray[np.bool_]], b: Sequence[NDArray[np.bool_]]
) -> NDArray[np.float64]:
    """Return the IoU of every pair of masks ``(height, width)``, shape ``(n, m)``."""
    if not a or not b:
        return np.zeros((len(a), len(b)))
    left, right = (np.stack([mask.ravel() for mask in side]).astype(float) for side in (a, b))
    shared = left @ right.T
    whole = left.sum(axis=1)[:, None] + right.sum(axis=1)[None, :] - shared
    ratio: NDArray[np.float64] = shared / np.maximum(whole, 1)
    return ratio


def evaluate(
    sequences: Mapping[str, FrameSequence],
) -> tuple[TrackingScores, dict[str, TrackingScores]]:
    """Score a data set.

    Args:
        sequences: What is to be scored, by name.

    Returns:
        The scores of all together (counts are summed, then divided), and of each.

    Raises:
        EvalError: If there is no sequence.
    """
    if not sequences:
        raise EvalError("there is no sequence to score")
    each = {
        name: TrackingScores(hota_scores(item), clear_scores(item), identity_scores(item))
        for name, item in sequences.items()
    }
    return reduce(add, each.values()), each
