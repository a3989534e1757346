"""Propagation: labels are carried from frame to frame along the optical flow.

A connected patch of foreground that one thing leads into is that thing. A patch that
several things lead into (a hand and the bottle it takes, two people who cross) is
divided among them pixel by pixel, by where each is expected and by its colours.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from reelgraph._types import Mask
from reelgraph.tools.motion.view import BINS, Colours, Labels, View, colours_of, likeness

__all__ = ["Propagator", "Thing", "divide", "flow_between", "follow_labels"]

Flow = NDArray[np.float32]

MEMORY_FRAMES = 25
LOST_FRAMES = 12
JOIN_PX = 3
APART_PX = 6
YOUNG_FRAMES = 6


@dataclass
class Thing:
    """What the propagation knows of one thing.

    Attributes:
        number: Label in the label images.
        colours: Running mean of its colours while it stands alone.
        area: Running mean of its area in pixels while it stands alone.
        whole: Its last mask while it stood alone, moved along with it.
        parent: The thing it split off or appeared beside, 0 if none.
        split: Whether it was cut off from the parent's mask, far from the rest of it.
        age: Frames since it was first seen.
        apart: Frames in which it stood alone.
        missing: Frames since it was last seen.
    """

    number: int
    colours: Colours
    area: float
    whole: Mask
    parent: int = 0
    split: bool = False
    apart: int = 0
    missing: int = 0
    together: int = 0
    age: int = 0
    velocity: NDArray[np.float64] = field(default_factory=lambda: np.zeros(2))
    centre: NDArray[np.float64] = field(default_factory=lambda: np.zeros(2))


def flow_between(view: View, other: View) -> Flow:
    """Return for each pixel of ``view`` how far away it is found in ``other``."""
    engine = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    flow: Flow = engine.calc(view.gray, other.gray, None)
    return flow


def follow_labels(labels: Labels, flow: Flow) -> Labels:
    """Return the labels moved along the flow that leads back to them."""
    height, width = labels.shape
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    moved: Labels = cv2.remap(
        labels,
        x + flow[..., 0],
        y + flow[..., 1],
        cv2.INTER_NEAREST,
        borderMode=cv2.BORDER_CONSTANT,
    )
    return moved


def divide(
    view: View,
    patch: Mask,
    expected: dict[int, Mask],
    wholes: dict[int, Mask],
    colours: dict[int, Colours],
) -> Labels:
    """Divide a patch of foreground among the things that lead into it.

    Args:
        view: The frame.
        patch: The pixels to divide.
        expected: By thing, where the flow puts it.
        wholes: By thing, where all of it would be, hidden parts included.
        colours: By thing, its colours.
    """
    numbers = sorted(expected)
    y, x = np.nonzero(patch)
    box = np.s_[max(0, y.min() - 2) : y.max() + 3, max(0, x.min() - 2) : x.max() + 3]
    table = np.stack([colours[n] for n in numbers]) + 1e-4
    log = np.log(table / table.mean(axis=0))
    tint = np.clip(log, -2.5, 2.5)[:, view.bins[box]].astype(np.float32)
    scores = []
    for k, number in enumerate(numbers):
        near = _distance(expected[number][box])
        if number in wholes:
            near = np.minimum(near, _distance(wholes[number][box]) + 2.0)
        scores.append(cv2.blur(tint[k], (3, 3)) - np.clip(near, -2.0, 14.0) / 2.5)
    winner = np.argmax(np.stack(scores), axis=0)
    labels = np.zeros(patch.shape, np.int16)
    labels[box] = np.array(numbers, np.int16)[winner]
    labels[~patch] = 0
    return _tidy(labels, numbers)


def _distance(mask: Mask) -> NDArray[np.float32]:
    """Return the distance to a mask, negative inside it."""
    if not mask.any():
        return np.full(mask.shape, 30.0, np.float32)
    outside = cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, 3)
    inside = cv2.distanceTransform(np.pad(mask, 1).astype(np.uint8), cv2.DIST_L2, 3)[1:-1, 1:-1]
    result: NDArray[np.float32] = outside - inside
    return result


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
            ring = (
                cv2.dilate(speck.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool) & ~speck
            )
            around = labels[ring]
            around = around[(around != 0) & (around != number)]
            if len(around):
                labels[speck] = np.bincount(around).argmax()
    return labels


def patches_of(mask: Mask) -> tuple[int, NDArray[np.int32]]:
    """Return the number of patches plus one, and each pixel's patch (0: none).

    Parts with a gap of a few pixels between them belong to one patch.
    """
    joined = cv2.dilate(mask.astype(np.uint8), np.ones((JOIN_PX, JOIN_PX), np.uint8))
    count, patches = cv2.connectedComponents(joined, connectivity=8)
    patches[~mask] = 0
    return count, patches


class Propagator:
    """Carries labels forward through consecutive frames.

    Args:
        min_area: Smallest area of a thing in pixels.
        first_number: Label of the first new thing.
    """

    def __init__(self, *, min_area: int, first_number: int = 1) -> None:
        self.things: dict[int, Thing] = {}
        self.aliases: dict[int, int] = {}
        self.born: list[Thing] = []
        self.next_number = first_number
        self._min_area = min_area
        self._view: View | None = None
        self._labels: Labels | None = None

    def forget(self) -> None:
        """Drop the last frame: a cut follows, nothing leads on from it."""
        self._view = self._labels = None
        self.things.clear()

    def step(self, view: View) -> Labels:
        """Label the next frame."""
        if self._view is None or self._labels is None:
            moved = np.zeros(view.mask.shape, np.int16)
        else:
            flow = flow_between(view, self._view)
            moved = follow_labels(self._labels, flow)
            self._move_wholes(moved, flow)
        labels = self._assign(view, moved)
        self._reunite(labels)
        self._learn(view, labels)
        self._view, self._labels = view, labels
        return labels

    def _move_wholes(self, moved: Labels, flow: Flow) -> None:
        """Move what is remembered of each thing along with what is seen of it."""
        for thing in self.things.values():
            seen = moved == thing.number
            if int(seen.sum()) >= 12:
                thing.velocity = -np.median(flow[seen], axis=0).astype(np.float64)
            elif thing.missing > 3:
                thing.velocity = thing.velocity * 0.8
            dx, dy = thing.velocity
            if max(abs(dx), abs(dy)) > 0.3:
                shift = np.array([[1, 0, dx], [0, 1, dy]], np.float64)
                size = thing.whole.shape[::-1]
                whole = cv2.warpAffine(
                    thing.whole.astype(np.uint8), shift, size, flags=cv2.INTER_NEAREST
                )
                thing.whole = whole.astype(bool)

    def _assign(self, view: View, moved: Labels) -> Labels:
        """Give every foreground patch to the thing or things that lead into it."""
        count, patches = patches_of(view.mask)
        labels = np.zeros(view.mask.shape, np.int16)
        leads = self._leads(patches, count, moved)
        free = []
        for patch in range(1, count):
            inside = patches == patch
            numbers = leads.get(patch, [])
            if not numbers:
                free.append(inside)
            elif len(numbers) == 1:
                labels[inside] = numbers[0]
            else:
                labels += self._divide(view, inside, numbers, moved)
        self._split_off(view, labels, patches)
        self._place_free(view, labels, free)
        return labels

    def _leads(self, patches: NDArray[np.int32], count: int, moved: Labels) -> dict[int, list[int]]:
        """Return for each patch the things that lead into it."""
        leads: dict[int, list[int]] = {}
        for number, thing in self.things.items():
            seen = moved == number
            hits = np.bincount(patches[seen], minlength=count)
            hidden = thing.missing > 0 or thing.together > 0
            if hidden and thing.missing <= MEMORY_FRAMES:
                hits = np.maximum(hits, np.bincount(patches[thing.whole], minlength=count) // 2)
            hits[0] = 0
            enough = np.flatnonzero(hits >= max(4, 0.06 * thing.area))
            for patch in enough:
                leads.setdefault(int(patch), []).append(number)
        return leads

    def _divide(self, view: View, inside: Mask, numbers: list[int], moved: Labels) -> Labels:
        expected = {n: moved == n for n in numbers}
        wholes = {
            n: self.things[n].whole for n in numbers if self.things[n].together <= MEMORY_FRAMES
        }
        colours = {n: self.things[n].colours for n in numbers}
        return divide(view, inside, expected, wholes, colours)

    def _split_off(self, view: View, labels: Labels, patches: NDArray[np.int32]) -> None:
        """Start a new thing for each part of a thing that lies in another patch, far off."""
        for number in [n for n in self.things if n in labels]:
            mask = labels == number
            owners = np.bincount(patches[mask])
            owners[0] = 0
            if int((owners > 0).sum()) < 2:
                continue
            main = mask & (patches == self._main_part(view, number, mask, patches, owners))
            near = _around(main, APART_PX)
            for patch in np.flatnonzero(owners):
                part = mask & (patches == patch)
                if (part & near).any():
                    continue
                labels[part] = self._owner_of_part(view, labels, part, number)

    def _owner_of_part(self, view: View, labels: Labels, part: Mask, number: int) -> int:
        """Return who a far part of a thing is: one that was hidden, or a new thing."""
        area = int(part.sum())
        best, best_score = 0, 0.0
        for other, thing in self.things.items():
            if other == number or not (thing.together or thing.missing):
                continue
            inside = float((part & thing.whole).sum()) / area
            score = inside * _evidence(view, part, thing.colours, self.things[number].colours)
            if score > best_score:
                best, best_score = other, score
        if best and best_score > 0.3:
            return best
        if area < self._min_area:
            return 0
        thing = self._start(view, part, parent=number)
        thing.split = True
        return thing.number

    def _reunite(self, labels: Labels) -> None:
        """Join parts of one thing that appeared as several.

        A part that appeared beside a thing and stays beside it belongs to it; so do two
        that have just appeared (a person who steps into the picture, arm first).
        """
        for number in sorted(self.things, reverse=True):
            thing = self.things[number]
            if thing.age > YOUNG_FRAMES or number not in labels:
                continue
            near = labels[_around(labels == number, APART_PX)]
            for other in np.unique(near[(near > 0) & (near != number)]).tolist():
                kin = other == thing.parent and not thing.split and thing.age >= 2
                if kin or (self.things[other].age <= YOUNG_FRAMES and not thing.parent):
                    self._merge(labels, number, into=other)
                    break

    def _merge(self, labels: Labels, number: int, into: int) -> None:
        """Let one thing become part of another, in the past as well."""
        thing, whole = self.things.pop(number), self.things[into]
        labels[labels == number] = into
        self.aliases[number] = into
        total = thing.area + whole.area
        whole.colours = (thing.area * thing.colours + whole.area * whole.colours) / total
        whole.area, whole.whole = total, whole.whole | thing.whole
        whole.age = max(whole.age, thing.age)

    def _main_part(
        self,
        view: View,
        number: int,
        mask: Mask,
        patches: NDArray[np.int32],
        owners: NDArray[np.int64],
    ) -> int:
        """Return the patch in which a thing goes on: by area and likeness."""
        thing = self.things[number]
        best, best_score = 0, -1.0
        for patch in np.flatnonzero(owners):
            part = mask & (patches == patch)
            alike = likeness(colours_of(view, part), thing.colours)
            size = min(owners[patch], thing.area) / max(owners[patch], thing.area)
            score = float(alike * size)
            if score > best_score:
                best, best_score = int(patch), score
        return best

    def _place_free(self, view: View, labels: Labels, free: list[Mask]) -> None:
        """Match patches that nothing leads into with things just lost, or start things."""
        lost = [
            t for t in self.things.values() if t.number not in labels and t.missing <= LOST_FRAMES
        ]
        cost = np.full((len(free), len(lost)), 1e3)
        for i, patch in enumerate(free):
            y, x = np.nonzero(patch)
            here, colours = np.array([x.mean(), y.mean()]), colours_of(view, patch)
            for j, thing in enumerate(lost):
                step = thing.centre + thing.velocity * (thing.missing + 1)
                gap = float(np.linalg.norm(here - step)) / (
                    np.sqrt(thing.area) * (1 + 0.3 * thing.missing) + 4
                )
                ratio = min(len(x), thing.area) / max(len(x), thing.area)
                alike = likeness(colours, thing.colours)
                if gap < 2.0 and alike > 0.5 and ratio > 0.2:
                    cost[i, j] = gap + 2 * (1 - alike) + (1 - ratio)
        rows, columns = linear_sum_assignment(cost)
        taken = {
            int(i): lost[j].number for i, j in zip(rows, columns, strict=True) if cost[i, j] < 1e3
        }
        for i, patch in enumerate(free):
            if i in taken:
                labels[patch] = taken[i]
                continue
            near = labels[_around(patch, APART_PX) & (labels > 0)]
            owner = int(np.bincount(near).argmax()) if len(near) else 0
            if (
                owner
                and int((labels == owner).sum()) + int(patch.sum()) < 1.4 * self.things[owner].area
            ):
                labels[patch] = owner
            elif int(patch.sum()) >= self._min_area:
                labels[patch] = self._start(view, patch, parent=owner).number

    def _start(self, view: View, mask: Mask, parent: int = 0) -> Thing:
        thing = Thing(
            self.next_number, colours_of(view, mask), float(mask.sum()), mask.copy(), parent
        )
        self.things[thing.number] = thing
        self.born.append(thing)
        self.next_number += 1
        return thing

    def _learn(self, view: View, labels: Labels) -> None:
        """Update what is known of each thing from the frame just labelled."""
        touching = _touching(labels)
        for number, thing in list(self.things.items()):
            mask = labels == number
            area = int(mask.sum())
            thing.age += 1
            if area < max(6, 0.04 * thing.area):
                thing.missing += 1
                if area:
                    labels[mask] = 0
                if thing.missing > MEMORY_FRAMES:
                    del self.things[number]
                continue
            y, x = np.nonzero(mask)
            thing.centre, thing.missing = np.array([x.mean(), y.mean()]), 0
            if number in touching and area < 1.5 * thing.area:
                thing.together += 1
                if thing.together > MEMORY_FRAMES and area > 0.5 * thing.area:
                    thing.whole = mask
                continue
            thing.together = 0
            thing.apart += 1
            rate = max(0.1, 1.0 / thing.apart)
            thing.colours = (1 - rate) * thing.colours + rate * colours_of(view, mask)
            thing.area = (1 - rate) * thing.area + rate * area
            thing.whole = mask


def _evidence(view: View, part: Mask, colours: Colours, others: Colours) -> float:
    """Return the share of pixels whose colour one thing has more of than another."""
    bins = view.bins[part]
    return float((colours[bins] >= others[bins]).mean())


def _around(mask: Mask, reach_px: int) -> Mask:
    """Return the pixels within ``reach_px`` of a mask."""
    size = 2 * reach_px + 1
    grown: Mask = cv2.dilate(mask.astype(np.uint8), np.ones((size, size), np.uint8)).astype(bool)
    return grown


def _touching(labels: Labels) -> set[int]:
    """Return the things that touch another one."""
    found: set[int] = set()
    for a, b in ((labels[:, :-1], labels[:, 1:]), (labels[:-1], labels[1:])):
        pair = (a != b) & (a > 0) & (b > 0)
        found.update(np.unique(a[pair]).tolist())
        found.update(np.unique(b[pair]).tolist())
    return found
