"""Options of TRASER's input side, and the numbers of its two official inference paths."""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

from pydantic import Field, field_validator, model_validator

from reelgraph.tools.base import ToolConfig
from reelgraph.tools.traser.arrangement import grids_per_window

__all__ = ["PATHS", "InputConfig", "InputPath", "PathRules", "Task", "TimeReduce"]

InputPath: TypeAlias = Literal["github", "hub"]
"""Official inference program: the repository's (as in training), or the model card's."""
Task: TypeAlias = Literal["scene_graph", "relationships", "attributes", "objects"]
"""What the model is asked to write."""
TimeReduce: TypeAlias = Literal["max", "mean", "min"]
"""How the coverages of the two frames of a time step become one."""


class PathRules(NamedTuple):
    """Numbers in which the two official programs differ (TRASER specification, 3.5).

    Attributes:
        min_frames: Fewest frames to sample, as far as the video has them.
        max_frames: Most frames to sample.
        even_frames: Whether the number of frames is made even.
        coverage: Share of a cell that an object must cover for the cell to be selected.
        coverage_step: How much less must do when an object reaches it nowhere.
        coverage_retries: How often to lower it before the best cell is taken.
    """

    min_frames: int
    max_frames: int
    even_frames: bool
    coverage: float
    coverage_step: float
    coverage_retries: int


PATHS: dict[InputPath, PathRules] = {
    "github": PathRules(4, 128, False, 0.5, 0.2, 2),
    "hub": PathRules(4, 768, True, 0.7, 0.1, 1),
}
"""The numbers of each official program."""


class InputConfig(ToolConfig):
    """How a video and its masks become prompts.

    The defaults are those of the official program of the repository, which match training.

    Attributes:
        path: Which official program to follow.
        task: What to ask for.
        objects: Ids of the objects to describe; all if None.
        max_objects: Most objects of one prompt. The model was trained on up to 40.
        max_passes: Most prompts over different objects of one clip. With 1, objects beyond
            ``max_objects`` are left out, the highest ids first, as in the official program.
            With more, the objects that fill most of the clip (area times duration) come first.
        pass_anchors: Objects of the first pass that every later pass holds too, so that small
            objects can be related to large ones.
        coverage: Share of a 28-pixel cell that an object must cover for the cell to be read;
            the path's own (0.5 github, 0.7 hub) if None.
        time_reduce: How the coverages of the two frames of a time step become one.
        window_s: Nominal seconds of a window, even. The model was trained on 4.
        window_fallback: Whether an object that is seen in a window without covering any cell
            enough gets its best cell there. Leaves the training distribution: the model was
            trained on objects without times in such windows.
        chunk_s: Longest piece, in seconds, into which a longer video is cut, at most 128;
            None reads 128 frames of the whole, less than one a second if it is longer.
        chunk_overlap_s: Seconds that neighbouring pieces share.
    """

    path: InputPath = "github"
    task: Task = "scene_graph"
    objects: tuple[int, ...] | None = None
    max_objects: int = Field(default=40, ge=1)
    max_passes: int = Field(default=1, ge=1)
    pass_anchors: int = Field(default=8, ge=0)
    coverage: float | None = Field(default=None, gt=0, le=1)
    time_reduce: TimeReduce = "max"
    window_s: int = 4
    window_fallback: bool = False
    chunk_s: float | None = Field(default=None, ge=8, le=128)
    chunk_overlap_s: float = Field(default=16.0, ge=0)

    @field_validator("window_s")
    @classmethod
    def _even(cls, value: int) -> int:
        grids_per_window(value)
        return value

    @model_validator(mode="after")
    def _consistent(self) -> InputConfig:
        if self.chunk_s is not None and self.chunk_overlap_s > self.chunk_s / 2:
            raise ValueError(
                f"chunk_overlap_s must be at most half of chunk_s, got "
                f"{self.chunk_overlap_s!r} of {self.chunk_s!r}"
            )
        if self.max_passes > 1 and self.pass_anchors >= self.max_objects:
            raise ValueError(
                f"pass_anchors must be below max_objects, got {self.pass_anchors!r} "
                f"of {self.max_objects!r}"
            )
        return self

    @property
    def rules(self) -> PathRules:
        """The path's numbers, with this configuration's coverage."""
        rules = PATHS[self.path]
        return rules if self.coverage is None else rules._replace(coverage=self.coverage)
