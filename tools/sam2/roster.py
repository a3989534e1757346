"""The objects that a pass follows: awake ones on every frame, dormant ones at checks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from pydantic import BaseModel

from reelgraph._types import Mask
from reelgraph.tools.sam2.engine import Embedding, Engine, ObjectMemory

__all__ = ["Followed", "Place", "Roster", "Seen"]

Seen: TypeAlias = dict[int, tuple[Mask, float]]
"""Mask and presence score, by id, of the objects that are visible on a frame."""


class Place(BaseModel):
    """Where one object of a roster stands; its memory is kept apart.

    Attributes:
        id: Its id.
        found_at: Row of the processed frame on which it was pointed out.
        seen_s: When it was last seen; before that, when the pass began to look for it.
        dormant: Whether it is looked for at checks only.
    """

    id: int
    found_at: int
    seen_s: float
    dormant: bool = False


@dataclass
class Followed:
    """One object of a roster with its memory."""

    place: Place
    memory: ObjectMemory


class Roster:
    """Follows objects with an engine, and spends little on those that are long gone.

    At a check, an object that was not seen for longer than ``dormant_after_s`` becomes
    dormant. It is then looked for at checks only, without changing its memory; where it
    is seen, it is awake again, under its id.

    Args:
        engine: Does the work.
        dormant_after_s: Seconds unseen after which an object becomes dormant; None: never.
    """

    def __init__(self, engine: Engine, dormant_after_s: float | None) -> None:
        self._engine = engine
        self._dormant_after_s = dormant_after_s
        self._objects: dict[int, Followed] = {}

    def __len__(self) -> int:
        return len(self._objects)

    def __contains__(self, object_id: int) -> bool:
        return object_id in self._objects

    @property
    def awake(self) -> list[Followed]:
        """Objects that are followed on every frame, in the order in which they joined."""
        return [item for item in self._objects.values() if not item.place.dormant]

    @property
    def dormant(self) -> list[Followed]:
        """Objects that are looked for at checks, in the order in which they joined."""
        return [item for item in self._objects.values() if item.place.dormant]

    def join(self, object_id: int, memory: ObjectMemory, *, found_at: int, now_s: float) -> None:
        """Begin to follow an object."""
        place = Place(id=object_id, found_at=found_at, seen_s=now_s)
        self._objects[object_id] = Followed(place, memory)

    def leave(self, object_id: int) -> None:
        """Forget an object and its memory."""
        del self._objects[object_id]

    def follow(self, embedding: Embedding, position: int, time_s: float) -> Seen:
        """Return the awake objects that are visible on a frame; memories go on."""
        awake = self.awake
        seen = self._segment(embedding, awake, position, remember=True)
        for item in awake:
            if item.place.id in seen:
                item.place = item.place.model_copy(update={"seen_s": time_s})
        return seen

    def look(self, embedding: Embedding, position: int, time_s: float) -> Seen:
        """Return the dormant objects that are visible on a frame, and wake them."""
        dormant = self.dormant
        seen = self._segment(embedding, dormant, position, remember=False)
        for item in dormant:
            if item.place.id in seen:
                self.wake(item.place.id, time_s)
        return seen

    def wake(self, object_id: int, seen_s: float) -> None:
        """Follow an object on every frame again, as if it were seen at ``seen_s``."""
        item = self._objects[object_id]
        item.place = item.place.model_copy(update={"seen_s": seen_s, "dormant": False})

    def settle(self, time_s: float) -> None:
        """At a check, let objects that have long not been seen become dormant."""
        if self._dormant_after_s is None:
            return
        for item in self.awake:
            if time_s - item.place.seen_s > self._dormant_after_s:
                item.place = item.place.model_copy(update={"dormant": True})

    def save(self) -> tuple[list[Place], bytes]:
        """Return where the objects stand, and their memories as bytes."""
        items = list(self._objects.values())
        return [item.place for item in items], self._engine.dump([item.memory for item in items])

    def restore(self, places: Sequence[Place], memories: bytes) -> None:
        """Go on from what `save` returned."""
        loaded = self._engine.load(memories)
        pairs = zip(places, loaded, strict=True)
        self._objects = {place.id: Followed(place, memory) for place, memory in pairs}

    def _segment(
        self, embedding: Embedding, items: Sequence[Followed], position: int, *, remember: bool
    ) -> Seen:
        if not items:
            return {}
        memories = [item.memory for item in items]
        found = self._engine.step(embedding, memories, position, remember=remember)
        rows = zip(items, found.masks, found.scores, strict=True)
        return {item.place.id: (mask, float(score)) for item, mask, score in rows if mask.any()}
