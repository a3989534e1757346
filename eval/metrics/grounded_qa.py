"""Grounded question answering: NExT-GQA's mIoP, mIoU, IoP@t, IoU@t and Acc@GQA.

The definitions are those of the benchmark's own evaluator (doc-doc/NExT-GQA): one predicted
span a question against several annotated ones. For each, IoU is the overlap over the hull of
both, IoP the overlap over the predicted length; the best of each is taken on its own, never
below 0. Acc@GQA asks for IoP >= 0.5 and the right answer.

What the official numbers hide is reported beside them, and can be counted:

- A question without a predicted span leaves the official denominator, so answering only what
  is easy raises every score. `GroundingScores.coverage` says how many were left out, and
  ``missing="zero"`` counts them as 0.
- A span of no length inside an annotated one has IoP 1. `GroundingScores.points` counts them.

Not copied from the evaluator: a grounded question without an answer is wrong (there:
``KeyError``), and no grounded question at all scores NaN (there: ``ZeroDivisionError``).
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from reelgraph.errors import EvalError

__all__ = [
    "GroundingScores",
    "GroundingTruth",
    "accuracy_by_group",
    "best_overlaps",
    "evaluate",
    "overlaps",
    "truth_of",
]

Span: TypeAlias = Sequence[float]
"""Seconds, start first and end last; numbers between them are ignored."""

GroundingTruth: TypeAlias = Mapping[str, Sequence[Span]]
"""Annotated spans by question key."""

_THRESHOLDS = (0.3, 0.5)
_MIN_IOP = 0.5
_GROUPS = {"CW": "Why", "CH": "How", "TN": "Bef&Aft", "TP": "Bef&Aft", "TC": "When"}


@dataclass(frozen=True)
class GroundingScores:
    """Scores over a set of questions, fractions from 0 to 1.

    Attributes:
        accuracy_gqa: Share with IoP of at least 0.5 and the right answer (Acc@GQA).
        mean_iop: Mean best IoP.
        mean_iou: Mean best IoU.
        iop_at: Share with best IoP at least each threshold.
        iou_at: Share with best IoU at least each threshold.
        questions: Questions that have annotated spans.
        grounded: Those of them with a predicted span.
        points: Those of them whose span has no length.
        per_question: Best IoU and IoP by question key.
    """

    accuracy_gqa: float
    mean_iop: float
    mean_iou: float
    iop_at: dict[float, float]
    iou_at: dict[float, float]
    questions: int
    grounded: int
    points: int
    per_question: dict[str, tuple[float, float]] = field(repr=False)

    @property
    def coverage(self) -> float:
        """Share of the questions that have a predicted span; NaN if there are none."""
        return self.grounded / self.questions if self.questions else math.nan


def truth_of(annotation: Mapping[str, Any]) -> dict[str, list[Span]]:
    """Return the spans of ``gsub_val.json`` or ``gsub_test.json`` by ``video_qid``.

    Args:
        annotation: The file's JSON: ``{video: {"location": {qid: [[start, end], ...]}}}``.
    """
    return {
        f"{video}_{qid}": spans
        for video, entry in annotation.items()
        for qid, spans in entry["location"].items()
    }


def overlaps(truth: Span, predicted: Span) -> tuple[float, float]:
    """Return IoU and IoP of two spans as the evaluator computes them; both may be negative.

    A predicted span of no length has IoU 0, and IoP 1 inside the annotated one or on its
    border, else 0. One that ends before it starts covers nothing: IoP 0.
    """
    start, end = predicted[0], predicted[-1]
    if start == end:
        return 0.0, float(truth[0] <= start <= truth[-1])
    shared = min(truth[-1], end) - max(truth[0], start)
    whole = max(truth[-1], end) - min(truth[0], start)
    iou = shared / whole if whole > 0 else 0.0
    return iou, shared / (end - start) if end > start else 0.0


def best_overlaps(truth: Iterable[Span], predicted: Span) -> tuple[float, float]:
    """Return the best IoU and the best IoP over annotated spans, each at least 0."""
    pairs = [overlaps(span, predicted) for span in truth]
    return max((0.0, *(iou for iou, _ in pairs))), max((0.0, *(iop for _, iop in pairs)))


def evaluate(
    truth: GroundingTruth,
    spans: Mapping[str, Span],
    right: Mapping[str, bool],
    *,
    missing: Literal["skip", "zero"] = "skip",
    thresholds: Collection[float] = _THRESHOLDS,
) -> GroundingScores:
    """Score predicted spans and answers.

    Args:
        truth: Annotated spans by question.
        spans: One predicted span by question; other questions' are ignored.
        right: Whether the question was answered right; a question that is missing was not.
        missing: ``"skip"`` leaves questions without a span out, as the official evaluator
            does; ``"zero"`` counts them as ungrounded and wrong.
        thresholds: For IoP@t and IoU@t, inclusive.

    Raises:
        EvalError: If a predicted span holds fewer than two numbers.
    """
    for key in truth.keys() & spans.keys():
        if len(spans[key]) < 2:
            raise EvalError(f"the span of {key!r} must be [start, end], got {spans[key]!r}")
    pairs = {key: best_overlaps(truth[key], spans[key]) for key in truth if key in spans}
    count = len(truth) if missing == "zero" else len(pairs)
    ious, iops = [iou for iou, _ in pairs.values()], [iop for _, iop in pairs.values()]
    answered = [iop >= _MIN_IOP and right.get(key, False) for key, (_, iop) in pairs.items()]
    return GroundingScores(
        accuracy_gqa=_share(answered, count),
        mean_iop=_share(iops, count),
        mean_iou=_share(ious, count),
        iop_at={limit: _share([iop >= limit for iop in iops], count) for limit in thresholds},
        iou_at={limit: _share([iou >= limit for iou in ious], count) for limit in thresholds},
        questions=len(truth),
        grounded=len(pairs),
        points=sum(spans[key][0] == spans[key][-1] for key in pairs),
        per_question=pairs,
    )


def _share(values: Iterable[float], count: int) -> float:
    return math.fsum(values) / count if count else math.nan


def accuracy_by_group(types: Mapping[str, str], right: Mapping[str, bool]) -> dict[str, float]:
    """Return answer accuracy by the groups that NExT-GQA prints.

    Args:
        types: Question type (``CW``, ``CH``, ``TN``, ``TP`` or ``TC``) by question.
        right: Whether each was answered right; a question that is missing was not.

    Returns:
        Accuracy of Why, How, Bef&Aft (``TN`` and ``TP``), When, of causal (``Acc_C``) and
        temporal (``Acc_T``) questions, and ``Acc`` of all. Groups without questions are
        left out.

    Raises:
        EvalError: If a type is none of NExT-GQA's.
    """
    members: dict[str, list[bool]] = {}
    for key, kind in types.items():
        if kind not in _GROUPS:
            raise EvalError(f"question {key!r} has type {kind!r}; NExT-GQA has {[*_GROUPS]}")
        for name in (_GROUPS[kind], f"Acc_{kind[0]}", "Acc"):
            members.setdefault(name, []).append(right.get(key, False))
    return {name: sum(found) / len(found) for name, found in members.items()}
