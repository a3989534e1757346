"""Long work told as events: a `Progress` for the tools that build a graph."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from reelgraph.agent.events import ProgressMade
from reelgraph.agent.flow import Emit
from reelgraph.progress import Progress, Stage

__all__ = ["EventProgress"]

_STEP = 0.05
"""An event is sent for every twentieth of a stage that is done."""


class EventProgress:
    """Sends events about stages, and passes the stages on.

    Work that reports its progress here ends soon after the caller left: the next report
    raises `Stopped`.

    Args:
        emit: Takes the events.
        other: What else shows the progress.
    """

    def __init__(self, emit: Emit, other: Progress) -> None:
        self._emit = emit
        self._other = other

    @contextmanager
    def stage(self, name: str, total: float | None = None) -> Iterator[Stage]:
        """Open a stage that sends events."""
        with self._other.stage(name, total) as shown:
            self._emit(ProgressMade(name, None if total is None else 0.0))
            yield _EventStage(self._emit, shown, name, total)


class _EventStage:
    def __init__(self, emit: Emit, shown: Stage, name: str, total: float | None) -> None:
        self._emit = emit
        self._shown = shown
        self._name = name
        self._total = total
        self._done = 0.0
        self._told = 0.0
        self._note = ""

    def advance(self, steps: float = 1.0) -> None:
        self._shown.advance(steps)
        self._done += steps
        share = self._share()
        if share is None or share - self._told >= _STEP or share >= 1.0 > self._told:
            self._told = share or 0.0
            self._emit(ProgressMade(self._name, share, self._note))

    def note(self, text: str) -> None:
        self._shown.note(text)
        self._note = text
        self._emit(ProgressMade(self._name, self._share(), text))

    def _share(self) -> float | None:
        return min(1.0, self._done / self._total) if self._total else None
