"""How many objects are shared out over several prompts of one clip."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from reelgraph._types import Ints
from reelgraph.tools.traser.options import InputConfig

__all__ = ["pairs_apart", "share_out"]


def share_out(sizes: Sequence[int] | Ints, config: InputConfig) -> tuple[tuple[int, ...], ...]:
    """Divide objects into passes, those that fill most of the clip first.

    Every pass after the first repeats the ``config.pass_anchors`` largest objects, so that
    the others can be related to them. Objects for which there is no pass are in none.

    Args:
        sizes: Area times duration of each object.
        config: Most objects of a pass, most passes, and anchors.

    Returns:
        Rows of ``sizes`` of each pass, increasing.
    """
    order = np.argsort(-np.asarray(sizes, dtype=np.int64), kind="stable").tolist()
    first, rest = order[: config.max_objects], order[config.max_objects :]
    passes = [first] if first else []
    anchors = order[: config.pass_anchors]
    room = config.max_objects - len(anchors)
    for start in range(0, len(rest), room):
        if len(passes) == config.max_passes:
            break
        passes.append(anchors + rest[start : start + room])
    return tuple(tuple(sorted(rows)) for rows in passes)


def pairs_apart(passes: Sequence[Sequence[int]]) -> tuple[tuple[int, int], ...]:
    """Return the pairs of objects that are in no pass together, in order.

    Args:
        passes: Ids of the objects of each pass.

    Example:
        >>> pairs_apart([(1, 2, 3), (1, 4)])
        ((2, 4), (3, 4))
    """
    together = {frozenset(pair) for ids in passes for pair in combinations(ids, 2)}
    ids = sorted({value for group in passes for value in group})
    return tuple(pair for pair in combinations(ids, 2) if frozenset(pair) not in together)
