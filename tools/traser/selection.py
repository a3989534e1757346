"""Which visual tokens show each object: the cells that its masks cover enough."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from reelgraph._types import Ints
from reelgraph.tools.traser.grid import Grid

__all__ = ["Selection", "TimeReduce"]

TimeReduce: TypeAlias = Literal["max", "mean", "min"]
"""How the coverages of the two frames of a time step become one."""


@dataclass(frozen=True, eq=False)
class Selection:
    """The visual tokens of every kept object of one clip.

    Attributes:
        grid: Grid of the visual tokens.
        object_ids: Original id of the object in row ``k - 1``, which the prompt numbers ``k``.
        tokens: For each kept object, ascending indices into the visual tokens, never empty.
        thresholds: For each kept object, the coverage that a cell had to reach; None where no
            cell reached any and the best one was taken.
        dropped: Ids that were asked for and show no pixel in the clip.
    """

    grid: Grid
    object_ids: tuple[int, ...]
    tokens: tuple[Ints, ...]
    thresholds: tuple[float | None, ...]
    dropped: tuple[int, ...] = ()
