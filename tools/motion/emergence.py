"""Emergence: a solid part that moves on its own is a thing of its own.

A ball that a juggler never lets far away, or a cup in front of the person who slides it,
is never cut off from the foreground around it. It has a colour of its own, keeps its
shape, and moves against the rest.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from reelgraph._types import Image, Mask
from reelgraph.tools.motion.sightings import box_of

__all__ = ["Emergence"]

Colour = NDArray[np.float32]
Point = NDArray[np.float64]

HUES = 6
SAMPLES = 1500
RENEW_FRAMES = 25
MIN_SHARE, MAX_SHARE = 0.025, 0.4
MIN_SOLIDITY = 0.87
MAX_ASPECT = 2.2
MIN_SIGHTINGS = 8
MIN_TRAVEL = 0.9
MAX_RESIZE = 0.7
MISSED_FRAMES, LOST_FRAMES = 4, 25
REACH, REACH_KNOWN = 0.6, 1.5
RING = 0.5
TWIN_SIZE, TWIN_TINT = 0.8, 12.0
SKIN_LOW, SKIN_HIGH = (138, 77), (172, 127)


@dataclass(eq=False)
class _Blob:
    """A patch of one colour inside a thing.

    Attributes:
        mask: In the frame.
        centre: ``(x, y)``.
        area: In pixels.
        colour: Mean, CIE Lab.
    """

    mask: Mask
    centre: Point
    area: int
    colour: Colour


@dataclass(eq=False)
class _Candidate:
    """A patch that is followed from frame to frame.

    Attributes:
        blob: Where it was last.
        travel: How far it has moved against the rest, ``(x, y)``.
        far: The largest travel so far, in its own sizes.
        seen: Frames in which it was found.
        missed: Frames since it was last found.
        number: Of the thing that it has proven to be, 0 if it has not.
    """

    blob: _Blob
    travel: Point
    far: float = 0.0
    seen: int = 1
    missed: int = 0
    number: int = 0

    def find(self, blob: _Blob, drift: Point) -> None:
        """Go on in a patch of a later frame, while what is around it moved by ``drift``."""
        self.travel = self.travel + blob.centre - self.blob.centre - drift
        self.far = max(self.far, float(np.hypot(*self.travel)) / np.sqrt(blob.area))
        self.blob, self.seen, self.missed = blob, self.seen + 1, 0

    def resembles(self, other: _Candidate) -> bool:
        """Return whether it was followed for a while and looks like another one."""
        sizes = self.blob.area, other.blob.area
        return (
            self.seen >= MIN_SIGHTINGS
            and min(sizes) > TWIN_SIZE * max(sizes)
            and float(np.linalg.norm(self.blob.colour - other.blob.colour)) < TWIN_TINT
        )

    @property
    def proven(self) -> bool:
        """Whether it was followed for a while and moved by its own size."""
        return self.seen >= MIN_SIGHTINGS and self.far > MIN_TRAVEL


class Emergence:
    """Watches the solid parts of one thing.

    Args:
        min_area: Smallest part in pixels.
    """

    def __init__(self, *, min_area: int) -> None:
        self._min_area = min_area
        self._palette: NDArray[np.uint8] | None = None
        self._age = 0
        self._candidates: list[_Candidate] = []

    @property
    def numbers(self) -> list[int]:
        """The things that have emerged from this one."""
        return [c.number for c in self._candidates if c.number]

    def step(
        self, image: Image, mask: Mask, flow: NDArray[np.float32], *, alone: bool
    ) -> list[_Candidate]:
        """Return the parts of a thing that are things, where they are seen.

        Args:
            image: The frame, RGB.
            mask: The thing's in this frame, with all that emerged from it.
            flow: From each pixel of this frame to the last frame.
            alone: Whether the thing touches no other: where two meet, a part of one may
                be taken for a part of the other, and nothing is proven.

        Returns:
            Parts, whose `number` is 0 the first time and then to be set by the caller.
        """
        lab = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2LAB), np.uint8)
        if self._palette is None or self._age % RENEW_FRAMES == 0:
            self._palette = _palette(lab[mask])
        self._age += 1
        self._match(list(self._blobs(image, lab, mask, self._palette)), mask, flow)
        if not alone:
            self._candidates = [c for c in self._candidates if c.number]
        known = [c for c in self._candidates if c.number]
        return [
            c
            for c in self._candidates
            if c.missed == 0 and (c.number or c.proven or any(c.resembles(k) for k in known))
        ]

    def _blobs(
        self, image: Image, lab: Image, mask: Mask, palette: NDArray[np.uint8]
    ) -> Iterator[_Blob]:
        """Yield the solid patches of one colour inside a mask."""
        x0, y0, x1, y1 = box_of(mask)
        box = np.s_[y0:y1, x0:x1]
        coarse = (lab[box] >> 3).astype(np.int32) @ np.array([1024, 32, 1], np.int32)
        nearest = palette[coarse]
        total = int(mask.sum())
        sizes = max(3 * self._min_area, MIN_SHARE * total), MAX_SHARE * total
        for k in range(HUES):
            for part, centre in _solid_parts((nearest == k) & mask[box], sizes):
                whole = np.zeros(mask.shape, bool)
                whole[box] = part & mask[box]
                if not _is_skin(image[whole]):
                    colour = lab[whole].mean(axis=0, dtype=np.float32)
                    yield _Blob(whole, centre + np.array([x0, y0]), int(part.sum()), colour)

    def _match(self, blobs: list[_Blob], mask: Mask, flow: NDArray[np.float32]) -> None:
        """Follow the candidates to this frame's patches; the others are new candidates."""
        drift = -np.median(flow[mask], axis=0).astype(np.float64)
        for candidate in self._candidates:
            candidate.missed += 1
        cost = np.array([[_cost(c, blob, drift) for blob in blobs] for c in self._candidates])
        rows, columns = linear_sum_assignment(cost.reshape(len(self._candidates), len(blobs)))
        pairs = [(r, c) for r, c in zip(rows, columns, strict=True) if cost[r, c] <= 1.0]
        for row, column in pairs:
            candidate, blob = self._candidates[row], blobs[column]
            candidate.find(blob, _drift_around(blob, mask, flow) * candidate.missed)
        taken = {column for _, column in pairs}
        self._candidates = [
            c for c in self._candidates if c.missed <= (LOST_FRAMES if c.number else MISSED_FRAMES)
        ]
        self._candidates += [
            _Candidate(blob, np.zeros(2)) for i, blob in enumerate(blobs) if i not in taken
        ]


