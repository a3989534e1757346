"""What goes wrong, said in one line: errors, warnings, and Ctrl-C."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

import typer
from rich.text import Text
from typer.core import TyperGroup

from reelgraph.cli.terminal import errors_console
from reelgraph.errors import ReelgraphError, VideoWarning

if TYPE_CHECKING:
    from reelgraph.graph.temporal import TemporalGraph

__all__ = ["EXIT_INTERRUPTED", "EXIT_USER", "FriendlyGroup", "warn", "warn_of"]

_logger = logging.getLogger("reelgraph")

EXIT_USER = 2
EXIT_INTERRUPTED = 130


class FriendlyGroup(TyperGroup):
    """A command group whose user errors are one line; bugs keep their traceback."""

    def invoke(self, ctx: typer.Context) -> object:  # type: ignore[override]
        """Run the command that was asked for."""
        try:
            with _one_line_warnings():
                return super().invoke(ctx)
        except BrokenPipeError:
            raise
        except (ReelgraphError, OSError) as error:
            _say("Error", _sentence(error), "bold red")
            raise typer.Exit(EXIT_USER) from error
        except KeyboardInterrupt as stop:
            _say("Stopped", "nothing half done counts; run the same command to go on", "bold")
            raise typer.Exit(EXIT_INTERRUPTED) from stop


def warn_of(graph: TemporalGraph) -> None:
    """Say what was wrong when the graph was made, also where it comes from the cache."""
    for record in graph.document.provenance:
        for warning in record.warnings:
            warn(warning)


def warn(sentence: str) -> None:
    """Say a warning, unless this command said it before."""
    _logger.warning("%s", sentence)


@contextmanager
def _one_line_warnings() -> Iterator[None]:
    """Show what the library logs or warns about a video as one line each, once."""
    lines = _Lines(logging.WARNING)
    others = warnings.showwarning

    def show(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        if issubclass(category, VideoWarning):
            lines.say(str(message))
        else:
            others(message, category, filename, lineno, file, line)

    _logger.addHandler(lines)
    # Model packages give the root logger a handler, which would say everything twice.
    propagates, _logger.propagate = _logger.propagate, False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("always", VideoWarning)
            warnings.showwarning = show
            yield
    finally:
        _logger.propagate = propagates
        _logger.removeHandler(lines)


class _Lines(logging.Handler):
    """Says each warning once."""

    def __init__(self, level: int) -> None:
        super().__init__(level)
        self._said: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        """Say what was logged."""
        self.say(record.getMessage())

    def say(self, sentence: str) -> None:
        """Say a warning, unless it was said before."""
        if sentence not in self._said:
            self._said.add(sentence)
            _say("Warning", sentence, "yellow")


def _say(kind: str, sentence: str, style: str) -> None:
    line = Text.assemble((f"{kind}: ", style), " ".join(sentence.split()))
    errors_console().print(line, soft_wrap=True)


def _sentence(error: Exception) -> str:
    """Return an error in words; the system's own errors name their file."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}: {str(error.filename)!r}" if error.filename else error.strerror
    return str(error) or type(error).__name__
