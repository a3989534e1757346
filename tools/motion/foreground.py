"""Foreground: where a frame differs from the background by more than noise and shadow."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from reelgraph._types import Image, Mask
from reelgraph.tools.motion.background import Background, exposure_gain
from reelgraph.tools.motion.camera import Affine, is_identity

__all__ = ["foreground"]

Plane = NDArray[np.float32]

MISPLACED_PX = 0.5
SHADOW = (0.45, 0.97)
MAX_TINT = 0.055
MAX_ROUGHNESS = 0.035
BRIDGE_SHARE = 0.13


def foreground(image: Image, to_canvas: Affine, background: Background, *, min_area: int) -> Mask:
    """Return where something stands or moves that is not background.

    Args:
        image: The frame, RGB.
        to_canvas: The frame's camera pose.
        background: Of the frame's stretch.
        min_area: Smaller patches are dropped, in pixels.
    """
    height, width = image.shape[:2]
    scene, noise, known, restless = background.seen_by(to_canvas, (width, height))
    gain = exposure_gain(image[::4, ::4], scene[::4, ::4], known[::4, ::4])
    frame = np.asarray(cv2.GaussianBlur(image, (3, 3), 0.7) / gain, np.float32)
    scene = np.asarray(cv2.GaussianBlur(scene, (3, 3), 0.7), np.float32)
    misplaced = MISPLACED_PX if is_identity(to_canvas) else 2 * MISPLACED_PX
    limit = 7 + 1.8 * noise + misplaced * _steepness(scene)
    distance = _distance(frame, scene, background.slack_px)
    shadow = _shadow(frame, scene)
    weak = (distance > limit) & known & ~shadow
    strong = (distance > 1.5 * limit) & known & ~shadow
    suspect = (distance > 0.6 * limit) & known & ~shadow
    mask = _bridge(_clean(weak, strong, min_area), suspect, BRIDGE_SHARE)
    if restless.any():
        mask |= _bridge(mask, restless, 3 * BRIDGE_SHARE) & restless
    return _fill_holes(mask, max_hole=4 * min_area)


def _bridge(mask: Mask, suspect: Mask, reach: float) -> Mask:
    """Fill what lies between parts of the foreground in several directions.

    The middle of a thing may look like the background, or like a shadow on it; a cast
    shadow lies beside its thing, not inside it.
    """
    length = max(5, round(reach * mask.shape[0])) | 1
    field = mask.astype(np.uint8)
    votes = np.zeros(mask.shape, np.uint8)
    line = np.zeros((length, length), np.uint8)
    line[length // 2] = 1
    diagonal = np.eye(length, dtype=np.uint8)
    for kernel in (line, line.T, diagonal, diagonal[::-1]):
        votes += cv2.morphologyEx(field, cv2.MORPH_CLOSE, np.ascontiguousarray(kernel)) > 0
    result: Mask = mask | (votes >= 4) | (suspect & (votes >= 3))
    return result


def _distance(frame: Plane, scene: Plane, slack_px: int) -> Plane:
    """Return how far the frame is from what the background shows within ``slack_px``.

    Where the camera moves, the background is rarely placed to the pixel: nearer and
    farther things shift against each other.
    """
    if slack_px:
        kernel = np.ones((2 * slack_px + 1, 2 * slack_px + 1), np.uint8)
        above = cv2.subtract(frame, cv2.dilate(scene, kernel))
        below = cv2.subtract(cv2.erode(scene, kernel), frame)
        difference = np.maximum(cv2.max(above, below), 0)
    else:
        difference = cv2.absdiff(frame, scene)
    squares = cv2.multiply(difference, difference)
    return np.asarray(0.75 * cv2.sqrt(cv2.transform(squares, np.ones((1, 3)))), np.float32)


def _steepness(scene: Plane) -> Plane:
    """Return how fast the background changes from pixel to pixel, in grey levels."""
    gray = _mean(scene)
    dx = cv2.Sobel(gray, cv2.CV_32F, 1, 0, scale=0.125)
    dy = cv2.Sobel(gray, cv2.CV_32F, 0, 1, scale=0.125)
    return np.asarray(cv2.dilate(cv2.magnitude(dx, dy), np.ones((3, 3), np.uint8)), np.float32)


def _mean(image: Plane) -> Plane:
    """Return the mean over the channels."""
    return np.asarray(cv2.transform(image, np.full((1, 3), 1 / 3)), np.float32)


def _shadow(frame: Plane, scene: Plane) -> Mask:
    """Return where the background is only darker: same tint, same texture, soft change."""
    ratio = (frame + 4) / (scene + 4)
    level = _mean(ratio)
    stray = [cv2.absdiff(channel, level) for channel in cv2.split(ratio)]
    tint = cv2.max(cv2.max(stray[0], stray[1]), stray[2]) / np.maximum(level, 0.2)
    rough = cv2.blur(cv2.absdiff(level, cv2.blur(level, (5, 5))), (5, 5))
    low, high = SHADOW
    result: Mask = (level > low) & (level < high) & (tint < MAX_TINT) & (rough < MAX_ROUGHNESS)
    return result


def _clean(weak: Mask, strong: Mask, min_area: int) -> Mask:
    """Keep weak patches that hold enough strong pixels; close gaps and drop specks."""
    small = np.ones((3, 3), np.uint8)
    mask = cv2.morphologyEx(weak.astype(np.uint8), cv2.MORPH_CLOSE, small)
    mask = cv2.morphologyEx(mask, cv2.MORPH_OPEN, small)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    seeds = np.bincount(labels[strong], minlength=count)
    keep = (stats[:, cv2.CC_STAT_AREA] >= min_area) & (seeds >= 0.1 * stats[:, cv2.CC_STAT_AREA])
    keep[0] = False
    result: Mask = keep[labels]
    return result


def _fill_holes(mask: Mask, max_hole: int) -> Mask:
    """Fill enclosed gaps smaller than ``max_hole`` pixels."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats((~mask).astype(np.uint8), connectivity=4)
    holes = stats[:, cv2.CC_STAT_AREA] < max_hole
    holes[0] = False
    x, y, w, h = (stats[:, i] for i in range(4))
    holes &= (x > 0) & (y > 0) & (x + w < mask.shape[1]) & (y + h < mask.shape[0])
    result: Mask = mask | holes[labels]
    return result
