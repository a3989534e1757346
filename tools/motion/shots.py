"""Shots: a first pass finds hard cuts, follows the camera and keeps sample frames.

A *stretch* is a run of frames seen in one frame of reference, its canvas. A hard cut
starts a new stretch; so does a camera that has turned too far from the reference.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from reelgraph._types import Image
from reelgraph.tools.motion.camera import IDENTITY, Affine, Gray, Registrar, compose, invert
from reelgraph.tools.video import Frame

__all__ = ["Stretch", "find_stretches"]

MAX_SAMPLES = 64
CUT_DISTANCE = 0.25
MAX_TURN = 0.45
MIN_AGREEMENT = 0.2
KEY_AGREEMENT = 0.5
MAX_DRIFT_PX = 3.0


@dataclass
class Stretch:
    """Consecutive processed frames that share one frame of reference.

    Attributes:
        after_cut: Whether a hard cut comes before the first frame.
        to_canvas: For each frame, the map from its pixels to the reference frame's.
        samples: Some of the frames, evenly spread, for the background.
        sample_rows: Their positions in the stretch.
        compensated: False if the camera could not be followed somewhere.
    """

    after_cut: bool
    to_canvas: list[Affine] = field(default_factory=list)
    samples: list[Image] = field(default_factory=list)
    sample_rows: list[int] = field(default_factory=list)
    compensated: bool = True
    _step: int = 1

    def __len__(self) -> int:
        return len(self.to_canvas)

    def add(self, image: Image, to_canvas: Affine) -> None:
        """Append one frame."""
        row = len(self.to_canvas)
        self.to_canvas.append(to_canvas)
        if row % self._step == 0:
            self.samples.append(image)
            self.sample_rows.append(row)
        if len(self.samples) > MAX_SAMPLES:
            del self.samples[1::2], self.sample_rows[1::2]
            self._step *= 2


def find_stretches(frames: Iterable[Frame]) -> Iterator[Stretch]:
    """Yield the stretches of a video in order; together they cover every frame once."""
    follower: _Follower | None = None
    for frame in frames:
        if follower is None:
            follower = _Follower(frame.image, after_cut=False)
            continue
        finished = follower.advance(frame.image)
        if finished is not None:
            yield finished
    if follower is not None:
        yield follower.stretch


class _Follower:
    """Follows the camera from frame to frame and starts stretches."""

    def __init__(self, image: Image, *, after_cut: bool) -> None:
        self._start(image, after_cut=after_cut)

    def _start(self, image: Image, *, after_cut: bool) -> None:
        gray = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.uint8)
        self.stretch = Stretch(after_cut=after_cut)
        self.stretch.add(image, IDENTITY.copy())
        self._key, self._key_to_canvas = Registrar(gray), IDENTITY.copy()
        self._image, self._gray = image, gray

    def advance(self, image: Image) -> Stretch | None:
        """Add a frame; return the stretch that ended before it, if one did."""
        gray = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.uint8)
        affine, agreement = self._locate(gray)
        cut = agreement < 0.3 and _looks_different(self._image, image)
        if cut or affine is None or _has_turned(affine, gray.shape):
            finished = self.stretch
            self._start(image, after_cut=cut)
            return finished
        self.stretch.add(image, affine)
        self._image, self._gray = image, gray
        return None

    def _locate(self, gray: Gray) -> tuple[Affine | None, float]:
        """Return the map to the canvas, and how many points followed it from the last frame.

        Steps from frame to frame are reliable but drift; the key frame corrects them
        where most of its points agree on a place nearby.
        """
        last = self.stretch.to_canvas[-1]
        step, agreement = Registrar(self._gray).register(gray, IDENTITY)
        if step is None or agreement < MIN_AGREEMENT:
            self.stretch.compensated = False
            step = IDENTITY
        affine = compose(last, step)
        guess = compose(invert(self._key_to_canvas), affine)
        exact, support = self._key.register(gray, guess)
        if exact is None or support < KEY_AGREEMENT:
            self._key, self._key_to_canvas = Registrar(gray), affine
        elif float(np.abs(exact[:, 2] - guess[:, 2]).max()) < MAX_DRIFT_PX:
            affine = compose(self._key_to_canvas, exact)
        return affine, agreement


def _looks_different(before: Image, after: Image) -> bool:
    """Return whether two neighbouring frames differ in colours and in most places."""
    distance = cv2.compareHist(_histogram(before), _histogram(after), cv2.HISTCMP_BHATTACHARYYA)
    unchanged = float((cv2.absdiff(before, after).max(axis=2) < 20).mean())
    return bool(distance > CUT_DISTANCE and unchanged < 0.4)


def _histogram(image: Image) -> NDArray[np.float32]:
    histogram = cv2.calcHist([image], [0, 1, 2], None, [8, 8, 8], [0, 256, 0, 256, 0, 256])
    return np.asarray(histogram / max(float(histogram.sum()), 1.0), np.float32)


def _has_turned(affine: Affine | None, shape: tuple[int, ...]) -> bool:
    """Return whether the frame lies too far from the reference, or is scaled too much."""
    if affine is None:
        return True
    height, width = shape[:2]
    middle = np.array([width / 2, height / 2])
    shift = np.abs(affine[:, :2] @ middle + affine[:, 2] - middle)
    scale = float(np.hypot(affine[0, 0], affine[1, 0]))
    return bool(
        shift[0] > MAX_TURN * width or shift[1] > MAX_TURN * height or not 0.75 < scale < 1.33
    )
