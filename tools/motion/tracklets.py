"""Tracklets: the masks of one label on consecutive frames, kept small."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations

import cv2
import numpy as np
from numpy.typing import NDArray

from reelgraph._types import Image, Mask
from reelgraph.tools.motion.sightings import Box, Sighting, unite
from reelgraph.tools.motion.view import BINS, Colours, Labels, View, colours_of

__all__ = ["Collection", "Tracklet", "fuse"]

LOOK_EVERY = 4
NEAR_PX = 6


@dataclass(eq=False)
class Tracklet:
    """All sightings of one label.

    Attributes:
        number: The label.
        scene: Number of the scene (frame of reference) it was seen in first.
        sightings: In order of time.
        colours: Sum of its colours.
        seams: For some sightings, how much its contour shows (see `_seam_gain`).
    """

    number: int
    scene: int
    sightings: list[Sighting] = field(default_factory=list)
    colours: Colours = field(default_factory=lambda: np.zeros(BINS, np.float32))
    seams: list[float] = field(default_factory=list)

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


class Collection:
    """The tracklets of a video, and how their masks lie to one another.

    Attributes:
        tracklets: By label.
        together: For each pair of labels, in how many frames both were seen.
        near: For each pair of labels, in how many frames they all but touched.
    """

    def __init__(self) -> None:
        self.tracklets: dict[int, Tracklet] = {}
        self.together: Counter[tuple[int, int]] = Counter()
        self.near: Counter[tuple[int, int]] = Counter()

    def add(
        self, view: View, labels: Labels, scene_image: NDArray[np.float32], row: int, scene: int
    ) -> None:
        """Add the masks of one frame.

        Args:
            view: The frame.
            labels: Its labels.
            scene_image: The background as seen in this frame.
            row: Position of the frame in the video's processed frames.
            scene: Number of the frame of reference.
        """
        numbers = np.unique(labels[labels > 0]).tolist()
        self.together.update(combinations(numbers, 2))
        for number in numbers:
            mask = labels == number
            sighting = Sighting.of(row, mask, view.to_canvas)
            box = sighting.box
            tracklet = self.tracklets.setdefault(number, Tracklet(number, scene))
            tracklet.sightings.append(sighting)
            self._note_neighbours(labels, mask, box, number)
            if len(tracklet.sightings) % LOOK_EVERY == 1:
                tracklet.colours = tracklet.colours + colours_of(view, mask)
                tracklet.seams.append(_seam_gain(view.image, scene_image, mask, box))
        view.release()

    def _note_neighbours(self, labels: Labels, mask: Mask, box: Box, number: int) -> None:
        margin = _grown(box, NEAR_PX, labels.shape)
        kernel = np.ones((2 * NEAR_PX + 1, 2 * NEAR_PX + 1), np.uint8)
        around = cv2.dilate(mask[margin].astype(np.uint8), kernel) > 0
        for other in np.unique(labels[margin][around]).tolist():
            if other > number:
                self.near[number, other] += 1


def _grown(box: Box, margin: int, shape: tuple[int, ...]) -> tuple[slice, slice]:
    x0, y0, x1, y1 = box
    return (
        slice(max(0, y0 - margin), min(shape[0], y1 + margin)),
        slice(max(0, x0 - margin), min(shape[1], x1 + margin)),
    )


def _seam_gain(image: Image, scene: NDArray[np.float32], mask: Mask, box: Box) -> float:
    """Return how much more the contour of a mask shows in the frame than in the background.

    Negative where the background has the edge: then what is missing there is the ghost
    of something that the background wrongly holds.
    """
    margin = _grown(box, 7, mask.shape)
    inside = mask[margin].astype(np.float32)
    outside = 1 - cv2.dilate(inside, np.ones((3, 3), np.uint8))
    inside = np.asarray(cv2.erode(inside, np.ones((3, 3), np.uint8)), np.float32)
    weights = cv2.blur(inside, (7, 7)), cv2.blur(outside, (7, 7))
    both = (weights[0] > 0.1) & (weights[1] > 0.1)
    if not both.any():
        return 0.0
    jumps = []
    for picture in (image[margin].astype(np.float32), scene[margin]):
        means = [
            cv2.blur(picture * part[..., None], (7, 7))[both] / weight[both][:, None]
            for part, weight in zip((inside, outside), weights, strict=True)
        ]
        jumps.append(float(np.minimum(np.abs(means[0] - means[1]).max(axis=1), 60).mean()))
    return jumps[0] - jumps[1]


def fuse(tracklets: Sequence[Tracklet]) -> Tracklet:
    """Return one tracklet of several that are parts of one thing."""
    if len(tracklets) == 1:
        return tracklets[0]
    by_row: dict[int, list[Sighting]] = {}
    for tracklet in tracklets:
        for sighting in tracklet.sightings:
            by_row.setdefault(sighting.row, []).append(sighting)
    largest = max(tracklets, key=lambda t: (len(t.sightings), -t.number))
    return Tracklet(
        largest.number,
        min(tracklets, key=lambda t: t.first.row).scene,
        [unite(by_row[row]) for row in sorted(by_row)],
        np.sum([t.colours for t in tracklets], axis=0, dtype=np.float32),
        [seam for t in tracklets for seam in t.seams],
    )
