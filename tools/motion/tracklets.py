"""Tracklets: the masks of one label on consecutive frames, kept small."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from reelgraph._types import Mask
from reelgraph.tools.motion.camera import Affine
from reelgraph.tools.motion.view import BINS, Colours, Labels, View, colours_of

__all__ = ["Sighting", "Tracklet", "collect"]


@dataclass(frozen=True, eq=False)
class Sighting:
    """One mask at working resolution.

    Attributes:
        row: Position of the frame in the video's processed frames.
        box: ``x0, y0, x1, y1`` in pixels, right and bottom exclusive.
        place: The box in the scene's frame of reference, camera motion removed.
        area: In pixels.
        bits: The mask inside the box, packed.
    """

    row: int
    box: tuple[int, int, int, int]
    place: NDArray[np.float64]
    area: int
    bits: bytes

    def mask(self) -> Mask:
        """Return the mask inside the box."""
        x0, y0, x1, y1 = self.box
        flat = np.unpackbits(np.frombuffer(self.bits, np.uint8), count=(x1 - x0) * (y1 - y0))
        return flat.reshape(y1 - y0, x1 - x0).astype(bool)


@dataclass(eq=False)
class Tracklet:
    """All sightings of one label.

    Attributes:
        number: The label.
        scene: Number of the scene (frame of reference) it was seen in first.
        sightings: In order of time.
        colours: Mean colours.
    """

    number: int
    scene: int
    sightings: list[Sighting] = field(default_factory=list)
    colours: Colours = field(default_factory=lambda: np.zeros(BINS, np.float32))

    @property
    def first(self) -> Sighting:
        """The first sighting."""
        return self.sightings[0]

    @property
    def last(self) -> Sighting:
        """The last sighting."""
        return self.sightings[-1]

    @property
    def area(self) -> float:
        """Median area in pixels."""
        return float(np.median([s.area for s in self.sightings]))

    def likeness(self) -> Colours:
        """Return the colours, normalised."""
        return np.asarray(self.colours / max(float(self.colours.sum()), 1e-6), np.float32)


def collect(
    tracklets: dict[int, Tracklet], view: View, labels: Labels, row: int, scene: int
) -> None:
    """Add the masks of one frame to the tracklets."""
    for number in np.unique(labels[labels > 0]).tolist():
        mask = labels == number
        ys, xs = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        box = (int(xs[0]), int(ys[0]), int(xs[-1]) + 1, int(ys[-1]) + 1)
        crop = mask[box[1] : box[3], box[0] : box[2]]
        sighting = Sighting(
            row, box, _placed(box, view.to_canvas), int(crop.sum()), np.packbits(crop).tobytes()
        )
        tracklet = tracklets.setdefault(number, Tracklet(number, scene))
        tracklet.sightings.append(sighting)
        if len(tracklet.sightings) % 3 == 1:
            tracklet.colours = tracklet.colours + colours_of(view, mask)
    view.release()


def _placed(box: tuple[int, int, int, int], to_canvas: Affine) -> NDArray[np.float64]:
    """Return a box moved to the canvas, as ``x0, y0, x1, y1``."""
    corners = np.array([[[box[0], box[1]], [box[2], box[3]]]], np.float64)
    moved: NDArray[np.float64] = cv2.transform(corners, to_canvas)[0].reshape(4)
    return moved
