"""The one gate for heavy packages: `require("sam2", ...)` imports or explains."""

from __future__ import annotations

import importlib
import importlib.util
from types import ModuleType

from reelgraph.errors import MissingDependencyError

__all__ = ["is_installed", "require"]


def is_installed(package: str) -> bool:
    """Return whether ``package`` could be imported, without importing it."""
    return importlib.util.find_spec(package) is not None


def require(package: str, *, extra: str, feature: str) -> ModuleType:
    """Import ``package`` or say which extra brings it.

    Args:
        package: Import name, e.g. ``"sam2"``.
        extra: The reelgraph extra that installs it.
        feature: What the user asked for, as a noun phrase.

    Returns:
        The imported module.

    Raises:
        MissingDependencyError: If the package is not installed.
    """
    if not is_installed(package):
        raise MissingDependencyError(feature=feature, package=package, extra=extra)
    return importlib.import_module(package)
