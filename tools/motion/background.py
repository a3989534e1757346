"""Background: the scene of a stretch of video without the things that come, go or move.

Where a place looks one way for a while and another way for another while (a bottle
stands there, then it is gone), both looks are *states*. Neighbouring pixels that
change together form a region, and the state that continues its surroundings is the
background: a thing has edges where it ends, the table behind it has none there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from reelgraph._types import Image, Mask
from reelgraph.tools.motion.camera import Affine, compose, invert, is_identity
from reelgraph.tools.motion.shots import Stretch

__all__ = ["Background", "estimate_background"]

Stack = NDArray[np.uint8]
Plane = NDArray[np.float32]

CANDIDATES = 16
MOMENTS = 32
MIN_STATE_SAMPLES = 4
MIN_STATE_SHARE = 0.07
MIN_MOMENT_SHARE = 0.04
MIN_REGION_PX = 12
MIN_CONTRAST = 18
RESTLESS = 16
SAME_CHANGES = 0.6


@dataclass(frozen=True, eq=False)
class Background:
    """What a stretch of video looks like without its objects.

    Attributes:
        image: RGB on the canvas, shape ``(height, width, 3)``.
        noise: How far a pixel strays from ``image`` when nothing is there, in grey
            levels, shape ``(height, width)``.
        known: Where the canvas was ever seen.
        restless: Where something moves most of the time, so that ``image`` is a guess.
        offset: Map from the reference frame's pixels to the canvas's.
        slack_px: How far ``image`` may be misplaced where the camera moves.
    """

    image: Plane
    noise: Plane
    known: Mask
    restless: Mask
    offset: Affine
    slack_px: int

    def seen_by(
        self, to_canvas: Affine, size_wh: tuple[int, int]
    ) -> tuple[Plane, Plane, Mask, Mask]:
        """Return image, noise, known and restless as a camera with this pose sees them."""
        back = invert(compose(self.offset, to_canvas))
        if is_identity(back):
            crop = np.s_[: size_wh[1], : size_wh[0]]
            return self.image[crop], self.noise[crop], self.known[crop], self.restless[crop]
        image = cv2.warpAffine(self.image, back, size_wh, borderMode=cv2.BORDER_REPLICATE)
        noise = cv2.warpAffine(self.noise, back, size_wh, borderMode=cv2.BORDER_REPLICATE)
        known = cv2.warpAffine(self.known.astype(np.uint8), back, size_wh, flags=cv2.INTER_NEAREST)
        restless = cv2.warpAffine(
            self.restless.astype(np.uint8), back, size_wh, flags=cv2.INTER_NEAREST
        )
        return (
            np.asarray(image, np.float32),
            np.asarray(noise, np.float32),
            known.astype(bool),
            restless.astype(bool),
        )


def estimate_background(stretch: Stretch) -> Background:
    """Return the background of a stretch from its sample frames."""
    stack, valid, offset = _on_canvas(stretch)
    middle = _median(stack, valid)
    stack = _even_exposure(stack, valid, middle)
    tolerance = _tolerance(stack)
    states = _find_states(stack, valid, tolerance)
    image = _choose(stack, valid, states)
    noise = _noise(stack, valid, image, tolerance)
    restless = cv2.morphologyEx(
        (tolerance > RESTLESS).astype(np.uint8), cv2.MORPH_OPEN, np.ones((5, 5), np.uint8)
    ).astype(bool)
    restless &= all(is_identity(pose) for pose in stretch.to_canvas)
    if restless.any() and not restless.all():
        noise[restless] = np.minimum(noise[restless], np.median(noise[~restless]))
    return Background(
        image, noise, np.asarray(valid.any(axis=0)), restless, offset, _slack(stretch)
    )


def _slack(stretch: Stretch) -> int:
    """Return by how many pixels the background may be misplaced."""
    reach = float(np.ptp(np.array([pose[:, 2] for pose in stretch.to_canvas]), axis=0).max())
    return 0 if reach < 2 else 1 if reach < 5 else 2


def _on_canvas(stretch: Stretch) -> tuple[Stack, NDArray[np.bool_], Affine]:
    """Return the samples in one frame of reference, and where each was seen."""
    height, width = stretch.samples[0].shape[:2]
    corners = np.array([[[0, 0], [width, 0], [0, height], [width, height]]], np.float64)
    moved = np.concatenate([cv2.transform(corners, a)[0] for a in stretch.to_canvas])
    low, high = np.floor(moved.min(axis=0) + 0.5), np.ceil(moved.max(axis=0) - 0.5)
    size = int(high[0] - low[0]), int(high[1] - low[1])
    offset: Affine = np.array([[1.0, 0.0, -low[0]], [0.0, 1.0, -low[1]]])
    n = len(stretch.samples)
    stack = np.empty((n, size[1], size[0], 3), np.uint8)
    valid = np.ones(stack.shape[:3], bool)
    full = np.full((height, width), 255, np.uint8)
    for i, (image, row) in enumerate(zip(stretch.samples, stretch.sample_rows, strict=True)):
        affine = compose(offset, stretch.to_canvas[row])
        if is_identity(affine) and size == (width, height):
            stack[i] = image
            continue
        cv2.warpAffine(image, affine, size, dst=stack[i], borderMode=cv2.BORDER_REPLICATE)
        valid[i] = cv2.warpAffine(full, affine, size, flags=cv2.INTER_NEAREST) > 0
    return stack, valid, offset


def _median(stack: Stack, valid: NDArray[np.bool_]) -> Plane:
    """Return the median over the samples that saw each pixel."""
    result = np.empty(stack.shape[1:], np.float32)
    for y in range(0, stack.shape[1], 16):
        rows = stack[:, y : y + 16]
        if valid[:, y : y + 16].all():
            result[y : y + 16] = np.median(rows, axis=0)
            continue
        always = valid[:, y : y + 16].all(axis=0)
        result[y : y + 16][always] = np.median(rows[:, always], axis=0)
        result[y : y + 16][~always] = _partial_median(
            rows[:, ~always], valid[:, y : y + 16][:, ~always]
        )
    return result


def _partial_median(pixels: Stack, valid: NDArray[np.bool_]) -> Plane:
    """Return the median of each pixel's valid samples, 0 where there is none.

    Args:
        pixels: Samples, shape ``(n, pixels, 3)``.
        valid: Which of them were seen, shape ``(n, pixels)``.
    """
    count = valid.sum(axis=0)
    ordered = np.sort(np.where(valid[..., None], pixels, np.uint8(255)), axis=0)
    middle = np.stack([np.maximum(count - 1, 0) // 2, count // 2])[..., None]
    low, high = np.take_along_axis(ordered, np.minimum(middle, len(pixels) - 1), 0)
    result: Plane = np.where(count[:, None] > 0, (low.astype(np.float32) + high) / 2, 0)
    return result


def _even_exposure(stack: Stack, valid: NDArray[np.bool_], middle: Plane) -> Stack:
    """Return the samples with each channel's gain fitted to the median image."""
    result = np.empty_like(stack)
    for i, image in enumerate(stack):
        gain = exposure_gain(image[::3, ::3], middle[::3, ::3], valid[i, ::3, ::3])
        table = np.clip(np.arange(256)[:, None] / gain[None] + 0.5, 0, 255).astype(np.uint8)
        result[i] = cv2.LUT(image, np.ascontiguousarray(table[None]))
    return result


