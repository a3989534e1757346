"""docs/evaluation.md: its commands exist, its questions are read, its tables are complete."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from reelgraph.cli import app
from reelgraph.eval.arms import parse_arm
from reelgraph.eval.benchmarks import BENCHMARKS, load_benchmark

GUIDE = Path(__file__).parents[2] / "docs" / "evaluation.md"
TEXT = GUIDE.read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", TEXT, re.DOTALL)
COMMANDS = [
    line.partition("reelgraph ")[2]
    for kind, block in BLOCKS
    for line in block.splitlines()
    if kind == "bash"
]


@pytest.mark.parametrize("command", COMMANDS, ids=range(len(COMMANDS)))
def test_commands_are_understood(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    found = CliRunner().invoke(app, shlex.split(command))
    # Only the data is not here.
    assert found.exit_code == 2
    assert re.search(r"there is nothing at|holds no run", " ".join(found.stderr.split()))


def test_the_questions_shown_are_read(tmp_path: Path) -> None:
    (example,) = (block for kind, block in BLOCKS if kind == "json")
    (tmp_path / "questions.jsonl").write_text(example, encoding="utf-8")
    first, second = load_benchmark("jsonl", tmp_path).questions
    assert (first.id, first.answer, first.during) == ("q1", 0, (0.0, 10.0))
    assert (second.answer, second.also_right) == ("ball", ("the red ball",))


def test_every_benchmark_is_in_the_table() -> None:
    rows = re.findall(r"^\| `(\w+)` \|", TEXT, re.MULTILINE)
    assert set(BENCHMARKS.names()) <= set(rows)


def test_arms_of_the_table_are_arms() -> None:
    section = TEXT.partition("## Arms")[2].partition("##")[0]
    rows = re.findall(r"^\| (`.*?) \|", section, re.MULTILINE)
    names = [name for row in rows for name in re.findall(r"`(.+?)`", row)]
    assert len(names) >= 10
    for name in names:
        parse_arm(name)
