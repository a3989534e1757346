"""What TRASER reads of one clip: the sampled frames and one prompt per pass over the objects."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reelgraph._types import Floats, Ints
from reelgraph.tools.traser.arrangement import Arrangement
from reelgraph.tools.traser.grid import Grid
from reelgraph.tools.traser.selection import Selection

__all__ = ["ClipFrames", "ClipInput", "Pass"]


@dataclass(frozen=True, eq=False)
class ClipFrames:
    """The sampled frames of a clip, resized.

    Attributes:
        pixels: RGB, ``uint8 (n, 3, height, width)``, both sides multiples of 28.
        frame_indices: Numbers of the video's frames that were sampled, ``(n,)``.
        bounds_s: The clip cut into one share of equally many video frames per sample, in true
            seconds, ``(n + 1,)``. The model's span ``[a, b]`` (inclusive sample numbers) is
            the time from ``bounds_s[a]`` to ``bounds_s[b + 1]``.
    """

    pixels: NDArray[np.uint8]
    frame_indices: Ints
    bounds_s: Floats

    @property
    def grid(self) -> Grid:
        """Grid of the visual tokens."""
        height, width = self.pixels.shape[2:]
        return Grid.of(len(self.pixels), (height, width))


@dataclass(frozen=True, eq=False)
class Pass:
    """One prompt over some of a clip's objects.

    Attributes:
        selection: The objects' visual tokens.
        arrangement: The prompt.
    """

    selection: Selection
    arrangement: Arrangement


@dataclass(frozen=True, eq=False)
class ClipInput:
    """One clip of a video, with one prompt per pass; the vision tower runs once for all.

    Attributes:
        frames: The sampled frames.
        passes: The prompts, one unless there are more objects than fit in one.
        warnings: What the reader of the graph must know, e.g. objects left out.
    """

    frames: ClipFrames
    passes: tuple[Pass, ...]
    warnings: tuple[str, ...] = ()
