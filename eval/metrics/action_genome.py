"""Scene graphs of key frames: Action Genome's Recall@K and mean Recall@K.

Definitions of STTran's evaluator (yrcong/STTran) and, for mean recall, of OED's
(guanw-pku/OED). For each person-object pair a model gives three rows: attention (person to
object), spatial (object to person) and contacting (person to object). A triplet's score is
person score x object score x predicate probability.

- **With** constraint: the best predicate of each row. **No** constraint: every predicate of
  every row, the best 100. **Semi**: the best attention predicate and every spatial or
  contacting one with probability above 0.9.
- A prediction matches a ground-truth triplet with equal classes and predicate whose two boxes
  it overlaps by at least 0.5. Matching is many to many; Recall@K of a frame is the share of its
  triplets that the first K predictions match, and the score the mean over frames.
- Mean recall averages over all 26 predicates, those that never occur counting 0: by default
  hits over occurrences in all frames, or the mean over the frames with the predicate.

The task (PredCLS, SGCLS, SGDET) is what the model was given; `check_task` makes sure of it.

Not copied from the evaluators: ties go by pair, then row, then predicate (there: by platform);
semi constraint never drops a row (there: rows whose first two entries are 0); a frame without
annotated objects is left out (there: ``AssertionError``); two attention labels are two triplets
(there: ``TypeError``); an overlap of exactly 0.5 counts in both conventions (OED's float32
boxes miss it); OED's suppression of pairs, which merges objects that do not overlap, is not
offered.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from reelgraph._types import Boxes, Floats, Ints
from reelgraph.errors import EvalError

__all__ = [
    "ATTENTION",
    "CONTACTING",
    "PREDICATES",
    "SPATIAL",
    "AnnotatedFrame",
    "AnnotatedObject",
    "BoxConvention",
    "Constraint",
    "PredictedFrame",
    "SceneGraphScores",
    "Task",
    "box_iou",
    "check_task",
    "evaluate",
]

ATTENTION: Final = ("looking_at", "not_looking_at", "unsure")
SPATIAL: Final = ("above", "beneath", "in_front_of", "behind", "on_the_side_of", "in")
CONTACTING: Final = (
    "carrying", "covered_by", "drinking_from", "eating", "have_it_on_the_back", "holding",
    "leaning_on", "lying_on", "not_contacting", "other_relationship", "sitting_on",
    "standing_on", "touching", "twisting", "wearing", "wiping", "writing_on",
)  # fmt: skip
PREDICATES: Final = (*ATTENTION, *SPATIAL, *CONTACTING)
"""The 26 predicates in the order of their ids."""

Task: TypeAlias = Literal["predcls", "sgcls", "sgdet"]
Constraint: TypeAlias = Literal["with", "semi", "no"]
BoxConvention: TypeAlias = Literal["inclusive", "continuous"]
"""Whether a box is ``x2 - x1 + 1`` wide (STTran) or ``x2 - x1`` (OED)."""

_PERSON = 1
_MIN_IOU = 0.5
_SURE = 0.9
_KEPT = 100
_SPATIAL_AT, _CONTACTING_AT = len(ATTENTION), len(ATTENTION) + len(SPATIAL)
_Triplets: TypeAlias = tuple[NDArray[np.int64], Boxes, Boxes]
"""Subject class, predicate, object class ``(n, 3)``; subject and object boxes ``(n, 4)``."""


@dataclass(frozen=True, eq=False)
class AnnotatedObject:
    """One object beside the person of a key frame.

    Attributes:
        category: Class id; the person is 1.
        xyxy: Its box, shape ``(4,)``.
        attention: Ids in `ATTENTION`.
        spatial: Ids in `SPATIAL`.
        contacting: Ids in `CONTACTING`.
    """

    category: int
    xyxy: Floats
    attention: Sequence[int]
    spatial: Sequence[int]
    contacting: Sequence[int]


@dataclass(frozen=True, eq=False)
class AnnotatedFrame:
    """Ground truth of one key frame.

    Attributes:
        person_xyxy: The person's box, shape ``(4,)``.
        objects: The objects it has relations with.
    """

    person_xyxy: Floats
    objects: Sequence[AnnotatedObject]


@dataclass(frozen=True, eq=False)
class PredictedFrame:
    """What a model says of one key frame.

    Attributes:
        boxes_xyxy: Boxes, shape ``(n, 4)``.
        labels: Class of each box, shape ``(n,)``.
        scores: Confidence in each box, shape ``(n,)``.
        pairs: Rows of person and object in those, shape ``(p, 2)``.
        attention: Probability of each attention predicate (after softmax), ``(p, 3)``.
        spatial: Probability of each spatial predicate, ``(p, 6)``.
        contacting: Probability of each contacting predicate, ``(p, 17)``.

    Raises:
        EvalError: If the shapes do not fit.
    """

    boxes_xyxy: Boxes
    labels: Ints
    scores: Floats
    pairs: NDArray[np.int64]
    attention: NDArray[np.float64]
    spatial: NDArray[np.float64]
    contacting: NDArray[np.float64]

    def __post_init__(self) -> None:
        n, p = len(self.labels), len(self.pairs)
        wanted = {
            "boxes_xyxy": (n, 4),
            "scores": (n,),
            "pairs": (p, 2),
            "attention": (p, len(ATTENTION)),
            "spatial": (p, len(SPATIAL)),
            "contacting": (p, len(CONTACTING)),
        }
        for name, shape in wanted.items():
            if (got := getattr(self, name).shape) != shape:
                raise EvalError(f"{name} must have shape {shape}, got {got}")


@dataclass(frozen=True)
class SceneGraphScores:
    """Scores by K, fractions from 0 to 1.

    Attributes:
        recall: Mean over frames.
        mean_recall: Mean over the 26 predicates of hits over occurrences in all frames.
        mean_recall_by_frame: Mean over the 26 predicates of the mean over their frames.
        per_predicate: For each K the hits over occurrences of each predicate that occurs.
        per_frame: For each K the recall of each frame.
        frames: Number of frames scored.
        skipped: Frames without annotated objects, left out.
    """

    recall: dict[int, float]
    mean_recall: dict[int, float]
    mean_recall_by_frame: dict[int, float]
    per_predicate: dict[int, dict[str, float]] = field(repr=False)
    per_frame: dict[int, tuple[float, ...]] = field(repr=False)
    frames: int
    skipped: int


def box_iou(a: Boxes, b: Boxes, convention: BoxConvention = "inclusive") -> NDArray[np.float64]:
    """Return the IoU of every pair of boxes ``xyxy``: ``(n, 4)``, ``(m, 4)`` to ``(n, m)``."""
    extra = 1.0 if convention == "inclusive" else 0.0
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    shared = np.prod(np.maximum(high - low + extra, 0), axis=2)
    areas = [np.prod(boxes[:, 2:] - boxes[:, :2] + extra, axis=1) for boxes in (a, b)]
    whole = areas[0][:, None] + areas[1][None, :] - shared
    ratio: NDArray[np.float64] = np.where(shared > 0, shared / np.where(whole > 0, whole, 1), 0.0)
    return ratio


def check_task(truth: AnnotatedFrame, predicted: PredictedFrame, task: Task) -> None:
    """Make sure that a prediction was made with what the task gives.

    Args:
        truth: The key frame's annotation.
        predicted: What is to be scored.
        task: PredCLS gives boxes and classes, SGCLS boxes, SGDET nothing.

    Raises:
        EvalError: If a box, or for PredCLS a class, is not an annotated one.
    """
    if task == "sgdet":
        return
    boxes = np.array([truth.person_xyxy, *(item.xyxy for item in truth.objects)])
    classes = [_PERSON, *(item.category for item in truth.objects)]
    for box, label in zip(predicted.boxes_xyxy, predicted.labels, strict=True):
        same = np.flatnonzero(np.all(np.isclose(boxes, box, atol=1e-3), axis=1))
        if not len(same) or (task == "predcls" and label not in {classes[row] for row in same}):
            raise EvalError(
                f"{task} gives {'boxes and classes' if task == 'predcls' else 'boxes'}, but class "
                f"{int(label)} at {box.tolist()} is not annotated; score it as sgdet"
            )


def _annotated(truth: AnnotatedFrame) -> _Triplets:
    triplets, subjects, objects = [], [], []
    for item in truth.objects:
        forward, back = (_PERSON, item.category), (item.category, _PERSON)
        person, thing = truth.person_xyxy, item.xyxy
        for offset, labels, (subject, other), boxes in (
            (0, item.attention, forward, (person, thing)),
            (_SPATIAL_AT, item.spatial, back, (thing, person)),
            (_CONTACTING_AT, item.contacting, forward, (person, thing)),
        ):
            for label in labels:
                triplets.append((subject, offset + label, other))
                subjects.append(boxes[0])
                objects.append(boxes[1])
    return (
        np.array(triplets, dtype=np.int64).reshape(-1, 3),
        np.array(subjects, dtype=float).reshape(-1, 4),
        np.array(objects, dtype=float).reshape(-1, 4),
    )


def _rows(frame: PredictedFrame) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return subject and object of each of the three rows a pair, and its 26 probabilities."""
    count = len(frame.pairs)
    ends = np.stack([frame.pairs, frame.pairs[:, ::-1], frame.pairs], axis=1).reshape(-1, 2)
    table = np.zeros((count, 3, len(PREDICATES)))
    table[:, 0, :_SPATIAL_AT] = frame.attention
    table[:, 1, _SPATIAL_AT:_CONTACTING_AT] = frame.spatial
    table[:, 2, _CONTACTING_AT:] = frame.contacting
    return ends, table.reshape(-1, len(PREDICATES))


