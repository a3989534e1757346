"""Masks, clicks and boxes of a user as the tensors that SAM 2 takes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from reelgraph.errors import SettingsError
from reelgraph.tools.sam2.engine import BoxPrompt, PointPrompt, Prompt

if TYPE_CHECKING:
    import torch

__all__ = ["PromptBatch", "prompt_batches"]

BOX_LABELS = (2, 3)
"""Labels of a box's top left and bottom right corner among the points."""


@dataclass(frozen=True)
class PromptBatch:
    """Prompts of one kind, all masks or all with the same number of points.

    Attributes:
        positions: Which of the prompts these are.
        masks: 0 or 1 at the model's image size, shape ``(n, 1, s, s)``; or
        points: ``point_coords`` ``(n, p, 2)`` in pixels of the model's image and
            ``point_labels`` ``(n, p)``.
    """

    positions: list[int]
    masks: torch.Tensor | None = None
    points: dict[str, torch.Tensor] | None = None


def prompt_batches(
    prompts: Sequence[Prompt],
    *,
    frame_hw: tuple[int, int],
    image_size: int,
    limit: int,
    device: torch.device,
) -> Iterator[PromptBatch]:
    """Divide prompts into batches of one kind.

    Args:
        prompts: The prompts, in pixels of the original frame.
        frame_hw: Height and width of that frame.
        image_size: Side of the model's image.
        limit: The most prompts in a batch.
        device: Where the tensors are to be.

    Raises:
        SettingsError: If a mask has not the frame's size, or clicks and labels do not match.
    """
    kinds: dict[int, list[int]] = {}
    for position, prompt in enumerate(prompts):
        _check(prompt, frame_hw)
        kinds.setdefault(_point_count(prompt), []).append(position)
    for points, positions in kinds.items():
        for start in range(0, len(positions), limit):
            batch = positions[start : start + limit]
            chosen = [prompts[position] for position in batch]
            if points:
                yield PromptBatch(batch, points=_points(chosen, frame_hw, image_size, device))
            else:
                yield PromptBatch(batch, masks=_masks(chosen, image_size, device))


def _check(prompt: Prompt, frame_hw: tuple[int, int]) -> None:
    if isinstance(prompt, BoxPrompt):
        left, top, right, bottom = prompt.xyxy
        if not (left < right and top < bottom):
            raise SettingsError(f"a box must be left, top, right, bottom; got {prompt.xyxy!r}")
    elif isinstance(prompt, PointPrompt):
        if not prompt.points_xy:
            raise SettingsError("a point prompt needs at least one (x, y); got none")
        if prompt.labels and len(prompt.labels) != len(prompt.points_xy):
            raise SettingsError(
                f"a point prompt needs one label a point: {len(prompt.points_xy)} points, "
                f"labels {prompt.labels!r}"
            )
        if not set(prompt.labels) <= {0, 1}:
            raise SettingsError(f"labels must be 1 (on the object) or 0; got {prompt.labels!r}")
    elif prompt.shape != frame_hw:
        raise SettingsError(f"a mask must have the frame's shape {frame_hw}, got {prompt.shape}")


def _point_count(prompt: Prompt) -> int:
    """Return how many points a prompt has; a mask has none."""
    if isinstance(prompt, BoxPrompt):
        return len(BOX_LABELS)
    return len(prompt.points_xy) if isinstance(prompt, PointPrompt) else 0


def _points(
    prompts: Sequence[Prompt],
    frame_hw: tuple[int, int],
    image_size: int,
    device: torch.device,
) -> dict[str, torch.Tensor]:
    import torch

    places: list[tuple[tuple[float, float], ...]] = []
    labels: list[tuple[int, ...]] = []
    for prompt in prompts:
        if isinstance(prompt, BoxPrompt):
            places.append((prompt.xyxy[:2], prompt.xyxy[2:]))
            labels.append(BOX_LABELS)
        elif isinstance(prompt, PointPrompt):
            places.append(prompt.points_xy)
            labels.append(prompt.labels or (1,) * len(prompt.points_xy))
    frame_wh = torch.tensor(frame_hw[::-1], dtype=torch.float32)
    return {
        "point_coords": (torch.tensor(places) / frame_wh * image_size).to(device),
        "point_labels": torch.tensor(labels, dtype=torch.int32).to(device),
    }


def _masks(prompts: Sequence[Prompt], image_size: int, device: torch.device) -> torch.Tensor:
    """Resize masks as the plain predictor does."""
    import torch
    from torch.nn import functional

    stacked = np.stack([np.asarray(prompt, bool) for prompt in prompts])
    masks = torch.from_numpy(stacked).to(device)[:, None].float()
    if masks.shape[-2:] == (image_size, image_size):
        return masks
    size = (image_size, image_size)
    small = functional.interpolate(
        masks, size=size, mode="bilinear", align_corners=False, antialias=True
    )
    return (small >= 0.5).float()
