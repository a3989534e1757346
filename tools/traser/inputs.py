"""What TRASER reads of one clip: the sampled frames and one prompt per pass over the objects."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from reelgraph._types import Floats, Ints
from reelgraph.errors import VideoError
from reelgraph.tools.traser.arrangement import LATENTS, Arrangement, Latents, arrange
from reelgraph.tools.traser.clips import Clip, plan_clips
from reelgraph.tools.traser.grid import Grid
from reelgraph.tools.traser.masks import MaskSource
from reelgraph.tools.traser.options import InputConfig
from reelgraph.tools.traser.passes import pairs_apart, share_out
from reelgraph.tools.traser.patches import patch_rows, resize_frame, resized_size
from reelgraph.tools.traser.selection import Selection, asked_ids, select
from reelgraph.tools.traser.tokens import TraserTokens
from reelgraph.tools.video import Video

if TYPE_CHECKING:
    import torch

__all__ = [
    "ClipFrames",
    "ClipInput",
    "Pass",
    "read_clip",
    "read_clips",
    "sample_clip_frames",
    "select_passes",
]

_NAMED = 12
"""Ids or pairs that a warning names before it only counts them."""


@dataclass(frozen=True, eq=False)
class ClipFrames:
    """The sampled frames of a clip, resized.

    Attributes:
        pixels: RGB, ``uint8 (n, 3, height, width)``, both sides multiples of 28.
        frame_indices: Numbers of the video's frames that were sampled, ``(n,)``.
        bounds_s: The time that each sample stands for, in true seconds of the video,
            ``(n + 1,)``. The model's span ``[a, b]`` (inclusive sample numbers) is the time
            from ``bounds_s[a]`` to ``bounds_s[b + 1]``.
    """

    pixels: NDArray[np.uint8]
    frame_indices: Ints
    bounds_s: Floats

    @property
    def grid(self) -> Grid:
        """Grid of the visual tokens."""
        height, width = self.pixels.shape[2:]
        return Grid.of(len(self.pixels), (height, width))

    def rows(self, start: int, stop: int, *, device: torch.device | None = None) -> torch.Tensor:
        """Return the pixel rows of time steps ``start`` to ``stop`` (see `patch_rows`)."""
        return patch_rows(self.pixels, start, stop, device=device)


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
        passes: The prompts: one, unless there are more objects than fit in one; none if no
            object shows a pixel.
        warnings: What the reader of the graph must know, e.g. objects left out.
    """

    frames: ClipFrames
    passes: tuple[Pass, ...]
    warnings: tuple[str, ...] = ()


def read_clips(
    video: Video,
    masks: MaskSource,
    tokens: TraserTokens,
    config: InputConfig,
    *,
    latents: Latents = LATENTS,
) -> Iterator[ClipInput]:
    """Read a video clip by clip, each as one or several prompts.

    Object ids mean the same in all clips and passes. One clip is in memory at a time.

    Args:
        video: The video.
        masks: Its objects' masks.
        tokens: The model's words.
        config: How to sample, cut and select.
        latents: Lengths of the model's slots.

    Raises:
        VideoError: If nothing of the video decodes, or it is too narrow.
        GraphFormatError: If a mask is malformed.
    """
    for clip in plan_clips(video, config):
        yield read_clip(video, clip, masks, tokens, config, latents=latents)


def read_clip(
    video: Video,
    clip: Clip,
    masks: MaskSource,
    tokens: TraserTokens,
    config: InputConfig,
    *,
    latents: Latents = LATENTS,
) -> ClipInput:
    """Read one clip (see `read_clips`)."""
    frames = sample_clip_frames(video, clip)
    selections, warnings = select_passes(masks, clip.frame_indices, frames.grid, config)
    prompt = tokens.prompt(config.task, path=config.path)
    passes = tuple(
        Pass(
            selection,
            arrange(
                selection.tokens,
                grid=frames.grid,
                prompt=prompt,
                words=tokens,
                object_ids=selection.object_ids,
                latents=latents,
                special=tokens.special,
                window_s=config.window_s,
            ),
        )
        for selection in selections
    )
    return ClipInput(frames, passes, warnings)


def sample_clip_frames(video: Video, clip: Clip) -> ClipFrames:
    """Decode and resize the sampled frames; one that does not decode shows its predecessor.

    Raises:
        VideoError: If none of them decodes, or they are too narrow.
    """
    wanted = clip.frame_indices
    pixels: NDArray[np.uint8] | None = None
    filled = 0
    for frame in video.frames_at(video.times_s[wanted].tolist()):
        row = int(np.searchsorted(wanted, frame.index))
        if pixels is None:
            size = resized_size(*frame.image.shape[:2])
            pixels = np.empty((len(wanted), 3, *size), np.uint8)
            filled = row = 0
        else:
            pixels[filled:row] = pixels[filled - 1]
        pixels[row] = resize_frame(frame.image, (pixels.shape[2], pixels.shape[3]))
        filled = row + 1
    if pixels is None:
        raise VideoError(
            f"no frame of {str(video.path)!r} between {clip.start_s:.1f} and {clip.end_s:.1f} s "
            "decodes; encode the file anew",
            path=str(video.path),
        )
    pixels[filled:] = pixels[filled - 1]
    return ClipFrames(pixels, wanted, clip.bounds_s)


def select_passes(
    masks: MaskSource, frame_indices: Ints, grid: Grid, config: InputConfig
) -> tuple[tuple[Selection, ...], tuple[str, ...]]:
    """Select the visual tokens of each pass, and say what is left out.

    With one pass, the ids are cut to ``config.max_objects`` before empty objects are dropped,
    as in the official program. With several, the largest objects come first.

    Args:
        masks: The masks.
        frame_indices: The sampled frames.
        grid: Grid of the clip.
        config: What to select and how many passes there may be.
    """
    asked = asked_ids(masks, config)
    several = config.max_passes > 1
    looked_at = asked if several else asked[: config.max_objects]
    whole = select(masks, looked_at, frame_indices, grid, config)
    if not several:
        warnings = _left_out(asked[config.max_objects :], f"max_objects={config.max_objects}")
        return ((whole,) if len(whole) else ()), warnings
    passes = share_out(whole.pixels.sum(axis=1), config)
    used = {row for rows in passes for row in rows}
    rest = [value for row, value in enumerate(whole.object_ids) if row not in used]
    groups = [[whole.object_ids[row] for row in rows] for rows in passes]
    warnings = _left_out(rest, f"max_passes={config.max_passes}") + _apart(groups)
    return tuple(whole.keep(rows) for rows in passes), warnings


def _left_out(ids: Sequence[int], limit: str) -> tuple[str, ...]:
    if not ids:
        return ()
    return (f"{len(ids)} objects beyond {limit} are not described: {_listed(ids)}",)


def _apart(groups: Sequence[Sequence[int]]) -> tuple[str, ...]:
    pairs = pairs_apart(groups)
    if not pairs:
        return ()
    names = _listed([f"{a}-{b}" for a, b in pairs])
    return (f"{len(pairs)} pairs of objects are in no pass together and not related: {names}",)


def _listed(items: Sequence[object]) -> str:
    shown = ", ".join(map(str, items[:_NAMED]))
    return shown if len(items) <= _NAMED else f"{shown}, ..."
