"""Automatic masks of one frame: grids of points over the frame and crops of it."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from reelgraph._types import Image, Mask
from reelgraph.tools.base import ToolConfig
from reelgraph.tools.sam2.engine import Proposal

if TYPE_CHECKING:
    from sam2.automatic_mask_generator import SAM2AutomaticMaskGenerator

__all__ = ["ProposalConfig", "ProposalMaker", "point_grid"]

MODEL_STRIDES = (4, 8, 16)
"""Pixels of the model's image to a pixel of each level of image features."""


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


class ProposalMaker:
    """Makes automatic masks with the sam2 package's own generator (SVG2, stage 1).

    Layer ``i`` of crops divides the frame into ``2**i`` by ``2**i`` overlapping crops, each
    with its own grid of points.

    Args:
        model: A ``SAM2Base``; shared, not copied.
        config: Options.
    """

    def __init__(self, model: Any, config: ProposalConfig) -> None:
        self.config = config
        self._model = model
        self._made: SAM2AutomaticMaskGenerator | None = None

    def propose(self, image: Image) -> list[Proposal]:
        """Return the masks of one RGB frame, shape ``(h, w, 3)``, the surest first."""
        import torch

        data = self._generator()._generate_masks(image)
        if self.config.min_mask_region_area and len(data["rles"]):
            data["boxes"] = torch.as_tensor(data["boxes"])
            data = self._generator().postprocess_small_regions(
                data, self.config.min_mask_region_area, self.config.box_nms_thresh
            )
        return sorted(_proposals(data), key=lambda p: -p.predicted_iou)

    def _generator(self) -> SAM2AutomaticMaskGenerator:
        if self._made is None:
            from sam2.automatic_mask_generator import SAM2AutomaticMaskGenerator

            with warnings.catch_warnings():
                # The package scripts its image transforms, which newer PyTorch discourages.
                warnings.filterwarnings("ignore", "`torch.jit", FutureWarning)
                warnings.filterwarnings("ignore", "`torch.jit", DeprecationWarning)
                self._made = SAM2AutomaticMaskGenerator(self._model, **self._options())
            # The package's predictor assumes features of a 1024 px image.
            sides = [self._model.image_size // stride for stride in MODEL_STRIDES]
            self._made.predictor._bb_feat_sizes = [(side, side) for side in sides]
            self._made._process_crop = _with_box_shape(self._made._process_crop)
        return self._made

    def _options(self) -> dict[str, Any]:
        """Return the options by the generator's own names."""
        config = self.config
        own = {"points_per_side", "points_on_border", "min_mask_region_area"}
        return config.model_dump(exclude=own) | {
            "points_per_side": None,
            "point_grids": [
                point_grid(n, on_border=config.points_on_border) for n in config.points_per_side
            ],
            "crop_n_layers": len(config.points_per_side) - 1,
            # The package gives this to a CUDA extension that works on small masks; holes
            # and islands are removed at the original size instead.
            "min_mask_region_area": 0,
        }


def point_grid(points_per_side: int, *, on_border: bool = True) -> NDArray[np.float64]:
    """Return a square grid of points over the unit square, shape ``(n * n, 2)``, row by row.

    Args:
        points_per_side: Points along a side.
        on_border: Whether outer points lie on the border (SVG2) or half a step inside (sam2).

    Example:
        >>> point_grid(2).tolist()
        [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]
        >>> point_grid(2, on_border=False).tolist()
        [[0.25, 0.25], [0.75, 0.25], [0.25, 0.75], [0.75, 0.75]]
    """
    inset = 0.0 if on_border else 1 / (2 * points_per_side)
    side = np.linspace(inset, 1 - inset, points_per_side)
    across, down = np.meshgrid(side, side)
    return np.stack([across.ravel(), down.ravel()], axis=1)


def _with_box_shape(process_crop: Callable[..., Any]) -> Callable[..., Any]:
    """Keep the shape ``(0, 4)`` of the boxes of a crop without masks.

    Without it the package stops with an IndexError where no crop has any.
    """

    def processed(*args: Any, **kwargs: Any) -> Any:
        data = process_crop(*args, **kwargs)
        data["crop_boxes"] = data["crop_boxes"].reshape(-1, 4)
        return data

    return processed


def _proposals(data: Any) -> Iterator[Proposal]:
    from sam2.utils.amg import rle_to_mask

    scores = zip(data["rles"], data["iou_preds"], data["stability_score"], strict=True)
    for rle, predicted_iou, stability in scores:
        mask = rle_to_mask(rle)
        if mask.any():
            yield Proposal(mask, _box(mask), float(predicted_iou), float(stability))


def _box(mask: Mask) -> tuple[float, float, float, float]:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return (
        float(columns[0]),
        float(rows[0]),
        float(columns[-1] + 1),
        float(rows[-1] + 1),
    )
