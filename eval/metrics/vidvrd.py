"""Video relation detection and tagging: VidVRD's and VidOR's mAP, recall and precision.

The definitions are those of the benchmark's own evaluator (xdshang/VidVRD-helper):

- A predicted relation instance is a triplet with two box tracks. Per video, predictions
  are taken by falling score (ties keep their order). Each takes the free ground-truth
  instance of the same triplet with the largest ``min(subject vIoU, object vIoU)``, if that
  is at least 0.5.
- AP of a video is the area under its precision envelope; mAP is the plain mean over videos.
- Recall@N keeps a video's first N predictions and divides all hits by all ground truth.
- Tagging precision@n looks at triplets only, each at its best rank, and divides by n, or by
  the number of distinct triplets where fewer were predicted.

Not copied from it: a file without any prediction scores 0 (there: ``IndexError``); no
ground truth at all scores NaN (there: ``ValueError``); a score that is not finite and a
track that is shorter than its duration are an `EvalError` (there: a hit silently turned
into a miss, and ``IndexError``).
Videos without ground truth are left out with all that was predicted for them, as there.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self, TypeAlias

import numpy as np

from reelgraph._types import Boxes, Floats
from reelgraph.errors import EvalError
from reelgraph.graph.formats.dataset_names import joined
from reelgraph.graph.formats.frames import FrameRate, shown_boxes
from reelgraph.graph.schema import CAMERA, SceneGraph
from reelgraph.graph.tracks import Tracks

__all__ = [
    "RelationInstance",
    "Triplet",
    "VidVRDScores",
    "VideoScores",
    "average_precision",
    "evaluate",
    "instances_of",
    "instances_of_graph",
    "only_triplets",
    "tagging_curve",
    "unseen",
    "viou",
]

Triplet: TypeAlias = tuple[str, str, str]
"""Subject category, predicate, object category."""

_MIN_VIOU = 0.5


@dataclass(frozen=True, eq=False)
class RelationInstance:
    """One relation between two box tracks, annotated or predicted.

    Attributes:
        triplet: Subject category, predicate, object category.
        begin_frame: First frame of the relation.
        end_frame: The frame after its last.
        subject_xyxy: The subject's box on each frame of ``[begin_frame, end_frame)``, corners
            inclusive, shape ``(n, 4)``. Boxes after ``end_frame`` enlarge its volume.
        object_xyxy: The object's boxes, likewise.
        score: Confidence; None for ground truth.

    Raises:
        EvalError: If the tracks are shorter than the duration or the score is not finite.
    """

    triplet: Triplet
    begin_frame: int
    end_frame: int
    subject_xyxy: Boxes
    object_xyxy: Boxes
    score: float | None = None

    def __post_init__(self) -> None:
        if self.score is not None and not math.isfinite(self.score):
            raise EvalError(f"the score of {self.triplet!r} must be finite, got {self.score!r}")
        length = self.end_frame - self.begin_frame
        for role, boxes in (("subject", self.subject_xyxy), ("object", self.object_xyxy)):
            if boxes.ndim != 2 or boxes.shape[1] != 4 or len(boxes) < length:
                raise EvalError(
                    f"the {role} track of {self.triplet!r} must have a box for each of the "
                    f"{length} frames of its duration, shape (n, 4), got {boxes.shape}"
                )

    @classmethod
    def from_json(cls, item: Mapping[str, Any]) -> Self:
        """Read one instance as the benchmark's result files write it.

        Args:
            item: ``triplet``, ``duration``, ``sub_traj``, ``obj_traj`` and, if it is a
                prediction, ``score``.

        Raises:
            EvalError: If a key is missing or a track does not fit the duration.
        """
        try:
            subject, predicate, other = item["triplet"]
            begin, end = item["duration"]
            own, others = (np.array(item[key], dtype=float) for key in ("sub_traj", "obj_traj"))
        except (KeyError, ValueError, TypeError) as error:
            raise EvalError(
                "a relation instance needs triplet, duration, sub_traj and obj_traj: "
                f"{error} in one with keys {sorted(item)!r}"
            ) from error
        triplet = (subject, predicate, other)
        return cls(triplet, begin, end, own, others, score=item.get("score"))


Instances: TypeAlias = Mapping[str, Sequence[RelationInstance]]
"""Relation instances by video id."""


@dataclass(frozen=True)
class VideoScores:
    """How one video was scored.

    Attributes:
        average_precision: Area under the precision envelope, 0 to 1.
        hits: For each prediction in score order whether it found a free ground truth.
        ground_truth_count: Number of annotated instances.
        tagging_curve: Precision after the first 1, 2, ... distinct triplets.
    """

    average_precision: float
    hits: tuple[bool, ...]
    ground_truth_count: int
    tagging_curve: tuple[float, ...]


@dataclass(frozen=True)
class VidVRDScores:
    """Scores over a data set, fractions from 0 to 1.

    Attributes:
        mean_ap: Relation detection mAP.
        recall_at: Recall by number of predictions kept in a video.
        tagging_precision_at: Tagging precision by number of triplets.
        per_video: Scores of each video that has ground truth.
    """

    mean_ap: float
    recall_at: dict[int, float]
    tagging_precision_at: dict[int, float]
    per_video: dict[str, VideoScores] = field(repr=False)


def viou(
    boxes_a: Boxes, begin_a: int, end_a: int, boxes_b: Boxes, begin_b: int, end_b: int
) -> float:
    """Return the volumetric IoU of two box tracks.

    Args:
        boxes_a: Boxes with inclusive corners, one a frame from ``begin_a``, ``(n, 4)``.
        begin_a: First frame of the first track.
        end_a: The frame after its last.
        boxes_b: Boxes of the second track.
        begin_b: Its first frame.
        end_b: The frame after its last.
    """
    begin, end = max(begin_a, begin_b), min(end_a, end_b)
    if begin >= end:
        return 0.0
    a, b = boxes_a[begin - begin_a : end - begin_a], boxes_b[begin - begin_b : end - begin_b]
    low, high = np.maximum(a[:, :2], b[:, :2]), np.minimum(a[:, 2:], b[:, 2:])
    shared = float(np.prod(np.maximum(high - low + 1, 0), axis=1).sum())
    return shared / (_volume(boxes_a) + _volume(boxes_b) - shared)


def _volume(boxes: Boxes) -> float:
    return float(np.prod(boxes[:, 2:] - boxes[:, :2] + 1, axis=1).sum())


def average_precision(recall: Floats, precision: Floats) -> float:
    """Return the area under the precision envelope (VOC since 2010, not 11 points).

    Args:
        recall: Recall after each prediction, not falling, shape ``(n,)``.
        precision: Precision after each prediction, shape ``(n,)``.
    """
    steps = np.concatenate([[0.0], recall, [1.0]])
    heights = np.concatenate([[0.0], precision, [0.0]])
    envelope = np.maximum.accumulate(heights[::-1])[::-1]
    return float(np.sum(np.diff(steps) * envelope[1:]))


def tagging_curve(
    truth: Sequence[RelationInstance], predicted: Sequence[RelationInstance]
) -> tuple[float, ...]:
    """Return the precision after each distinct predicted triplet, best rank first."""
    wanted = {item.triplet for item in truth}
    found = dict.fromkeys(item.triplet for item in _by_score(predicted))
    right = np.cumsum([triplet in wanted for triplet in found])
    return tuple(float(value) for value in right / np.arange(1, len(found) + 1))


def _by_score(predicted: Iterable[RelationInstance]) -> list[RelationInstance]:
    """Sort by falling score; ties keep their order. Unscored instances come last."""
    return sorted(predicted, key=lambda item: math.inf if item.score is None else -item.score)


def _overlap(a: RelationInstance, b: RelationInstance) -> float:
    spans = (a.begin_frame, a.end_frame), (b.begin_frame, b.end_frame)
    return min(
        viou(a.subject_xyxy, *spans[0], b.subject_xyxy, *spans[1]),
        viou(a.object_xyxy, *spans[0], b.object_xyxy, *spans[1]),
    )


def _hits(
    truth: Sequence[RelationInstance], predicted: Iterable[RelationInstance], min_viou: float
) -> tuple[bool, ...]:
    """Return for each prediction in score order whether it takes a free ground truth."""
    free: dict[Triplet, list[RelationInstance]] = {}
    for item in truth:
        free.setdefault(item.triplet, []).append(item)
    hits = []
    for item in _by_score(predicted):
        rivals = free.get(item.triplet, [])
        overlaps = [_overlap(item, rival) for rival in rivals]
        best = int(np.argmax(overlaps)) if overlaps else -1
        hit = best >= 0 and overlaps[best] >= min_viou
        if hit:
            rivals.pop(best)
        hits.append(hit)
    return tuple(hits)


def _video_scores(
    truth: Sequence[RelationInstance], predicted: Sequence[RelationInstance], min_viou: float
) -> VideoScores:
    hits = _hits(truth, predicted, min_viou)
    found = np.cumsum(hits, dtype=float)
    ap = average_precision(found / len(truth), found / np.arange(1, len(hits) + 1))
    return VideoScores(ap, hits, len(truth), tagging_curve(truth, predicted))


def evaluate(
    truth: Instances,
    predicted: Instances,
    *,
    recall_counts: Collection[int] = (50, 100),
    tagging_counts: Collection[int] = (1, 5, 10),
    min_viou: float = _MIN_VIOU,
) -> VidVRDScores:
    """Score relation detection and tagging over a data set.

    Args:
        truth: Annotated instances by video; videos without any are left out.
        predicted: Predicted instances by video; a video that is missing predicts nothing.
        recall_counts: Numbers of predictions for Recall@N.
        tagging_counts: Numbers of triplets for tagging Precision@n.
        min_viou: Overlap that both tracks need, inclusive.

    Returns:
        The scores; NaN where no video has ground truth.
    """
    videos = {
        name: _video_scores(items, predicted.get(name, ()), min_viou)
        for name, items in truth.items()
        if items
    }
    total = sum(video.ground_truth_count for video in videos.values())
    found = {n: sum(sum(video.hits[:n]) for video in videos.values()) for n in recall_counts}
    return VidVRDScores(
        mean_ap=_mean([video.average_precision for video in videos.values()]),
        recall_at={n: found[n] / total if total else math.nan for n in recall_counts},
        tagging_precision_at={
            n: _mean([_precision_at(video.tagging_curve, n) for video in videos.values()])
            for n in tagging_counts
        },
        per_video=videos,
    )


def _precision_at(curve: Sequence[float], count: int) -> float:
    return curve[min(count, len(curve)) - 1] if curve else 0.0


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values) if values else math.nan


def unseen(truth: Instances, seen: Collection[Triplet]) -> dict[str, list[RelationInstance]]:
    """Return the ground truth of the zero-shot protocol: triplets that training never had.

    Videos without such an instance are left out.
    """
    kept = {
        name: [item for item in items if item.triplet not in seen] for name, items in truth.items()
    }
    return {name: items for name, items in kept.items() if items}


def only_triplets(
    predicted: Instances, triplets: Collection[Triplet]
) -> dict[str, list[RelationInstance]]:
    """Return the predictions of some triplets.

    The evaluator's newer zero-shot protocol scores `unseen` ground truth against the
    predictions of its triplets only; the older one keeps every prediction.
    """
    return {
        name: [item for item in items if item.triplet in triplets]
        for name, items in predicted.items()
    }


def instances_of(annotation: Mapping[str, Any]) -> list[RelationInstance]:
    """Return the ground truth of one annotation file of VidVRD or VidOR.

    Args:
        annotation: The file's JSON: ``subject/objects``, ``trajectories`` (boxes a frame)
            and ``relation_instances`` over ``[begin_fid, end_fid)``.

    Raises:
        EvalError: If an object has no box on a frame of one of its relations.
    """
    labels = {item["tid"]: item["category"] for item in annotation["subject/objects"]}
    frames = [
        {box["tid"]: [box["bbox"][key] for key in ("xmin", "ymin", "xmax", "ymax")] for box in row}
        for row in annotation["trajectories"]
    ]
    found = []
    for item in annotation["relation_instances"]:
        begin, end = item["begin_fid"], item["end_fid"]
        subject, other = item["subject_tid"], item["object_tid"]
        try:
            own, others = (
                np.array([row[tid] for row in frames[begin:end]], dtype=float).reshape(-1, 4)
                for tid in (subject, other)
            )
        except KeyError as error:
            raise EvalError(
                f"object {error} of video {annotation.get('video_id')!r} has no box on some "
                f"frame of [{begin}, {end}), where it {item['predicate']!r}"
            ) from error
        triplet = (labels[subject], item["predicate"], labels[other])
        found.append(RelationInstance(triplet, begin, end, own, others))
    return found


def instances_of_graph(document: SceneGraph, tracks: Tracks) -> list[RelationInstance]:
    """Return a graph's relations as predictions, with the boxes of its objects' tracks.

    A relation with several intervals is several instances; where a participant is not
    visible, an instance ends and another begins when both are. Names have underscores, as in
    the data sets. Relations with the camera are left out. A relation without a score has 1.

    Args:
        document: The graph.
        tracks: Boxes of its objects.
    """
    frames = [*shown_boxes(tracks)]
    labels = {item.id: joined(item.label) for item in document.objects}
    rate = FrameRate(document.video.fps)
    found = []
    for r in document.relations:
        if CAMERA in {r.subject, r.object}:
            continue
        triplet = (labels[r.subject], joined(r.predicate), labels[r.object])
        for begin, end in rate.spans(r.intervals):
            for first, last in _runs_with(frames[begin:end], {r.subject, r.object}):
                part = frames[begin + first : begin + last]
                own, others = (
                    np.array([row[end_id][0] for row in part]) - (0, 0, 1, 1)
                    for end_id in (r.subject, r.object)
                )
                score = 1.0 if r.score is None else r.score
                span = begin + first, begin + last
                found.append(RelationInstance(triplet, *span, own, others, score=score))
    return found


def _runs_with(
    frames: Sequence[Mapping[int, object]], objects: Collection[int]
) -> Iterator[tuple[int, int]]:
    """Yield begin and end of each run of frames that show all of some objects."""
    at = 0
    for shown, run in itertools.groupby(frames, key=lambda row: row.keys() >= set(objects)):
        length = sum(1 for _ in run)
        if shown:
            yield at, at + length
        at += length