def exposure_gain(image: Image, reference: Plane, valid: Mask) -> NDArray[np.float64]:
    """Return how much brighter each channel of ``image`` is than the reference, shape ``(3,)``.

    Shadows only darken, so of several common brightness ratios the brightest one is the
    exposure's.
    """
    usable = valid & (reference.min(axis=2) > 15) & (reference.max(axis=2) < 245)
    if int(usable.sum()) < 50:
        return np.ones(3)
    ratio = image[usable] / reference[usable]
    level = ratio.mean(axis=1)
    counts, edges = np.histogram(level, bins=100, range=(0.5, 1.5))
    smooth = np.convolve(counts, np.ones(5), mode="same")
    peak = int(np.flatnonzero(smooth >= 0.5 * smooth.max())[-1])
    inside = np.abs(level - (edges[peak] - 0.01)) < 0.03
    gain: NDArray[np.float64] = np.median(ratio[inside], axis=0) if inside.any() else np.ones(3)
    return np.asarray(np.clip(gain, 0.6, 1.6))


def _tolerance(stack: Stack) -> Plane:
    """Return how far two looks of a pixel may differ in one state, ``(height, width)``."""
    if len(stack) < 2:
        return np.full(stack.shape[1:3], 12, np.float32)
    change = np.stack([_difference(a, b) for a, b in pairwise(stack)])
    sigma = np.median(change, axis=0).astype(np.float32)
    return np.asarray(np.clip(6 + 1.5 * cv2.blur(sigma, (3, 3)), 9, 26), np.float32)


