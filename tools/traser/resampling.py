"""From an object's visual tokens to a fixed number of latents, in chunks of like length."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from reelgraph._types import Ints

if TYPE_CHECKING:
    import torch

__all__ = ["MOST_TOKENS", "chunks_by_length", "resample"]

MOST_TOKENS: Final = 32_768
"""Tokens, padding included, that one call of a resampler reads."""


def resample(
    resampler: Any,
    features: torch.Tensor,
    items: Sequence[Ints],
    *,
    most_tokens: int = MOST_TOKENS,
) -> torch.Tensor:
    """Sum up sets of visual tokens (specification, 2).

    Sets of like length go through together, padded to the longest of their chunk only.
    Padding is masked, so the result does not depend on how the sets are divided.

    Args:
        resampler: A stock ``Idefics2PerceiverResampler``.
        features: Visual tokens, ``(N, hidden)``.
        items: For each set, indices into the visual tokens; none is empty.
        most_tokens: Tokens of one call, padding included.

    Returns:
        Latents of each set, in the order of ``items``, ``(n, latents, hidden)``, in the
        resampler's number format.
    """
    import torch

    weight = resampler.latents
    context = features.to(weight.dtype)
    if not items:
        return torch.zeros((0, *weight.shape), dtype=weight.dtype, device=weight.device)
    order: list[int] = []
    found: list[torch.Tensor] = []
    for rows in chunks_by_length([len(item) for item in items], most_tokens):
        index, mask = _padded([items[row] for row in rows], features.device)
        latents = resampler(context[index], attention_mask=mask)
        # transformers returns the tensor itself; a wrapper may hand it over in a tuple.
        found.append(latents[0] if isinstance(latents, tuple) else latents)
        order += rows
    back = torch.from_numpy(np.argsort(order)).to(features.device)
    return torch.cat(found)[back]


def chunks_by_length(lengths: Sequence[int], most_tokens: int) -> Iterator[list[int]]:
    """Yield the rows of each chunk, longest first, so that little of it is padding.

    A chunk's rows times its longest length stay within ``most_tokens``; a set that is
    longer than that has a chunk of its own.

    Example:
        >>> list(chunks_by_length([5, 100, 6, 90], most_tokens=200))
        [[1, 3], [2, 0]]
    """
    chunk: list[int] = []
    longest = 0
    for row in sorted(range(len(lengths)), key=lambda row: -lengths[row]):
        # Padding to three times a set's length would be work for nothing.
        wasteful = chunk and 3 * lengths[row] < longest
        if chunk and (wasteful or (len(chunk) + 1) * longest > most_tokens):
            yield chunk
            chunk = []
        longest = longest if chunk else lengths[row]
        chunk.append(row)
    if chunk:
        yield chunk


def _padded(items: Sequence[Ints], device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    """Return indices and mask of sets padded to the longest, ``(n, longest)`` each."""
    import torch

    longest = max(len(item) for item in items)
    index = np.zeros((len(items), longest), dtype=np.int64)
    mask = np.zeros((len(items), longest), dtype=np.bool_)
    for row, item in enumerate(items):
        index[row, : len(item)] = item
        mask[row, : len(item)] = True
    return torch.from_numpy(index).to(device), torch.from_numpy(mask).to(device)
