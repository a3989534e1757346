"""What SAM 2 remembers of one object: no more than its memory attention reads."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

__all__ = ["Moment", "ObjectBank", "Reach", "Reading"]


@dataclass(frozen=True)
class Reach:
    """How far back memory attention reads.

    Attributes:
        spatial: Frames whose memory is read, the prompt's frame included (``num_maskmem``).
        pointers: Frames whose object pointer is read, this one included.
        conditioning: Prompt frames that are read, the nearest in time first; -1 is all.
        past_pointers_only: Whether pointers of prompt frames that are yet to come are left out.
        signed: Whether a pointer's distance in time has a sign.
    """

    spatial: int
    pointers: int
    conditioning: int
    past_pointers_only: bool
    signed: bool


@dataclass(frozen=True)
class Moment:
    """One object on one frame.

    Attributes:
        pointer: Object pointer, shape ``(c,)``.
        features: Spatial memory, shape ``(tokens, d)``; None once it is out of reach.
    """

    pointer: torch.Tensor
    features: torch.Tensor | None


@dataclass(frozen=True)
class Reading:
    """What memory attention reads of one object on one frame, in the order it reads it.

    Attributes:
        features: Spatial memories, each of shape ``(tokens, d)``.
        ages: For each, which temporal encoding it has: 0 is the frame before, the last one
            a prompt's frame.
        pointers: Object pointers, each of shape ``(c,)``.
        distances: For each, how many frames it is back in time.
    """

    features: tuple[torch.Tensor, ...]
    ages: tuple[int, ...]
    pointers: tuple[torch.Tensor, ...]
    distances: tuple[int, ...]


@dataclass
class ObjectBank:
    """The memory bank of one object.

    Attributes:
        conditioning: What the prompts gave, by frame index; kept for good.
        recent: What was found since, by frame index; only as far back as is ever read.
        score: How sure the model is, 0..1, that the object is on its prompt's frame.
    """

    conditioning: dict[int, Moment]
    recent: dict[int, Moment] = field(default_factory=dict)
    score: float = 1.0

    def read(self, frame_index: int, reach: Reach) -> Reading:
        """Return what memory attention reads on a frame.

        The choice and the order are those of ``SAM2Base`` in
        ``_prepare_memory_conditioned_features``, tracking forward in time.
        """
        near, far = _nearest(frame_index, self.conditioning, reach.conditioning)
        spatial = [(reach.spatial - 1, moment) for moment in near.values()]
        spatial += [
            (back - 1, moment)
            for back, moment in self._past(frame_index, reach.spatial, far)
            if moment.features is not None
        ]
        pointers = list(_prompt_pointers(frame_index, near, reach))
        pointers += reversed(list(self._past(frame_index, reach.pointers, far)))
        return Reading(
            features=tuple(m.features for _, m in spatial if m.features is not None),
            ages=tuple(age for age, _ in spatial),
            pointers=tuple(moment.pointer for _, moment in pointers),
            distances=tuple(distance for distance, _ in pointers),
        )

    def remember(self, frame_index: int, moment: Moment, reach: Reach) -> None:
        """Add what was found on a frame, and forget what no later frame reads."""
        kept = {
            index: old if frame_index - index < reach.spatial - 1 else Moment(old.pointer, None)
            for index, old in self.recent.items()
            if frame_index - index < reach.pointers - 1
        }
        self.recent = {**kept, frame_index: moment}

    def fresh(self) -> ObjectBank:
        """Return a bank that remembers the prompts only."""
        return ObjectBank(dict(self.conditioning), score=self.score)

    def _past(
        self, frame_index: int, reach: int, far: dict[int, Moment]
    ) -> Iterator[tuple[int, Moment]]:
        """Return distance and moment of the frames before this one, the oldest first."""
        for back in range(reach - 1, 0, -1):
            moment = self.recent.get(frame_index - back) or far.get(frame_index - back)
            if moment is not None:
                yield back, moment


def _nearest(
    frame_index: int, conditioning: dict[int, Moment], limit: int
) -> tuple[dict[int, Moment], dict[int, Moment]]:
    """Divide the prompts' moments into those that are read as such, and the others."""
    from sam2.modeling.sam2_utils import select_closest_cond_frames

    near, far = select_closest_cond_frames(frame_index, conditioning, limit)
    return dict(near), dict(far)


def _prompt_pointers(
    frame_index: int, near: dict[int, Moment], reach: Reach
) -> Iterator[tuple[int, Moment]]:
    for index, moment in near.items():
        distance = frame_index - index
        if distance >= 0 or not reach.past_pointers_only:
            yield (distance if reach.signed else abs(distance)), moment
