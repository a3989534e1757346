"""Data-set names: words joined by underscores become words with spaces, and back."""

from __future__ import annotations

__all__ = ["joined", "spaced"]


def spaced(name: str) -> str:
    """Return a name as people write it: ``hold_hand_of`` becomes ``hold hand of``.

    A name of underscores alone stays as it is, for a name is never empty.
    """
    return name.replace("_", " ").strip() or name


def joined(name: str) -> str:
    """Return a name as data sets write it: ``hold hand of`` becomes ``hold_hand_of``."""
    return name.replace(" ", "_")
