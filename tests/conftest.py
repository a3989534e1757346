"""Shared fixtures: where the real data is, and a cache folder that no test shares."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """Folder of real test data; a test that needs it skips where it is absent."""
    folder = Path(os.environ.get("REELGRAPH_TEST_DATA", REPOSITORY.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"real test data not found at {folder}; set REELGRAPH_TEST_DATA to its folder")
    return folder


@pytest.fixture(scope="session")
def repository() -> Path:
    """Root of the checkout."""
    return REPOSITORY


@pytest.fixture(autouse=True)
def private_cache(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """Give each test its own cache folder and no provider keys from the environment."""
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder))
    for name in [key for key in os.environ if key.startswith("REELGRAPH_")]:
        if name != "REELGRAPH_TEST_DATA":
            monkeypatch.delenv(name)
    for key in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY"):
        monkeypatch.delenv(key, raising=False)
    return folder


@pytest.fixture(scope="session")
def demo_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The rendered demo clip, made once a session."""
    from reelgraph.demo.scene import render

    path = tmp_path_factory.mktemp("demo") / "clip.mp4"
    render(path)
    return path
