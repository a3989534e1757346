"""Between safetensors and modules: every tensor finds its place, and every place its tensor."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from reelgraph._optional import require
from reelgraph.errors import SettingsError
from reelgraph.tools.traser.model import Precision, TraserModel, part_of
from reelgraph.tools.traser.weights import Weights

if TYPE_CHECKING:
    import torch
    from torch import nn

__all__ = ["disk_name", "empty_model", "load_model", "random_model", "save_model", "tensor_place"]

RENAMES: Final = (
    (re.compile(r"^visual\."), "model.visual."),
    (re.compile(r"^model\.(?!(language_model|visual)\.)"), "model.language_model."),
)
"""From the names on disk, written by transformers 4.54, to the modules of 4.52 and later."""

HEAD: Final = "lm_head.weight"
EMBEDDING: Final = "model.language_model.embed_tokens.weight"
RESAMPLERS: Final = {"perceiver_resampler": "twr", "second_perceiver_resampler": "otr"}
_SHOWN: Final = 3


def load_model(weights: Weights, precision: Precision, device: torch.device) -> TraserModel:
    """Build the model and read its weights, one tensor at a time (specification, 1.5-1.7).

    The modules are the stock ones, whose own loading has changed between versions of
    transformers; this loader does not depend on it. The output head is the embedding.

    Args:
        weights: The files.
        precision: Number formats of the parts.
        device: Where the model is to live.

    Raises:
        SettingsError: If a tensor is missing, unknown, or of another shape.
        MissingDependencyError: If a package is not installed.
    """
    model = empty_model(weights.config())
    places = _places(model)
    missing = set(places)
    unknown: list[str] = []
    for name, tensor in _tensors(weights):
        place = tensor_place(name)
        if place not in places:
            unknown.append(name)
            continue
        _put(places[place], place, tensor, precision.of(part_of(place)), device)
        missing.discard(place)
    _tie(model, places, missing)
    _check(sorted(missing), sorted(unknown), weights)
    return _ready(model, device)


def tensor_place(name: str) -> str:
    """Return where a tensor with this name on disk belongs in memory.

    Example:
        >>> tensor_place("model.layers.0.mlp.up_proj.weight")
        'model.language_model.layers.0.mlp.up_proj.weight'
        >>> tensor_place("perceiver_resampler.norm.weight")
        'perceiver_resampler.norm.weight'
    """
    for pattern, replacement in RENAMES:
        name, count = pattern.subn(replacement, name)
        if count:
            break
    return name


def disk_name(place: str) -> str:
    """Return the name on disk of what has this place in memory: the inverse of `tensor_place`.

    Example:
        >>> disk_name("model.language_model.norm.weight")
        'model.norm.weight'
    """
    for prefix, name in (("model.visual.", "visual."), ("model.language_model.", "model.")):
        if place.startswith(prefix):
            return name + place.removeprefix(prefix)
    return place


def save_model(model: TraserModel, folder: Path, config: Mapping[str, Any]) -> None:
    """Write a model as the published one is written: names of 4.54, no head of its own.

    Args:
        model: The model.
        folder: An existing folder; its ``config.json`` and weights are replaced.
        config: The ``config.json`` that it was built from.
    """
    from safetensors.torch import save_file

    tensors = {
        disk_name(place): cast("torch.Tensor", module._parameters[place.rpartition(".")[2]])
        for place, module in _places(model).items()
        if place != HEAD
    }
    stored = {name: t.detach().cpu().contiguous() for name, t in sorted(tensors.items())}
    save_file(stored, folder / "model.safetensors", metadata={"format": "pt"})
    (folder / "model.safetensors.index.json").unlink(missing_ok=True)
    text = json.dumps(dict(config), indent=2) + "\n"
    (folder / "config.json").write_text(text, encoding="utf-8")


def empty_model(config: Mapping[str, Any]) -> TraserModel:
    """Build the modules of a ``config.json`` without memory for their weights.

    Raises:
        SettingsError: If the configuration is not that of a TRASER model.
    """
    transformers = require("transformers", extra="traser", feature="TRASER")
    accelerate = require("accelerate", extra="traser", feature="TRASER")
    # Buffers are computed, not stored: they must be real.
    with _quiet(transformers), accelerate.init_empty_weights(include_buffers=False):
        known = transformers.Qwen2_5_VLConfig.from_dict(dict(config))
        known.tie_word_embeddings = True
        vlm = transformers.Qwen2_5_VLForConditionalGeneration(known)
        twr = _resampler(config, "temporal_resampler_n_latents")
        otr = _resampler(config, "object_resampler_n_latents")
    return TraserModel(vlm=vlm, otr=otr, twr=twr)


@contextmanager
def _quiet(transformers: Any) -> Iterator[None]:
    """Keep remarks about the old spelling of the rotary settings, which is read, to itself."""
    chatter = transformers.utils.logging
    before = chatter.get_verbosity()
    chatter.set_verbosity_error()
    try:
        yield
    finally:
        chatter.set_verbosity(before)


def random_model(
    config: Mapping[str, Any], precision: Precision, device: torch.device, *, seed: int = 0
) -> TraserModel:
    """Build a model of random weights, to measure and to test with.

    Args:
        config: A ``config.json``.
        precision: Number formats of the parts.
        device: Where the model is to live.
        seed: Start of the random numbers.
    """
    import torch

    model = empty_model(config)
    places = _places(model)
    random = torch.Generator(device).manual_seed(seed)
    for place, module in places.items():
        shape = cast("torch.Tensor", module._parameters[place.rpartition(".")[2]]).shape
        dtype = precision.of(part_of(place))
        values = torch.empty(shape, dtype=dtype, device=device).normal_(std=0.02, generator=random)
        # Norms scale by their weight: around 0 nothing would be left of what goes through.
        _put(module, place, values + 1 if "norm" in place else values, dtype, device)
    _tie(model, places, set())
    return _ready(model, device)


def _resampler(config: Mapping[str, Any], latents: str) -> Any:
    """Build a resampler, all at the library's defaults but for three numbers (1.1)."""
    from transformers.models.idefics2.configuration_idefics2 import Idefics2PerceiverConfig
    from transformers.models.idefics2.modeling_idefics2 import Idefics2PerceiverResampler

    try:
        chosen = Idefics2PerceiverConfig(
            hidden_size=config["hidden_size"],
            resampler_n_latents=config[latents],
            resampler_depth=config["resampler_depth"],
        )
    except KeyError as error:
        raise SettingsError(
            f"the model's config.json has no {error.args[0]!r}, so it is no TRASER model"
        ) from error
    return Idefics2PerceiverResampler(chosen)


