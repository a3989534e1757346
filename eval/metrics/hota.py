"""HOTA: how well detection and association of a tracker agree with the annotation.

Luiten et al., "HOTA: A Higher Order Metric for Evaluating Multi-Object Tracking" (IJCV
2021), as TrackEval computes it. One assignment a frame, by similarity times how well two
identities fit over the whole sequence, serves all 19 localisation thresholds.

As there, a sequence in which neither side has an object scores 0, not 1.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from reelgraph._types import Floats
from reelgraph.eval.metrics.tracking_frames import FrameSequence

__all__ = ["ALPHAS", "HotaScores", "hota_scores"]

ALPHAS: Floats = np.arange(0.05, 0.99, 0.05)
"""The 19 localisation thresholds, 0.05 to 0.95."""

_EPSILON = float(np.finfo(np.float64).eps)


@dataclass(frozen=True, eq=False)
class HotaScores:
    """Counts at each threshold, and the measures made from them; `+` joins sequences.

    Attributes:
        tp: Matched pairs, shape ``(19,)``.
        fn: Annotated objects without a match.
        fp: Tracked objects without a match.
        association_sum: Association accuracy summed over matched pairs.
        association_recall_sum: Association recall, likewise.
        association_precision_sum: Association precision, likewise.
        similarity_sum: Similarity, likewise.
    """

    tp: Floats
    fn: Floats
    fp: Floats
    association_sum: Floats
    association_recall_sum: Floats
    association_precision_sum: Floats
    similarity_sum: Floats

    def __add__(self, other: HotaScores) -> HotaScores:
        return HotaScores(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))

    @property
    def det_a(self) -> Floats:
        """Detection accuracy."""
        return self.tp / np.maximum(1, self.tp + self.fn + self.fp)

    @property
    def det_re(self) -> Floats:
        """Detection recall."""
        return self.tp / np.maximum(1, self.tp + self.fn)

    @property
    def det_pr(self) -> Floats:
        """Detection precision."""
        return self.tp / np.maximum(1, self.tp + self.fp)

    @property
    def ass_a(self) -> Floats:
        """Association accuracy."""
        return self.association_sum / np.maximum(1, self.tp)

    @property
    def ass_re(self) -> Floats:
        """Association recall."""
        return self.association_recall_sum / np.maximum(1, self.tp)

    @property
    def ass_pr(self) -> Floats:
        """Association precision."""
        return self.association_precision_sum / np.maximum(1, self.tp)

    @property
    def loc_a(self) -> Floats:
        """Mean similarity of matched pairs; 1 where there is none."""
        return np.maximum(1e-10, self.similarity_sum) / np.maximum(1e-10, self.tp)

    @property
    def hota_at(self) -> Floats:
        """HOTA at each threshold."""
        found: Floats = np.sqrt(self.det_a * self.ass_a)
        return found

    @property
    def owta_at(self) -> Floats:
        """HOTA with detection recall in place of accuracy, at each threshold."""
        found: Floats = np.sqrt(self.det_re * self.ass_a)
        return found

    @property
    def hota(self) -> float:
        """HOTA: the mean over thresholds."""
        return float(self.hota_at.mean())


def _alignment(sequence: FrameSequence) -> NDArray[np.float64]:
    """Return how well each annotated and tracked identity fit over all frames."""
    potential = np.zeros((sequence.truth_count, sequence.tracked_count))
    for frame in sequence.frames:
        similarity = frame.similarity
        rest = similarity.sum(axis=0)[None, :] + similarity.sum(axis=1)[:, None] - similarity
        fit = np.divide(similarity, rest, out=np.zeros_like(similarity), where=rest > _EPSILON)
        potential[np.ix_(frame.truth, frame.tracked)] += fit
    rows, columns = sequence.appearances
    found: NDArray[np.float64] = potential / np.maximum(
        rows[:, None] + columns[None, :] - potential, _EPSILON
    )
    return found


def hota_scores(sequence: FrameSequence) -> HotaScores:
    """Score one sequence."""
    alignment, (rows, columns) = _alignment(sequence), sequence.appearances
    matches = np.zeros((len(ALPHAS), sequence.truth_count, sequence.tracked_count))
    similarity_sum = np.zeros(len(ALPHAS))
    for frame in sequence.frames:
        score = alignment[np.ix_(frame.truth, frame.tracked)] * frame.similarity
        row, column = linear_sum_assignment(score, maximize=True)
        similarity = frame.similarity[row, column]
        for at, alpha in enumerate(ALPHAS):
            good = similarity >= alpha - _EPSILON
            similarity_sum[at] += similarity[good].sum()
            matches[at, frame.truth[row[good]], frame.tracked[column[good]]] += 1
    tp = matches.sum(axis=(1, 2))
    union = np.maximum(1, rows[:, None] + columns[None, :] - matches)
    return HotaScores(
        tp=tp,
        fn=rows.sum() - tp,
        fp=columns.sum() - tp,
        association_sum=(matches**2 / union).sum(axis=(1, 2)),
        association_recall_sum=(matches**2 / np.maximum(1, rows)[:, None]).sum(axis=(1, 2)),
        association_precision_sum=(matches**2 / np.maximum(1, columns)).sum(axis=(1, 2)),
        similarity_sum=similarity_sum,
    )
