"""Options of the SAM 2 tracker; every number of the SVG2 pipeline has its name here."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from reelgraph.tools.base import ToolConfig
from reelgraph.tools.sam2.engine_config import EngineConfig
from reelgraph.tools.sam2.proposals import ProposalConfig

__all__ = ["CleanupConfig", "DiscoveryConfig", "Sam2Config"]


class DiscoveryConfig(ToolConfig):
    """When a check looks for new objects, and which masks are new.

    Attributes:
        every_s: Seconds between checks. SVG2 says "periodically" (Sec. 3.1); its code checks
            about four times whatever the length, which misses what comes between.
        max_overlap: The 90 % rule: a mask goes where larger masks cover this share of it.
        min_untracked: Least share of the frame outside all tracks for a check to look at all.
        rule: "union" (the paper, Eqs. 9-11): look where all masks together cover
            min_new of the untracked area, then take every unmatched mask. "each" (its
            released code): a mask must cover that share alone.
        min_new: Share of the untracked area that new masks must cover.
        match: Share of a mask inside one track from which on it is that track's (Eq. 12).
        max_covered: With "union", a mask is not new where all tracks together cover this
            share of it, the 90 % rule once more; 1 turns this off, as in SVG2.
    """

    every_s: float = Field(1.0, gt=0)
    max_overlap: float = Field(0.9, gt=0, le=1)
    min_untracked: float = Field(0.05, ge=0, le=1)
    rule: Literal["union", "each"] = "union"
    min_new: float = Field(0.1, ge=0, le=1)
    match: float = Field(0.9, gt=0, le=1)
    max_covered: float = Field(0.9, gt=0, le=1)


class CleanupConfig(ToolConfig):
    """What is removed from finished tracks (SVG2, stage 3).

    Attributes:
        enabled: Whether anything is removed.
        contain_ratio: A mask lies in another where this share of its area does.
        coverage_share: A track lies in another where it does so in this share of the frames
            in which both are visible.
        min_overlap_frames: Fewer frames in which both are visible decide nothing.
        frame_weight: Weight of the number of visible frames in the stability score.
        area_weight: Weight of the median area in pixels in the stability score.
        iou_weight: Weight of the steadiness at the end in the stability score.
        iou_pairs: Pairs of consecutive visible frames at the end that steadiness looks at.
        morph_kernel: Side in pixels of the square that masks are opened with.
        morph_iterations: How often masks are eroded, then dilated; 0 leaves them.
        min_area: Masks with fewer pixels are removed.
    """

    enabled: bool = True
    contain_ratio: float = Field(0.9, gt=0, le=1)
    coverage_share: float = Field(0.7, gt=0, le=1)
    min_overlap_frames: int = Field(5, ge=1)
    frame_weight: float = Field(0.5, ge=0)
    area_weight: float = Field(0.05, ge=0)
    iou_weight: float = Field(200.0, ge=0)
    iou_pairs: int = Field(5, ge=1)
    morph_kernel: int = Field(3, ge=1)
    morph_iterations: int = Field(1, ge=0)
    min_area: int = Field(32, ge=0)


class Sam2Config(ToolConfig):
    """Options of the SAM 2 tracker.

    Attributes:
        model: Hugging Face id of a SAM 2.1 model, or a folder that holds one.
        engine: How the model is run.
        proposals: Automatic masks.
        discovery: When and how new objects are found.
        cleanup: What is removed from finished tracks.
        fps: Frames per second to process; None is every frame.
        max_objects: Objects that are followed at once; the largest and surest come first.
        dormant_after_s: An object unseen for longer is only looked for at checks, and
            frees its place; it wakes where a check sees it. None follows all, always.
        max_dormant: Dormant objects that are kept; beyond, the one unseen longest is given up.
        lookback_s: How long before it was found an object is looked for in the offline pass;
            None is from the start of the video, as in SVG2.
        part_s: Seconds of video after which a long run saves where it is.
    """

    model: str = "facebook/sam2.1-hiera-large"
    engine: EngineConfig = EngineConfig()
    proposals: ProposalConfig = ProposalConfig()
    discovery: DiscoveryConfig = DiscoveryConfig()
    cleanup: CleanupConfig = CleanupConfig()
    fps: float | None = Field(None, gt=0)
    max_objects: int = Field(65, ge=1)
    dormant_after_s: float | None = Field(4.0, ge=0)
    max_dormant: int = Field(65, ge=0)
    lookback_s: float | None = Field(60.0, ge=0)
    part_s: float = Field(60.0, gt=0)
