"""SAM 2.1 weights: which are published, whether they are on this machine, loading them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from reelgraph._atomic import replacing
from reelgraph._optional import is_installed, require
from reelgraph.errors import SettingsError
from reelgraph.tools.base import Availability
from reelgraph.tools.sam2.device import choose_device
from reelgraph.tools.sam2.engine_config import EngineConfig
from reelgraph.tools.sam2.model import build_model
from reelgraph.tools.sam2.proposals import ProposalConfig

if TYPE_CHECKING:
    import torch

    from reelgraph.tools.sam2.sam2_engine import Sam2Engine

__all__ = [
    "PUBLISHED",
    "Published",
    "Weights",
    "check_model",
    "find_weights",
    "load_engine",
    "model_identity",
    "random_engine",
    "write_random_model",
]

FEATURE: Final = "SAM 2 tracking"
_SHOWN_DIGITS: Final = 12
_SUFFIXES: Final = (".safetensors", ".pt")


@dataclass(frozen=True)
class Published:
    """A model that Meta published on the Hugging Face Hub.

    The file is pinned by its content, which no later commit can change.

    Attributes:
        size: Its name among `SIZES`.
        file: Name of the checkpoint.
        bytes: Size of the checkpoint.
        sha256: Digest of the checkpoint.
        licence: Licence of the weights, as their card and the sam2 repository say.
    """

    size: str
    file: str
    bytes: int
    sha256: str
    licence: str = "Apache-2.0"


PUBLISHED: Final[Mapping[str, Published]] = {
    "facebook/sam2.1-hiera-tiny": Published(
        "tiny",
        "sam2.1_hiera_tiny.pt",
        156_008_466,
        "7402e0d864fa82708a20fbd15bc84245c2f26dff0eb43a4b5b93452deb34be69",
    ),
    "facebook/sam2.1-hiera-small": Published(
        "small",
        "sam2.1_hiera_small.pt",
        184_416_285,
        "6d1aa6f30de5c92224f8172114de081d104bbd23dd9dc5c58996f0cad5dc4d38",
    ),
    "facebook/sam2.1-hiera-base-plus": Published(
        "base-plus",
        "sam2.1_hiera_base_plus.pt",
        323_606_802,
        "a2345aede8715ab1d5d31b4a509fb160c5a4af1970f199d9054ccfb746c004c5",
    ),
    "facebook/sam2.1-hiera-large": Published(
        "large",
        "sam2.1_hiera_large.pt",
        898_083_611,
        "2647878d5dfa5098f2f8649825738a9345572bae2d4350a2468587ece47dd318",
    ),
}
"""Models by id."""


@dataclass(frozen=True)
class Weights:
    """A checkpoint on this machine.

    Attributes:
        path: A ``.safetensors`` or ``.pt`` file.
        size: A name in `SIZES`, or a YAML file that describes the model.
        sha256: What its digest must be; empty if any will do.
    """

    path: Path
    size: str | Path
    sha256: str = ""


def find_weights(model: str) -> Weights:
    """Find a checkpoint on this machine, without ever using the network.

    Args:
        model: An id in `PUBLISHED` that was downloaded before, or a folder with one
            checkpoint. The folder's size is told by the checkpoint's or the folder's name
            (``tiny``, ``small``, ``base-plus``, ``large``), or by a YAML file in it.

    Raises:
        SettingsError: If there is none; the message says how to get it, how large it is and
            under which licence.
        MissingDependencyError: If huggingface_hub is not installed and an id is given.
    """
    if model in PUBLISHED:
        return _cached(model, PUBLISHED[model])
    folder = Path(model).expanduser()
    if not folder.is_dir():
        raise SettingsError(
            f"there is no SAM 2 model {model!r}; use one of {', '.join(PUBLISHED)}, or a local "
            "folder with a .safetensors or .pt checkpoint"
        )
    path = _checkpoint(folder)
    return Weights(path, _size(folder, path))


def model_identity(model: str) -> str:
    """Return model and revision as part of a cache key, without loading the model.

    A published model is known by its id and the digest of its checkpoint; a folder by the
    digests of what is in it, wherever it lies.

    Raises:
        SettingsError: If a folder holds no checkpoint.
    """
    if model in PUBLISHED:
        return f"{model}@{PUBLISHED[model].sha256[:_SHOWN_DIGITS]}"
    weights = find_weights(model)
    digest = _digest(weights.path)
    if isinstance(weights.size, Path):
        digest = hashlib.sha256((digest + _digest(weights.size)).encode()).hexdigest()
    return f"{weights.path.stem}@{digest[:_SHOWN_DIGITS]}"


def check_model(model: str, config: EngineConfig | None = None) -> Availability:
    """Say whether a model can run here; looks at packages, device and disk only."""
    for package in ("torch", "torchvision", "sam2", "safetensors", "huggingface_hub"):
        if not is_installed(package):
            return Availability(
                ok=False,
                reason=f"the package {package!r} is not installed",
                fix="pip install 'reelgraph[sam2]'",
            )
    try:
        # Weights first: a machine without them is not made to import PyTorch for nothing.
        find_weights(model)
        choose_device(config or EngineConfig())
    except SettingsError as error:
        reason, _, fix = str(error).partition("; ")
        return Availability(ok=False, reason=reason, fix=fix)
    return Availability()


def load_engine(
    model: str,
    config: EngineConfig | None = None,
    proposals: ProposalConfig | None = None,
) -> Sam2Engine:
    """Load a model from this machine.

    Args:
        model: An id in `PUBLISHED`, or a local folder.
        config: How it is run.
        proposals: Options of the automatic masks.

    Raises:
        SettingsError: If the weights are not there, are damaged, or do not fit.
        MissingDependencyError: If a package is not installed.
    """
    require("sam2", extra="sam2", feature=FEATURE)
    from reelgraph.tools.sam2.sam2_engine import Sam2Engine

    config = config or EngineConfig()
    weights = find_weights(model)
    if weights.sha256 and _digest(weights.path) != weights.sha256:
        raise SettingsError(
            f"{str(weights.path)!r} is not the checkpoint that {model!r} was published with; "
            f"delete it and download it again with: {_download(model)}"
        )
    built = build_model(weights.size, config, _state(weights.path))
    return Sam2Engine(built, model_identity(model), config, proposals)


def random_engine(
    size: str = "tiny",
    config: EngineConfig | None = None,
    proposals: ProposalConfig | None = None,
    *,
    seed: int = 0,
) -> Sam2Engine:
    """Build an engine with weights drawn at random, for tests and timing; it sees nothing.

    Args:
        size: A name in `SIZES`.
        config: How it is run.
        proposals: Options of the automatic masks.
        seed: Of the random weights.
    """
    require("sam2", extra="sam2", feature=FEATURE)
    from reelgraph.tools.sam2.sam2_engine import Sam2Engine

    config = config or EngineConfig()
    return Sam2Engine(_drawn(size, config, seed), f"random-{size}@{seed}", config, proposals)


def write_random_model(folder: str | Path, size: str = "tiny", *, seed: int = 0) -> Path:
    """Write a checkpoint with random weights, for trying out and timing; it sees nothing.

    Args:
        folder: Where to; it is made if it is not there.
        size: A name in `SIZES`.
        seed: Of the random weights.

    Returns:
        The checkpoint; give its folder to `load_engine`.
    """
    require("safetensors", extra="sam2", feature=FEATURE)
    from safetensors.torch import save_file

    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"random-{size}.safetensors"
    model = _drawn(size, EngineConfig(device="cpu"), seed)
    with replacing(path) as partial:
        save_file(dict(model.state_dict()), partial)
    return path


def _drawn(size: str, config: EngineConfig, seed: int) -> Any:
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return build_model(size, config)


def _cached(model: str, published: Published) -> Weights:
    hub = require("huggingface_hub", extra="sam2", feature=FEATURE)
    path = hub.try_to_load_from_cache(model, published.file)
    if not isinstance(path, str):
        raise SettingsError(
            f"the weights {model!r} are not on this machine; download them once with: "
            f"{_download(model)} ({published.bytes / 1e6:.0f} MB, {published.licence}), "
            "or name a local folder that holds them"
        )
    return Weights(Path(path), published.size, published.sha256)


def _download(model: str) -> str:
    return f"hf download {model} {PUBLISHED[model].file}"


def _checkpoint(folder: Path) -> Path:
    """Return the one checkpoint of a folder; one with a published name comes first."""
    found = sorted(p for p in folder.iterdir() if p.suffix in _SUFFIXES and p.is_file())
    known = {Path(published.file).stem for published in PUBLISHED.values()}
    chosen = [path for path in found if path.stem in known] or found
    if len(chosen) != 1:
        names = ", ".join(path.name for path in chosen) or "none"
        raise SettingsError(
            f"{str(folder)!r} must hold one checkpoint (.safetensors or .pt), found {names}; "
            "put each model into a folder of its own"
        )
    return chosen[0]


def _size(folder: Path, path: Path) -> str | Path:
    """Return which model a checkpoint is of."""
    descriptions = sorted(folder.glob("*.yaml"))
    if len(descriptions) == 1:
        return descriptions[0]
    for name in (path.stem, folder.name):
        for size in ("tiny", "small", "base-plus", "large"):
            if size in name.lower().replace("_", "-"):
                return size
    raise SettingsError(
        f"which SAM 2.1 model {str(path)!r} is cannot be told from its name; put tiny, small, "
        "base-plus or large into the name, or its YAML file beside it"
    )


def _state(path: Path) -> Mapping[str, torch.Tensor]:
    """Read a checkpoint's tensors; nothing in it is run.

    Raises:
        SettingsError: If the file is damaged, or holds more than tensors.
    """
    import pickle

    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (SafetensorError, pickle.UnpicklingError, RuntimeError, EOFError, OSError) as error:
        raise SettingsError(
            f"{str(path)!r} is damaged, or not a checkpoint of tensors only: "
            f"{str(error).splitlines()[0]}"
        ) from error
    state = content.get("model", content) if isinstance(content, dict) else content
    if not isinstance(state, Mapping) or not all(torch.is_tensor(v) for v in state.values()):
        raise SettingsError(f"{str(path)!r} holds no 'model' with tensors, so it is not SAM 2")
    return state


def _digest(path: Path) -> str:
    """Return the SHA-256 of a file, read once as long as it does not change."""
    stat = path.stat()
    return _digest_of(path, (stat.st_size, stat.st_mtime_ns))


@lru_cache(maxsize=16)
def _digest_of(path: Path, _state: tuple[int, int]) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
