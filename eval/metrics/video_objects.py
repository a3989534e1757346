"""Video object segmentation: J, F and J&F by the conventions of DAVIS and of SA-V.

J is the IoU of two masks, F the agreement of their outlines within a tolerance of 0.008 of
the image diagonal. The conventions are those of the benchmarks' own evaluators:

- **DAVIS, semi-supervised** (davis2017-evaluation): first and last frame left out; the ids
  are given, those up to the largest on the first frame count.
- **DAVIS, unsupervised**: all frames; up to 20 proposals, assigned to the objects so that
  the mean J&F is largest; surplus proposals cost nothing; void pixels are left out.
- **SA-V** (facebookresearch/sam2): ids must agree; first and last annotated frame left out;
  an object's frames count from its first appearance in ground truth or prediction.

Not copied from them: decay is right above 256 frames (DAVIS stores positions in one byte);
a sequence with no frame left scores NaN (there: ``IndexError``); a predicted id that the
ground truth never has is an `EvalError` (DAVIS prints a message and exits with status 0),
while a prediction of an object that appears late is left out with that object; an object
that is never seen in SA-V's evaluated frames is left out (there, in folders:
``AssertionError``); rows of the unsupervised task carry the id of the object that they are
about (there: they are numbered by proposal).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.spatial import KDTree

from reelgraph._types import Floats, Mask
from reelgraph.errors import EvalError
from reelgraph.graph.tracks import Tracks, decode_rle

__all__ = [
    "FrameStatistics",
    "MaskStack",
    "ObjectScores",
    "Objects",
    "SegmentationScores",
    "boundary_f",
    "davis_semi_supervised",
    "davis_unsupervised",
    "jaccard",
    "objects_of_labels",
    "objects_of_masklets",
    "objects_of_tracks",
    "outline",
    "sav",
    "statistics",
]

MaskStack: TypeAlias = NDArray[np.bool_]
"""One object's masks on consecutive frames, shape ``(frames, height, width)``."""

Objects: TypeAlias = Mapping[int, MaskStack]
"""Masks of the objects of a video by id, all of one shape."""

Points: TypeAlias = NDArray[np.int64]
"""Pixels as row and column, shape ``(n, 2)``."""

_TOLERANCE = 0.008
_MAX_PROPOSALS = 20


@dataclass(frozen=True)
class FrameStatistics:
    """What DAVIS says of one measure over the frames of an object.

    Attributes:
        mean: Over the frames.
        recall: Share of the frames above 0.5.
        decay: Mean of the first quarter less that of the last.
    """

    mean: float
    recall: float
    decay: float


@dataclass(frozen=True, eq=False)
class ObjectScores:
    """How one object was followed.

    Attributes:
        sequence: Name of the video.
        object_id: The annotated object's id.
        proposal: Id of the prediction that it was compared with; None if there was none.
        j: J on each evaluated frame.
        f: F on each evaluated frame.
    """

    sequence: str
    object_id: int
    proposal: int | None
    j: Floats
    f: Floats


@dataclass(frozen=True)
class SegmentationScores:
    """Means over all objects of all sequences, fractions from 0 to 1.

    Attributes:
        j: Region similarity.
        f: Boundary accuracy.
        objects: The objects' own scores.
    """

    j: FrameStatistics
    f: FrameStatistics
    objects: tuple[ObjectScores, ...]

    @property
    def j_and_f(self) -> float:
        """Mean of mean J and mean F."""
        return (self.j.mean + self.f.mean) / 2


def objects_of_labels(labels: NDArray[np.uint8], *, void: int = 255) -> dict[int, MaskStack]:
    """Return the masks in maps of object ids, shape ``(frames, height, width)``.

    Args:
        labels: 0 for the background, else an object's id.
        void: A value that is no object.
    """
    ids = (int(value) for value in np.unique(labels))
    return {value: labels == value for value in ids if value not in {0, void}}


def objects_of_tracks(tracks: Tracks) -> dict[int, MaskStack]:
    """Return the masks of tracks on every processed frame, empty where not visible."""
    width, height = tracks.video.resolution_wh
    found = {}
    for track in tracks.objects:
        stack = np.zeros((len(tracks.times_s), height, width), dtype=np.bool_)
        for position in map(int, track.positions):
            mask = tracks.mask(track.id, position)
            if mask is not None:
                stack[position] = mask
        found[track.id] = stack
    return found


def objects_of_masklets(document: Mapping[str, Any]) -> dict[int, MaskStack]:
    """Return the masks of a SA-V annotation on the annotated frames, by place in its list.

    Args:
        document: The file's JSON: ``masklet[frame][object]`` in COCO run lengths,
            ``video_height`` and ``video_width``.

    Raises:
        EvalError: If it is no such document.
        GraphFormatError: If run lengths are damaged.
    """
    try:
        size = int(document["video_width"]), int(document["video_height"])
        counts = [[item["counts"].encode() for item in row] for row in document["masklet"]]
    except (KeyError, TypeError, ValueError) as error:
        raise EvalError(
            f"not an annotation of SA-V: {error!r}; it needs masklet, video_width, video_height"
        ) from error
    columns = zip(*counts, strict=True)
    return {
        number: np.stack([decode_rle(mask, resolution_wh=size) for mask in column])
        for number, column in enumerate(columns)
    }


