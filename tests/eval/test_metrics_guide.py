"""The guide to the metrics: its code runs and prints what it should, its modules exist."""

from __future__ import annotations

import contextlib
import importlib
import io
import re
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="module")
def guide(repository: Path) -> str:
    return (repository / "docs" / "metrics.md").read_text(encoding="utf-8")


def test_the_examples_run_in_order(guide: str) -> None:
    printed, names = io.StringIO(), {}  # type: ignore[var-annotated]
    blocks = re.findall(r"```python\n(.*?)```", guide, re.S)
    with contextlib.redirect_stdout(printed):
        for block in blocks:
            names = _run(block, names)
    lines = [line for line in printed.getvalue().splitlines() if not line.startswith("|---")]
    assert len(blocks) == 6
    assert "| object | lenient |  | 100.0 | 100.0 | 100.0 | 100.0 | 2 | 2 |" in lines
    assert "| relation | strict | 0.5 | 0.0 | 0.0 | 0.0 | 0.0 | 1 | 1 |" in lines
    tail = [[float(word) for word in line.split()] for line in lines[-7:]]
    assert tail == [
        [0.875, 0.62, 0.748], [0.895, 1, 1], [1, 1, 1], [1, 0.5, 0.5], [0.857],
        [0.375, 0.25, 0.25], [0.048],
    ]  # fmt: skip


def _run(block: str, names: dict[str, Any]) -> dict[str, Any]:
    exec(compile(block, "docs/metrics.md", "exec"), names)
    return names


def test_every_module_of_the_table_exists(guide: str) -> None:
    modules = re.findall(r"^\| `(\w+)` \| .* \| .* \|$", guide, re.M)
    assert len(modules) == 7
    for name in modules:
        assert importlib.import_module(f"reelgraph.eval.metrics.{name}").__doc__
