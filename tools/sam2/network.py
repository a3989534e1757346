"""The stock SAM 2 modules, run for many objects of one frame at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reelgraph.tools.sam2.batching import MemoryInput, MemoryStacker, reach_of
from reelgraph.tools.sam2.memory import Moment, Reading
from reelgraph.tools.sam2.prompting import PromptBatch

if TYPE_CHECKING:
    import torch

__all__ = ["Found", "FrameFeatures", "Network"]

MEAN = (0.485, 0.456, 0.406)
SPREAD = (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class FrameFeatures:
    """Image features of one frame, finest level first.

    Attributes:
        levels: Features, each of shape ``(tokens, 1, c)``.
        positions: Encodings of place, of the same shapes.
        sizes_hw: Height and width of each level.
    """

    levels: list[torch.Tensor]
    positions: list[torch.Tensor]
    sizes_hw: list[tuple[int, int]]

    def repeated(self, count: int) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
        """Return levels and positions for ``count`` objects, without a copy."""
        return (
            [level.expand(-1, count, -1) for level in self.levels],
            [position.expand(-1, count, -1) for position in self.positions],
        )

    def fine(self) -> list[torch.Tensor]:
        """Return the finer levels as images, each of shape ``(1, c, h, w)``."""
        return [
            level.permute(1, 2, 0).reshape(1, -1, *size)
            for level, size in zip(self.levels[:-1], self.sizes_hw[:-1], strict=True)
        ]


@dataclass(frozen=True)
class Found:
    """What the model says of a batch of objects on one frame.

    Attributes:
        logits: Mask logits at a quarter of the model's image size, shape ``(n, 1, h, w)``.
        presence: Logits of the object being in the frame, shape ``(n, 1)``.
        pointers: Object pointers, shape ``(n, c)``.
        full: Mask logits at the model's image size, shape ``(n, 1, s, s)``.
    """

    logits: torch.Tensor
    presence: torch.Tensor
    pointers: torch.Tensor
    full: torch.Tensor


class Network:
    """Runs a ``SAM2VideoPredictor``'s modules for many objects at once.

    Nothing of one object enters the result of another; a batch only saves time.

    Args:
        model: A ``sam2.sam2_video_predictor.SAM2VideoPredictor`` in eval mode.
        dtype: float32, or bfloat16 for autocast.
    """

    def __init__(self, model: Any, dtype: torch.dtype) -> None:
        self.model = model
        self.reach = reach_of(model)
        self._dtype = dtype
        self._stacker = MemoryStacker(model, dtype)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Switch gradients off and, if asked for, autocast on."""
        import torch

        device, mixed = self.model.device.type, self._dtype == torch.bfloat16
        with torch.inference_mode(), torch.autocast(device, torch.bfloat16, enabled=mixed):
            yield

    def encode_image(self, pixels: torch.Tensor) -> FrameFeatures:
        """Return the features of an RGB image 0..1, shape ``(3, s, s)``, float32."""
        device = self.model.device
        mean, spread = (pixels.new_tensor(v)[:, None, None].to(device) for v in (MEAN, SPREAD))
        image = (pixels.to(device) - mean) / spread
        output = self.model.forward_image(image[None])
        _, levels, positions, sizes = self.model._prepare_backbone_features(output)
        return FrameFeatures(levels, positions, sizes)

    def prompted(self, frame: FrameFeatures, batch: PromptBatch) -> Found:
        """Segment objects from their prompts alone."""
        count = len(batch.positions)
        levels, positions = frame.repeated(count)
        output = self.model.track_step(
            frame_idx=0,
            is_init_cond_frame=True,
            current_vision_feats=levels,
            current_vision_pos_embeds=positions,
            feat_sizes=frame.sizes_hw,
            point_inputs=batch.points,
            mask_inputs=batch.masks,
            output_dict={},
            num_frames=1,
            run_mem_encoder=False,
        )
        logits = output["pred_masks"]
        full = self.resized(logits, (self.model.image_size, self.model.image_size))
        return Found(logits, output["object_score_logits"], output["obj_ptr"], full)

    def tracked(self, frame: FrameFeatures, readings: Sequence[Reading]) -> Found:
        """Segment objects from what they remember; all must read equally much."""
        attended = self._attend(frame, self._stacker.stack(readings), len(readings))
        output = self.model._forward_sam_heads(
            backbone_features=attended,
            high_res_features=frame.fine(),
            multimask_output=self.model._use_multimask(False, None),
        )
        *_, logits, full, pointers, presence = output
        return Found(logits, presence, pointers, full)

    def moments(self, frame: FrameFeatures, found: Found, *, prompted: bool) -> list[Moment]:
        """Encode what was found into a memory for each object.

        Spatial memories are kept in bfloat16, as the plain predictor keeps them.
        """
        import torch

        features, _ = self.model._encode_new_memory(
            current_vision_feats=frame.levels,
            feat_sizes=frame.sizes_hw,
            pred_masks_high_res=found.full,
            object_score_logits=found.presence,
            is_mask_from_pts=prompted,
        )
        tokens = features.flatten(2).transpose(1, 2).to(torch.bfloat16)
        # A copy for each object: a view would keep the memory of the whole batch alive.
        rows = zip(found.pointers, tokens, strict=True)
        return [Moment(p.clone(), f.contiguous().clone()) for p, f in rows]

    def resized(self, logits: torch.Tensor, size_hw: tuple[int, int]) -> torch.Tensor:
        """Resize mask logits as the plain predictor does."""
        from torch.nn import functional

        return functional.interpolate(logits, size=size_hw, mode="bilinear", align_corners=False)

    def _attend(self, frame: FrameFeatures, read: MemoryInput, count: int) -> torch.Tensor:
        levels, positions = frame.repeated(count)
        output: torch.Tensor = self.model.memory_attention(
            curr=levels[-1],
            curr_pos=positions[-1],
            memory=read.memory.transpose(0, 1),
            memory_pos=read.positions.transpose(0, 1),
            num_obj_ptr_tokens=read.pointer_tokens,
        )
        return output.permute(1, 2, 0).reshape(count, -1, *frame.sizes_hw[-1])
