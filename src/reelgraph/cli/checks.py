"""What `reelgraph doctor` looks at: one function a subject, each saying what to do."""

from __future__ import annotations

import contextlib
import importlib.metadata
import os
import platform
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from pydantic import BaseModel

from reelgraph._optional import is_installed, require
from reelgraph._registry import Registry
from reelgraph.cli.rendering import human_size
from reelgraph.errors import SettingsError
from reelgraph.settings import find_file, load_settings

if TYPE_CHECKING:
    from reelgraph.tools.base import GraphGenerator, Tracker

__all__ = ["Check", "run_checks"]

KEYS: Final = {"OPENAI_API_KEY": "openai:...", "ANTHROPIC_API_KEY": "anthropic:..."}
EXTRAS: Final = {
    "sam2": ("torch", "torchvision", "sam2", "huggingface_hub", "safetensors"),
    "traser": ("torch", "torchvision", "transformers", "accelerate", "huggingface_hub"),
}
OLDEST_PYTHON: Final = (3, 11)
LITTLE_SPACE: Final = 500_000_000


class Check(BaseModel):
    """One finding.

    Attributes:
        subject: What was looked at.
        state: ``"ok"``, ``"missing"`` for what is optional, ``"broken"`` for the core.
        detail: What was found.
        fix: What to do about it; empty where nothing is to be done.
    """

    subject: str
    state: Literal["ok", "missing", "broken"]
    detail: str
    fix: str = ""


def run_checks() -> Iterator[Check]:
    """Look at everything, the core first."""
    yield _python()
    yield from _packages()
    yield from _codecs()
    yield from _settings_and_cache()
    yield from _tools()
    yield from _models()
    yield _gpu()
    yield from _extras()
    yield from _keys()


def _python() -> Check:
    detail = f"{platform.python_version()} on {platform.platform(terse=True)}"
    if sys.version_info < OLDEST_PYTHON:
        return Check(subject="Python", state="broken", detail=detail, fix="Install Python 3.11+")
    return Check(subject="Python", state="ok", detail=detail)


def _packages() -> Iterator[Check]:
    """Check the packages that reelgraph itself says it needs."""
    wanted = importlib.metadata.requires("reelgraph") or []
    names = [_name(line) for line in wanted if "extra ==" not in line]
    found = {name: _version(name) for name in ["reelgraph", *names]}
    there = ", ".join(f"{name} {version}" for name, version in found.items() if version)
    yield Check(subject="Packages", state="ok", detail=there)
    for name in [name for name, version in found.items() if version is None]:
        yield Check(
            subject="Packages",
            state="broken",
            detail=f"{name} is missing",
            fix=f"pip install {name}",
        )


def _name(requirement: str) -> str:
    return re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0]


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _codecs() -> Iterator[Check]:
    """Check that video can be read, and previews written."""
    fix = "pip install --force-reinstall --only-binary :all: av"
    try:
        import av
    except ImportError as error:
        yield Check(subject="Video", state="broken", detail=str(error), fix=fix)
        return
    readable = [n for n in ("h264", "hevc", "vp9", "av1", "mpeg4") if n in av.codecs_available]
    detail = f"FFmpeg through PyAV {av.__version__} reads {', '.join(readable)}"
    state: Literal["ok", "broken"] = "ok" if "h264" in readable else "broken"
    yield Check(subject="Video", state=state, detail=detail, fix="" if state == "ok" else fix)
    if not {"libx264", "libopenh264"} & set(av.codecs_available):
        detail = "no H.264 encoder: previews cannot be written"
        yield Check(subject="Video", state="missing", detail=detail, fix=fix)


def _settings_and_cache() -> Iterator[Check]:
    try:
        settings = load_settings()
    except SettingsError as error:
        yield Check(subject="Settings", state="broken", detail=str(error), fix="Correct it")
        return
    yield Check(subject="Settings", state="ok", detail=str(find_file() or "no file, defaults"))
    from reelgraph.graph.store import default_cache_root

    yield _folder(settings.cache or default_cache_root())


