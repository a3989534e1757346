"""IDF1: how well a tracker keeps identities over a whole sequence.

Ristani et al., "Performance Measures and a Data Set for Multi-Target, Multi-Camera
Tracking" (2016), as TrackEval computes it: identities are assigned once a sequence. As
there, a sequence in which neither side has an object scores 0, not 1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from reelgraph.eval.metrics.tracking_frames import FrameSequence

__all__ = ["IdentityScores", "identity_scores"]


@dataclass(frozen=True)
class IdentityScores:
    """Counts, and the measures made from them; `+` joins sequences.

    Attributes:
        tp: Appearances of annotated objects matched by the track assigned to them.
        fn: Other appearances of annotated objects.
        fp: Other appearances of tracks.
    """

    tp: int
    fn: int
    fp: int

    def __add__(self, other: IdentityScores) -> IdentityScores:
        return IdentityScores(self.tp + other.tp, self.fn + other.fn, self.fp + other.fp)

    @property
    def idf1(self) -> float:
        """Harmonic mean of identity recall and precision."""
        return self.tp / max(1.0, self.tp + 0.5 * self.fn + 0.5 * self.fp)

    @property
    def recall(self) -> float:
        """Identity recall, IDR."""
        return self.tp / max(1, self.tp + self.fn)

    @property
    def precision(self) -> float:
        """Identity precision, IDP."""
        return self.tp / max(1, self.tp + self.fp)


def identity_scores(sequence: FrameSequence, *, threshold: float = 0.5) -> IdentityScores:
    """Score one sequence.

    Args:
        sequence: The sequence.
        threshold: Similarity that counts as a match, inclusive.
    """
    overlaps = np.zeros((sequence.truth_count, sequence.tracked_count))
    for frame in sequence.frames:
        overlaps[np.ix_(frame.truth, frame.tracked)] += frame.similarity >= threshold
    # Fewest IDFN + IDFP is the same as most IDTP: the appearances are given.
    tp = int(overlaps[linear_sum_assignment(overlaps, maximize=True)].sum())
    rows, columns = sequence.appearances
    return IdentityScores(tp=tp, fn=int(rows.sum()) - tp, fp=int(columns.sum()) - tp)
