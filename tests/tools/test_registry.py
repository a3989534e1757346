"""Tools are found by name: our own, registered ones, and those of other packages."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import EntryPoint

import pytest

from reelgraph._registry import Registry
from reelgraph.errors import QueryError
from reelgraph.tools.base import GENERATORS, TRACKERS


@pytest.fixture
def registry() -> Registry:
    return Registry("shape", "reelgraph.no_such_group", {"ordered": "collections:OrderedDict"})


def test_our_own_are_loaded_when_asked_for(registry):
    from collections import OrderedDict

    assert registry.names() == ["ordered"]
    assert registry.get("ordered") is OrderedDict


def test_a_registered_class_wins_over_a_built_in_one(registry):
    registry.register("ordered")(dict)
    registry.register("another")(list)
    assert registry.names() == ["another", "ordered"]
    assert registry.get("ordered") is dict


def test_tools_of_other_packages_are_entry_points(registry, monkeypatch):
    point = EntryPoint("counted", "collections:Counter", "reelgraph.no_such_group")

    def published(*, group, name=None):
        return [point] if group == point.group and name in (None, point.name) else []

    monkeypatch.setattr("reelgraph._registry.entry_points", published)
    assert registry.names() == ["counted", "ordered"]
    assert registry.get("counted").__name__ == "Counter"


def test_an_unknown_name_gets_the_nearest_and_all(registry):
    with pytest.raises(QueryError, match=r"No shape is called 'orderd'\. Did you mean 'ordered'"):
        registry.get("orderd")


def test_listing_tools_loads_none_of_them():
    code = (
        "import sys; from reelgraph.tools.base import GENERATORS, TRACKERS; "
        "TRACKERS.names(); GENERATORS.names(); "
        "loaded = {'cv2', 'torch', 'reelgraph.tools.appearance'} & set(sys.modules); "
        "sys.exit(str(loaded) if loaded else 0)"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], check=False, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr


def test_our_own_tools_are_there():
    assert {"motion"} <= set(TRACKERS.names())
    assert {"appearance", "geometry"} <= set(GENERATORS.names())
