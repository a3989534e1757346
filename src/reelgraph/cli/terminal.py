"""The terminal: results on standard output, all else on standard error."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TaskID,
    TaskProgressColumn,
    TextColumn,
)
from rich.table import Table
from rich.text import Text

from reelgraph.progress import NullProgress, Stage
from reelgraph.progress import Progress as ProgressProtocol

__all__ = ["TerminalProgress", "errors_console", "progress_for", "results_console", "show_table"]

UNBROKEN = 10_000
"""Width of results in a pipe, in columns: one line of text stays one line."""


def results_console() -> Console:
    """Return the console for results: as wide as the terminal, unlimited in a pipe."""
    width = None if sys.stdout.isatty() else UNBROKEN
    return Console(width=width, markup=False, highlight=False, emoji=False)


def show_table(table: Table) -> None:
    """Print a table; in a pipe its lines end where their text ends."""
    console = results_console()
    if console.is_terminal:
        console.print(table)
        return
    with console.capture() as captured:
        console.print(table)
    for line in captured.get().splitlines():
        typer.echo(line.rstrip())


def errors_console() -> Console:
    """Return the one console for progress, warnings and errors.

    It must be the same for all of them: a line is printed above the bars, not into them.
    """
    return _errors_console(sys.stderr)


@lru_cache(maxsize=1)
def _errors_console(file: object) -> Console:  # noqa: ARG001
    return Console(stderr=True, markup=False, highlight=False, emoji=False)


def progress_for(*, quiet: bool) -> ProgressProtocol:
    """Return bars with the time left, or nothing where nobody watches."""
    console = errors_console()
    return TerminalProgress(console) if console.is_terminal and not quiet else NullProgress()


class TerminalProgress:
    """Progress as bars on a terminal, one per stage, gone when the work is done."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bars: Progress | None = None

    @contextmanager
    def stage(self, name: str, total: float | None = None) -> Iterator[Stage]:
        """Show a bar for one stage; stages inside it are shown below."""
        outermost = self._bars is None
        bars = self._bars = self._bars or self._new_bars()
        task = bars.add_task(name, total=total, note="")
        try:
            yield _Bar(bars, task)
        finally:
            if outermost:
                bars.stop()
                self._bars = None
            else:
                bars.remove_task(task)

    def _new_bars(self) -> Progress:
        bars = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            _TimeLeftColumn(),
            TextColumn("{task.fields[note]}"),
            console=self._console,
            transient=True,
        )
        bars.start()
        return bars


class _TimeLeftColumn(ProgressColumn):
    """How long a stage will still take, once that can be told."""

    def render(self, task: Task) -> Text:
        """Return e.g. ``"1:05 left"``."""
        if task.time_remaining is None:
            return Text()
        minutes, seconds = divmod(round(task.time_remaining), 60)
        return Text(f"{minutes}:{seconds:02d} left", style="cyan")


class _Bar:
    """One stage as a bar."""

    def __init__(self, bars: Progress, task: TaskID) -> None:
        self._bars = bars
        self._task = task

    def advance(self, steps: float = 1.0) -> None:
        """Move the bar on."""
        self._bars.advance(self._task, steps)

    def note(self, text: str) -> None:
        """Show a remark beside the bar."""
        self._bars.update(self._task, note=text)
