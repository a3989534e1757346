"""Arms are written in a small language, and what is no arm is refused."""

from __future__ import annotations

from typing import Any

import pytest

from reelgraph.errors import EvalError
from reelgraph.eval.arms import parse_arm, parse_arms


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("none", {}),
        ("frames", {"frames": True}),
        ("graph", {"graph": "graph", "told": "tools", "by_tools": True}),
        ("graph-text", {"graph": "graph", "told": "text", "by_tools": False}),
        ("truth", {"graph": "truth", "told": "tools"}),
        ("frames+graph", {"frames": True, "graph": "graph", "told": "text"}),
        ("graph+captions", {"captions": True, "graph": "graph", "told": "text"}),
        ("graph~drop:0.5", {"corruption": "drop", "rate": 0.5, "told": "tools"}),
        ("captions+truth~swap:1", {"captions": True, "corruption": "swap", "rate": 1.0}),
        ("graph~other:1", {"corruption": "other", "rate": 1.0}),
        (" none ", {"name": "none"}),
    ],
)
def test_an_arm_is_what_it_is_called(name: str, fields: dict[str, Any]) -> None:
    arm = parse_arm(name)
    expected = {"name": name.strip(), "frames": False, "captions": False, "corruption": ""} | fields
    assert {field: getattr(arm, field) for field in expected} == expected


@pytest.mark.parametrize(
    "name",
    ["", "foo", "none+graph", "graph+none", "frames+frames", "graph+truth", "graph~drop",
     "graph~drop:0", "graph~drop:1.5", "graph~drop:1.1.1", "graph~melt:0.5", "frames-text",
     "captions~drop:0.5", "graph+", "+"],
)  # fmt: skip
def test_what_is_no_arm_is_refused_with_the_arms_there_are(name: str) -> None:
    with pytest.raises(EvalError, match=r"drop, relabel, swap, shift"):
        parse_arm(name)


def test_arms_of_a_run_are_different(tmp_path: Any) -> None:
    assert [arm.name for arm in parse_arms(["none", "graph"])] == ["none", "graph"]
    with pytest.raises(EvalError, match="twice"):
        parse_arms(["none", "none"])
    with pytest.raises(EvalError, match="at least one"):
        parse_arms([])


def test_published_answers_are_named_after_their_file() -> None:
    arm = parse_arm("answers:results/hga.json")
    assert arm.name == "hga"
    assert str(arm.answers).endswith("hga.json")