def _chosen(table: NDArray[np.float64], constraint: Constraint) -> NDArray[np.bool_]:
    """Return which predicates of which rows compete."""
    if constraint == "no":
        return np.ones(table.shape, dtype=bool)
    best = np.zeros(table.shape, dtype=bool)
    best[np.arange(len(table)), table.argmax(axis=1)] = True
    if constraint == "with":
        return best
    attention = np.arange(len(table)) % 3 == 0
    return np.where(attention[:, None], best, table > _SURE)


def _predicted(frame: PredictedFrame, constraint: Constraint) -> _Triplets:
    """Return the competing triplets, best first."""
    ends, table = _rows(frame)
    scores = table * np.prod(frame.scores[ends], axis=1)[:, None]
    rows, predicates = np.nonzero(_chosen(table, constraint))
    order = np.argsort(-scores[rows, predicates], kind="stable")[:_KEPT]
    rows, predicates = rows[order], predicates[order]
    subjects, objects = ends[rows].T
    triplets = np.stack([frame.labels[subjects], predicates, frame.labels[objects]], axis=1)
    return triplets, frame.boxes_xyxy[subjects], frame.boxes_xyxy[objects]


def _matches(truth: _Triplets, predicted: _Triplets, boxes: BoxConvention) -> NDArray[np.bool_]:
    """Return which prediction matches which ground truth, shape ``(n, m)``."""
    equal = np.all(predicted[0][:, None] == truth[0][None], axis=2)
    subject = box_iou(predicted[1], truth[1], boxes) >= _MIN_IOU
    return np.asarray(equal & subject & (box_iou(predicted[2], truth[2], boxes) >= _MIN_IOU))


