"""States: the looks that each pixel takes during a stretch of video."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from reelgraph._types import Image

__all__ = ["Plane", "Stack", "States", "find_states", "largest_difference"]

Stack = NDArray[np.uint8]
Plane = NDArray[np.float32]

CANDIDATES = 16


@dataclass(frozen=True, eq=False)
class States:
    """Per pixel, up to three looks by falling support.

    Attributes:
        looks: Colours, shape ``(3, height, width, 3)``.
        support: Share of samples, shape ``(3, height, width)``.
        which: Per sample, 0-2 for the look it shows or -1, shape ``(n, height, width)``.
    """

    looks: Plane
    support: Plane
    which: NDArray[np.int8]


def find_states(stack: Stack, valid: NDArray[np.bool_], tolerance: Plane) -> States:
    """Cluster each pixel's samples into states, rows in chunks to bound the memory."""
    n, height, width = stack.shape[:3]
    looks = np.zeros((3, height, width, 3), np.float32)
    support = np.zeros((3, height, width), np.float32)
    which = np.full((n, height, width), -1, np.int8)
    for y in range(0, height, 24):
        part = np.s_[y : y + 24]
        pixels = stack[:, part].reshape(n, -1, 3)
        reach = tolerance[part].reshape(-1)
        free = valid[:, part].reshape(n, -1).copy()
        for k in range(3):
            look, members = _densest(pixels, free, reach)
            shape = stack[0, part].shape
            looks[k, part] = look.reshape(shape)
            support[k, part] = members.mean(axis=0).reshape(shape[:2])
            which[:, part][members.reshape(n, *shape[:2])] = k
            free &= ~members
    return States(looks, support, which)


def _densest(
    pixels: NDArray[np.uint8], free: NDArray[np.bool_], reach: Plane
) -> tuple[Plane, NDArray[np.bool_]]:
    """Return the look that most free samples share, and which samples share it.

    Args:
        pixels: Samples, shape ``(n, pixels, 3)``.
        free: Samples to use, shape ``(n, pixels)``.
        reach: Largest channel difference within one look, shape ``(pixels,)``.
    """
    n, count = free.shape
    best = np.zeros(count, np.int32)
    members = np.zeros((n, count), bool)
    limit = reach.astype(np.uint8)
    planes = np.ascontiguousarray(np.moveaxis(pixels, -1, 0))
    for row in np.unique(np.linspace(0, n - 1, CANDIDATES).astype(int)):
        near = _spread(planes, planes[:, row]) <= limit
        near &= free
        near &= free[row]
        votes = near.sum(axis=0, dtype=np.int32)
        better = votes > best
        best[better] = votes[better]
        members[:, better] = near[:, better]
    weight = np.maximum(best, 1)[:, None]
    look = np.einsum("np,npc->pc", members.astype(np.float32), pixels.astype(np.float32)) / weight
    return look.astype(np.float32), members


def _spread(planes: NDArray[np.uint8], colour: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the largest channel difference; shapes ``(3, n, pixels)`` and ``(3, pixels)``."""
    result: NDArray[np.uint8] = np.zeros(planes.shape[1:], np.uint8)
    for plane, value in zip(planes, colour, strict=True):
        np.maximum(result, np.maximum(plane, value) - np.minimum(plane, value), out=result)
    return result


def largest_difference(a: Plane | Image, b: Plane | Image) -> Plane:
    """Return the largest channel difference of two images, shape ``(height, width)``."""
    first, second, third = cv2.split(cv2.absdiff(a, b))
    return np.asarray(cv2.max(cv2.max(first, second), third), np.float32)
