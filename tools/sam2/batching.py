"""Objects that go through the model together: memories of equal length, stacked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reelgraph.tools.sam2.memory import Reach, Reading

if TYPE_CHECKING:
    import torch

__all__ = ["MemoryInput", "MemoryStacker", "batches", "reach_of"]


@dataclass(frozen=True)
class MemoryInput:
    """What memory attention reads for a batch of objects.

    Attributes:
        memory: Shape ``(b, t, d)``: spatial memories, then object pointers.
        positions: Where and when each token was, shape ``(b, t, d)`` or ``(1, t, d)``.
        pointer_tokens: How many of the last tokens are object pointers.
    """

    memory: torch.Tensor
    positions: torch.Tensor
    pointer_tokens: int


def reach_of(model: Any) -> Reach:
    """Return how far back a ``SAM2Base`` reads."""
    return Reach(
        spatial=model.num_maskmem,
        pointers=model.max_obj_ptrs_in_encoder,
        conditioning=model.max_cond_frames_in_attn,
        past_pointers_only=model.only_obj_ptrs_in_the_past_for_eval,
        signed=model.use_signed_tpos_enc_to_obj_ptrs,
    )


def batches(readings: Sequence[Reading], limit: int) -> Iterator[list[int]]:
    """Divide objects into batches whose memories have equal length.

    Args:
        readings: What each object reads.
        limit: The most objects in a batch.

    Yields:
        Positions in ``readings``; each comes once.
    """
    alike: defaultdict[tuple[int, int], list[int]] = defaultdict(list)
    for position, reading in enumerate(readings):
        alike[len(reading.features), len(reading.pointers)].append(position)
    for positions in alike.values():
        count = -(-len(positions) // limit)
        size = -(-len(positions) // count)
        for start in range(0, len(positions), size):
            yield positions[start : start + size]


class MemoryStacker:
    """Stacks what several objects read into the input of memory attention.

    Encodings of time and place are computed once: they are the same for every object.
    """

    def __init__(self, model: Any, dtype: torch.dtype) -> None:
        self._model = model
        self._dtype = dtype
        self._places: torch.Tensor | None = None

    def stack(self, readings: Sequence[Reading]) -> MemoryInput:
        """Return the input of memory attention for objects that read equally much."""
        import torch

        count = len(readings)
        spatial = torch.stack([f for reading in readings for f in reading.features])
        memory = [spatial.view(count, -1, spatial.shape[-1])]
        positions = [self._spatial_positions([reading.ages for reading in readings])]
        if readings[0].pointers:
            pointers = torch.stack([p for reading in readings for p in reading.pointers])
            memory.append(pointers.view(count, -1, spatial.shape[-1]))
            positions.append(self._pointer_positions([r.distances for r in readings]))
        shared = max(part.shape[0] for part in positions)
        return MemoryInput(
            memory=torch.cat([part.to(self._dtype) for part in memory], dim=1),
            positions=torch.cat([part.expand(shared, -1, -1) for part in positions], dim=1),
            pointer_tokens=memory[1].shape[1] if len(memory) > 1 else 0,
        )

    def _spatial_positions(self, ages: Sequence[tuple[int, ...]]) -> torch.Tensor:
        """Return encodings of place and age, shape ``(b or 1, frames * tokens, d)``."""
        import torch

        by_age = self._by_age()
        wanted = ages[:1] if len(set(ages)) == 1 else ages
        rows = torch.tensor(wanted, device=by_age.device)
        return by_age[rows].flatten(1, 2)

    def _by_age(self) -> torch.Tensor:
        """Return the encoding of place plus that of age, shape ``(ages, tokens, d)``."""
        import torch

        if self._places is None:
            model = self._model
            side = model.sam_image_embedding_size
            ages = model.maskmem_tpos_enc
            blank = torch.empty(1, model.mem_dim, side, side, device=ages.device, dtype=self._dtype)
            place = model.memory_encoder.position_encoding(blank).to(self._dtype)
            self._places = place.flatten(2).permute(0, 2, 1) + ages[:, 0]
        return self._places

    def _pointer_positions(self, distances: Sequence[tuple[int, ...]]) -> torch.Tensor:
        """Return encodings of time, shape ``(b or 1, pointers * parts, d)``."""
        import torch

        wanted = distances[:1] if len(set(distances)) == 1 else distances
        different = sorted({distance for row in wanted for distance in row})
        place = {distance: index for index, distance in enumerate(different)}
        rows = torch.tensor([[place[d] for d in row] for row in wanted])
        parts = self._model.hidden_dim // self._model.mem_dim
        encoded = self._times(different)
        return encoded[rows.to(encoded.device)].repeat_interleave(parts, dim=1)

    def _times(self, distances: Sequence[int]) -> torch.Tensor:
        """Return the encoding of each distance in time, shape ``(n, d)``."""
        import torch
        from sam2.modeling.sam2_utils import get_1d_sine_pe

        model = self._model
        if not model.add_tpos_enc_to_obj_ptrs:
            return torch.zeros(len(distances), model.mem_dim, device=model.device)
        width = model.hidden_dim if model.proj_tpos_enc_in_obj_ptrs else model.mem_dim
        steps = torch.tensor(distances, device=model.device) / (model.max_obj_ptrs_in_encoder - 1)
        encoded: torch.Tensor = model.obj_ptr_tpos_proj(get_1d_sine_pe(steps, dim=width))
        return encoded