def jaccard(truth: MaskStack, predicted: MaskStack, void: MaskStack | None = None) -> Floats:
    """Return J on each frame; two empty masks agree.

    Args:
        truth: Annotated masks, shape ``(n, height, width)``.
        predicted: Predicted masks, same shape.
        void: Pixels to leave out, same shape.
    """
    keep = True if void is None else ~void
    shared = np.sum(truth & predicted & keep, axis=(1, 2))
    whole = np.sum((truth | predicted) & keep, axis=(1, 2))
    scores: Floats = np.where(whole == 0, 1.0, shared / np.maximum(whole, 1))
    return scores


def outline(mask: Mask) -> Mask:
    """Return the pixels that differ from their right, lower or lower right neighbour.

    A mask that fills the frame has no outline.
    """
    right, below, corner = mask.copy(), mask.copy(), mask.copy()
    right[:, :-1] = mask[:, 1:]
    below[:-1] = mask[1:]
    corner[:-1, :-1] = mask[1:, 1:]
    found: Mask = (mask ^ right) | (mask ^ below) | (mask ^ corner)
    found[-1] = mask[-1] ^ right[-1]
    found[:, -1] = mask[:, -1] ^ below[:, -1]
    found[-1, -1] = False
    return found


def boundary_f(truth: Mask, predicted: Mask, *, tolerance: float = _TOLERANCE) -> float:
    """Return F of one frame: how well two outlines agree.

    Args:
        truth: Annotated mask, shape ``(height, width)``.
        predicted: Predicted mask, same shape.
        tolerance: How far outlines may be apart: below 1 a fraction of the diagonal
            (rounded up to whole pixels), else pixels.
    """
    radius = _radius(truth.shape, tolerance)
    return _agreement(_outlines(truth[None])[0], _outlines(predicted[None])[0], radius)


def _radius(shape: tuple[int, ...], tolerance: float = _TOLERANCE) -> float:
    return tolerance if tolerance >= 1 else math.ceil(tolerance * math.hypot(*shape[-2:]))


def _outlines(masks: MaskStack, void: MaskStack | None = None) -> list[Points]:
    """Return the pixels of the outline on each frame."""
    shown = masks if void is None else masks & ~void
    return [np.argwhere(outline(mask)) for mask in shown]


def _agreement(wanted: Points, found: Points, radius: float) -> float:
    """Return F of two outlines; two empty ones agree."""
    if len(wanted) == 0 or len(found) == 0:
        return float(len(wanted) == len(found))
    precision, recall = _near(found, wanted, radius), _near(wanted, found, radius)
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def _near(points: Points, others: Points, radius: float) -> float:
    """Return the share of points that have another within ``radius`` pixels."""
    distances, _ = KDTree(others).query(points, distance_upper_bound=radius + 0.5)
    return float(np.mean(distances <= radius))


def _boundary(wanted: list[Points], found: list[Points], radius: float) -> Floats:
    """Return F on each frame."""
    return np.array([_agreement(a, b, radius) for a, b in zip(wanted, found, strict=True)])


def statistics(values: Floats) -> FrameStatistics:
    """Return mean, recall and decay of a measure over frames, shape ``(n,)``; NaN if none."""
    count = len(values)
    if count == 0:
        return FrameStatistics(math.nan, math.nan, math.nan)
    cuts = np.round(np.linspace(1, count, 5) + 1e-10).astype(int) - 1
    first, last = values[cuts[0] : cuts[1] + 1], values[cuts[3] : cuts[4] + 1]
    return FrameStatistics(
        mean=float(values.mean()),
        recall=float(np.mean(values > 0.5)),
        decay=float(first.mean() - last.mean()),
    )


def _pooled(objects: list[ObjectScores]) -> SegmentationScores:
    """Average over objects; those without an evaluated frame make the mean NaN."""
    return SegmentationScores(
        j=_mean([statistics(item.j) for item in objects]),
        f=_mean([statistics(item.f) for item in objects]),
        objects=tuple(objects),
    )


def _mean(items: list[FrameStatistics]) -> FrameStatistics:
    if not items:
        return FrameStatistics(math.nan, math.nan, math.nan)
    rows = np.array([(item.mean, item.recall, item.decay) for item in items]).mean(axis=0)
    return FrameStatistics(*map(float, rows))


def _on_first_frame(truth: Objects) -> dict[int, MaskStack]:
    """Return the objects that DAVIS counts: ids up to the largest on the first frame."""
    last = max((number for number, masks in truth.items() if masks[0].any()), default=0)
    return {number: truth[number] for number in sorted(truth) if number <= last}


def _check_shapes(sequence: str, truth: Objects, predicted: Objects) -> None:
    """Refuse masks that cannot be compared."""
    shapes = {masks.shape for masks in (*truth.values(), *predicted.values())}
    if len(shapes) > 1:
        raise EvalError(
            f"masks of sequence {sequence!r} must all have one shape (frames, height, width), "
            f"got {sorted(shapes)}; resize predictions to the annotation, one for each frame"
        )


