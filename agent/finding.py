"""What facts say about a question, before it is put into words."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from reelgraph.agent.clauses import Role
from reelgraph.agent.facts import Occurrence

__all__ = ["Finding", "unknown"]


@dataclass(frozen=True)
class Finding:
    """What the facts say about a question.

    Attributes:
        status: ``"yes"`` if they answer it, ``"no"`` if they say that it is not so,
            ``"unknown"`` if they do not say.
        reason: Why not, for ``"no"`` and ``"unknown"``.
        occurrences: What shows it, best first.
        entities: The objects that answer it, in order.
        value: The number that answers it, or None.
        result: Id of the computed figure the number comes from, or None.
        role: The role that `entities` fill in `occurrences`.
        confidence: 0 to 1.
        pool: Everything that options are compared with, best first.
        beside: What the answer's time was taken from, or what it was compared with.
    """

    status: Literal["yes", "no", "unknown"]
    reason: str = ""
    occurrences: tuple[Occurrence, ...] = ()
    entities: tuple[int, ...] = ()
    value: float | None = None
    result: str | None = None
    role: Role | None = None
    confidence: float = 0.9
    pool: tuple[Occurrence, ...] = field(default=(), repr=False)
    beside: tuple[Occurrence, ...] = ()


def unknown(reason: str) -> Finding:
    """Return that the facts do not say, and why."""
    return Finding("unknown", reason)
