"""The examples in the docstrings of the graph package are true."""

from __future__ import annotations

import doctest
import importlib

import pytest


@pytest.mark.parametrize(
    "name", ["intervals", "lexicon", "pattern_language", "schema", "text_words"]
)
def test_docstring_examples(name: str) -> None:
    result = doctest.testmod(importlib.import_module(f"reelgraph.graph.{name}"))
    assert result.attempted > 0
    assert result.failed == 0
