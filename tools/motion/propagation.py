"""Propagation: labels are carried from frame to frame along the optical flow.

A connected patch of foreground that one thing leads into is that thing. A patch that
several things lead into (a hand and the bottle it takes, two people who cross) is
divided among them pixel by pixel, by where each is expected and by its colours.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from reelgraph._types import Mask
from reelgraph.tools.motion.division import Cue, divide
from reelgraph.tools.motion.emergence import Emergence
from reelgraph.tools.motion.thing import MEMORY_FRAMES, Thing
from reelgraph.tools.motion.view import Colours, Labels, View, colours_of, likeness

__all__ = ["Propagator", "flow_between", "follow_labels", "patches_of"]

Flow = NDArray[np.float32]

LOST_FRAMES = 12
OUTGROWN = 3.0
EMERGE_AGE, EMERGE_AREAS, MET_SHARE = 4, 40, 0.2
JOIN_PX = 3
APART_PX = 6
MIN_FLOW_SIDE = 16


def flow_between(view: View, other: View) -> Flow:
    """Return for each pixel of ``view`` how far away it is found in ``other``."""
    if min(view.gray.shape) < MIN_FLOW_SIDE:
        return np.zeros((*view.gray.shape, 2), np.float32)
    engine = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    flow = np.zeros((*view.gray.shape, 2), np.float32)
    return np.asarray(engine.calc(view.gray, other.gray, flow), np.float32)


def follow_labels(labels: Labels, flow: Flow | NDArray[np.int8]) -> Labels:
    """Return the labels moved along the flow that leads back to them."""
    height, width = labels.shape
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    moved = cv2.remap(
        labels,
        x + flow[..., 0],
        y + flow[..., 1],
        cv2.INTER_NEAREST,
        borderMode=cv2.BORDER_CONSTANT,
    )
    return np.asarray(moved, np.int16)


def patches_of(mask: Mask) -> tuple[int, NDArray[np.int32]]:
    """Return the number of patches plus one, and each pixel's patch (0: none).

    Parts with a gap of a few pixels between them belong to one patch.
    """
    joined = cv2.dilate(mask.astype(np.uint8), np.ones((JOIN_PX, JOIN_PX), np.uint8))
    count, joint = cv2.connectedComponents(joined, connectivity=8)
    patches = np.where(mask, joint, 0).astype(np.int32)
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
        self._emergences: dict[int, Emergence] = {}
        self._view: View | None = None
        self._labels: Labels | None = None

    def forget(self) -> None:
        """Drop the last frame: a cut follows, nothing leads on from it."""
        self._view = self._labels = None
        self.things.clear()
        self._emergences.clear()

    def step(self, view: View) -> Labels:
        """Label the next frame."""
        flow = None
        if self._view is None or self._labels is None:
            moved = np.zeros(view.mask.shape, np.int16)
        else:
            flow = flow_between(view, self._view)
            moved = follow_labels(self._labels, flow)
            for thing in self.things.values():
                thing.move(moved == thing.number, flow)
        labels = self._assign(view, moved)
        self._reunite(labels)
        if flow is not None:
            self._emerge(view, labels, flow)
        self._learn(view, labels)
        self._view, self._labels = view, labels
        return labels

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
        self._replace_outgrown(view, labels)
        self._place_free(view, labels, free)
        return labels

    def _replace_outgrown(self, view: View, labels: Labels) -> None:
        """Start a new thing where a settled one would be several times its size at once.

        A speck that flickers at the border must not become the person who walks in there.
        """
        for number, thing in list(self.things.items()):
            mask = labels == number
            if thing.settled and int(mask.sum()) > OUTGROWN * thing.area:
                labels[mask] = self._start(view, mask).number
                del self.things[number]

    def _leads(self, patches: NDArray[np.int32], count: int, moved: Labels) -> dict[int, list[int]]:
        """Return for each patch the things that lead into it."""
        leads: dict[int, list[int]] = {}
        for number, thing in self.things.items():
            seen = moved == number
            hits = np.bincount(patches[seen], minlength=count)
            if thing.hidden:
                hits = np.maximum(hits, np.bincount(patches[thing.whole], minlength=count) // 2)
            hits[0] = 0
            enough = np.flatnonzero(hits >= max(4, 0.06 * thing.area))
            for patch in enough:
                leads.setdefault(int(patch), []).append(number)
        return leads

    def _divide(self, view: View, inside: Mask, numbers: list[int], moved: Labels) -> Labels:
        cues = {}
        for number in numbers:
            thing = self.things[number]
            recent = thing.stale <= MEMORY_FRAMES
            whole, look = (thing.whole, thing.look) if recent else (None, None)
            cues[number] = Cue(moved == number, thing.colours, whole, look)
        return divide(view, inside, cues)

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
        foreign = int((labels == number).sum()) > 1.1 * self.things[number].area
        beside = labels[_around(part, 2) & ~part]
        for other in np.unique(beside[(beside > 0) & (beside != number)]).tolist():
            colours = self.things[other].colours, self.things[number].colours
            if _evidence(view, part, *colours) > 0.6 or foreign:
                return int(other)
        best, best_score = 0, 0.0
        for other, thing in self.things.items():
            if other == number or not thing.hidden:
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
            if not thing.young or number not in labels:
                continue
            near = labels[_around(labels == number, APART_PX)]
            for other in np.unique(near[(near > 0) & (near != number)]).tolist():
                kin = other == thing.parent and not thing.split and thing.age >= 2
                if kin or (self.things[other].young and not thing.parent):
                    self._merge(labels, number, into=other)
                    break

    def _merge(self, labels: Labels, number: int, into: int) -> None:
        """Let one thing become part of another, in the past as well."""
        labels[labels == number] = into
        self.aliases[number] = into
        self.things[into].absorb(self.things.pop(number))

    def _emerge(self, view: View, labels: Labels, flow: Flow) -> None:
        """Start a thing for each part of a large one that moves on its own."""
        owners = labels.copy()
        for number, watch in self._emergences.items():
            owners[np.isin(labels, watch.numbers)] = number
        touching = _touching(owners)
        sizes = np.bincount(owners[owners > 0], minlength=1)
        for number in [n for n, thing in self.things.items() if thing.age > EMERGE_AGE]:
            mask = owners == number
            if int(mask.sum()) < EMERGE_AREAS * self._min_area:
                continue
            watch = self._emergences.setdefault(number, Emergence(min_area=self._min_area))
            met = [n for n in touching.get(number, ()) if sizes[n] > MET_SHARE * sizes[number]]
            for part in watch.step(view.image, mask, flow, alone=not met):
                if not part.number:
                    thing = self._start(view, part.blob.mask, parent=number)
                    thing.split, part.number = True, thing.number
                    self.things[number].give_up(thing)
                labels[labels == part.number] = number
                labels[part.blob.mask] = part.number

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
            elif int(patch.sum()) >= self._min_area and _is_solid(patch):
                labels[patch] = self._start(view, patch, parent=owner).number

    def _start(self, view: View, mask: Mask, parent: int = 0) -> Thing:
        thing = Thing.start(self.next_number, view, mask, parent)
        self.things[thing.number] = thing
        self.born.append(thing)
        self.next_number += 1
        return thing

    def _learn(self, view: View, labels: Labels) -> None:
        """Update what is known of each thing from the frame just labelled."""
        touching = _touching(labels)
        for number, thing in list(self.things.items()):
            mask = labels == number
            thing.age += 1
            if int(mask.sum()) >= max(6, 0.04 * thing.area):
                thing.see(view, mask, touching=number in touching)
                continue
            thing.missing += 1
            thing.stale += 1
            labels[mask] = 0
            if thing.missing > MEMORY_FRAMES:
                del self.things[number]


def _is_solid(patch: Mask) -> bool:
    """Return whether a patch is more than a line: the rim of something misplaced."""
    return bool(cv2.erode(patch.astype(np.uint8), np.ones((5, 5), np.uint8)).any())


def _evidence(view: View, part: Mask, colours: Colours, others: Colours) -> float:
    """Return the share of pixels whose colour one thing has more of than another."""
    bins = view.bins[part]
    return float((colours[bins] >= others[bins]).mean())


def _around(mask: Mask, reach_px: int) -> Mask:
    """Return the pixels within ``reach_px`` of a mask."""
    size = 2 * reach_px + 1
    grown: Mask = cv2.dilate(mask.astype(np.uint8), np.ones((size, size), np.uint8)).astype(bool)
    return grown


def _touching(labels: Labels) -> dict[int, set[int]]:
    """Return for each thing that touches others which ones they are."""
    found: dict[int, set[int]] = {}
    for a, b in ((labels[:, :-1], labels[:, 1:]), (labels[:-1], labels[1:])):
        pair = (a != b) & (a > 0) & (b > 0)
        for one, other in np.unique(np.stack([a[pair], b[pair]]), axis=1).T.tolist():
            found.setdefault(one, set()).add(other)
            found.setdefault(other, set()).add(one)
    return found
