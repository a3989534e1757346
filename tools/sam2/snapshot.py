"""Memories of objects as safetensors bytes, so that a run can go on where it stopped."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from reelgraph._optional import require
from reelgraph.errors import SettingsError
from reelgraph.tools.sam2.engine import ObjectMemory
from reelgraph.tools.sam2.memory import Moment, ObjectBank

if TYPE_CHECKING:
    import torch

__all__ = ["dump", "load"]

FORMAT: Final = "sam2-memory-1"
_KEY: Final = "reelgraph"
_LENGTH_BYTES: Final = 8


def dump(memories: Sequence[ObjectMemory]) -> bytes:
    """Return memories as safetensors bytes.

    Raises:
        MissingDependencyError: If safetensors is not installed.
    """
    require("safetensors", extra="sam2", feature="resuming a SAM 2 run")
    from safetensors.torch import save

    tensors: dict[str, torch.Tensor] = {}
    objects = [_describe(number, memory, tensors) for number, memory in enumerate(memories)]
    # One key: safetensors writes several in an order that changes from call to call.
    return save(tensors, metadata={_KEY: json.dumps({"format": FORMAT, "objects": objects})})


def load(data: bytes, device: torch.device) -> list[ObjectMemory]:
    """Return the memories that `dump` wrote, on a device.

    Raises:
        SettingsError: If ``data`` is damaged or is something else.
    """
    require("safetensors", extra="sam2", feature="resuming a SAM 2 run")
    from safetensors import SafetensorError
    from safetensors.torch import load as load_tensors

    try:
        objects = _header(data)
        tensors = load_tensors(data)
        return [_restore(number, entry, tensors, device) for number, entry in enumerate(objects)]
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        raise SettingsError(
            f"the saved state of a SAM 2 run cannot be read ({error}); start the run afresh"
        ) from error


def _describe(
    number: int, memory: ObjectMemory, tensors: dict[str, torch.Tensor]
) -> dict[str, Any]:
    """Put an object's tensors into ``tensors`` and return what is not a tensor."""
    import torch

    bank: ObjectBank = memory.state
    bits = np.packbits(memory.first_mask)
    tensors[f"{number}/mask"] = torch.from_numpy(bits)
    for kind, moments in (("prompt", bank.conditioning), ("recent", bank.recent)):
        for frame_index, moment in moments.items():
            tensors[f"{number}/{kind}/{frame_index}/pointer"] = moment.pointer.contiguous()
            if moment.features is not None:
                tensors[f"{number}/{kind}/{frame_index}/features"] = moment.features.contiguous()
    return {
        "first_frame": memory.first_frame,
        "mask_hw": memory.first_mask.shape,
        "score": bank.score,
        "prompt": list(bank.conditioning),
        "recent": list(bank.recent),
    }


def _header(data: bytes) -> list[dict[str, Any]]:
    """Read the metadata, which safetensors' loader from bytes leaves out."""
    length = int.from_bytes(data[:_LENGTH_BYTES], "little")
    header = json.loads(data[_LENGTH_BYTES : _LENGTH_BYTES + length])
    found = json.loads(header["__metadata__"][_KEY])
    if found["format"] != FORMAT:
        raise ValueError(f"its format is {found['format']!r}, not {FORMAT!r}")
    objects: list[dict[str, Any]] = found["objects"]
    return objects


def _restore(
    number: int,
    entry: Mapping[str, Any],
    tensors: Mapping[str, torch.Tensor],
    device: torch.device,
) -> ObjectMemory:
    height, width = entry["mask_hw"]
    bits = np.unpackbits(tensors[f"{number}/mask"].numpy(), count=height * width)
    banks = {
        kind: dict(_moments(f"{number}/{kind}", entry[kind], tensors, device))
        for kind in ("prompt", "recent")
    }
    return ObjectMemory(
        first_frame=entry["first_frame"],
        first_mask=bits.astype(bool).reshape(height, width),
        state=ObjectBank(banks["prompt"], banks["recent"], entry["score"]),
    )


def _moments(
    prefix: str,
    frames: Sequence[int],
    tensors: Mapping[str, torch.Tensor],
    device: torch.device,
) -> Iterator[tuple[int, Moment]]:
    for frame_index in frames:
        name = f"{prefix}/{frame_index}"
        features = tensors.get(f"{name}/features")
        yield (
            frame_index,
            Moment(
                pointer=tensors[f"{name}/pointer"].to(device),
                features=None if features is None else features.to(device),
            ),
        )
