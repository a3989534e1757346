"""From pixels and an arrangement to the vectors that the language model reads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np

from reelgraph.errors import ModelOutputError
from reelgraph.tools.traser.arrangement import Arrangement, Slot
from reelgraph.tools.traser.grid import Grid
from reelgraph.tools.traser.model import TraserModel
from reelgraph.tools.traser.resampling import resample

if TYPE_CHECKING:
    import torch

__all__ = ["MOST_PATCHES", "PatchRows", "prompt_embeddings", "steps_per_call", "video_features"]

MOST_PATCHES: Final = 32_768
"""Patches that one call of the vision tower reads."""

PatchRows: TypeAlias = "Callable[[int, int], torch.Tensor]"
"""Gives the pixel rows of time steps ``start`` to ``stop``, float32 ``(patches, 1176)``."""


def video_features(
    model: TraserModel,
    rows: PatchRows,
    grid: Grid,
    *,
    most_patches: int = MOST_PATCHES,
    advance: Callable[[int], object] | None = None,
) -> torch.Tensor:
    """Run the vision tower over a clip, a few time steps at a time (specification, 3.3).

    Time steps never attend to each other, so the result is that of a single call, while
    memory does not grow with the length of the clip.

    Args:
        model: The model.
        rows: Pixel rows of a range of time steps.
        grid: Grid of the clip.
        most_patches: Patches of one call.
        advance: Called with the number of time steps that are done.

    Returns:
        Visual tokens in the format of the vision tower, ``(grid.tokens, hidden)``.
    """
    import torch

    found: list[torch.Tensor] = []
    size = steps_per_call(grid, most_patches)
    for start in range(0, grid.steps, size):
        stop = min(start + size, grid.steps)
        found.append(_run_tower(model, rows(start, stop), grid._replace(steps=stop - start)))
        if advance is not None:
            advance(stop - start)
    return torch.cat(found)


def steps_per_call(grid: Grid, most_patches: int = MOST_PATCHES) -> int:
    """Return how many time steps the vision tower reads at once, at least one."""
    return max(1, most_patches // (grid.patch_rows * grid.patch_columns))


def _run_tower(model: TraserModel, rows: torch.Tensor, grid: Grid) -> torch.Tensor:
    import torch

    tower = model.visual
    weight = next(tower.parameters())
    shape = torch.tensor([list(grid)], device=weight.device)
    out = tower(rows.to(weight.device, weight.dtype), grid_thw=shape)
    # transformers 4.x returns the tensor itself, 5.x an object around it.
    merged: torch.Tensor = out if isinstance(out, torch.Tensor) else out.pooler_output
    return merged


def prompt_embeddings(
    model: TraserModel, features: torch.Tensor, arrangement: Arrangement
) -> torch.Tensor:
    """Return the vectors of a prompt: text, and latents in their slots (specification, 5.2).

    Gradients flow through the embedding table, both resamplers and the visual tokens.

    Args:
        model: The model.
        features: The clip's visual tokens, ``(grid.tokens, hidden)``.
        arrangement: What stands where.

    Returns:
        Vectors in the language model's format, ``(L, hidden)``.

    Raises:
        ModelOutputError: If a vector is not finite; the message says what to do.
        ValueError: If the visual tokens are not those of the arrangement's grid.
    """
    import torch

    if len(features) != arrangement.grid.tokens:
        raise ValueError(
            f"features must be ({arrangement.grid.tokens}, hidden) for the grid "
            f"{tuple(arrangement.grid)}, got {tuple(features.shape)}"
        )
    ids = torch.from_numpy(arrangement.ids).to(model.device)
    vectors: torch.Tensor = model.embedding(ids)
    for resampler, slots in (
        (model.otr, arrangement.trajectories),
        (model.twr, arrangement.windows),
    ):
        latents = resample(resampler, features, [slot.tokens for slot in slots])
        vectors = _filled(vectors, slots, latents)
    _check_finite(vectors, features)
    return vectors


def _filled(vectors: torch.Tensor, slots: Sequence[Slot], latents: torch.Tensor) -> torch.Tensor:
    import torch

    if not slots:
        return vectors
    places = np.concatenate([np.arange(s.start, s.start + s.length) for s in slots])
    index = torch.from_numpy(places).to(vectors.device)
    return vectors.index_copy(0, index, latents.flatten(0, 1).to(vectors.dtype))


def _check_finite(vectors: torch.Tensor, features: torch.Tensor) -> None:
    import torch

    if bool(torch.isfinite(vectors).all()):
        return
    tower = "the resamplers" if bool(torch.isfinite(features).all()) else "the vision tower"
    raise ModelOutputError(
        f"{tower} computed vectors that are not finite numbers, of which the model would write "
        "nothing but '!'; run it with dtype='bfloat16', or where the device has none with "
        "dtype='auto', which keeps the vision tower and the resamplers in float32"
    )
