"""CLEAR: MOTA, MOTP, identity switches and fragments of a tracker.

Bernardin and Stiefelhagen, "Evaluating Multiple Object Tracking Performance" (2008), as
TrackEval computes it: a pair that was matched on the frame before is kept if it still
overlaps enough. As there, a frame without annotation or without tracks is passed over
without ending that memory.

Not copied from it: without ground truth MOTA has no value, so it and its variants are NaN
(there: 0 for one sequence, but minus the number of false positives for several), and no
object is mostly lost (there: a ratio of 1); frames of sequences in which one side is empty
are counted like all others (there: not at all).
"""

from __future__ import annotations

import math
from dataclasses import astuple, dataclass, field

import numpy as np
from scipy.optimize import linear_sum_assignment

from reelgraph._types import Ints
from reelgraph.eval.metrics.tracking_frames import Frame, FrameSequence

__all__ = ["ClearScores", "clear_scores"]

_EPSILON = float(np.finfo(np.float64).eps)
_KEPT = 1000.0
_NONE = -1


@dataclass(frozen=True)
class ClearScores:
    """Counts, and the measures made from them; `+` joins sequences.

    Attributes:
        tp: Matched pairs.
        fn: Annotated objects without a match.
        fp: Tracked objects without a match.
        id_switches: Matches to another track than the object had last.
        mostly_tracked: Annotated objects matched on more than 80 % of their frames.
        partly_tracked: Those matched on at least 20 %.
        mostly_lost: The rest.
        fragments: How often tracking of an object resumes.
        similarity_sum: Similarity summed over matched pairs.
        frames: Number of frames.
    """

    tp: int
    fn: int
    fp: int
    id_switches: int
    mostly_tracked: int
    partly_tracked: int
    mostly_lost: int
    fragments: int
    similarity_sum: float
    frames: int

    def __add__(self, other: ClearScores) -> ClearScores:
        return ClearScores(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))

    def _of_truth(self, value: float) -> float:
        return value / (self.tp + self.fn) if self.tp + self.fn else math.nan

    @property
    def mota(self) -> float:
        """1 less misses, false positives and switches, each over the annotated objects."""
        return self._of_truth(self.tp - self.fp - self.id_switches)

    @property
    def moda(self) -> float:
        """MOTA without switches."""
        return self._of_truth(self.tp - self.fp)

    @property
    def smota(self) -> float:
        """MOTA in which a match counts as much as it overlaps."""
        return self._of_truth(self.similarity_sum - self.fp - self.id_switches)

    @property
    def motal(self) -> float:
        """MOTA with the decimal logarithm of switches, so that one costs nothing."""
        switches = math.log10(self.id_switches) if self.id_switches else 0.0
        return self._of_truth(self.tp - self.fp - switches)

    @property
    def motp(self) -> float:
        """Mean similarity of matched pairs; higher is better."""
        return self.similarity_sum / max(1, self.tp)

    @property
    def recall(self) -> float:
        """Share of annotated objects that are matched."""
        return self.tp / max(1, self.tp + self.fn)

    @property
    def precision(self) -> float:
        """Share of tracked objects that are matched."""
        return self.tp / max(1, self.tp + self.fp)

    @property
    def f1(self) -> float:
        """Harmonic mean of recall and precision."""
        return self.tp / max(1.0, self.tp + 0.5 * self.fn + 0.5 * self.fp)

    @property
    def false_positives_per_frame(self) -> float:
        """False positives over frames."""
        return self.fp / max(1, self.frames)


@dataclass
class _Memory:
    """What is remembered of each annotated object while frames go by."""

    last: Ints
    before: Ints
    matched: Ints
    resumed: Ints
    switches: int = 0
    similarities: list[float] = field(default_factory=list)

    @classmethod
    def of(cls, count: int) -> _Memory:
        none, zero = np.full(count, _NONE), np.zeros(count, dtype=np.int64)
        return cls(last=none, before=none.copy(), matched=zero, resumed=zero.copy())

    def see(self, frame: Frame, threshold: float) -> None:
        """Match one frame that has annotated and tracked objects."""
        kept = frame.tracked[None, :] == self.before[frame.truth][:, None]
        score = _KEPT * kept + frame.similarity
        score[frame.similarity < threshold - _EPSILON] = 0
        rows, columns = linear_sum_assignment(score, maximize=True)
        good = score[rows, columns] > _EPSILON
        rows, columns = rows[good], columns[good]
        truth, tracked = frame.truth[rows], frame.tracked[columns]
        last = self.last[truth]
        self.switches += int(np.sum((last != _NONE) & (last != tracked)))
        self.matched[truth] += 1
        self.resumed[truth[self.before[truth] == _NONE]] += 1
        self.last[truth] = tracked
        self.before[:] = _NONE
        self.before[truth] = tracked
        self.similarities += frame.similarity[rows, columns].tolist()


def clear_scores(sequence: FrameSequence, *, threshold: float = 0.5) -> ClearScores:
    """Score one sequence.

    Args:
        sequence: The sequence.
        threshold: Similarity that a match needs, inclusive.
    """
    memory = _Memory.of(sequence.truth_count)
    for frame in sequence.frames:
        if len(frame.truth) and len(frame.tracked):
            memory.see(frame, threshold)
    rows, columns = sequence.appearances
    tp, share = len(memory.similarities), memory.matched / np.maximum(1, rows)
    mostly, partly = int(np.sum(share > 0.8)), int(np.sum((share >= 0.2) & (share <= 0.8)))
    return ClearScores(
        tp=tp,
        fn=int(rows.sum()) - tp,
        fp=int(columns.sum()) - tp,
        id_switches=memory.switches,
        mostly_tracked=mostly,
        partly_tracked=partly,
        mostly_lost=sequence.truth_count - mostly - partly,
        fragments=int(np.maximum(memory.resumed - 1, 0).sum()),
        similarity_sum=math.fsum(memory.similarities),
        frames=len(sequence.frames),
    )
