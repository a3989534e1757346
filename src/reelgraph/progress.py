"""The one seam through which long work reports how far it is.

The library is silent by default (`NullProgress`); the command line passes a
`rich` implementation of the same Protocol.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol, runtime_checkable

__all__ = ["NullProgress", "Progress", "Stage"]


class Stage(Protocol):
    """One piece of long work that is under way."""

    def advance(self, steps: float = 1.0) -> None:
        """Report that ``steps`` more units of work are done."""

    def note(self, text: str) -> None:
        """Show a short remark beside the stage, such as ``"3 objects"``."""


@runtime_checkable
class Progress(Protocol):
    """Receives stages; implementations draw bars, log lines, or nothing."""

    @contextmanager
    def stage(self, name: str, total: float | None = None) -> Iterator[Stage]:
        """Open a stage called ``name`` with ``total`` units of work (None: unknown)."""
        ...


class _NullStage:
    def advance(self, steps: float = 1.0) -> None:
        """Do nothing."""

    def note(self, text: str) -> None:
        """Do nothing."""


class NullProgress:
    """Progress that shows nothing: the library's default."""

    @contextmanager
    def stage(self, name: str, total: float | None = None) -> Iterator[Stage]:  # noqa: ARG002
        """Open a stage that shows nothing."""
        yield _NullStage()
