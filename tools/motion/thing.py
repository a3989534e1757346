"""Things: what the propagation remembers of each one while it follows it."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from reelgraph._types import Image, Mask
from reelgraph.tools.motion.view import Colours, View, colours_of, likeness

__all__ = ["MEMORY_FRAMES", "Thing"]

MEMORY_FRAMES = 25
FULL = (0.85, 1.2)
VISIBLE = 0.7
STILL_LIKE = 0.9
YOUNG_FRAMES, YOUNG_ALONE = 25, 6
SETTLED_ALONE = 12


@dataclass
class Thing:
    """What is known of one thing.

    Attributes:
        number: Label in the label images.
        colours: Running mean of its colours while it stands alone.
        area: Running mean of its area in pixels while it stands alone.
        parent: The thing it split off or appeared beside, 0 if none.
        split: Whether it was cut off from the parent's mask, far from the rest of it.
        age: Frames since it was first seen.
        alone: Frames in which it touched nothing else.
        missing: Frames since it was last seen.
        stale: Frames since all of it was seen.
        velocity: Pixels per frame, ``(x, y)``.
        centre: Of the last mask, ``(x, y)``.
    """

    number: int
    colours: Colours
    area: float
    parent: int = 0
    split: bool = False
    age: int = 0
    alone: int = 0
    missing: int = 0
    stale: int = 0
    velocity: NDArray[np.float64] = field(default_factory=lambda: np.zeros(2))
    centre: NDArray[np.float64] = field(default_factory=lambda: np.zeros(2))
    _mask: Mask = field(default_factory=lambda: np.zeros((1, 1), bool))
    _image: Image = field(default_factory=lambda: np.zeros((1, 1, 3), np.uint8))
    _shift: NDArray[np.float64] = field(default_factory=lambda: np.zeros(2))

    @classmethod
    def start(cls, number: int, view: View, mask: Mask, parent: int = 0) -> Thing:
        """Return a thing first seen in this frame."""
        thing = cls(number, colours_of(view, mask), float(mask.sum()), parent)
        thing.remember(view, mask)
        return thing

    def remember(self, view: View, mask: Mask) -> None:
        """Keep how all of the thing looks in this frame."""
        self._mask, self._image, self._shift = mask.copy(), view.image, np.zeros(2)
        self.stale = 0

    @property
    def hidden(self) -> bool:
        """Whether part of it is out of sight, and what is remembered is recent."""
        return 0 < self.stale <= MEMORY_FRAMES

    @property
    def young(self) -> bool:
        """Whether it is new and has hardly been seen away from others."""
        return self.age <= YOUNG_FRAMES and self.alone <= YOUNG_ALONE

    @property
    def settled(self) -> bool:
        """Whether its size is known: it was seen away from others for a while."""
        return self.alone >= SETTLED_ALONE

    @property
    def whole(self) -> Mask:
        """Where all of it would be now, hidden parts included."""
        if not self._shift.any():
            return self._mask
        moved = cv2.warpAffine(
            self._mask.astype(np.uint8),
            self._map(),
            self._mask.shape[::-1],
            flags=cv2.INTER_NEAREST,
        )
        return moved.astype(bool)

    @property
    def look(self) -> Image:
        """The remembered frame, moved so that the thing lies where it would be now."""
        if not self._shift.any():
            return self._image
        moved = cv2.warpAffine(
            self._image, self._map(), self._mask.shape[::-1], borderMode=cv2.BORDER_REPLICATE
        )
        return np.asarray(moved, np.uint8)

    def _map(self) -> NDArray[np.float64]:
        return np.array([[1, 0, self._shift[0]], [0, 1, self._shift[1]]], np.float64)

    def move(self, seen: Mask, flow: NDArray[np.float32]) -> None:
        """Move along with what is seen of it.

        While most of it is hidden, what is seen may belong to the thing in front:
        then it goes on as it did before.

        Args:
            seen: Where its last mask lies in the new frame.
            flow: From each pixel of the new frame to the last frame.
        """
        if int(seen.sum()) >= max(8.0, VISIBLE * self.area):
            velocity = -np.median(flow[seen], axis=0).astype(np.float64)
            self.velocity = velocity if float(np.abs(velocity).max()) > 0.3 else np.zeros(2)
        elif self.missing > 3:
            self.velocity = self.velocity * 0.8
        self._shift = self._shift + self.velocity

    def see(self, view: View, mask: Mask, *, touching: bool) -> None:
        """Learn from a frame in which some of it is visible."""
        ys, xs = np.nonzero(mask)
        area = len(ys)
        self.centre, self.missing = np.array([xs.mean(), ys.mean()]), 0
        low, high = FULL[0] * self.area, FULL[1] * self.area
        if touching:
            alike = likeness(colours_of(view, mask), self.colours) > STILL_LIKE
            if (low < area < high and alike) or self.stale > MEMORY_FRAMES:
                self.remember(view, mask)
            else:
                self.stale += 1
            return
        self.alone += 1
        rate = max(0.1, 1.0 / self.alone)
        self.colours = (1 - rate) * self.colours + rate * colours_of(view, mask)
        self.area = (1 - rate) * self.area + rate * area
        self.remember(view, mask)

    def absorb(self, other: Thing) -> None:
        """Take over another thing, which turned out to be a part of this one."""
        total = self.area + other.area
        share = self.area / total
        self.colours = share * self.colours + (1 - share) * other.colours
        self._settle(self.whole | other.whole)
        self.area, self.age = total, max(self.age, other.age)

    def give_up(self, part: Thing) -> None:
        """Lose a part that turned out to be a thing of its own."""
        rest = np.maximum(self.area * self.colours - part.area * part.colours, 0)
        self.colours = np.asarray(rest / max(float(rest.sum()), 1e-6), np.float32)
        self.area = max(self.area - part.area, 1.0)
        self._settle(self.whole & ~part.whole)

    def _settle(self, mask: Mask) -> None:
        """Let a mask of this frame be the whole, with its look moved here too."""
        self._mask, self._image, self._shift = mask, self.look, np.zeros(2)