@dataclass(frozen=True, eq=False)
class _States:
    """Per pixel, up to three looks by falling support.

    Attributes:
        looks: Colours, shape ``(3, height, width, 3)``.
        support: Share of samples, shape ``(3, height, width)``.
        which: Per sample, 0-2 for the look it shows or -1, shape ``(n, height, width)``.
    """

    looks: Plane
    support: Plane
    which: NDArray[np.int8]


def _find_states(stack: Stack, valid: NDArray[np.bool_], tolerance: Plane) -> _States:
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
    return _States(looks, support, which)


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
        near = _largest_difference(planes, planes[:, row]) <= limit
        near &= free
        near &= free[row]
        votes = near.sum(axis=0, dtype=np.int32)
        better = votes > best
        best[better] = votes[better]
        members[:, better] = near[:, better]
    weight = np.maximum(best, 1)[:, None]
    look = np.einsum("np,npc->pc", members.astype(np.float32), pixels.astype(np.float32)) / weight
    return look.astype(np.float32), members


def _largest_difference(planes: NDArray[np.uint8], colour: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the largest channel difference; shapes ``(3, n, pixels)`` and ``(3, pixels)``."""
    result: NDArray[np.uint8] = np.zeros(planes.shape[1:], np.uint8)
    for plane, value in zip(planes, colour, strict=True):
        np.maximum(result, np.maximum(plane, value) - np.minimum(plane, value), out=result)
    return result


def _difference(a: Plane | Image, b: Plane | Image) -> Plane:
    """Return the largest channel difference of two images, shape ``(height, width)``."""
    first, second, third = cv2.split(cv2.absdiff(a, b))
    return np.asarray(cv2.max(cv2.max(first, second), third), np.float32)


def _choose(stack: Stack, valid: NDArray[np.bool_], states: _States) -> Plane:
    """Return the background image: per pixel the first state, per region the better one."""
    image: Plane = states.looks[0].copy()
    floor = max(MIN_STATE_SHARE, MIN_STATE_SAMPLES / len(stack))
    contrast = _difference(states.looks[0], states.looks[1])
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
    image: Plane, sample: Image, seen: Mask, which: NDArray[np.int8], states: _States
) -> None:
    """Take from one sample the patches that continue their surroundings better.

    A thing that stood in two slightly different places has many small regions, none of
    which shows its outline; the difference to a moment without it does.
    """
    difference = _difference(sample.astype(np.float32), image)
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
    states: _States, pixels: NDArray[np.int64], state: NDArray[np.int8]
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


def _regions(states: _States, two: Mask) -> list[tuple[NDArray[np.int64], NDArray[np.bool_]]]:
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
    states: _States,
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


def _smooth_out(image: Plane, states: _States) -> None:
    """Where a pixel stands out from its surroundings, take a state of its own that does not."""
    for _ in range(2):
        around = cv2.medianBlur(np.clip(image, 0, 255).astype(np.uint8), 9).astype(np.float32)
        now = _difference(image, around)
        for k in range(3):
            other = _difference(states.looks[k], around)
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


def _noise(stack: Stack, valid: NDArray[np.bool_], image: Plane, tolerance: Plane) -> Plane:
    """Return how far the samples that show the background stray from it."""
    clean = image.astype(np.uint8)
    distance = np.stack([_difference(sample, clean) for sample in stack])
    near = (distance <= 1.5 * tolerance) & valid
    count = np.maximum(near.sum(axis=0), 1)
    spread = np.sqrt((np.where(near, distance, 0).astype(np.float32) ** 2).sum(axis=0) / count)
    return np.asarray(np.maximum(cv2.blur(spread.astype(np.float32), (3, 3)), 1.5), np.float32)
