"""The offline pass: every object from its true first appearance, with its later prompt known."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from pydantic import BaseModel

from reelgraph.graph.schema import VideoInfo
from reelgraph.graph.tracks import Tracks
from reelgraph.tools.sam2.config import Sam2Config
from reelgraph.tools.sam2.engine import Engine, ObjectMemory
from reelgraph.tools.sam2.finding import Found
from reelgraph.tools.sam2.parts import Part
from reelgraph.tools.sam2.roster import Place, Roster, Seen
from reelgraph.tools.sam2.schedule import Schedule
from reelgraph.tools.video import Frame

__all__ = ["FollowingPass", "FollowingState"]


class FollowingState(BaseModel):
    """Where the offline pass stands.

    Attributes:
        next: Position of the next frame.
        checked: Checks that have been passed.
        places: The objects that are followed.
    """

    next: int = 0
    checked: int = 0
    places: tuple[Place, ...] = ()


class FollowingPass:
    """Masks of all objects, before and after the frames they were found on.

    One pass forward through the video (SVG2, stage 2, pass 2, Eq. 14). An object's memory
    holds the frame on which it was found from the start, so it is recognised before that
    frame too. It is looked for from ``lookback_s`` before that frame until it was given up.
    Before the frames between two checks are processed, dormant objects are looked for on
    the second check; those that are there are followed on all frames between.

    Args:
        engine: The model.
        config: Options of the tracker.
        schedule: The frames.
        found: What to follow.
        recall: Returns the fresh memory of an object by its id.
        video: What is known of the video.
        state: Where to go on, with ``memories``; from the start if empty.
        memories: Memories of ``state.places``.
    """

    title: Final = "following objects"

    def __init__(
        self,
        engine: Engine,
        config: Sam2Config,
        schedule: Schedule,
        found: Sequence[Found],
        recall: Callable[[int], ObjectMemory],
        video: VideoInfo,
        state: FollowingState,
        memories: bytes = b"",
    ) -> None:
        self._engine = engine
        self._schedule = schedule
        self._recall = recall
        self._video = video
        self._checked = state.checked
        self._lives = [_Life(item, schedule, config.lookback_s) for item in found]
        self._roster = Roster(engine, config.dormant_after_s)
        self._part = Part(video)
        if state.places:
            self._roster.restore(state.places, memories)

    def step(self, position: int, frame: Frame) -> int:
        """Process one frame and return how many objects are followed on it."""
        due = self._schedule.checks_until(position)
        check = due > self._checked
        until = self._lookout(due)
        if check:
            self._checked = due
            self._change_shift(position, until, frame.time_s)
        seen: Seen = {}
        if self._roster.awake:
            embedding = self._engine.embed(frame.image)
            seen = self._roster.follow(embedding, position, frame.time_s)
        self._part.add(frame, seen)
        if check:
            self._roster.settle(frame.time_s)
            self._look_ahead(position, until)
        return len(self._roster.awake)

    def save(self, position: int) -> tuple[FollowingState, bytes]:
        """Return the state before the frame at ``position``, and the memories in it."""
        places, memories = self._roster.save()
        state = FollowingState(next=position, checked=self._checked, places=tuple(places))
        return state, memories

    def take_part(self) -> Tracks:
        """Return the masks since this was last called."""
        part, self._part = self._part.tracks(), Part(self._video)
        return part

    def _lookout(self, due: int) -> int:
        """Return the position of the next lookout once ``due`` checks are passed."""
        return self._schedule.lookouts[min(due, len(self._schedule.lookouts) - 1)]

    def _change_shift(self, position: int, until: int, time_s: float) -> None:
        """Let objects in whose lives begin before the next lookout, and out those that ended."""
        for life in self._lives:
            number = life.found.id
            inside = life.first <= until and position < life.end
            if number in self._roster and not inside:
                self._roster.leave(number)
            elif inside and number not in self._roster:
                memory = self._recall(number)
                self._roster.join(number, memory, found_at=life.found.position, now_s=time_s)

    def _look_ahead(self, position: int, until: int) -> None:
        """Wake the dormant objects that will be seen, or were found, up to the next lookout."""
        until_s = float(self._schedule.times_s[until])
        for life in self._lives:
            if life.found.id in self._roster and position <= life.found.position <= until:
                self._roster.wake(life.found.id, until_s)
        if until > position and self._roster.dormant:
            frame = self._schedule.lookout_frame(self._checked)
            if frame is not None:
                self._roster.look(self._engine.embed(frame.image), until, until_s)


class _Life:
    """The positions at which an object is looked for: from ``first`` to before ``end``."""

    def __init__(self, found: Found, schedule: Schedule, lookback_s: float | None) -> None:
        self.found = found
        time_s = float(schedule.times_s[found.position])
        self.first = 0 if lookback_s is None else schedule.position_at(time_s - lookback_s)
        self.end = len(schedule) if found.lost_at is None else found.lost_at
