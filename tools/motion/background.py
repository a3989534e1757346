"""Background: the scene of a stretch of video without the things that come, go or move."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from reelgraph._types import Image, Mask
from reelgraph.tools.motion.camera import Affine, compose, invert, is_identity
from reelgraph.tools.motion.choosing import choose_background
from reelgraph.tools.motion.shots import Stretch
from reelgraph.tools.motion.states import Plane, Stack, find_states, largest_difference

__all__ = ["Background", "estimate_background", "exposure_gain"]

RESTLESS = 16


@dataclass(frozen=True, eq=False)
class Background:
    """What a stretch of video looks like without its objects.

    Attributes:
        image: RGB on the canvas, shape ``(height, width, 3)``.
        noise: How far a pixel strays from ``image`` when nothing is there, in grey
            levels, shape ``(height, width)``.
        known: Where the canvas was ever seen.
        restless: Where something moves most of the time, so that ``image`` is a guess.
        offset: Map from the reference frame's pixels to the canvas's.
        slack_px: How far ``image`` may be misplaced where the camera moves.
    """

    image: Plane
    noise: Plane
    known: Mask
    restless: Mask
    offset: Affine
    slack_px: int

    def seen_by(
        self, to_canvas: Affine, size_wh: tuple[int, int]
    ) -> tuple[Plane, Plane, Mask, Mask]:
        """Return image, noise, known and restless as a camera with this pose sees them."""
        back = invert(compose(self.offset, to_canvas))
        if is_identity(back):
            crop = np.s_[: size_wh[1], : size_wh[0]]
            return self.image[crop], self.noise[crop], self.known[crop], self.restless[crop]
        image = cv2.warpAffine(self.image, back, size_wh, borderMode=cv2.BORDER_REPLICATE)
        noise = cv2.warpAffine(self.noise, back, size_wh, borderMode=cv2.BORDER_REPLICATE)
        known = cv2.warpAffine(self.known.astype(np.uint8), back, size_wh, flags=cv2.INTER_NEAREST)
        restless = cv2.warpAffine(
            self.restless.astype(np.uint8), back, size_wh, flags=cv2.INTER_NEAREST
        )
        return (
            np.asarray(image, np.float32),
            np.asarray(noise, np.float32),
            known.astype(bool),
            restless.astype(bool),
        )


def estimate_background(stretch: Stretch) -> Background:
    """Return the background of a stretch from its sample frames."""
    stack, valid, offset = _on_canvas(stretch)
    middle = _median(stack, valid)
    stack = _even_exposure(stack, valid, middle)
    tolerance = _tolerance(stack)
    states = find_states(stack, valid, tolerance)
    image = choose_background(stack, valid, states)
    noise = _noise(stack, valid, image, tolerance)
    restless = cv2.morphologyEx(
        (tolerance > RESTLESS).astype(np.uint8), cv2.MORPH_OPEN, np.ones((5, 5), np.uint8)
    ).astype(bool)
    restless &= all(is_identity(pose) for pose in stretch.to_canvas)
    if restless.any() and not restless.all():
        noise[restless] = np.minimum(noise[restless], np.median(noise[~restless]))
    return Background(
        image, noise, np.asarray(valid.any(axis=0)), restless, offset, _slack(stretch)
    )


def _slack(stretch: Stretch) -> int:
    """Return by how many pixels the background may be misplaced."""
    reach = float(np.ptp(np.array([pose[:, 2] for pose in stretch.to_canvas]), axis=0).max())
    return 0 if reach < 2 else 1 if reach < 5 else 2


def _on_canvas(stretch: Stretch) -> tuple[Stack, NDArray[np.bool_], Affine]:
    """Return the samples in one frame of reference, and where each was seen."""
    height, width = stretch.samples[0].shape[:2]
    corners = np.array([[[0, 0], [width, 0], [0, height], [width, height]]], np.float64)
    moved = np.concatenate([cv2.transform(corners, a)[0] for a in stretch.to_canvas])
    low, high = np.floor(moved.min(axis=0) + 0.5), np.ceil(moved.max(axis=0) - 0.5)
    size = int(high[0] - low[0]), int(high[1] - low[1])
    offset: Affine = np.array([[1.0, 0.0, -low[0]], [0.0, 1.0, -low[1]]])
    n = len(stretch.samples)
    stack = np.empty((n, size[1], size[0], 3), np.uint8)
    valid = np.ones(stack.shape[:3], bool)
    full = np.full((height, width), 255, np.uint8)
    for i, (image, row) in enumerate(zip(stretch.samples, stretch.sample_rows, strict=True)):
        affine = compose(offset, stretch.to_canvas[row])
        if is_identity(affine) and size == (width, height):
            stack[i] = image
            continue
        cv2.warpAffine(image, affine, size, dst=stack[i], borderMode=cv2.BORDER_REPLICATE)
        valid[i] = cv2.warpAffine(full, affine, size, flags=cv2.INTER_NEAREST) > 0
    return stack, valid, offset


def _median(stack: Stack, valid: NDArray[np.bool_]) -> Plane:
    """Return the median over the samples that saw each pixel."""
    result = np.empty(stack.shape[1:], np.float32)
    for y in range(0, stack.shape[1], 16):
        rows = stack[:, y : y + 16]
        if valid[:, y : y + 16].all():
            result[y : y + 16] = np.median(rows, axis=0)
            continue
        always = valid[:, y : y + 16].all(axis=0)
        result[y : y + 16][always] = np.median(rows[:, always], axis=0)
        result[y : y + 16][~always] = _partial_median(
            rows[:, ~always], valid[:, y : y + 16][:, ~always]
        )
    return result


def _partial_median(pixels: Stack, valid: NDArray[np.bool_]) -> Plane:
    """Return the median of each pixel's valid samples, 0 where there is none.

    Args:
        pixels: Samples, shape ``(n, pixels, 3)``.
        valid: Which of them were seen, shape ``(n, pixels)``.
    """
    count = valid.sum(axis=0)
    ordered = np.sort(np.where(valid[..., None], pixels, np.uint8(255)), axis=0)
    middle = np.stack([np.maximum(count - 1, 0) // 2, count // 2])[..., None]
    low, high = np.take_along_axis(ordered, np.minimum(middle, len(pixels) - 1), 0)
    result: Plane = np.where(count[:, None] > 0, (low.astype(np.float32) + high) / 2, 0)
    return result


def _even_exposure(stack: Stack, valid: NDArray[np.bool_], middle: Plane) -> Stack:
    """Return the samples with each channel's gain fitted to the median image."""
    result = np.empty_like(stack)
    for i, image in enumerate(stack):
        gain = exposure_gain(image[::3, ::3], middle[::3, ::3], valid[i, ::3, ::3])
        table = np.clip(np.arange(256)[:, None] / gain[None] + 0.5, 0, 255).astype(np.uint8)
        result[i] = cv2.LUT(image, np.ascontiguousarray(table[None]))
    return result


