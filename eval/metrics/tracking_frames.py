"""Ids and similarities of a tracked sequence, with ids numbered from 0 on each side."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from reelgraph._types import Ints
from reelgraph.errors import EvalError

__all__ = ["Frame", "FrameSequence"]


@dataclass(frozen=True, eq=False)
class Frame:
    """What is annotated and what is tracked on one frame.

    Attributes:
        truth: Numbers of the annotated objects, shape ``(n,)``.
        tracked: Numbers of the tracked objects, shape ``(m,)``.
        similarity: Of each pair, 0 to 1, shape ``(n, m)``.
    """

    truth: Ints
    tracked: Ints
    similarity: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class FrameSequence:
    """A sequence of frames.

    Attributes:
        frames: The frames in order.
        truth_count: Number of annotated objects; their numbers are below it.
        tracked_count: Number of tracked objects.
    """

    frames: tuple[Frame, ...]
    truth_count: int
    tracked_count: int

    @classmethod
    def of(cls, frames: Iterable[tuple[Sequence[int], Sequence[int], ArrayLike]]) -> Self:
        """Number ids by first appearance.

        Args:
            frames: Annotated ids, tracked ids and their similarity ``(n, m)`` of each frame.

        Raises:
            EvalError: If an id stands twice in a frame or a similarity has another shape.
        """
        numbers: tuple[dict[int, int], dict[int, int]] = ({}, {})
        found = []
        for at, (truth, tracked, similarity) in enumerate(frames):
            for name, ids in (("ground truth", truth), ("tracker", tracked)):
                if len(set(ids)) < len(ids):
                    raise EvalError(f"{name} has an id twice in frame {at}: {sorted(ids)}")
            rows, columns = (
                np.array([known.setdefault(i, len(known)) for i in ids], dtype=np.int64)
                for known, ids in zip(numbers, (truth, tracked), strict=True)
            )
            found.append(Frame(rows, columns, _table(similarity, len(rows), len(columns), at)))
        return cls(tuple(found), len(numbers[0]), len(numbers[1]))

    @property
    def appearances(self) -> tuple[Ints, Ints]:
        """On how many frames each annotated and each tracked object is."""
        rows = np.concatenate([np.zeros(0, np.int64), *(frame.truth for frame in self.frames)])
        columns = np.concatenate([np.zeros(0, np.int64), *(f.tracked for f in self.frames)])
        return (
            np.bincount(rows, minlength=self.truth_count),
            np.bincount(columns, minlength=self.tracked_count),
        )


def _table(similarity: ArrayLike, rows: int, columns: int, at: int) -> NDArray[np.float64]:
    table = np.asarray(similarity, dtype=float)
    if rows * columns == 0:
        return np.zeros((rows, columns))
    if table.shape != (rows, columns):
        raise EvalError(
            f"the similarity of frame {at} must have shape {(rows, columns)}, got {table.shape}"
        )
    return table
