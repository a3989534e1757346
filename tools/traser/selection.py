"""Which visual tokens show each object: the cells that its masks cover enough."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reelgraph._types import Ints
from reelgraph.tools.traser.arrangement import grids_per_window
from reelgraph.tools.traser.coverage import cell_pixels
from reelgraph.tools.traser.grid import CELL, FRAMES_PER_STEP, Grid
from reelgraph.tools.traser.masks import MaskSource
from reelgraph.tools.traser.options import InputConfig, PathRules, TimeReduce

__all__ = [
    "Coverage",
    "Selection",
    "asked_ids",
    "best_per_window",
    "covered_cells",
    "select",
    "step_coverage",
]

Coverage = NDArray[np.float32]
"""Share of each cell that an object covers in each time step, ``(T, rows, columns)``."""


@dataclass(frozen=True, eq=False)
class Selection:
    """The visual tokens of every kept object of one clip.

    Attributes:
        grid: Grid of the visual tokens.
        object_ids: Original id of the object in row ``k - 1``, which the prompt numbers ``k``.
        tokens: For each kept object, ascending indices into the visual tokens, never empty.
        thresholds: For each kept object, the coverage that a cell had to reach; None where no
            cell reached any and the best one was taken.
        pixels: For each kept object and sampled frame, set pixels of the resized mask,
            ``(K, n)``.
        dropped: Ids that were asked for and show no pixel in the clip.
    """

    grid: Grid
    object_ids: tuple[int, ...]
    tokens: tuple[Ints, ...]
    thresholds: tuple[float | None, ...]
    pixels: Ints
    dropped: tuple[int, ...] = ()

    def __len__(self) -> int:
        return len(self.object_ids)

    def keep(self, rows: Sequence[int]) -> Selection:
        """Return the selection of the objects in ``rows`` only, in that order."""
        return Selection(
            self.grid,
            tuple(self.object_ids[row] for row in rows),
            tuple(self.tokens[row] for row in rows),
            tuple(self.thresholds[row] for row in rows),
            self.pixels[list(rows)],
            self.dropped,
        )


def asked_ids(source: MaskSource, config: InputConfig) -> tuple[int, ...]:
    """Return the ids to look at: those asked for or all, increasing, each once."""
    return tuple(sorted(set(source.ids if config.objects is None else config.objects)))


def select(
    source: MaskSource,
    object_ids: Iterable[int],
    frame_indices: Ints,
    grid: Grid,
    config: InputConfig,
) -> Selection:
    """Select the visual tokens of objects (TRASER specification, 4).

    Works on one object at a time and keeps nothing but its counts per cell.

    Args:
        source: The masks.
        object_ids: Objects to look at; those without a pixel in the clip are dropped.
        frame_indices: The sampled frames.
        grid: Grid of the clip.
        config: Coverage, its fallbacks, and how the frames of a time step become one.

    Raises:
        GraphFormatError: If a mask is malformed.
    """
    kept, tokens, thresholds, pixels, dropped = [], [], [], [], []
    for object_id in object_ids:
        counts = cell_pixels([source.mask(object_id, int(f)) for f in frame_indices], grid)
        shown = counts.sum(axis=(1, 2), dtype=np.int64)
        if not shown.any():
            dropped.append(object_id)
            continue
        cells, threshold = _selected(counts, grid, config)
        kept.append(object_id)
        tokens.append(cells)
        thresholds.append(threshold)
        pixels.append(shown)
    shape = (len(kept), len(frame_indices))
    table = np.array(pixels, dtype=np.int64).reshape(shape)
    return Selection(grid, tuple(kept), tuple(tokens), tuple(thresholds), table, tuple(dropped))


def _selected(
    counts: NDArray[np.int32], grid: Grid, config: InputConfig
) -> tuple[Ints, float | None]:
    coverage = step_coverage(counts, grid.steps, config.time_reduce)
    if not coverage.any():
        # "min" leaves nothing of an object that is never seen on both frames of a step; its
        # best cell is then looked for as if the more visible frame counted.
        coverage = step_coverage(counts, grid.steps, "max")
    cells, threshold = covered_cells(coverage, config.rules)
    if config.window_fallback:
        best = best_per_window(coverage, cells, grids_per_window(config.window_s))
        cells = np.union1d(cells, best)
    return cells, threshold


def step_coverage(counts: NDArray[np.int32], steps: int, reduce: TimeReduce) -> Coverage:
    """Return the coverage per time step from pixel counts per frame.

    The last frame stands for missing ones, surplus frames are cut off.

    Args:
        counts: Pixels per frame and cell, ``(n, rows, columns)``, n > 0.
        steps: Time steps of the grid.
        reduce: How the frames of a step become one.
    """
    wanted = np.minimum(np.arange(steps * FRAMES_PER_STEP), len(counts) - 1)
    share = counts[wanted].astype(np.float32) / np.float32(CELL * CELL)
    pairs = share.reshape(steps, FRAMES_PER_STEP, *counts.shape[1:])
    reduced: Coverage = getattr(pairs, reduce)(axis=1)
    return reduced


def covered_cells(coverage: Coverage, rules: PathRules) -> tuple[Ints, float | None]:
    """Return the cells that an object covers enough, and how much that was.

    If no cell of the whole clip reaches the coverage, less must do, then the best cell is
    taken (the first of equals), and None returned for the coverage.
    """
    flat = coverage.ravel()
    threshold = rules.coverage
    for _ in range(rules.coverage_retries + 1):
        # float32, as the official program compares: a cell just half covered counts.
        cells = np.flatnonzero(flat >= np.float32(threshold))
        if len(cells):
            return cells.astype(np.int64), threshold
        threshold -= rules.coverage_step
        if threshold <= 0:
            # Every cell of the video would do, covered or not.
            break
    return np.array([int(flat.argmax())], dtype=np.int64), None


def best_per_window(coverage: Coverage, cells: Ints, steps: int) -> Ints:
    """Return the best covered cell of each window that shows the object without any cell.

    Args:
        coverage: Of one object, ``(T, rows, columns)``.
        cells: Cells that are selected already, ascending.
        steps: Time steps of a window.
    """
    size = steps * coverage[0].size
    flat = coverage.ravel()
    have = set((cells // size).tolist())
    best = []
    for window, start in enumerate(range(0, len(flat), size)):
        inside = flat[start : start + size]
        if window not in have and inside.any():
            best.append(start + int(inside.argmax()))
    return np.array(best, dtype=np.int64)
