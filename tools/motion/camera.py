"""Camera motion: each frame is registered to a reference frame by a similarity."""

from __future__ import annotations

from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["IDENTITY", "Affine", "Gray", "Registrar", "compose", "invert", "is_identity"]

Affine: TypeAlias = NDArray[np.float64]
"""A 2x3 matrix that maps pixel coordinates."""
Gray: TypeAlias = NDArray[np.uint8]
"""One grey image, shape ``(height, width)``."""

IDENTITY: Affine = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
MIN_POINTS = 12
STILL_PX = 0.5
STILL_SHARE = 0.3


def compose(outer: Affine, inner: Affine) -> Affine:
    """Return the map that applies ``inner`` first and then ``outer``."""
    return np.hstack([outer[:, :2] @ inner[:, :2], outer[:, :2] @ inner[:, 2:] + outer[:, 2:]])


def invert(affine: Affine) -> Affine:
    """Return the inverse map."""
    return np.asarray(cv2.invertAffineTransform(affine), np.float64)


def is_identity(affine: Affine) -> bool:
    """Return whether the map is exactly the identity (a camera that stands still)."""
    return bool(np.array_equal(affine, IDENTITY))


class Registrar:
    """Registers frames to one reference frame.

    Args:
        gray: The reference frame.
    """

    def __init__(self, gray: Gray) -> None:
        self._gray = gray
        found = cv2.goodFeaturesToTrack(gray, 300, 0.01, 6, blockSize=5)
        self._points = np.empty((0, 1, 2), np.float32) if found is None else found

    def register(self, gray: Gray, guess: Affine) -> tuple[Affine | None, float]:
        """Return the map from ``gray`` to the reference, and the share of points that agree.

        Args:
            gray: The frame to register.
            guess: Expected map, usually the previous frame's.

        Returns:
            The map, or None where too few points could be followed. A reference without
            texture gives the guess, with share 1. A still camera, or one that moves as
            guessed, is preferred to a map that fits little better: moving objects often
            have more corners than the scene behind them.
        """
        if len(self._points) < MIN_POINTS:
            return guess, 1.0
        here, there = self._follow(gray, guess)
        if len(here) < MIN_POINTS:
            return None, 0.0
        found, inliers = cv2.estimateAffinePartial2D(
            there, here, method=cv2.RANSAC, ransacReprojThreshold=1.2, maxIters=400
        )
        agreeing = 0 if found is None else int(inliers.sum())
        for still in (IDENTITY, guess):
            count = int((self._distance(still, here, there) < STILL_PX).sum())
            if count >= MIN_POINTS and count > STILL_SHARE * agreeing:
                return still.copy(), count / len(self._points)
        if found is None or agreeing < MIN_POINTS:
            return None, 0.0
        return np.asarray(found, np.float64), agreeing / len(self._points)

    @staticmethod
    def _distance(
        affine: Affine, here: NDArray[np.float32], there: NDArray[np.float32]
    ) -> NDArray[np.float64]:
        """Return how far each followed point is from where the map puts it."""
        moved = cv2.transform(there[:, None], affine)[:, 0]
        distance: NDArray[np.float64] = np.linalg.norm(moved - here, axis=1)
        return distance

    def _follow(self, gray: Gray, guess: Affine) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the reference points that were found again, and where."""
        start = cv2.transform(self._points, invert(guess)).astype(np.float32)
        moved, found, _ = cv2.calcOpticalFlowPyrLK(
            self._gray,
            gray,
            self._points,
            start,
            winSize=(15, 15),
            maxLevel=3,
            flags=cv2.OPTFLOW_USE_INITIAL_FLOW,
        )
        good = found[:, 0] == 1
        return self._points[good, 0], moved[good, 0]
