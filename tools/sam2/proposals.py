"""Automatic masks of one frame: grids of points over the frame and crops of it."""

from __future__ import annotations

from pydantic import Field

from reelgraph.tools.base import ToolConfig

__all__ = ["ProposalConfig"]


class ProposalConfig(ToolConfig):
    """Options of the automatic masks; the defaults are those of SVG2 (its stage 1)."""

    points_per_side: tuple[int, ...] = Field(default=(32, 16, 4), min_length=1)
    """Points along a side for the full frame, then for each further layer of crops."""
    points_on_border: bool = True
    """Whether the outer points lie on the border, as in SVG2, or half a step inside."""
    crop_overlap_ratio: float = Field(default=0.5, ge=0, lt=1)
    """Overlap of neighbouring crops as a share of the frame's short side."""
    points_per_batch: int = Field(default=64, ge=1)
    """Points that go through the model at once; changes speed, not masks."""
    pred_iou_thresh: float = Field(default=0.75, ge=0, le=1)
    """Least quality that the model predicts of its own mask."""
    stability_score_thresh: float = Field(default=0.85, ge=0, le=1)
    """Least IoU of the mask with itself at two thresholds."""
    stability_score_offset: float = Field(default=1.0, gt=0)
    """Distance in logits of the two thresholds of the stability score from 0."""
    box_nms_thresh: float = Field(default=0.7, ge=0, le=1)
    """Box IoU above which the worse of two masks of one crop is dropped."""
    crop_nms_thresh: float = Field(default=0.7, ge=0, le=1)
    """Box IoU above which the mask of the larger of two crops is dropped."""
    min_mask_region_area: int = Field(default=200, ge=0)
    """Holes and islands smaller than this many pixels are filled or removed."""
    use_m2m: bool = True
    """Whether each mask is refined once by giving it back to the model."""
    multimask_output: bool = False
    """Whether each point gives three masks (whole, part, sub-part) instead of one."""
