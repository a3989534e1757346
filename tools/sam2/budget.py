"""How many objects are followed at once, which come first, and which were left out."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import BaseModel

from reelgraph.tools.sam2.engine import Proposal

__all__ = ["Budget", "LeftOut", "priority"]


def priority(proposal: Proposal) -> float:
    """Return how much a mask is wanted: its area in pixels by its predicted quality."""
    return float(proposal.mask.sum()) * proposal.predicted_iou


class LeftOut(BaseModel):
    """What a budget has turned away so far.

    Attributes:
        checks: Checks at which something was left out.
        most: Most masks that were left out at one check.
        most_at_s: Time of that check in seconds.
        largest: Greatest area of a mask that was left out, as a share of the frame.
    """

    checks: int = 0
    most: int = 0
    most_at_s: float = 0.0
    largest: float = 0.0


class Budget:
    """Lets new objects in while fewer than ``limit`` are followed.

    The first check is limited too. Of masks that appear together, those with the greatest
    `priority` come first; an object that is already followed never makes room. So ids stay.

    Args:
        limit: Objects that may be followed at once.
        left_out: What was turned away before, when a run goes on.

    Attributes:
        left_out: What has been turned away.
    """

    def __init__(self, limit: int, left_out: LeftOut | None = None) -> None:
        self._limit = limit
        self.left_out = left_out or LeftOut()

    def admit(self, proposals: Sequence[Proposal], *, followed: int, time_s: float) -> list[int]:
        """Return the rows of the proposals that become objects, in the order given.

        Args:
            proposals: New masks of one check.
            followed: Objects that hold a place now.
            time_s: Time of the check in seconds.
        """
        room = max(0, self._limit - followed)
        ranked = sorted(range(len(proposals)), key=lambda row: -priority(proposals[row]))
        if refused := ranked[room:]:
            shares = [float(proposals[row].mask.mean()) for row in refused]
            self._note(len(refused), max(shares), time_s)
        return sorted(ranked[:room])

    def warnings(self) -> list[str]:
        """Return what the reader must know, in sentences."""
        out = self.left_out
        if not out.checks:
            return []
        return [
            f"More objects than the limit of {self._limit} were there at once, and new ones were "
            f"left out (checks: {out.checks}; most at once: {out.most}, at {out.most_at_s:.1f} s; "
            f"largest: {out.largest:.1%} of the frame); raise max_objects to follow them."
        ]

    def _note(self, count: int, largest: float, time_s: float) -> None:
        out = self.left_out
        more = count > out.most
        self.left_out = LeftOut(
            checks=out.checks + 1,
            most=count if more else out.most,
            most_at_s=time_s if more else out.most_at_s,
            largest=max(out.largest, largest),
        )
