"""The model: stock Qwen2.5-VL and two stock Perceiver resamplers, side by side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

from reelgraph._optional import require
from reelgraph.errors import SettingsError

if TYPE_CHECKING:
    import torch
    from torch import nn

__all__ = ["DType", "Part", "Precision", "TraserModel", "part_of", "pick_device", "pick_precision"]

DType: TypeAlias = Literal["auto", "bfloat16", "float16", "float32"]
"""Number format that the language model computes in."""
Part: TypeAlias = Literal["vision", "resamplers", "language"]
"""What is computed in one number format."""

_AMPERE = 8


class Precision(NamedTuple):
    """Number formats of the three parts."""

    language: torch.dtype
    vision: torch.dtype
    resamplers: torch.dtype

    def of(self, part: Part) -> torch.dtype:
        """Return the format of one part."""
        chosen: torch.dtype = getattr(self, part)
        return chosen


@dataclass(frozen=True, eq=False)
class TraserModel:
    """The parts of the model, composed rather than subclassed (specification, 1.1).

    The official class adds two resamplers to Qwen2.5-VL and nothing inside it. Kept apart,
    all three are stock modules, which load and run alike on every supported version.

    Attributes:
        vlm: ``Qwen2_5_VLForConditionalGeneration``.
        otr: ``Idefics2PerceiverResampler`` of whole trajectories.
        twr: ``Idefics2PerceiverResampler`` of the windows of time.
    """

    vlm: Any
    otr: Any
    twr: Any

    def parts(self) -> tuple[nn.Module, nn.Module, nn.Module]:
        """Return all modules."""
        return self.vlm, self.otr, self.twr

    @property
    def visual(self) -> Any:
        """The vision tower with its merger."""
        return self.vlm.model.visual

    @property
    def language(self) -> Any:
        """The language model without its head."""
        return self.vlm.model.language_model

    @property
    def embedding(self) -> nn.Embedding:
        """The table of token vectors, ``(vocabulary, hidden)``."""
        table: nn.Embedding = self.language.embed_tokens
        return table

    @property
    def head(self) -> nn.Linear:
        """The output head, whose weight is the embedding's."""
        head: nn.Linear = self.vlm.lm_head
        return head

    @property
    def device(self) -> torch.device:
        """Where the model is."""
        return self.embedding.weight.device

    @property
    def dtype(self) -> torch.dtype:
        """Number format of the language model."""
        return self.embedding.weight.dtype

    @property
    def parameter_bytes(self) -> int:
        """Memory of all weights in bytes, the tied head counted once."""
        held = {id(p): p for part in self.parts() for p in part.parameters()}
        return sum(p.numel() * p.element_size() for p in held.values())


def part_of(place: str) -> Part:
    """Return which part a parameter with this name belongs to."""
    if place.startswith("model.visual."):
        return "vision"
    return "resamplers" if "perceiver_resampler" in place else "language"


def pick_device(asked: str = "auto") -> torch.device:
    """Return the device to run on.

    Args:
        asked: ``"auto"`` (CUDA, else Apple's MPS, else the CPU) or a device of torch.

    Raises:
        SettingsError: If the device is not there.
        MissingDependencyError: If torch is not installed.
    """
    require("torch", extra="traser", feature="TRASER")
    import torch

    if asked == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(asked)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        count = torch.cuda.device_count()
        raise SettingsError(
            f"there is no device {asked!r} here (torch {torch.__version__} sees {count} CUDA "
            "devices); use device='auto' or device='cpu'"
        ) from error
    return device


def pick_precision(asked: DType, device: torch.device) -> Precision:
    """Return the number formats for a device.

    bfloat16 where the hardware computes it. float16 cannot hold what the vision tower and
    the resamplers compute, so beside it these two stay in float32 (specification, 9).
    """
    torch = require("torch", extra="traser", feature="TRASER")
    if asked == "auto":
        asked = _best_format(torch, device)
    language = getattr(torch, asked)
    rest = torch.float32 if asked == "float16" else language
    return Precision(language, rest, rest)


def _best_format(torch: Any, device: torch.device) -> DType:
    if device.type == "cpu":
        return "float32"
    if device.type == "cuda" and torch.cuda.get_device_capability(device)[0] >= _AMPERE:
        return "bfloat16"
    return "float16"
