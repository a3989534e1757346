"""Whether a model has begun to repeat itself and will not stop."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

__all__ = ["is_periodic", "repeats_relations"]

_RELATION: Final = re.compile(
    r'\[\s*-?\d+\s*,\s*"[^"\n]*"\s*,\s*-?\d+\s*,\s*\[[\[\]\d\s,.-]*?\]\s*\]'
)
_LONGEST_PERIOD: Final = 256
_LEAST_REPEATED: Final = 128
_LEAST_PERIODS: Final = 4


def is_periodic(ids: Sequence[int]) -> bool:
    """Return whether the end of a sequence is one stretch over and over.

    At least four times, and at least 128 tokens in all: lists that only look alike, such as
    the attributes of many chairs, have their objects' numbers in between.

    Example:
        >>> is_periodic([1, 2, 3] * 100), is_periodic([1, 2, 3] * 3)
        (True, False)
    """
    for period in range(1, min(_LONGEST_PERIOD, len(ids) // _LEAST_PERIODS) + 1):
        tail = max(_LEAST_PERIODS * period, _LEAST_REPEATED)
        if len(ids) >= tail and ids[-1] == ids[-1 - period]:
            end = ids[-tail:]
            if end[period:] == end[:-period]:
                return True
    return False


def repeats_relations(text: str, *, repeats: int = 24) -> bool:
    """Return whether the last relations of a text only repeat earlier ones, times and all.

    Sound texts repeat a handful; a model that loops goes round a list of relations, with
    changes of order that `is_periodic` does not see.

    Args:
        text: What was written up to here, cut off anywhere.
        repeats: How many in a row.

    Example:
        >>> repeats_relations('[1, "on", 2, [[0, 3]]], ' * 30)
        True
    """
    seen: set[str] = set()
    row = 0
    for match in _RELATION.finditer(text):
        relation = "".join(match.group().split())
        row = row + 1 if relation in seen else 0
        seen.add(relation)
    return row >= repeats
