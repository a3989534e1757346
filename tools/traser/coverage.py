"""How much of each 28-pixel cell a mask covers, computed from run lengths alone.

The official program paints every mask, resizes it to the resized frame (nearest pixel) and
averages over cells. Nearest resizing only repeats or leaves out rows and columns, so a run of
the stored mask becomes one piece in each column of the resized mask, and the pixels of a cell
are counted from the ends of those pieces. No mask is ever painted.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from reelgraph._types import Ints
from reelgraph.tools.traser.grid import CELL, Grid
from reelgraph.tools.traser.masks import MaskRuns

__all__ = ["cell_pixels", "nearest_source"]


def nearest_source(length: int, source_length: int) -> Ints:
    """Return which source row each of ``length`` rows shows, as torch's "nearest" does.

    Torch computes ``floor(row * scale)`` in float32, which differs from exact arithmetic in
    a few sizes.
    """
    if length == source_length:
        return np.arange(length, dtype=np.int64)
    if length == 2 * source_length:
        return np.arange(length, dtype=np.int64) >> 1
    scale = np.float32(source_length) / np.float32(length)
    rows: Ints = np.floor(np.arange(length, dtype=np.float32) * scale).astype(np.int64)
    rows[rows >= source_length] = source_length - 1
    return rows


def cell_pixels(masks: Sequence[MaskRuns | None], grid: Grid) -> NDArray[np.int32]:
    """Count, per frame and cell, the pixels of masks resized to the grid's frame.

    Args:
        masks: One object's mask on each frame, None where it is absent.
        grid: Grid of the clip; its steps do not matter here.

    Returns:
        Counts of 0 to 784, ``(n, rows, columns)``.
    """
    rows, columns = grid.cells_hw
    counts = np.zeros((len(masks), rows, columns), dtype=np.int32)
    present = [(frame, mask) for frame, mask in enumerate(masks) if mask is not None]
    for size_hw in {mask.size_hw for _, mask in present}:
        same = [(frame, mask.runs) for frame, mask in present if mask.size_hw == size_hw]
        frames = [frame for frame, _ in same]
        pieces = _pieces([runs for _, runs in same], _Resize.between(size_hw, grid.resized_hw))
        counts[frames] = _counted(pieces, len(same), (rows, columns))
    return counts


class _Resize(NamedTuple):
    """For each source row (column), the first resized row (column) at or after it."""

    height: int
    rows: Ints
    columns: Ints

    @staticmethod
    @lru_cache(maxsize=16)
    def between(source_hw: tuple[int, int], resized_hw: tuple[int, int]) -> _Resize:
        firsts = [
            np.searchsorted(nearest_source(new, old), np.arange(old + 1))
            for old, new in zip(source_hw, resized_hw, strict=True)
        ]
        return _Resize(source_hw[0], firsts[0], firsts[1])


class _Pieces(NamedTuple):
    """Vertical pieces of resized masks: frame, column, first row, row after the last."""

    frames: Ints
    columns: Ints
    tops: Ints
    bottoms: Ints


def _pieces(runs: Sequence[Ints], resize: _Resize) -> _Pieces:
    """Cut foreground runs at column ends and move the parts to the resized mask."""
    frames, starts, ends = _foreground(runs)
    height = resize.height
    first = starts // height
    spans = (ends - 1) // height - first + 1
    run = np.repeat(np.arange(len(starts)), spans)
    column = first[run] + _counting(spans)
    top = resize.rows[np.maximum(starts[run] - column * height, 0)]
    bottom = resize.rows[np.minimum(ends[run] - column * height, height)]
    left = resize.columns[column]
    # A column that the resizing leaves out, or a part between two rows it keeps, is gone.
    widths = np.where(bottom > top, resize.columns[column + 1] - left, 0)
    part = np.repeat(np.arange(len(widths)), widths)
    return _Pieces(frames[run][part], left[part] + _counting(widths), top[part], bottom[part])


def _foreground(runs: Sequence[Ints]) -> tuple[Ints, Ints, Ints]:
    """Return frame, start and end of every foreground run that is not empty."""
    ends = [np.cumsum(item)[1::2] for item in runs]
    lengths = np.concatenate([item[1::2] for item in runs])
    frames = np.repeat(np.arange(len(runs)), [len(item) for item in ends])
    kept = lengths > 0
    stops = np.concatenate(ends)[kept]
    return frames[kept], stops - lengths[kept], stops


def _counting(lengths: Ints) -> Ints:
    """Return 0 .. n-1 for each length n, one after the other."""
    total = int(lengths.sum())
    return np.arange(total) - np.repeat(np.cumsum(lengths) - lengths, lengths)


def _counted(pieces: _Pieces, frames: int, cells_hw: tuple[int, int]) -> NDArray[np.int32]:
    """Count the pixels of pieces in each cell.

    A piece is the rows above its bottom less the rows above its top; the rows above a row
    fill every cell above that row's own, and a part of that one.
    """
    rows, columns = cells_hw
    lane = (pieces.frames * columns + pieces.columns // CELL) * (rows + 1)
    size = frames * columns * (rows + 1)
    full = np.zeros(size)
    part = np.zeros(size)
    for ends, sign in ((pieces.bottoms, 1), (pieces.tops, -1)):
        place = lane + ends // CELL
        full += sign * np.bincount(place, minlength=size)
        part += sign * np.bincount(place, weights=ends % CELL, minlength=size)
    below = np.cumsum(full.reshape(-1, rows + 1)[:, ::-1], axis=1)[:, ::-1]
    counts = CELL * below[:, 1:] + part.reshape(-1, rows + 1)[:, :-1]
    by_frame = counts.reshape(frames, columns, rows).transpose(0, 2, 1)
    return by_frame.astype(np.int32)