def exposure_gain(image: Image, reference: Plane, valid: Mask) -> NDArray[np.float64]:
    """Return how much brighter each channel of ``image`` is than the reference, shape ``(3,)``.

    Shadows only darken, so of several common brightness ratios the brightest one is the
    exposure's.
    """
    usable = valid & (reference.min(axis=2) > 15) & (reference.max(axis=2) < 245)
    if int(usable.sum()) < 50:
        return np.ones(3)
    ratio = image[usable] / reference[usable]
    level = ratio.mean(axis=1)
    counts, edges = np.histogram(level, bins=100, range=(0.5, 1.5))
    smooth = np.convolve(counts, np.ones(5), mode="same")
    peak = int(np.flatnonzero(smooth >= 0.5 * smooth.max())[-1])
    inside = np.abs(level - (edges[peak] - 0.01)) < 0.03
    gain: NDArray[np.float64] = np.median(ratio[inside], axis=0) if inside.any() else np.ones(3)
    return np.asarray(np.clip(gain, 0.6, 1.6))


def _tolerance(stack: Stack) -> Plane:
    """Return how far two looks of a pixel may differ in one state, ``(height, width)``."""
    if len(stack) < 2:
        return np.full(stack.shape[1:3], 12, np.float32)
    change = np.stack([largest_difference(a, b) for a, b in pairwise(stack)])
    sigma = np.median(change, axis=0).astype(np.float32)
    return np.asarray(np.clip(6 + 1.5 * cv2.blur(sigma, (3, 3)), 9, 26), np.float32)


def _noise(stack: Stack, valid: NDArray[np.bool_], image: Plane, tolerance: Plane) -> Plane:
    """Return how far the samples that show the background stray from it."""
    clean = image.astype(np.uint8)
    distance = np.stack([largest_difference(sample, clean) for sample in stack])
    near = (distance <= 1.5 * tolerance) & valid
    count = np.maximum(near.sum(axis=0), 1)
    spread = np.sqrt((np.where(near, distance, 0).astype(np.float32) ** 2).sum(axis=0) / count)
    return np.asarray(np.maximum(cv2.blur(spread.astype(np.float32), (3, 3)), 1.5), np.float32)
