"""From frames to rows of pixels: resized, normalised, cut into patches (specification, 3.2).

The numbers are those of Qwen2.5-VL's video processor with TRASER's limits, so that no
processor file is needed; the result is equal to the stock processor's.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from reelgraph._optional import require
from reelgraph._types import Image
from reelgraph.errors import VideoError
from reelgraph.tools.traser.grid import CELL, FRAMES_PER_STEP, MERGE, PATCH

if TYPE_CHECKING:
    import torch

__all__ = [
    "MAX_PIXELS",
    "MIN_PIXELS",
    "patch_rows",
    "resize_frame",
    "resized_size",
]

MIN_PIXELS: Final = 64 * CELL * CELL
"""Least pixels of a resized frame: 50,176."""
MAX_PIXELS: Final = 768 * CELL * CELL
"""Most pixels of a resized frame: 602,112."""
LONGEST_ASPECT: Final = 200
"""How many times longer than the short side the long side may be."""
_MEAN: Final = (0.48145466, 0.4578275, 0.40821073)
_STD: Final = (0.26862954, 0.26130258, 0.27577711)


def resized_size(
    height: int, width: int, *, min_pixels: int = MIN_PIXELS, max_pixels: int = MAX_PIXELS
) -> tuple[int, int]:
    """Return the height and width that frames are resized to.

    Both are multiples of 28, as near to the original as the limits on the area allow.

    Args:
        height: Height of the frames.
        width: Width of the frames.
        min_pixels: Least area.
        max_pixels: Most area.

    Raises:
        VideoError: If one side is more than 200 times the other.

    Example:
        >>> resized_size(1080, 1920)
        (560, 1008)
    """
    if max(height, width) > LONGEST_ASPECT * min(height, width):
        raise VideoError(
            f"frames of {width}x{height} are too narrow: one side may be at most "
            f"{LONGEST_ASPECT} times the other; crop the video"
        )
    # Python's round, half to even, as in the official processor.
    tall, wide = round(height / CELL) * CELL, round(width / CELL) * CELL
    if tall * wide > max_pixels:
        shrink = math.sqrt(height * width / max_pixels)
        tall = max(CELL, math.floor(height / shrink / CELL) * CELL)
        wide = max(CELL, math.floor(width / shrink / CELL) * CELL)
    elif tall * wide < min_pixels:
        stretch = math.sqrt(min_pixels / (height * width))
        tall = math.ceil(height * stretch / CELL) * CELL
        wide = math.ceil(width * stretch / CELL) * CELL
    return tall, wide


def resize_frame(image: Image, resized_hw: tuple[int, int]) -> NDArray[np.uint8]:
    """Resize one frame (bicubic, antialiased, rounded to bytes).

    Args:
        image: RGB, ``(height, width, 3)``.
        resized_hw: Height and width to resize to.

    Returns:
        RGB, channels first, ``(3, height, width)``.

    Raises:
        MissingDependencyError: If torch or torchvision is not installed.
    """
    require("torchvision", extra="traser", feature="TRASER")
    import torch
    from torchvision.transforms.v2 import InterpolationMode, functional

    # A frame resized in a batch of its own kind takes the same path as in the official
    # processor, which resizes whole videos.
    frame = torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1))[None])
    if tuple(frame.shape[2:]) != resized_hw:
        frame = functional.resize(
            frame, list(resized_hw), interpolation=InterpolationMode.BICUBIC, antialias=True
        )
    resized: NDArray[np.uint8] = frame[0].numpy()
    return resized


def patch_rows(
    pixels: NDArray[np.uint8], start: int, stop: int, *, device: torch.device | None = None
) -> torch.Tensor:
    """Return the pixel rows of some time steps, scaled and normalised.

    A row is one patch of two frames. Rows go by time step, then by visual token, then over
    the 2x2 patches of the token; the last frame is repeated if their number is odd.

    Args:
        pixels: Resized frames, ``uint8 (n, 3, height, width)``.
        start: First time step.
        stop: Time step after the last.
        device: Where to make the rows; bytes travel there, a quarter of what rows take.

    Returns:
        ``float32 (steps * height/14 * width/14, 3 * 2 * 14 * 14)``.
    """
    import torch

    wanted = np.arange(start * FRAMES_PER_STEP, stop * FRAMES_PER_STEP)
    frames = torch.from_numpy(pixels[np.minimum(wanted, len(pixels) - 1)]).to(device)
    channels, height, width = frames.shape[1:]
    blocks = frames.view(
        stop - start,
        FRAMES_PER_STEP,
        channels,
        height // CELL,
        MERGE,
        PATCH,
        width // CELL,
        MERGE,
        PATCH,
    ).permute(0, 3, 6, 4, 7, 2, 1, 5, 8)
    # The scaling to 0..1 is folded into mean and deviation, as the stock processor does.
    mean, std = (
        torch.tensor(values, device=device).mul(255).view(-1, 1, 1, 1) for values in (_MEAN, _STD)
    )
    rows = blocks.contiguous().float().sub_(mean).div_(std)
    return rows.view(-1, channels * FRAMES_PER_STEP * PATCH**2)
