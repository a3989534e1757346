"""Fixtures: an agent that answers from a made graph, and the annotation of the bottle clip."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from made_graphs import MadePipeline, hand_over

from reelgraph.graph.temporal import TemporalGraph


@pytest.fixture(autouse=True)
def quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait a moment instead of half a second before a call is repeated."""
    monkeypatch.setattr("reelgraph.agent.resilience.FIRST_DELAY_S", 0.01)


@pytest.fixture
def hand_over_graph() -> TemporalGraph:
    return hand_over()


@pytest.fixture
def agent_for() -> Callable[..., Any]:
    """Return a factory: a graph (and a model) to an agent that answers from it."""
    from reelgraph.agent import VideoAgent

    def make(graph: TemporalGraph, model: Any = "embedded", **limits: Any) -> VideoAgent:
        return VideoAgent(model, pipeline=MadePipeline(graph), **limits)  # type: ignore[arg-type]

    return make


@pytest.fixture(scope="session")
def bottles(data_dir: Path) -> dict[str, Any]:
    """The hand-made annotation of the bottle clip."""
    path = data_dir / "videos" / "bottle-detection.events.json"
    if not path.is_file():
        pytest.skip(f"{path} is absent")
    found: dict[str, Any] = json.loads(path.read_text())
    return found
