"""Where the SAM 2 model runs, in which number format, and how many objects at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reelgraph.errors import SettingsError
from reelgraph.tools.sam2.engine_config import EngineConfig

if TYPE_CHECKING:
    import torch

__all__ = ["choose_device", "choose_dtype", "objects_that_fit"]

CPU_TOKENS: Final = 256
"""Image tokens of all objects at once; with more a CPU is slower, as they leave its cache."""
TOKEN_PIXELS: Final = 16
"""Side of an image token in pixels of the model's image."""
MOST_OBJECTS: Final = 64
BYTES_PER_PIXEL: Final = 200
"""Activations of one object for each pixel of the model's image, an upper estimate."""
SHARE_OF_FREE: Final = 0.5


def choose_device(config: EngineConfig) -> torch.device:
    """Return the device to run on.

    Raises:
        SettingsError: If the device that was asked for does not exist or is not there.
    """
    import torch

    if config.device == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if _mps_works() else "cpu")
    try:
        device = torch.device(config.device)
    except RuntimeError as error:
        raise SettingsError(
            f"device is {config.device!r}; use auto, cpu, cuda, cuda:1 or mps"
        ) from error
    if not _is_there(device):
        raise SettingsError(
            f"device is {config.device!r}, which PyTorch {torch.__version__} does not find here; "
            "use auto or cpu, or install a PyTorch build for the device"
        )
    return device


def choose_dtype(config: EngineConfig, device: torch.device) -> torch.dtype:
    """Return float32, or bfloat16 for autocast."""
    import torch

    if config.dtype == "auto":
        return torch.bfloat16 if device.type == "cuda" else torch.float32
    return torch.bfloat16 if config.dtype == "bfloat16" else torch.float32


def objects_that_fit(config: EngineConfig, device: torch.device) -> int:
    """Return how many objects go through the model at once."""
    import torch

    if config.objects_per_batch is not None:
        return config.objects_per_batch
    if device.type != "cuda":
        return max(1, min(MOST_OBJECTS, CPU_TOKENS // (config.image_size // TOKEN_PIXELS) ** 2))
    free, _ = torch.cuda.mem_get_info(device)
    each = BYTES_PER_PIXEL * config.image_size**2
    return max(1, min(MOST_OBJECTS, int(free * SHARE_OF_FREE / each)))


def _is_there(device: torch.device) -> bool:
    import torch

    if device.type == "cuda":
        return torch.cuda.is_available() and (device.index or 0) < torch.cuda.device_count()
    if device.type == "mps":
        return _mps_works()
    return device.type == "cpu"


def _mps_works() -> bool:
    """Say whether MPS can rotate complex numbers, which the model's position encoding does."""
    import torch

    if not torch.backends.mps.is_available():
        return False
    try:
        turned = torch.view_as_complex(torch.ones(2, 2, device="mps")) * 1j
        return bool(torch.isfinite(torch.view_as_real(turned)).all())
    except (RuntimeError, NotImplementedError, TypeError):
        return False
