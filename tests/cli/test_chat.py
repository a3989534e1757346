"""A conversation on the command line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]


def test_questions_are_answered_line_by_line(run: Run, video: Path) -> None:
    result = run("chat", video, input="Who hands the ball?\nWho gets it?\n")
    assert result.exit_code == 0, result.output
    assert "hands" in result.stdout.splitlines()[0]
    assert result.stdout.count("embedded:") == 2


@pytest.mark.parametrize("end", ["", "\n", "exit\n", "QUIT\n"])
def test_it_ends_when_asked_to(run: Run, video: Path, end: str) -> None:
    result = run("chat", video, input=f"Who hands the ball?\n{end}")
    assert result.exit_code == 0
    assert result.stdout.count("embedded:") == 1


def test_a_question_that_cannot_be_asked_does_not_end_it(run: Run, video: Path) -> None:
    result = run("chat", video, input=f"{'why ' * 2000}\nWho hands the ball?\n")
    assert result.exit_code == 0
    assert "more than 4000" in result.stderr
    assert "hands" in result.stdout