def evaluate(
    frames: Iterable[tuple[AnnotatedFrame, PredictedFrame]],
    *,
    constraint: Constraint = "with",
    counts: Collection[int] = (10, 20, 50, 100),
    boxes: BoxConvention = "inclusive",
) -> SceneGraphScores:
    """Score the key frames of a data set.

    Args:
        frames: Annotation and prediction of each.
        constraint: Which predicates of a pair compete.
        counts: The Ks.
        boxes: How boxes are measured.

    Returns:
        The scores; NaN if no frame has annotated objects.
    """
    found, skipped = [], 0
    for annotation, prediction in frames:
        truth = _annotated(annotation)
        if not len(truth[0]):
            skipped += 1
            continue
        found.append((truth[0][:, 1], _matches(truth, _predicted(prediction, constraint), boxes)))
    return _scores(found, sorted(counts), skipped)


def _scores(
    found: list[tuple[NDArray[np.int64], NDArray[np.bool_]]], counts: list[int], skipped: int
) -> SceneGraphScores:
    size, frames = len(PREDICATES), len(found)
    occurring = np.array([np.bincount(labels, minlength=size) for labels, _ in found])
    occurring = occurring.reshape(frames, size)
    total = occurring.sum(axis=0)
    recall, overall, by_frame, names = {}, {}, {}, {}
    per_frame: dict[int, tuple[float, ...]] = {}
    for k in counts:
        hit = [matched[:k].any(axis=0) for _, matched in found]
        per_frame[k] = tuple(float(row.mean()) for row in hit)
        pairs = zip(found, hit, strict=True)
        hits = np.array([np.bincount(ids[row], minlength=size) for (ids, _), row in pairs])
        hits = hits.reshape(frames, size)
        rates = hits.sum(axis=0) / np.maximum(1, total)
        present = np.maximum(1, (occurring > 0).sum(axis=0))
        means = (hits / np.maximum(1, occurring)).sum(axis=0) / present
        recall[k] = math.fsum(per_frame[k]) / frames if frames else math.nan
        overall[k] = float(rates.mean()) if frames else math.nan
        by_frame[k] = float(means.mean()) if frames else math.nan
        names[k] = {PREDICATES[i]: float(rates[i]) for i in np.flatnonzero(total)}
    return SceneGraphScores(recall, overall, by_frame, names, per_frame, frames, skipped)