def _compare(
    sequence: str, number: int, truth: MaskStack, predicted: MaskStack | None, proposal: int
) -> ObjectScores:
    masks = np.zeros_like(truth) if predicted is None else predicted
    return ObjectScores(
        sequence=sequence,
        object_id=number,
        proposal=None if predicted is None else proposal,
        j=jaccard(truth, masks),
        f=_boundary(_outlines(truth), _outlines(masks), _radius(truth.shape)),
    )


def davis_semi_supervised(
    truth: Mapping[str, Objects], predicted: Mapping[str, Objects]
) -> SegmentationScores:
    """Score masks by DAVIS's semi-supervised protocol: ids are given on the first frame.

    Args:
        truth: Annotated objects by sequence.
        predicted: Predicted objects by sequence; one that is missing is empty.

    Raises:
        EvalError: If shapes differ, or an id is predicted that no annotated object has.
    """
    found = []
    for sequence, objects in truth.items():
        guesses = predicted.get(sequence, {})
        _check_shapes(sequence, objects, guesses)
        if unknown := sorted(guesses.keys() - objects.keys()):
            raise EvalError(
                f"sequence {sequence!r} predicts ids {unknown}, which are none of the annotated "
                f"objects {sorted(objects)}; the task gives the ids"
            )
        for number, masks in _on_first_frame(objects).items():
            guess = guesses.get(number)
            inner = None if guess is None else guess[1:-1]
            found.append(_compare(sequence, number, masks[1:-1], inner, number))
    return _pooled(found)


def davis_unsupervised(
    truth: Mapping[str, Objects],
    predicted: Mapping[str, Objects],
    *,
    void: Mapping[str, MaskStack] | None = None,
    max_proposals: int = _MAX_PROPOSALS,
) -> SegmentationScores:
    """Score masks by DAVIS's unsupervised protocol: proposals are assigned to objects.

    Args:
        truth: Annotated objects by sequence.
        predicted: Proposed objects by sequence, with ids of their own.
        void: Pixels to leave out, by sequence, shape ``(frames, height, width)``.
        max_proposals: How many a sequence may have.

    Raises:
        EvalError: If shapes differ or there are too many proposals.
    """
    found = []
    for sequence, objects in truth.items():
        proposals = predicted.get(sequence, {})
        _check_shapes(sequence, objects, proposals)
        if len(proposals) > max_proposals:
            raise EvalError(
                f"sequence {sequence!r} has {len(proposals)} proposals; the protocol allows "
                f"{max_proposals}: keep the most certain ones"
            )
        found += _assigned(
            sequence, _on_first_frame(objects), proposals, (void or {}).get(sequence)
        )
    return _pooled(found)


def _assigned(
    sequence: str, truth: Objects, proposals: Objects, void: MaskStack | None
) -> list[ObjectScores]:
    """Assign proposals to objects so that the sum of mean J&F is largest."""
    if not truth:
        return []
    blank = np.zeros_like(next(iter(truth.values())))
    guesses: list[tuple[int | None, MaskStack]] = sorted(proposals.items())
    guesses += [(None, blank)] * max(0, len(truth) - len(guesses))
    outlines = [_outlines(masks, void) for _, masks in guesses]
    rows = []
    for number, masks in truth.items():
        wanted, radius = _outlines(masks, void), _radius(masks.shape)
        rows.append(
            [
                ObjectScores(
                    sequence,
                    number,
                    proposal,
                    jaccard(masks, guess, void),
                    _boundary(wanted, points, radius),
                )
                for (proposal, guess), points in zip(guesses, outlines, strict=True)
            ]
        )
    gains = np.array([[(cell.j.mean() + cell.f.mean()) / 2 for cell in row] for row in rows])
    picks = zip(*linear_sum_assignment(-gains.T), strict=True)
    return [rows[row][column] for column, row in picks]


def sav(
    truth: Mapping[str, Objects],
    predicted: Mapping[str, Objects],
    *,
    skip_first_and_last: bool = True,
) -> SegmentationScores:
    """Score masks by SA-V's protocol.

    Args:
        truth: Annotated objects by sequence.
        predicted: Predicted objects by sequence, with the ids of the annotated ones; others
            are ignored, those that are missing are empty.
        skip_first_and_last: Leave out the first and the last annotated frame.

    Raises:
        EvalError: If shapes differ.
    """
    frames = slice(1, -1) if skip_first_and_last else slice(None)
    found = []
    for sequence, objects in truth.items():
        guesses = predicted.get(sequence, {})
        _check_shapes(sequence, objects, guesses)
        for number, whole in objects.items():
            masks, guess = whole[frames], guesses.get(number)
            seen = masks.any(axis=(1, 2))
            if not seen.any():
                continue
            if guess is not None:
                guess = guess[frames]
                seen = seen | guess.any(axis=(1, 2))
            start = int(np.argmax(seen))
            rest = None if guess is None else guess[start:]
            found.append(_compare(sequence, number, masks[start:], rest, number))
    return _pooled(found)
