"""Division: the pixels of one patch go to the things that lead into it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from reelgraph._types import Image, Mask
from reelgraph.tools.motion.view import Colours, Labels, View

__all__ = ["Cue", "divide"]

Plane = NDArray[np.float32]

STRAY_PX = 5.0
SAME_LOOK, OTHER_LOOK = 24.0, 60.0


@dataclass(frozen=True, eq=False)
class Cue:
    """What is expected of one thing in the frame to divide.

    Attributes:
        expected: Where the flow puts what was visible of it.
        colours: Its colours.
        whole: Where all of it would be, hidden parts included, or None if not known.
        look: A frame in which each pixel of ``whole`` looks as remembered.
    """

    expected: Mask
    colours: Colours
    whole: Mask | None = None
    look: Image | None = None


def divide(view: View, patch: Mask, cues: dict[int, Cue]) -> Labels:
    """Divide a patch of foreground by where each thing is expected, its colours and its look.

    Args:
        view: The frame.
        patch: The pixels to divide.
        cues: By the thing's number.

    Returns:
        The numbers inside the patch, 0 elsewhere.
    """
    numbers = sorted(cues)
    ys, xs = np.nonzero(patch)
    box = np.s_[max(0, ys.min() - 2) : ys.max() + 3, max(0, xs.min() - 2) : xs.max() + 3]
    table = np.stack([cues[n].colours for n in numbers]) + 1e-4
    log = np.clip(np.log(table / table.mean(axis=0)), -2.5, 2.5).astype(np.float32)
    scores = []
    for k, number in enumerate(numbers):
        score = log[k][view.bins[box]] + _look_score(view.image[box], cues[number], box)
        scores.append(cv2.blur(score, (3, 3)) - _place_cost(cues[number], box))
    winner = np.argmax(np.stack(scores), axis=0)
    labels = np.zeros(patch.shape, np.int16)
    labels[box] = np.array(numbers, np.int16)[winner]
    labels[~patch] = 0
    return _tidy(labels, numbers)


def _place_cost(cue: Cue, box: tuple[slice, slice]) -> Plane:
    """Return what it costs each pixel to lie away from where the thing is expected."""
    near = _distance(cue.expected[box])
    if cue.whole is not None:
        whole = _distance(cue.whole[box])
        near = np.maximum(np.minimum(near, whole + 2.0), whole - STRAY_PX)
    return np.asarray(np.clip(near, -2.0, 14.0) / 2.5, np.float32)


def _look_score(image: Image, cue: Cue, box: tuple[slice, slice]) -> Plane:
    """Return how well each pixel of the whole looks as remembered: +1.5 to -1."""
    score = np.zeros(image.shape[:2], np.float32)
    if cue.whole is None or cue.look is None:
        return score
    inside = cue.whole[box]
    red, green, blue = cv2.split(cv2.absdiff(image, cue.look[box]))
    change = cv2.max(cv2.max(red, green), blue).astype(np.float32)
    share = np.clip((change - SAME_LOOK) / (OTHER_LOOK - SAME_LOOK), 0, 1)
    score[inside] = (1.5 - 2.5 * share)[inside]
    return score


def _distance(mask: Mask) -> Plane:
    """Return the distance to a mask, negative inside it."""
    if not mask.any():
        return np.full(mask.shape, 30.0, np.float32)
    outside = cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, 3)
    inside = cv2.distanceTransform(np.pad(mask, 1).astype(np.uint8), cv2.DIST_L2, 3)[1:-1, 1:-1]
    return np.asarray(outside - inside, np.float32)


def _tidy(labels: Labels, numbers: list[int]) -> Labels:
    """Give specks of a label to the label around them."""
    for number in numbers:
        mask = (labels == number).astype(np.uint8)
        count, parts, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
        if count <= 2:
            continue
        areas = stats[1:, cv2.CC_STAT_AREA]
        for part in np.flatnonzero(areas < 0.12 * areas.max()) + 1:
            speck = parts == part
            ring = cv2.dilate(speck.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool)
            around = labels[ring & ~speck]
            around = around[(around != 0) & (around != number)]
            if len(around):
                labels[speck] = np.bincount(around).argmax()
    return labels
