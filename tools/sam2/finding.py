"""The online pass: follow what is known, and look for new objects at every check."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from pydantic import BaseModel

from reelgraph.graph.tracks import encode_mask
from reelgraph.tools.sam2.budget import Budget, LeftOut
from reelgraph.tools.sam2.config import Sam2Config
from reelgraph.tools.sam2.discovery import new_objects, non_overlapping, untracked_share
from reelgraph.tools.sam2.engine import Embedding, Engine, ObjectMemory, Proposal
from reelgraph.tools.sam2.roster import Place, Roster, Seen
from reelgraph.tools.sam2.schedule import Schedule
from reelgraph.tools.video import Frame

__all__ = ["FindingPass", "FindingState", "Found"]


class Found(BaseModel):
    """An object that the online pass has found, or a user's prompt has pointed out.

    Attributes:
        id: Its id, for good.
        position: Row of the processed frame on which it was found.
        lost_at: Row of the processed frame at which it was given up; None if it was not.
    """

    id: int
    position: int
    lost_at: int | None = None


class FindingState(BaseModel):
    """Where the online pass stands.

    Attributes:
        next: Position of the next frame.
        checked: Checks that have been done.
        found: Everything found so far, by increasing id.
        places: The objects that are followed.
        left_out: What the budget turned away.
    """

    next: int = 0
    checked: int = 0
    found: tuple[Found, ...] = ()
    places: tuple[Place, ...] = ()
    left_out: LeftOut = LeftOut()


class FindingPass:
    """Finds objects, each with the frame on which it was found (SVG2, stage 2, pass 1).

    At every check the dormant objects are looked for first, so that what comes back is
    not new. Where the tracks leave less than ``min_untracked`` of the frame free, no
    automatic masks are made. Masks of the first check that has any all become objects,
    as far as the budget allows.

    Args:
        engine: The model.
        config: Options of the tracker.
        schedule: The frames.
        keep: Is given the id and fresh memory of each object that is found.
        state: Where to go on, with ``memories``; from the start if empty.
        memories: Memories of ``state.places``.
    """

    title: Final = "finding objects"

    def __init__(
        self,
        engine: Engine,
        config: Sam2Config,
        schedule: Schedule,
        keep: Callable[[int, ObjectMemory], None],
        state: FindingState,
        memories: bytes = b"",
    ) -> None:
        self._engine = engine
        self._config = config
        self._schedule = schedule
        self._keep = keep
        self._checked = state.checked
        self._found = {item.id: item for item in state.found}
        self._budget = Budget(config.max_objects, state.left_out)
        self._roster = Roster(engine, config.dormant_after_s)
        self.masks: dict[int, tuple[bytes, ...]] = {}
        """Run lengths of the automatic masks by frame index, since they were last taken."""
        if state.places:
            self._roster.restore(state.places, memories)

    def step(self, position: int, frame: Frame) -> int:
        """Process one frame and return how many objects are followed on it."""
        due = self._schedule.checks_until(position)
        check = due > self._checked
        if check or self._roster.awake:
            embedding = self._engine.embed(frame.image)
            seen = self._roster.follow(embedding, position, frame.time_s)
            if check:
                self._checked = due
                seen |= self._roster.look(embedding, position, frame.time_s)
                self._roster.settle(frame.time_s)
                self._give_up(position)
                self._discover(embedding, position, frame, seen)
        return len(self._roster.awake)

    @property
    def found(self) -> tuple[Found, ...]:
        """Everything found so far, by increasing id."""
        return tuple(self._found.values())

    def save(self, position: int) -> tuple[FindingState, bytes]:
        """Return the state before the frame at ``position``, and the memories in it."""
        places, memories = self._roster.save()
        state = FindingState(
            next=position,
            checked=self._checked,
            found=self.found,
            places=tuple(places),
            left_out=self._budget.left_out,
        )
        return state, memories

    def warnings(self) -> list[str]:
        """Return what the reader must know, in sentences."""
        gone = sum(item.lost_at is not None for item in self._found.values())
        if not gone:
            return self._budget.warnings()
        return [
            *self._budget.warnings(),
            f"Objects given up after long out of sight, to keep memory fixed: {gone}; one "
            f"that came back has a new id (max_dormant={self._config.max_dormant}).",
        ]

    def _discover(self, embedding: Embedding, position: int, frame: Frame, seen: Seen) -> None:
        """Make automatic masks where there is room for them, and follow what is new."""
        options = self._config.discovery
        tracked = [mask for mask, _ in seen.values()]
        if untracked_share(tracked, embedding.frame_hw) < options.min_untracked:
            return
        proposals = self._engine.propose(frame.image)
        kept = non_overlapping([p.mask for p in proposals], max_overlap=options.max_overlap)
        candidates = [proposals[row] for row in kept]
        self.masks[frame.index] = tuple(encode_mask(item.mask) for item in candidates)
        if self._found:
            rows = new_objects([item.mask for item in candidates], tracked, options)
            candidates = [candidates[row] for row in rows]
        followed = len(self._roster.awake)
        rows = self._budget.admit(candidates, followed=followed, time_s=frame.time_s)
        self._begin([candidates[row] for row in rows], embedding, position, frame.time_s)

    def _begin(
        self, proposals: Sequence[Proposal], embedding: Embedding, position: int, time_s: float
    ) -> None:
        """Follow new objects from this frame on."""
        if not proposals:
            return
        memories = self._engine.start(embedding, [item.mask for item in proposals], position)
        for memory in memories:
            if memory.first_mask.any():
                number = len(self._found) + 1
                self._found[number] = Found(id=number, position=position)
                self._keep(number, self._engine.fresh(memory))
                self._roster.join(number, memory, found_at=position, now_s=time_s)

    def _give_up(self, position: int) -> None:
        """Forget the dormant objects that were seen longest ago, beyond the limit."""
        dormant = sorted(self._roster.dormant, key=lambda item: (item.place.seen_s, item.place.id))
        for item in dormant[: max(0, len(dormant) - self._config.max_dormant)]:
            number = item.place.id
            self._roster.leave(number)
            self._found[number] = self._found[number].model_copy(update={"lost_at": position})
