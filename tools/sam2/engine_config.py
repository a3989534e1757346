"""How the SAM 2 model is run: image size, device, number format, objects at once."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from reelgraph.tools.base import ToolConfig

__all__ = ["EngineConfig"]


class EngineConfig(ToolConfig):
    """How the SAM 2 model is run."""

    image_size: int = Field(default=1024, ge=32, multiple_of=32)
    """Side in pixels to which a frame is resized; the released weights expect 1024."""
    device: str = "auto"
    """``auto`` (cuda, else mps, else cpu), ``cpu``, ``mps``, ``cuda`` or ``cuda:1``."""
    dtype: Literal["auto", "float32", "bfloat16"] = "auto"
    """Number format; ``auto`` is bfloat16 autocast on CUDA and float32 elsewhere."""
    objects_per_batch: int | None = Field(default=None, ge=1)
    """Objects that go through the model at once; None picks what fits the device."""
    compile: bool = False
    """Whether to compile the model with torch.compile (slow first frames, then faster)."""
