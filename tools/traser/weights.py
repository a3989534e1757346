"""Where TRASER's weights are on this machine, how large they are, and which they are."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from reelgraph._optional import require
from reelgraph.errors import MissingDependencyError, SettingsError
from reelgraph.tools.model_files import ModelFiles

__all__ = ["BASE_MODEL", "MODEL", "Weights", "find_weights", "identity", "model_files"]

MODEL: Final = "UWGZQ/TRASER"
"""The published model on the Hugging Face Hub."""
BASE_MODEL: Final = "Qwen/Qwen2.5-VL-3B-Instruct"
"""What it was trained from; its licence limits what the weights may be used for."""
REVISION: Final = "main"
"""Branch that is looked up; the commit it stands for is recorded with each result."""

_FILES: Final = ("*.json", "*.txt", "*.jinja", "*.safetensors")
_INDEX: Final = "model.safetensors.index.json"
_SINGLE: Final = "model.safetensors"
_SMALL: Final = (
    "generation_config.json",
    "vocab.json",
    "merges.txt",
    "added_tokens.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
)
"""Files beside the weights that change what is written."""
_SAMPLES: Final = 16
_SAMPLE_BYTES: Final = 1 << 16

_PUBLISHED_BYTES: Final = 8_200_000_000
_LICENCE: Final = (
    f"apache-2.0 by its card, but trained from {BASE_MODEL}, which is under the "
    "Qwen Research License: no commercial use"
)


@dataclass(frozen=True)
class Weights:
    """A complete set of model files on this machine.

    Attributes:
        folder: Where they are.
        shards: The safetensors files, in order.
        commit: The Hub's commit they were downloaded from; empty for a folder of one's own.
    """

    folder: Path
    shards: tuple[Path, ...]
    commit: str = ""

    @property
    def bytes(self) -> int:
        """Size of the tensors on disk in bytes."""
        return sum(shard.stat().st_size for shard in self.shards)

    def config(self) -> dict[str, Any]:
        """Return the model's ``config.json``.

        Raises:
            SettingsError: If it is not a JSON object.
        """
        return _json_object(self.folder / "config.json")


def find_weights(model: str = MODEL, revision: str = REVISION) -> Weights:
    """Find a model's files on this machine, without ever using the network.

    Args:
        model: A local folder, or an id of the Hugging Face Hub that was downloaded before.
        revision: Branch, tag or commit; only for an id.

    Raises:
        SettingsError: If the files are not there or not complete; the message says how to
            get them, how large they are and under which licence.
        MissingDependencyError: If ``huggingface_hub`` is not installed and an id is given.
    """
    folder = Path(model).expanduser()
    if folder.is_dir():
        return Weights(folder, _shards(folder))
    if model.count("/") != 1 or model.startswith((".", "/", "~")):
        raise SettingsError(
            f"there is no folder {model!r}; give a folder with config.json and safetensors, "
            f"or an id of the Hugging Face Hub such as {MODEL!r}"
        )
    return _cached(model, revision)


def _cached(model: str, revision: str) -> Weights:
    hub = require("huggingface_hub", extra="traser", feature="TRASER")
    try:
        folder = Path(
            hub.snapshot_download(
                model, revision=revision, allow_patterns=list(_FILES), local_files_only=True
            )
        )
    except (OSError, ValueError) as error:
        # huggingface_hub derives what it raises for a missing snapshot from both of these.
        raise SettingsError(_how_to_get(model, revision)) from error
    try:
        return Weights(folder, _shards(folder), commit=folder.name)
    except SettingsError as error:
        raise SettingsError(f"{error}. {_how_to_get(model, revision)}") from error


def _how_to_get(model: str, revision: str) -> str:
    size = f" ({_PUBLISHED_BYTES / 1e9:.1f} GB; {_LICENCE})" if model == MODEL else ""
    return (
        f"the weights {model!r} are not on this machine; download them once with: "
        f"{_download(model, revision)}{size}; or name a local folder: model=/path/to/TRASER"
    )


def _download(model: str, revision: str) -> str:
    return f"hf download {model}" + ("" if revision == REVISION else f" --revision {revision}")


def model_files(model: str = MODEL, revision: str = REVISION) -> ModelFiles:
    """Say whether a model's files are on this machine, how large, and under which licence."""
    try:
        weights = find_weights(model, revision)
    except (SettingsError, MissingDependencyError):
        return ModelFiles(
            model=model,
            here=False,
            bytes=_PUBLISHED_BYTES if model == MODEL else 0,
            licence=_LICENCE if model == MODEL else "licence not known",
            fix=_download(model, revision),
        )
    licence = _LICENCE if model == MODEL else "licence not known"
    return ModelFiles(model=model, here=True, bytes=weights.bytes, licence=licence)


def _shards(folder: Path) -> tuple[Path, ...]:
    """Return the safetensors files, all of which must be there."""
    if not (folder / "config.json").is_file():
        raise SettingsError(f"{str(folder)!r} has no config.json, so it holds no model")
    if (folder / _INDEX).is_file():
        names = sorted(set(_json_object(folder / _INDEX).get("weight_map", {}).values()))
    else:
        names = [_SINGLE]
    # A name from a file that was downloaded may not lead out of its folder.
    lacking = [n for n in names if Path(n).name != n or not (folder / n).is_file()]
    if lacking or not names:
        raise SettingsError(
            f"{str(folder)!r} lacks {', '.join(lacking) or _SINGLE}; "
            "only safetensors are read, never pickles (.bin, .pt)"
        )
    return tuple(folder / name for name in names)


def _json_object(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise SettingsError(f"{str(path)!r} cannot be read as JSON ({error})") from error
    if not isinstance(content, dict):
        raise SettingsError(f"{str(path)!r} must hold a JSON object, got {content!r:.60}")
    return content


def identity(model: str = MODEL, revision: str = REVISION) -> str:
    """Return what names these very weights in cache keys and provenance.

    It is the Hub's commit where there is one. A folder of one's own is known by the SHA-256
    of its configuration and of samples from all over its tensors, so that two fine-tunings
    differ although names and sizes do not.
    """
    try:
        weights = find_weights(model, revision)
    except (SettingsError, MissingDependencyError):
        return f"{model}@{revision}"
    if weights.commit:
        return f"{model}@{weights.commit}"
    return f"folder@{_digest(weights)[:20]}"


def _digest(weights: Weights) -> str:
    digest = hashlib.sha256((weights.folder / "config.json").read_bytes())
    for name in _SMALL:
        path = weights.folder / name
        if path.is_file():
            digest.update(f"{name}\n".encode() + path.read_bytes())
    for shard in weights.shards:
        size = shard.stat().st_size
        digest.update(f"{shard.name} {size}\n".encode())
        with shard.open("rb") as file:
            for sample in range(_SAMPLES):
                file.seek(max(0, size - _SAMPLE_BYTES) * sample // (_SAMPLES - 1))
                digest.update(file.read(_SAMPLE_BYTES))
    return digest.hexdigest()
