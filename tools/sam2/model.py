"""The SAM 2 video model, built from the package's own configuration."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from reelgraph._optional import require
from reelgraph.errors import SettingsError
from reelgraph.tools.sam2.device import choose_device
from reelgraph.tools.sam2.engine_config import EngineConfig

if TYPE_CHECKING:
    import torch

__all__ = ["SIZES", "build_model", "load_state"]

SIZES: Final = {
    "tiny": "configs/sam2.1/sam2.1_hiera_t.yaml",
    "small": "configs/sam2.1/sam2.1_hiera_s.yaml",
    "base-plus": "configs/sam2.1/sam2.1_hiera_b+.yaml",
    "large": "configs/sam2.1/sam2.1_hiera_l.yaml",
}
"""Configuration file of each published size, inside the sam2 package."""
_SHOWN: Final = 3


def build_model(
    size: str | Path, config: EngineConfig, state: Mapping[str, torch.Tensor] | None = None
) -> Any:
    """Build a ``SAM2VideoPredictor`` that is ready to run.

    Args:
        size: A name in `SIZES`, or a YAML file like those of the sam2 package.
        config: How it is run.
        state: Its weights; None leaves what the modules draw at random.

    Raises:
        SettingsError: If the size is unknown, the weights do not fit, or the device is not there.
        MissingDependencyError: If sam2 is not installed.
    """
    require("sam2", extra="sam2", feature="SAM 2")
    from hydra.errors import HydraException
    from hydra.utils import instantiate
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    device = choose_device(config)
    try:
        model = instantiate(OmegaConf.create(_description(size, config)).model, _recursive_=True)
    except (HydraException, OmegaConfBaseException, AttributeError) as error:
        raise SettingsError(f"{str(size)!r} does not describe a SAM 2 model: {error}") from error
    if state is not None:
        load_state(model, state, source=str(size))
    model = model.to(device).eval()
    _check(model, size)
    return _compiled(model) if config.compile else model


def load_state(model: Any, state: Mapping[str, torch.Tensor], *, source: str) -> None:
    """Give a model its weights; every tensor must find its place, and every place a tensor.

    Raises:
        SettingsError: If one does not, or has another shape.
    """
    wanted = model.state_dict()
    missing = sorted(wanted.keys() - state.keys())
    unknown = sorted(state.keys() - wanted.keys())
    shapes = sorted(
        name for name in wanted.keys() & state.keys() if wanted[name].shape != state[name].shape
    )
    for kind, names in (("lack", missing), ("hold unknown", unknown), ("reshape", shapes)):
        if names:
            some = ", ".join(names[:_SHOWN]) + (", ..." if len(names) > _SHOWN else "")
            raise SettingsError(
                f"the weights of {source!r} {kind} {len(names)} tensors ({some}); "
                "they are not those of this SAM 2 model"
            )
    model.load_state_dict(state, strict=True)


def _description(size: str | Path, config: EngineConfig) -> dict[str, Any]:
    """Return the package's configuration with what video prediction adds to it.

    The additions are those of ``sam2.build_sam.build_sam2_video_predictor``, less the
    filling of holes, which needs a CUDA extension that most installations do not have.
    """
    from omegaconf import OmegaConf

    description: Any
    if str(size) in SIZES:
        description = _published(str(size))
    else:
        description = OmegaConf.to_container(OmegaConf.create(_read(size)))
        _refuse_foreign_code(description, size)
    if not isinstance(description, dict) or not isinstance(description.get("model"), dict):
        raise SettingsError(f"{str(size)!r} does not describe a SAM 2 model: it has no 'model'")
    description["model"] |= {
        "_target_": "sam2.sam2_video_predictor.SAM2VideoPredictor",
        "image_size": config.image_size,
        "binarize_mask_from_pts_for_mem_enc": True,
        "fill_hole_area": 0,
        "compile_image_encoder": False,
        "sam_mask_decoder_extra_args": {
            "dynamic_multimask_via_stability": True,
            "dynamic_multimask_stability_delta": 0.05,
            "dynamic_multimask_stability_thresh": 0.98,
        },
    }
    return description


def _published(size: str) -> dict[str, Any]:
    """Return the package's own description of a size."""
    import importlib.resources

    from omegaconf import OmegaConf

    text = importlib.resources.files("sam2").joinpath(SIZES[size]).read_text(encoding="utf-8")
    description: Any = OmegaConf.to_container(OmegaConf.create(text))
    return dict(description)


def _refuse_foreign_code(description: Any, path: str | Path) -> None:
    """Refuse a description that names anything but the classes of a SAM 2 model.

    Hydra calls whatever a description names, so one from a stranger could run any program.
    """
    known = {name for size in SIZES for name in _targets(_published(size))}
    foreign = sorted(set(_targets(description)) - known)
    if foreign:
        raise SettingsError(
            f"{str(path)!r} names {foreign[0]!r}, which is no part of a SAM 2 model; "
            "use a YAML file like those of the sam2 package"
        )


def _targets(description: Any) -> Iterator[str]:
    """Yield everything that a description names to be called."""
    if isinstance(description, dict):
        if "_target_" in description:
            yield str(description["_target_"])
        for part in description.values():
            yield from _targets(part)
    elif isinstance(description, list):
        for part in description:
            yield from _targets(part)


def _read(path: str | Path) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise SettingsError(
            f"{str(path)!r} is neither a SAM 2 size ({', '.join(SIZES)}) nor a readable YAML "
            f"file: {error}"
        ) from error


def _check(model: Any, size: str | Path) -> None:
    """Refuse a configuration that the batched engine would not follow exactly."""
    followed = {
        "memory_temporal_stride_for_eval": 1,
        "use_obj_ptrs_in_encoder": True,
        "non_overlap_masks_for_mem_enc": False,
    }
    for name, value in followed.items():
        if getattr(model, name) != value:
            raise SettingsError(
                f"{str(size)!r} sets {name} to {getattr(model, name)!r}; only {value!r} is followed"
            )


def _compiled(model: Any) -> Any:
    """Compile the four parts that take the time; objects and memories vary in number."""
    import torch

    model.image_encoder.forward = torch.compile(model.image_encoder.forward)
    for part in (model.memory_attention, model.sam_mask_decoder, model.memory_encoder):
        part.forward = torch.compile(part.forward, dynamic=True)
    return model