def _places(model: TraserModel) -> dict[str, nn.Module]:
    """Return the module that holds each parameter, by the parameter's full name."""
    parts: list[tuple[str, nn.Module]] = [("", model.vlm)]
    parts += [(f"{prefix}.", getattr(model, part)) for prefix, part in RESAMPLERS.items()]
    return {
        prefix + (f"{path}.{name}" if path else name): module
        for prefix, root in parts
        for path, module in root.named_modules()
        for name in module._parameters
        if module._parameters[name] is not None
    }


def _tensors(weights: Weights) -> Iterator[tuple[str, torch.Tensor]]:
    from safetensors import SafetensorError, safe_open

    for shard in weights.shards:
        try:
            with safe_open(shard, framework="pt") as file:
                for name in sorted(file.keys()):
                    yield name, file.get_tensor(name)
        except SafetensorError as error:
            raise SettingsError(
                f"{str(shard)!r} is damaged or cut short ({error}); download it again"
            ) from error


def _put(
    module: nn.Module,
    place: str,
    tensor: torch.Tensor,
    dtype: torch.dtype,
    device: torch.device,
) -> None:
    from torch import nn

    name = place.rpartition(".")[2]
    wanted = cast("torch.Tensor", module._parameters[name]).shape
    if tensor.shape != wanted:
        raise SettingsError(
            f"the weight {place!r} has the shape {tuple(tensor.shape)}, the model's config.json "
            f"asks for {tuple(wanted)}; config and weights are from different models"
        )
    module._parameters[name] = nn.Parameter(tensor.to(device, dtype), requires_grad=False)


def _tie(model: TraserModel, places: Mapping[str, nn.Module], missing: set[str]) -> None:
    """Make the embedding the output head, as it was trained."""
    model.vlm.lm_head.weight = places[EMBEDDING]._parameters["weight"]
    missing.discard(HEAD)


def _check(missing: Iterable[str], unknown: Iterable[str], weights: Weights) -> None:
    for kind, names in (("lack", list(missing)), ("hold unknown", list(unknown))):
        if names:
            some = ", ".join(names[:_SHOWN]) + (", ..." if len(names) > _SHOWN else "")
            raise SettingsError(
                f"the weights in {str(weights.folder)!r} {kind} {len(names)} tensors ({some}); "
                "they are not those of a TRASER model, or another version of it"
            )


def _ready(model: TraserModel, device: torch.device) -> TraserModel:
    """Move what is computed rather than stored, and switch training behaviour off."""
    for part in model.parts():
        for module in part.modules():
            for name, buffer in module._buffers.items():
                if buffer is not None:
                    module._buffers[name] = buffer.to(device)
        part.eval()
    return model
