"""Bars on a terminal: what they say, and that nothing stays behind."""

from __future__ import annotations

import io
import time

import pytest
from rich.console import Console
from rich.progress import Task

from reelgraph.cli.terminal import TerminalProgress, _TimeLeftColumn, progress_for
from reelgraph.progress import NullProgress, Progress


@pytest.fixture
def console() -> Console:
    return Console(file=io.StringIO(), force_terminal=True, width=100)


def shown(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_bars_are_a_progress(console: Console) -> None:
    assert isinstance(TerminalProgress(console), Progress)


def test_stages_inside_stages_are_shown_with_their_notes(console: Console) -> None:
    progress = TerminalProgress(console)
    with progress.stage("Answering"), progress.stage("Finding objects", total=4) as stage:
        stage.advance(2)
        stage.note("3 objects")
        time.sleep(0.3)  # bars are drawn ten times a second
    assert "Answering" in shown(console)
    assert "Finding objects" in shown(console)
    assert "50%" in shown(console)
    assert "3 objects" in shown(console)


def test_a_failure_inside_ends_the_bars_and_the_next_stage_starts_afresh(console: Console) -> None:
    progress = TerminalProgress(console)
    with pytest.raises(ValueError, match="inside"), progress.stage("One"), progress.stage("Two"):
        raise ValueError("inside")
    with progress.stage("Three"):
        pass
    assert "Two" not in shown(console).partition("Three")[2]


@pytest.mark.parametrize(
    ("remaining", "text"), [(None, ""), (0.4, "0:00 left"), (65, "1:05 left"), (3725, "62:05 left")]
)
def test_the_time_left_is_said_once_it_is_known(
    remaining: float | None, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Task, "time_remaining", remaining)
    task = Task.__new__(Task)
    assert _TimeLeftColumn().render(task).plain == text


def test_nobody_watching_means_no_bars() -> None:
    assert isinstance(progress_for(quiet=False), NullProgress)
