"""The examples in the docstrings of the evaluation's metrics, statistics and report are true."""

from __future__ import annotations

import doctest
import importlib

import pytest


@pytest.mark.parametrize(
    "name",
    [
        "metrics.label_judge",
        "metrics.scene_graph_recall",
        "metrics.wups",
        "power",
        "report.wording",
        "stats",
    ],
)
def test_docstring_examples(name: str) -> None:
    result = doctest.testmod(importlib.import_module(f"reelgraph.eval.{name}"))
    assert result.attempted > 0
    assert result.failed == 0
