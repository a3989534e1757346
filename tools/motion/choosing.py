"""Choosing: which of its looks each place has when nothing is there.

Where a place looks one way for a while and another way for another while (a bottle
stands there, then it is gone), both looks are *states*. Neighbouring pixels that
change together form a region, and the state that continues its surroundings is the
background: a thing has edges where it ends, the table behind it has none there.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from reelgraph._types import Image, Mask
from reelgraph.tools.motion.states import Plane, Stack, States, largest_difference

__all__ = ["choose_background"]

MOMENTS = 32
MIN_STATE_SAMPLES = 4
MIN_STATE_SHARE = 0.07
MIN_MOMENT_SHARE = 0.04
MIN_REGION_PX = 12
MIN_CONTRAST = 18
SAME_CHANGES = 0.6


def choose_background(stack: Stack, valid: NDArray[np.bool_], states: States) -> Plane:
    """Return the background image: per pixel the first state, per region the better one."""
    image: Plane = states.looks[0].copy()
    floor = max(MIN_STATE_SHARE, MIN_STATE_SAMPLES / len(stack))
    contrast = largest_difference(states.looks[0], states.looks[1])
    two = (states.support[1] >= floor) & (contrast > MIN_CONTRAST)
    regions = [r for r in _regions(states, two) if len(r[0]) >= MIN_REGION_PX]
    settled = np.zeros(two.shape, bool)
    moments = []
    for pixels, flipped in sorted(regions, key=lambda region: -len(region[0])):
        region = np.zeros(two.shape, bool)
        region.reshape(-1)[pixels] = True
        state = _decide(image, states, region, pixels, flipped)
        settled |= region
        moments.append((region, _moments(states, pixels, state)))
    for region, when in moments:
        _fill_gaps(image, stack, region, settled, when)
    rows = np.unique(np.linspace(0, len(stack) - 1, MOMENTS).astype(int)).tolist()
    for row in [*rows, *rows]:
        _try_moment(image, stack[row], valid[row], states.which[row], states)
    _smooth_out(image, states)
    return image


def _try_moment(
    image: Plane, sample: Image, seen: Mask, which: NDArray[np.int8], states: States
) -> None:
    """Take from one sample the patches that continue their surroundings better.

    A thing that stood in two slightly different places has many small regions, none of
    which shows its outline; the difference to a moment without it does.
    """
    difference = largest_difference(sample.astype(np.float32), image)
    changed = ((difference > MIN_CONTRAST) & seen).astype(np.uint8)
    opened = cv2.morphologyEx(changed, cv2.MORPH_OPEN, np.ones((2, 2), np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(opened, connectivity=4)
    index = np.maximum(which, 0)[None]
    support = np.where(which >= 0, np.take_along_axis(states.support, index, 0)[0], 0)
    for label in range(1, count):
        x, y, w, h, area = stats[label]
        if area < 2 * MIN_REGION_PX:
            continue
        box = np.s_[max(0, y - 8) : y + h + 8, max(0, x - 8) : x + w + 8]
        patch = (labels[box] == label).astype(np.uint8)
        if float((support[box][patch > 0] >= MIN_MOMENT_SHARE).mean()) < 0.6:
            continue
        patch = cv2.dilate(patch, np.ones((3, 3), np.uint8)).astype(bool)
        look, now = sample[box][patch].astype(np.float32), image[box][patch]
        if look.mean() < now.mean() and float(_is_shade(look, now).mean()) > 0.5:
            continue
        other, present = _seams((sample[box].astype(np.float32), image[box]), image[box], patch)
        if other < 0.8 * present:
            image[box][patch] = sample[box][patch]


def _seams(looks: Sequence[Plane], image: Plane, patch: Mask) -> list[float]:
    """Return how much each look of a patch differs from the image just around the patch."""
    around, weight = _surroundings(image, patch)
    contour = patch & (weight > 0)
    if not contour.any():
        return [0.0] * len(looks)
    jumps = [np.abs(look[contour] - around[contour]).max(axis=1) for look in looks]
    return [float(np.minimum(jump, 60).mean()) for jump in jumps]


def _moments(
    states: States, pixels: NDArray[np.int64], state: NDArray[np.int8]
) -> NDArray[np.int64]:
    """Return the samples in which a region shows the given state."""
    shown = states.which.reshape(len(states.which), -1)[:, pixels] == state
    return np.flatnonzero(shown.mean(axis=1) > 0.6)


def _fill_gaps(
    image: Plane, stack: Stack, region: Mask, settled: Mask, when: NDArray[np.int64]
) -> None:
    """Give the unsettled pixels in and around a region their look of the same moments."""
    if len(when) < MIN_STATE_SAMPLES:
        return
    grown = cv2.morphologyEx(region.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((9, 9), np.uint8))
    gaps = (cv2.dilate(grown, np.ones((5, 5), np.uint8)) > 0) & ~settled
    image[gaps] = np.median(stack[when][:, gaps], axis=0)


def _regions(states: States, two: Mask) -> list[tuple[NDArray[np.int64], NDArray[np.bool_]]]:
    """Return groups of neighbouring pixels that change together.

    Each group comes as flat pixel indices and, for each, whether its first and second
    state change places with those of the group's first pixel. Two copies of every pixel,
    one per orientation, are linked to the fitting copies of its neighbours.
    """
    height, width = two.shape
    sign = np.zeros(states.which.shape, np.int8)
    sign[states.which == 0] = 1
    sign[states.which == 1] = -1
    index = np.arange(height * width).reshape(height, width)
    heads, tails = [], []
    count = height * width
    for a, b in ((np.s_[:, :-1], np.s_[:, 1:]), (np.s_[:-1, :], np.s_[1:, :])):
        both = two[a] & two[b]
        left, right = index[a][both], index[b][both]
        agreement = _correlation(sign[:, *a][:, both], sign[:, *b][:, both])
        same, opposite = agreement > SAME_CHANGES, agreement < -SAME_CHANGES
        heads += [left[same], left[same] + count, left[opposite], left[opposite] + count]
        tails += [right[same], right[same] + count, right[opposite] + count, right[opposite]]
    head, tail = np.concatenate(heads), np.concatenate(tails)
    links = sparse.coo_matrix((np.ones(len(head), np.int8), (head, tail)), (2 * count, 2 * count))
    _, labels = connected_components(links, directed=False)
    return _group(labels, two)


def _correlation(a: NDArray[np.int8], b: NDArray[np.int8]) -> Plane:
    """Return per column the phi coefficient of two sequences of +1 and -1 (0: neither).

    Unlike the share of equal signs it is not impressed by two sequences that agree on
    being in their usual state nearly always. Sequences that are rarely both in a state
    count as unrelated.
    """
    both = (a != 0) & (b != 0)
    n = np.maximum(both.sum(axis=0), 1).astype(np.float32)
    mean_a = np.where(both, a, 0).sum(axis=0) / n
    mean_b = np.where(both, b, 0).sum(axis=0) / n
    mean_ab = (a * b).sum(axis=0, dtype=np.int32) / n
    spread = np.sqrt(np.maximum((1 - mean_a**2) * (1 - mean_b**2), 1e-6))
    phi: Plane = np.where(n >= 0.5 * len(a), (mean_ab - mean_a * mean_b) / spread, 0)
    return phi


def _group(
    labels: NDArray[np.int32], two: Mask
) -> list[tuple[NDArray[np.int64], NDArray[np.bool_]]]:
    """Return the components of the doubled graph, one of each mirrored pair."""
    count = two.size
    nodes = np.flatnonzero(np.concatenate([two.reshape(-1), two.reshape(-1)]))
    order = nodes[np.argsort(labels[nodes], kind="stable")]
    borders = np.flatnonzero(np.diff(labels[order])) + 1
    seen = np.zeros(count, bool)
    groups = []
    for component in np.split(order, borders):
        pixels = component % count
        if len(component) and not seen[pixels].any():
            seen[pixels] = True
            groups.append((pixels, component >= count))
    return groups


def _decide(
    image: Plane,
    states: States,
    region: Mask,
    pixels: NDArray[np.int64],
    flipped: NDArray[np.bool_],
) -> NDArray[np.int8]:
    """Write the state of a region that continues its surroundings; return it per pixel."""
    looks = states.looks.reshape(3, -1, 3)
    one = flipped.astype(np.int8)
    if float(_is_shade(looks[0, pixels], looks[1, pixels]).mean()) > 0.6:
        support = states.support.reshape(3, -1)
        share = support[one, pixels].sum(), support[1 - one, pixels].sum()
        state = one if share[0] >= share[1] else 1 - one
    else:
        ys, xs = np.divmod(pixels, image.shape[1])
        box = np.s_[max(0, ys.min() - 8) : ys.max() + 9, max(0, xs.min() - 8) : xs.max() + 9]
        filled = []
        for candidate in (one, 1 - one):
            look = image[box].copy()
            look[ys - box[0].start, xs - box[1].start] = looks[candidate, pixels]
            filled.append(look)
        first, second = _seams(filled, image[box], region[box])
        state = one if first <= second else 1 - one
    image.reshape(-1, 3)[pixels] = looks[state, pixels]
    return state


def _is_shade(a: Plane, b: Plane) -> NDArray[np.bool_]:
    """Return where two looks, ``(n, 3)``, differ only in brightness, as light and shade do."""
    ratio = (a + 4) / (b + 4)
    level = ratio.mean(axis=1)
    tint = np.abs(ratio - level[:, None]).max(axis=1) / level
    result: NDArray[np.bool_] = (tint < 0.05) & (level > 0.5) & (level < 2.0)
    return result


def _smooth_out(image: Plane, states: States) -> None:
    """Where a pixel stands out from its surroundings, take a state of its own that does not."""
    for _ in range(2):
        around = cv2.medianBlur(np.clip(image, 0, 255).astype(np.uint8), 9).astype(np.float32)
        now = largest_difference(image, around)
        for k in range(3):
            other = largest_difference(states.looks[k], around)
            better = (now > MIN_CONTRAST) & (other < 0.5 * now)
            better &= states.support[k] >= MIN_MOMENT_SHARE
            image[better] = states.looks[k][better]
            now = np.where(better, other, now)


def _surroundings(image: Plane, region: Mask) -> tuple[Plane, Plane]:
    """Return the mean colour just outside a region, at its outermost pixels."""
    outside = cv2.dilate(region.astype(np.uint8), np.ones((3, 3), np.uint8)) == 0
    weight = cv2.blur(outside.astype(np.float32), (7, 7))
    total = cv2.blur(image * outside[..., None].astype(np.float32), (7, 7))
    weight[weight < 0.02] = 0
    return total / np.maximum(weight, 1e-6)[..., None], weight
