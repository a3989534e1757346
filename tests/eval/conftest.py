"""Fixtures: made benchmarks are importable here, and waits are short."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from made_benchmarks import three_videos


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Six questions on three videos."""
    return three_videos(tmp_path / "data")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait a moment before a request is sent again, and never for the disk."""
    monkeypatch.setattr("reelgraph.eval.log.os.fsync", lambda _: None)
    monkeypatch.setattr("reelgraph.eval.runner.WAIT_S", 0.001)
    monkeypatch.setattr("reelgraph.agent.resilience.FIRST_DELAY_S", 0.001)