def _solid_parts(layer: Mask, sizes: tuple[float, float]) -> Iterator[tuple[Mask, Point]]:
    """Yield the solid patches of a layer, holes filled, and their centres ``(x, y)``."""
    opened = cv2.morphologyEx(layer.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    count, labels, stats, centres = cv2.connectedComponentsWithStats(opened, connectivity=4)
    for i in range(1, count):
        if sizes[0] <= stats[i, cv2.CC_STAT_AREA] <= sizes[1]:
            part = _filled(labels == i)
            if _is_solid(part):
                yield part, np.asarray(centres[i], np.float64)


def _drift_around(blob: _Blob, mask: Mask, flow: NDArray[np.float32]) -> Point:
    """Return the step of what lies around a patch in its thing, ``(x, y)``.

    A head moves against the feet, but along with the neck: what counts is whether a part
    moves against what is next to it.
    """
    size = 2 * max(3, round(RING * np.sqrt(blob.area))) + 1
    x0, y0, x1, y1 = box_of(blob.mask)
    box = np.s_[max(0, y0 - size // 2) : y1 + size // 2, max(0, x0 - size // 2) : x1 + size // 2]
    part = blob.mask[box].astype(np.uint8)
    near = cv2.dilate(part, np.ones((size, size), np.uint8)) > 0
    rest = near & (cv2.dilate(part, np.ones((3, 3), np.uint8)) == 0) & mask[box]
    if not rest.any():
        return np.zeros(2)
    return np.asarray(-np.median(flow[box][rest], axis=0), np.float64)


def _palette(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return for each colour, CIE Lab in steps of eight, which of a thing's main ones it is."""
    some = pixels[:: max(1, len(pixels) // SAMPLES)].astype(np.float32)
    until = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 12, 1.0)
    found = cv2.kmeans(some, min(HUES, len(some)), None, until, 1, cv2.KMEANS_PP_CENTERS)  # type: ignore[call-overload]
    steps = np.arange(4, 256, 8, dtype=np.float32)
    grid = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1).reshape(-1, 3)
    distance = [np.square(grid - colour).sum(axis=1) for colour in found[2]]
    return np.asarray(np.argmin(np.stack(distance), axis=0), np.uint8)


def _filled(part: Mask) -> Mask:
    """Return a patch with its holes filled and its rim closed."""
    outlines, _ = cv2.findContours(
        np.pad(part, 1).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE
    )
    canvas = np.zeros((part.shape[0] + 2, part.shape[1] + 2), np.uint8)
    cv2.drawContours(canvas, outlines, -1, 1, cv2.FILLED)
    return canvas[1:-1, 1:-1].astype(bool)


def _is_solid(part: Mask) -> bool:
    """Return whether a patch is convex and compact."""
    points = cv2.findNonZero(part.astype(np.uint8))
    hull = float(cv2.contourArea(cv2.convexHull(points)))
    (_, size, _) = cv2.minAreaRect(points)
    short, long = sorted(side + 1 for side in size)
    rim = 0.5 * np.sqrt(float(part.sum()))
    return float(part.sum()) >= MIN_SOLIDITY * (hull + rim) and long <= MAX_ASPECT * short


def _is_skin(pixels: NDArray[np.uint8]) -> bool:
    """Return whether most pixels have the chroma of skin: limbs move, but are no things."""
    chroma = cv2.cvtColor(pixels[None], cv2.COLOR_RGB2YCrCb)[0, :, 1:]
    inside = ((chroma >= SKIN_LOW) & (chroma <= SKIN_HIGH)).all(axis=1)
    return bool(inside.mean() > 0.5)


def _cost(candidate: _Candidate, blob: _Blob, drift: Point) -> float:
    """Return how little a patch looks like a candidate seen again, above 1 for not at all."""
    last = candidate.blob
    if min(last.area, blob.area) < MAX_RESIZE * max(last.area, blob.area):
        return 9.0
    tint = float(np.linalg.norm(last.colour - blob.colour)) / 30.0
    reach = (REACH_KNOWN if candidate.number else REACH) * min(candidate.missed, 3)
    gap = float(np.linalg.norm(blob.centre - last.centre - drift * candidate.missed))
    return float(max(gap / (reach * np.sqrt(last.area)), tint))
