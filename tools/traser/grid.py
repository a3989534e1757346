"""The grid of visual tokens that a clip becomes: time steps, rows and columns of patches."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["CELL", "FRAMES_PER_STEP", "MERGE", "PATCH", "Grid"]

PATCH = 14
"""Side of a patch in pixels of the resized frame."""
MERGE = 2
"""Patches along each side of a merged visual token."""
CELL = PATCH * MERGE
"""Side in pixels of what one visual token shows."""
FRAMES_PER_STEP = 2
"""Sampled frames that one time step holds."""


class Grid(NamedTuple):
    """Time steps, and rows and columns of patches (TRASER specification, 3.2).

    The visual token at step ``t``, cell row ``y`` and cell column ``x`` has the index
    ``t * cells + y * columns + x``.
    """

    steps: int
    patch_rows: int
    patch_columns: int

    @classmethod
    def of(cls, frame_count: int, resized_hw: tuple[int, int]) -> Grid:
        """Return the grid of ``frame_count`` frames that were resized to ``resized_hw``."""
        height, width = resized_hw
        return cls(-(-frame_count // FRAMES_PER_STEP), height // PATCH, width // PATCH)

    @property
    def resized_hw(self) -> tuple[int, int]:
        """Height and width of the resized frames in pixels."""
        return self.patch_rows * PATCH, self.patch_columns * PATCH

    @property
    def cells_hw(self) -> tuple[int, int]:
        """Rows and columns of visual tokens in one time step."""
        return self.patch_rows // MERGE, self.patch_columns // MERGE

    @property
    def cells(self) -> int:
        """Visual tokens of one time step."""
        rows, columns = self.cells_hw
        return rows * columns

    @property
    def patches(self) -> int:
        """Patches of the whole clip: rows of the pixel matrix."""
        return self.steps * self.patch_rows * self.patch_columns

    @property
    def tokens(self) -> int:
        """Visual tokens of the whole clip."""
        return self.steps * self.cells