def _folder(cache: Path) -> Check:
    """Check that the cache folder, or the nearest one above it, takes files."""
    there = next(path for path in (cache, *cache.parents) if path.exists())
    fix = "Choose another: --cache FOLDER, REELGRAPH_CACHE, or cache in reelgraph.toml"
    try:
        with tempfile.TemporaryFile(dir=there):
            free = shutil.disk_usage(there).free
    except OSError as error:
        detail = f"{cache}: cannot be written to ({error.strerror})"
        return Check(subject="Cache", state="broken", detail=detail, fix=fix)
    detail = f"{cache}: {human_size(free)} free"
    if free < LITTLE_SPACE:
        fix = "Make room: reelgraph cache gc, or choose another folder"
        return Check(subject="Cache", state="missing", detail=detail, fix=fix)
    return Check(subject="Cache", state="ok", detail=detail)


def _tools() -> Iterator[Check]:
    """Ask every registered tracker and generator whether it can run here."""
    from reelgraph.tools.base import GENERATORS, TRACKERS

    for name in TRACKERS.names():
        if name != "masks":  # it lacks nothing but the file, which is named when it is used
            yield _tool("Tracker", name, TRACKERS)
    for name in GENERATORS.names():
        yield _tool("Generator", name, GENERATORS)


def _tool(subject: str, name: str, registry: Registry[Tracker] | Registry[GraphGenerator]) -> Check:
    try:
        answer = registry.get(name)().available()
    except (ImportError, AttributeError) as error:
        detail = f"{name}: registered, but it cannot be loaded ({error})"
        fix = "Reinstall the package that brings it"
        return Check(subject=subject, state="broken", detail=detail, fix=fix)
    state: Literal["ok", "missing"] = "ok" if answer.ok else "missing"
    said = answer.slow if answer.ok else answer.reason
    detail = f"{name}: {said}" if said else name
    return Check(subject=subject, state=state, detail=detail, fix=answer.fix)


def _models() -> Iterator[Check]:
    """Look for the weights of the tools that run a model: its default, and others that are here."""
    from reelgraph.tools.base import GENERATORS, TRACKERS

    for name, registry in [(n, r) for r in (TRACKERS, GENERATORS) for n in r.names()]:
        with contextlib.suppress(ImportError, AttributeError):  # said of the tool already
            yield from _weights(name, registry)


def _weights(name: str, registry: Registry[Tracker] | Registry[GraphGenerator]) -> Iterator[Check]:
    from reelgraph.tools.model_files import HasModels

    tool = registry.get(name)()
    if not isinstance(tool, HasModels):
        return
    for row, model in enumerate(tool.models()):
        size = f"{human_size(model.bytes)}, {model.licence}"
        if model.here:
            detail = f"{model.model} for {name}: on this machine ({size})"
            yield Check(subject="Weights", state="ok", detail=detail)
        elif row == 0:
            detail = f"{model.model} for {name}: not on this machine ({size})"
            yield Check(subject="Weights", state="missing", detail=detail, fix=model.fix)


def _gpu() -> Check:
    """Look for an accelerator, which only the models need."""
    if not is_installed("torch"):
        detail = "torch is not installed, so none is used; the embedded tools need none"
        return Check(subject="GPU", state="missing", detail=detail)
    torch = require("torch", extra="models", feature="The check of the GPU")
    if torch.cuda.is_available():
        return Check(subject="GPU", state="ok", detail=torch.cuda.get_device_name(0))
    detail = f"torch {torch.__version__} sees no CUDA device; the embedded tools need none"
    return Check(subject="GPU", state="missing", detail=detail)


def _extras() -> Iterator[Check]:
    """Check the extras, and whether a tool would use them."""
    from reelgraph.tools.base import GENERATORS, TRACKERS

    tools = {*TRACKERS.names(), *GENERATORS.names()}
    for extra, packages in EXTRAS.items():
        lacking = [name for name in packages if not is_installed(name)]
        detail = f"{extra}: {', '.join(lacking)} not installed" if lacking else extra
        used = extra in tools
        yield Check(
            subject="Extra",
            state="missing" if lacking else "ok",
            detail=detail if used else f"{detail}; no tool of this version uses it",
            fix=f"pip install 'reelgraph[{extra}]'" if lacking and used else "",
        )


def _keys() -> Iterator[Check]:
    """Say which providers' keys are set, never what they are."""
    yield Check(subject="Model", state="ok", detail="embedded (needs no key)")
    for variable, models in KEYS.items():
        there = bool(os.environ.get(variable))
        yield Check(
            subject="Model",
            state="ok" if there else "missing",
            detail=f"{models} {variable} is {'set' if there else 'not set'}",
            fix="" if there else f"export {variable}=...  (only for --model {models})",
        )
